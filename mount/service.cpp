#include "mount/service.hpp"

#if SPOTFS_HAS_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace spotfs::mount {

#if SPOTFS_HAS_SYSTEMD
void tell_service_manager(const std::string& state) { ::sd_notify(0, state.c_str()); }
#else
void tell_service_manager(const std::string&) {}
#endif

}  // namespace spotfs::mount
