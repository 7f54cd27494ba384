#include "fs/tree/blobs/value.hpp"

#include <algorithm>

#include "client/bottle/sealed.hpp"
#include "fs/tree/blobs/key.hpp"

namespace spotfs::tree {
namespace {

constexpr std::string_view kBlob = "spotfs/blob", kReference = "spotfs/ref", kOurs = "spotfs/", kMessage = "spot/msg";
constexpr std::size_t kInlineLimit = 45'056;  // bytes of content
constexpr std::size_t kMaxSealed = 48'900;    // bytes of a sealed value
constexpr std::size_t kLengths = 16;          // by which the lengths of a longer content are longer, at most

Result<Stamp> read_version(const spot::Header& header) {
  const std::optional<BytesView> item = header.item("v");
  if (!item) return fail(Errc::wrong_name);
  cbor::Reader from{*item};
  return decode_stamp(from);
}

Result<Reference> read_reference(const spot::Header& header) {
  const std::optional<BytesView> item = header.item("ref");
  if (!item) return fail(Errc::malformed);
  cbor::Reader from{*item};
  const Result<std::optional<Reference>> reference = decode_reference(from);
  if (!reference) return reference.error();
  if (!*reference || !(*reference)->id) return fail(Errc::malformed);
  return **reference;
}

}  // namespace

ValueSealer::ValueSealer(std::shared_ptr<const spot::Keychain> keys, const BlobId& store)
    : keys_{std::move(keys)}, store_{store} {
  for (const spot::PrivateKey& key : keys_->keys()) {
    if (key.public_key().can_decrypt()) recipients_.push_back(key.public_key());
    if (key.public_key().can_sign()) signers_.push_back(key.public_key());
  }
  // The same for each key, so that a file does not lose its place by a longer name.
  const Result<Bytes> empty = seal_any(std::string(kMaxKey, 'k'), Stamp{}, {}, {});
  if (empty && empty->size() + kLengths < kMaxSealed)
    limit_ = std::min(kInlineLimit, kMaxSealed - kLengths - empty->size());
}

Result<Bytes> ValueSealer::seal_any(const std::string& key, const Stamp& version, BytesView content,
                                    const std::optional<Reference>& reference) const {
  cbor::Writer header;
  header.put_map(reference ? 5 : 4);
  header.put_text("k").put_text(key);
  header.put_text("s").put_bytes(store_);
  header.put_text("v").put_bytes(version.bytes);
  header.put_text("ct").put_text(reference ? kReference : kBlob);
  if (reference) encode(header.put_text("ref"), reference);
  return spot::seal(content, header.bytes(), recipients_, keys_->self());
}

Result<Bytes> ValueSealer::seal(const std::string& key, const Stamp& version, BytesView content) const {
  if (content.size() > limit_) return fail(Errc::file_too_large);
  return seal_any(key, version, content, {});
}

Result<Bytes> ValueSealer::seal(const std::string& key, const Value& value) const {
  if (value.reference) return seal_any(key, *value.version, {}, value.reference);
  return seal(key, *value.version, *value.content);
}

Result<Value> ValueSealer::open(const std::string& key, BytesView bottle) const {
  Result<spot::Sealed> sealed = spot::open_sealed(bottle, *keys_, signers_);
  if (!sealed) return sealed.error();
  const spot::Header& header = sealed->header;
  Value value;
  const std::string_view type = header.text("ct").value_or(std::string_view{});
  if (type.starts_with(kOurs) || type == kMessage) {
    if (type != kBlob && type != kReference) return fail(Errc::wrong_name);
    const std::optional<BytesView> store = header.bytes("s");
    if (header.text("k") != key || !store || !std::ranges::equal(*store, store_)) return fail(Errc::wrong_name);
    const Result<Stamp> version = read_version(header);
    if (!version) return version.error();
    value.version = *version;
    if (type == kReference) {
      const Result<Reference> reference = read_reference(header);
      if (!reference) return reference.error();
      if (!sealed->payload.empty()) return fail(Errc::malformed);
      value.reference = *reference;
    }
  }
  value.content = std::make_shared<const Bytes>(std::move(sealed->payload));
  return value;
}

}  // namespace spotfs::tree
