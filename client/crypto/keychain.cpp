#include "client/crypto/keychain.hpp"

#include <algorithm>

namespace spot {

Result<Keychain> Keychain::of(std::vector<PrivateKey> keys) {
  const auto self = std::ranges::find_if(keys, [](const PrivateKey& key) { return key.public_key().can_sign(); });
  if (self == keys.end()) return fail(Errc::bad_argument);
  std::rotate(keys.begin(), self, std::next(self));
  return Keychain{std::move(keys)};
}

const PrivateKey* Keychain::find(BytesView pkix) const noexcept {
  const auto at = std::ranges::find_if(keys_, [&](const PrivateKey& k) { return equal(k.public_key().pkix(), pkix); });
  return at == keys_.end() ? nullptr : &*at;
}

}  // namespace spot
