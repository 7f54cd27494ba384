// mount.spotfs SPEC DIR [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTION,…]: what mount(8) starts.
//
// Thread: the main thread, before there is any other. Source: mount(8), "External helpers".
#pragma once

#include "mount/command_line.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

Outcome run_mount_helper(const CommandLine& line);

// Goes over to the mount namespace that this file stands for. The process must have one thread.
spot::Answer<void> enter_namespace(const std::string& file);

}  // namespace spotfs::mount
