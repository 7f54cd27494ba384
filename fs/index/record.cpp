#include "fs/index/record.hpp"

#include <algorithm>

#include "client/bottle/sealed.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::size_t kSecretSize = 32;

std::string_view type_of(RecordKind kind) noexcept {
  switch (kind) {
    case RecordKind::store: return "spotfs/id";
    case RecordKind::writers: return "spotfs/writers";
    case RecordKind::head: return "spotfs/head";
  }
  return {};
}

}  // namespace

RecordSealer::RecordSealer(std::shared_ptr<const spot::Keychain> keys) : keys_{std::move(keys)} {
  for (const spot::PrivateKey& key : keys_->keys()) {
    if (key.public_key().can_decrypt()) recipients_.push_back(key.public_key());
    if (key.public_key().can_sign()) signers_.push_back(key.public_key());
  }
}

Result<Bytes> RecordSealer::seal(RecordKind kind, const std::string& key, const StoreSecret& store,
                                 BytesView payload) const {
  cbor::Writer header;
  header.put_map(carries_secret(kind) ? 4 : 3);
  header.put_text("k").put_text(key);
  header.put_text("s").put_bytes(store.id);
  header.put_text("ct").put_text(type_of(kind));
  if (carries_secret(kind)) header.put_text("sec").put_bytes(store.secret);
  Bytes encoded = header.take();
  Result<Bytes> sealed = spot::seal(payload, encoded, recipients_, keys_->self());
  spot::wipe(encoded.data(), encoded.size());
  if (sealed && sealed->size() > kMaxRecord) return fail(Errc::too_large);
  return sealed;
}

Result<RecordSealer::Store> RecordSealer::open_any(RecordKind kind, const std::string& key, BytesView sealed) const {
  if (sealed.size() > kMaxRecord) return fail(Errc::too_large);
  Result<spot::Sealed> opened = spot::open_sealed(sealed, *keys_, signers_);
  if (!opened) return opened.error();
  const spot::Header& header = opened->header;
  if (header.text("ct") != type_of(kind) || header.text("k") != key) return fail(Errc::wrong_name);
  const std::optional<BytesView> id = header.bytes("s"), secret = header.bytes("sec");
  if (!id || id->size() != std::tuple_size_v<BlobId>) return fail(Errc::wrong_name);
  if (header.contains("sec") != carries_secret(kind)) return fail(Errc::wrong_name);
  if (carries_secret(kind) && (!secret || secret->size() != kSecretSize)) return fail(Errc::wrong_name);
  Store out;
  out.payload = std::move(opened->payload);
  std::ranges::copy(*id, out.store.id.begin());
  if (secret) out.store.secret.assign(secret->begin(), secret->end());
  return out;
}

}  // namespace spotfs
