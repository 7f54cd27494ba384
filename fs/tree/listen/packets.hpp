// `to`: packets from an endpoint. Any address of an identity can be walked into, and nothing is listed.
//
// Thread, lifetime: node.hpp. Errors: ENOENT for what is no such address; those of ListenOptions::send.
#pragma once

#include "fs/tree/listen/directories.hpp"

namespace spotfs::tree {

NodePtr make_packets(ListenHubPtr hub, MailboxPtr mailbox, std::string endpoint);

}  // namespace spotfs::tree
