// Memberships as the relay takes them: those that the group has signed, or whoever signs for it by its card.
//
// Thread: any. Errors: those of verify_membership(), and of the database.
#pragma once

#include "client/bottle/membership.hpp"
#include "mount/relay/services.hpp"

namespace spot::relay {

// `subject`: PKIX key of the one whose card holds the membership, or who is named in it.
asio::awaitable<Result<GroupEntry>> verified_entry(const Services& services, Membership membership, Bytes subject);

}  // namespace spot::relay
