#include "client/card_cache.hpp"

#include <algorithm>

namespace spot {
namespace {

CardPointer with_keys(IdCard card, Bytes encoded, UnixSeconds now) {
  KnownCard known{std::move(card), std::move(encoded), {}, {}, {}};
  known.decrypt_keys = known.card.keys_for("decrypt", now);
  known.sign_keys = known.card.keys_for("sign", now);
  for (const Subkey& key : known.card.subkeys()) {
    if (key.expires && *key.expires > now)
      known.valid_until = std::min(known.valid_until.value_or(*key.expires), *key.expires);
  }
  return std::make_shared<const KnownCard>(std::move(known));
}

}  // namespace

CardPointer CardCache::find(const Sha256& hash, UnixSeconds now) {
  return state_.with([&](State& state) -> CardPointer {
    const auto at = state.entries.find(hash);
    if (at == state.entries.end()) return nullptr;
    Entry& entry = at->second;
    state.uses.splice(state.uses.begin(), state.uses, entry.use);
    if (entry.card->valid_until && *entry.card->valid_until <= now)
      entry.card = with_keys(entry.card->card, entry.card->encoded, now);
    return entry.card;
  });
}

Result<CardPointer> CardCache::put(const Sha256& hash, BytesView signed_card, UnixSeconds now) {
  auto card = IdCard::load_for(signed_card, hash, now);
  if (!card) return card.error();
  const CardPointer known = with_keys(std::move(*card), to_bytes(signed_card), now);
  return state_.with([&](State& state) -> Result<CardPointer> {
    const auto newest = state.ages.find(hash);
    if (newest && known->card.issued() < *newest) return fail(Errc::rollback);
    state.ages.raise(hash, known->card.issued());
    insert(state, hash, known);
    return known;
  });
}

void CardCache::update(BytesView signed_card, UnixSeconds now) {
  const auto card = IdCard::load(signed_card, now);
  if (!card) return;
  const Sha256 hash = card->hash();
  const bool is_here = state_.with([&](State& state) { return state.entries.contains(hash); });
  if (is_here) (void)put(hash, signed_card, now);
}

void CardCache::drop(const Sha256& hash) {
  state_.with([&](State& state) {
    const auto at = state.entries.find(hash);
    if (at == state.entries.end()) return;
    state.uses.erase(at->second.use);
    state.entries.erase(at);
  });
}

std::vector<Sha256> CardCache::known() const {
  return state_.with([](const State& state) {
    std::vector<Sha256> hashes;
    hashes.reserve(state.entries.size());
    for (const auto& [hash, entry] : state.entries) hashes.push_back(hash);
    return hashes;
  });
}

CardPointer CardCache::peek(const Sha256& hash) const {
  return state_.with([&](const State& state) {
    const auto at = state.entries.find(hash);
    return at == state.entries.end() ? nullptr : at->second.card;
  });
}

void CardCache::insert(State& state, const Sha256& hash, CardPointer card) {
  const auto at = state.entries.find(hash);
  if (at != state.entries.end()) {
    at->second.card = std::move(card);
    state.uses.splice(state.uses.begin(), state.uses, at->second.use);
    return;
  }
  state.uses.push_front(hash);
  state.entries.emplace(hash, Entry{std::move(card), state.uses.begin()});
  if (state.entries.size() <= kCapacity) return;
  state.entries.erase(state.uses.back());
  state.uses.pop_back();
}

}  // namespace spot
