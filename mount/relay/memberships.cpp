#include "mount/relay/memberships.hpp"

#include "client/bottle/id_card.hpp"

namespace spot::relay {

asio::awaitable<Result<GroupEntry>> verified_entry(const Services& services, Membership membership, Bytes subject) {
  GroupEntry entry;
  entry.group = sha256(membership.group);
  std::optional<IdCard> group_card;
  if (membership.signing_key != membership.group) {
    const auto stored = co_await services.database->find_card(entry.group);
    if (!stored) co_return stored.error();
    auto loaded = IdCard::load_for(*stored, entry.group, services.now());
    if (!loaded) co_return loaded.error();
    group_card = std::move(*loaded);
  }
  const IdCard* const signer = group_card ? &*group_card : nullptr;
  const auto verified = verify_membership(membership, subject, signer, services.now());
  if (!verified) co_return verified.error();
  entry.subject = sha256(subject);
  entry.valid = membership.valid();
  entry.issued = membership.issued;
  membership.subject = std::move(subject);
  entry.encoded = encode_membership(membership);
  co_return entry;
}

}  // namespace spot::relay
