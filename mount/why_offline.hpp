// Why none of a client's connections is online, for the line of a mount or a command that needs one.
//
// Thread: pure function. What it gives is printable.
#pragma once

#include <string>
#include <vector>

#include "client/client.hpp"

namespace spotfs::mount {

// HOST: WHY, for each; empty where there are no connections.
std::string why_offline(const std::vector<spot::ConnectionStatus>& connections);

}  // namespace spotfs::mount
