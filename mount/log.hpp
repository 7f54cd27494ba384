// Where a mount's log goes: standard error in the foreground, else the journal or syslog as spotfs[pid]; each line with
// the mount's directory.
//
// Thread: start_log() before there is any other thread, and after the fork; the Log from any.
#pragma once

#include "client/client.hpp"

namespace spotfs::mount {

enum class LogTo { standard_error, system };

// From here on, of that log. Any thread.
void set_log_level(spot::LogLevel least);

spot::Log start_log(LogTo where, spot::LogLevel least, const std::string& directory);

}  // namespace spotfs::mount
