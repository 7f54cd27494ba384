// `reply` and `error`: how the last query of a user went. Each outcome is a file of its own, so a descriptor keeps what
// it was opened for.
//
// An open waits while the query that the user asked last is under way. If its file is not the newest by then, it is
// ESTALE: the kernel looks the name up once more, and opens what it then finds; that open takes what it is. Its number
// for stat is that of the file that stat has shown before (asker.hpp).
//
// Thread: any. Lifetime: kept by the hub until it is replaced or forgotten; from then on the kernel may keep the file,
// but only who has it open keeps what is in it.
#pragma once

#include "fs/tree/endpoints/hub.hpp"

namespace spotfs::tree {

// What `name` is for this user: the last result, or that there is none.
NodePtr result_of(const HubPtr& hub, const AskerKey& key, ResultKind kind);

// Files of an outcome, with their numbers for stat. Where there is no room for the reply, it is ENOBUFS; where the
// query was interrupted, ETIMEDOUT.
Finished make_results(const HubPtr& hub, const AskerKey& key, const spot::Answer<Bytes>& answer,
                      std::uint64_t reply_number, std::uint64_t error_number);
NodePtr make_error(const HubPtr& hub, const AskerKey& key, const spot::Failure& given, std::uint64_t number);
NodePtr no_error(const HubPtr& hub, const AskerKey& key, std::uint64_t number);

}  // namespace spotfs::tree
