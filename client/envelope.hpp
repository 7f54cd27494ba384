// The bodies of messages: sealed for a peer and bound to their packet, or signed only for those who have no card; and
// opened only in the one shape that is trusted (protocol.md, "Sealed").
//
// Thread: any. Lifetime: the client's. Errors: bad_card where another's card lists a key of ours (what is sealed for it
// could be taken for our own blob), no_recipient; those of open_sealed and check_binding; replay.
#pragma once

#include <atomic>

#include "client/base/sync.hpp"
#include "client/bottle/sealed.hpp"
#include "client/card_cache.hpp"
#include "client/identity.hpp"
#include "client/proto/address.hpp"
#include "client/proto/packet.hpp"
#include "client/proto/replay.hpp"

namespace spot {

class Envelopes {
 public:
  Envelopes(std::shared_ptr<const Identity> identity, const Clock& clock, bool require_binding)
      : identity_{std::move(identity)}, clock_{clock}, require_binding_{require_binding} {}

  // Fills in packet.body. `card`: the recipient's; null: our own identity.
  Result<void> seal(Message& packet, const KnownCard* card, BytesView payload) const;
  // For connections, groups and the server: signed as it is. refused: bytes that could pass for a bottle.
  Result<Bytes> sign(const Address& to, BytesView payload) const;
  // What `card` (null: ourselves) sealed for us.
  Result<Sealed> open(const Message& packet, const KnownCard* card);
  // What anyone signed, or did not: only for those who ask for unverified messages. Never decrypts.
  static Result<Bytes> open_unverified(const Message& packet);

  // How far the relay's clock is ahead of ours.
  void set_offset(std::chrono::nanoseconds offset) noexcept { offset_ = offset.count(); }
  Clock::Wall now() const { return clock_.wall() + std::chrono::nanoseconds{offset_.load()}; }

 private:
  const std::shared_ptr<const Identity> identity_;
  const Clock& clock_;
  const bool require_binding_;
  std::atomic<std::int64_t> offset_{0};
  Synchronized<ReplayCache> seen_;
};

}  // namespace spot
