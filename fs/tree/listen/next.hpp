// `next`: each open takes one message, when it is first read. The read waits for one, and gives the directory of it
// below the endpoint's.
//
// Thread, lifetime: file.hpp. Errors: EAGAIN instead of a wait with O_NONBLOCK; ESTALE when the endpoint is no longer
// served. A read that is interrupted takes nothing, nor does one of a process that is being killed.
#pragma once

#include "fs/tree/listen/directories.hpp"

namespace spotfs::tree {

NodePtr make_next(ListenHubPtr hub, MailboxPtr mailbox);

}  // namespace spotfs::tree
