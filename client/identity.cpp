#include "client/identity.hpp"

#include <algorithm>

#include "client/proto/address.hpp"

namespace spot {

UnixSeconds unix_seconds(Clock::Wall time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

Identity::Identity(std::shared_ptr<const Keychain> keys, std::vector<Bytes> groups)
    : keys_{std::move(keys)}, groups_{std::move(groups)}, address_{identity_target(hash())} {
  for (const PrivateKey& key : keys_->keys()) {
    if (key.public_key().can_decrypt()) recipients_.push_back(key.public_key());
    if (key.public_key().can_sign()) signers_.push_back(key.public_key());
  }
}

Result<std::unique_ptr<Identity>> Identity::make(std::shared_ptr<const Keychain> keys,
                                                 const std::map<std::string, std::string>& meta,
                                                 std::vector<Bytes> groups, Clock::Wall now) {
  std::unique_ptr<Identity> identity{new Identity{std::move(keys), std::move(groups)}};
  IdCard card = IdCard::of(identity->keys(), unix_seconds(now));
  card.meta() = meta;
  auto encoded = card.sign(identity->keys().self());
  if (!encoded) return encoded.error();
  identity->card_.with([&](auto& held) {
    held = std::make_shared<const Card>(Card{std::move(card), std::move(*encoded)});
  });
  return identity;
}

std::shared_ptr<const Identity::Card> Identity::card() const {
  return card_.with([](const auto& held) { return held; });
}

std::vector<std::string> Identity::merge(const std::vector<Bytes>& memberships, Clock::Wall now) {
  return card_.with([&](std::shared_ptr<const Card>& held) {
    IdCard card = held->card;
    std::vector<std::string> refused;
    bool changed = false;
    for (const Bytes& encoded : memberships) {
      const auto membership = decode_membership(encoded);
      if (!membership) {
        refused.push_back("a membership: " + membership.error().message());
        continue;
      }
      const auto merged = card.merge_membership(*membership, groups_, nullptr, unix_seconds(now));
      if (!merged) {
        const bool unasked = std::ranges::find(groups_, membership->group) == groups_.end();
        refused.push_back("a membership of " + group_target(sha256(membership->group)) + ": " +
                          (unasked ? "this group was not asked for" : merged.error().message()));
        continue;
      }
      changed |= *merged;
    }
    if (!changed) return refused;
    auto signed_card = card.sign(keys_->self());
    if (!signed_card) {
      refused.push_back("any membership: " + signed_card.error().message());
      return refused;
    }
    held = std::make_shared<const Card>(Card{std::move(card), std::move(*signed_card)});
    return refused;
  });
}

}  // namespace spot
