// What the service manager is told, where there is one (sd_notify(3)).
//
// Thread: any.
#pragma once

#include <string>

namespace spotfs::mount {

// "READY=1", "STATUS=…", "STOPPING=1".
void tell_service_manager(const std::string& state);

}  // namespace spotfs::mount
