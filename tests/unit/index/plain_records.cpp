// Records without public keys, in place of fs/index/record.cpp: sealing them takes half of the time of a schedule, and
// has tests of its own. They are bound to their kind, key and store as the sealed ones are.
#include <algorithm>

#include "fs/index/record.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::size_t kSecretSize = 32;

// kind(1) ‖ store id(16) ‖ secret(32) ‖ length of the key(1) ‖ key ‖ payload; that of writers has no secret.
std::size_t secret_size(RecordKind kind) noexcept { return carries_secret(kind) ? kSecretSize : 0; }

}  // namespace

RecordSealer::RecordSealer(std::shared_ptr<const spot::Keychain> keys) : keys_{std::move(keys)} {}

Result<Bytes> RecordSealer::seal(RecordKind kind, const std::string& key, const StoreSecret& store,
                                 BytesView payload) const {
  Bytes out{static_cast<std::uint8_t>(kind)};
  out.insert(out.end(), store.id.begin(), store.id.end());
  if (carries_secret(kind)) out.insert(out.end(), store.secret.begin(), store.secret.end());
  out.push_back(static_cast<std::uint8_t>(key.size()));
  out.insert(out.end(), key.begin(), key.end());
  out.insert(out.end(), payload.begin(), payload.end());
  if (out.size() > kMaxRecord) return fail(Errc::too_large);
  return out;
}

Result<RecordSealer::Store> RecordSealer::open_any(RecordKind kind, const std::string& key, BytesView sealed) const {
  Store out;
  const std::size_t id = 1, secret = id + out.store.id.size(), name = secret + secret_size(kind);
  const std::size_t payload = name + 1 + key.size();
  if (sealed.size() < payload) return fail(Errc::malformed);
  const bool is_named = sealed[0] == static_cast<std::uint8_t>(kind) && sealed[name] == key.size() &&
                        std::ranges::equal(sealed.subspan(name + 1, key.size()), spot::view(key));
  if (!is_named) return fail(Errc::wrong_name);
  std::ranges::copy(sealed.subspan(id, out.store.id.size()), out.store.id.begin());
  const BytesView carried = sealed.subspan(secret, secret_size(kind)), rest = sealed.subspan(payload);
  out.store.secret.assign(carried.begin(), carried.end());
  out.payload.assign(rest.begin(), rest.end());
  return out;
}

}  // namespace spotfs
