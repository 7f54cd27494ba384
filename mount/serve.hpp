// One mount, from the command line to its end.
//
// Thread: the main thread, before there is any other. Signals: SIGTERM, SIGINT and SIGHUP unmount and drain; one more
// cuts the drain short.
#pragma once

#include "mount/options.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

// In the foreground or the background, as the options say. In the background this returns once the mount works, or as
// soon as it is sure that it does not.
Outcome serve(const Options& options);

}  // namespace spotfs::mount
