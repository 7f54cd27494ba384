#include <algorithm>

#include "client/bottle/sealed.hpp"
#include "fs/index/keys.hpp"
#include "fs/index/record.hpp"
#include "fs/tree/blobs/value.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace spot::fuzz {

// The inner header of what is sealed for ourselves: of the records of a store, and of values below blobs/.
void decode(BytesView input) noexcept {
  using spotfs::RecordKind;
  static const auto keys =
      std::make_shared<const Keychain>(Keychain::of({PrivateKey::generate(KeyType::p256).value()}).value());
  static const spotfs::RecordSealer records{keys};
  static const spotfs::tree::ValueSealer values{keys, spotfs::BlobId{}};
  const auto sealed = seal({}, input, {keys->self().public_key()}, keys->self());
  if (!sealed) return;
  const spotfs::StoreSecret store{{}, SecretBytes(32)};
  const auto id = records.open_store(spotfs::kStoreKey, *sealed);
  require(!id || id->store.secret.size() == 32);
  const std::string head = spotfs::head_key({});
  const auto value = values.open("key", *sealed);
  const bool opens[] = {records.open(RecordKind::store, spotfs::kStoreKey, store, *sealed).has_value(),
                        records.open(RecordKind::writers, spotfs::kWritersKey, store, *sealed).has_value(),
                        records.open(RecordKind::head, head, store, *sealed).has_value(),
                        value && value->version.has_value()};
  require(std::count(std::begin(opens), std::end(opens), true) <= 1);
  require(id.has_value() || !opens[0]);
}

}  // namespace spot::fuzz
