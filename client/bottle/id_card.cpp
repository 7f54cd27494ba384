#include "client/bottle/id_card.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"

namespace spot {
namespace {

using cbor::Reader;
using cbor::Writer;

enum CardField : std::uint64_t { kSelf = 1, kIssued, kSubkeys, kRevoked, kGroups, kMeta };
enum SubkeyField : std::uint64_t { kKey = 1, kKeyIssued, kExpires, kPurposes };

constexpr std::size_t kMaxCardSize = 64 * 1024;
constexpr std::size_t kMaxOwnCardSize = 16 * 1024;
constexpr std::size_t kMaxEntries = 256;
constexpr std::size_t kMaxGroups = 64;
constexpr UnixSeconds kMaxAhead = 24 * 60 * 60;

// Reads a map with integer keys, field by field, and refuses a key that comes twice.
template <class ReadField>
Result<void> read_fields(Reader& reader, ReadField&& read_field) {
  const Result<std::size_t> pairs = reader.read_map();
  if (!pairs) return pairs.error();
  cbor::KeySet seen;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const BytesView before = reader.left();
    const Result<std::uint64_t> key = reader.read_unsigned();
    if (!key) return key.error();
    if (const Result<void> fresh = seen.add(before.first(before.size() - reader.left().size())); !fresh) return fresh;
    if (const Result<void> ok = read_field(*key); !ok) return ok;
  }
  return {};
}

// Null, or an array whose items are read one by one.
template <class ReadItem>
Result<void> read_list(Reader& reader, ReadItem&& read_one) {
  if (reader.take_null()) return {};
  const Result<std::size_t> size = reader.read_array();
  if (!size) return size.error();
  if (*size > kMaxEntries) return fail(Errc::malformed);
  for (std::size_t i = 0; i < *size; ++i)
    if (const Result<void> ok = read_one(); !ok) return ok;
  return {};
}

Result<void> skip(Reader& reader) {
  const Result<BytesView> item = reader.read_item();
  if (!item) return item.error();
  return {};
}

template <class To, class From>
Result<void> assign(To& to, const Result<From>& from) {
  if (!from) return from.error();
  to = To(*from);
  return {};
}

Result<void> assign_bytes(Bytes& to, const Result<BytesView>& from) {
  if (!from) return from.error();
  to = to_bytes(*from);
  return {};
}

Result<Subkey> read_subkey(Reader& reader) {
  Subkey out;
  const Result<void> ok = read_fields(reader, [&](std::uint64_t key) -> Result<void> {
    switch (key) {
      case kKey: return assign_bytes(out.key, reader.read_bytes());
      case kKeyIssued: return assign(out.issued, read_time(reader));
      case kExpires: return reader.take_null() ? Result<void>{} : assign(out.expires, read_time(reader));
      case kPurposes:
        return read_list(reader,
                         [&]() -> Result<void> { return assign(out.purposes.emplace_back(), reader.read_text()); });
      default: return skip(reader);
    }
  });
  if (!ok) return ok.error();
  if (out.key.empty()) return fail(Errc::malformed);
  return out;
}

void put_subkey(Writer& writer, const Subkey& subkey) {
  writer.put_map(subkey.expires ? 4 : 3).put(kKey).put_bytes(subkey.key).put(kKeyIssued).put_integer(subkey.issued);
  if (subkey.expires) writer.put(kExpires).put_integer(*subkey.expires);
  writer.put(kPurposes);
  if (subkey.purposes.empty()) {
    writer.put_null();
    return;
  }
  writer.put_array(subkey.purposes.size());
  for (const std::string& purpose : subkey.purposes) writer.put_text(purpose);
}

template <class T, class Put>
void put_list(Writer& writer, std::uint64_t field, const std::vector<T>& list, Put&& put_one) {
  writer.put(field);
  if (list.empty())
    writer.put_null();
  else
    writer.put_array(list.size());
  for (const T& one : list) put_one(one);
}

std::vector<std::string> purposes_of(const PublicKey& key) {
  return key.can_sign() ? std::vector<std::string>{"decrypt", "sign"} : std::vector<std::string>{"decrypt"};
}

bool has_header_ct_idcard(const Bottle& level) {
  const Result<Header> header = Header::parse(level.header);
  return header && header->text("ct") == "idcard";
}

}  // namespace

IdCard IdCard::of(const Keychain& keys, UnixSeconds issued) {
  IdCard card;
  card.self_ = keys.self().public_key().pkix();
  card.issued_ = issued;
  for (const PrivateKey& key : keys.keys())
    card.subkeys_.push_back({key.public_key().pkix(), issued, std::nullopt, purposes_of(key.public_key())});
  return card;
}

Result<IdCard> IdCard::decode(BytesView encoded) {
  if (encoded.size() > kMaxCardSize) return fail(Errc::malformed);
  IdCard card;
  Reader reader{encoded};
  const auto subkeys_into = [&](std::vector<Subkey>& list) {
    return read_list(reader, [&]() -> Result<void> {
      const Result<Subkey> subkey = read_subkey(reader);
      if (!subkey) return subkey.error();
      list.push_back(*subkey);
      return {};
    });
  };
  const auto read_group = [&]() -> Result<void> {
    const Result<BytesView> item = reader.read_item();
    if (!item) return item.error();
    return assign(card.groups_.emplace_back(), decode_membership(*item));
  };
  const auto read_meta = [&]() -> Result<void> {
    if (reader.take_null()) return {};
    const Result<std::size_t> pairs = reader.read_map();
    if (!pairs) return pairs.error();
    card.empty_meta_map_ = *pairs == 0;
    for (std::size_t i = 0; i < *pairs; ++i) {
      const Result<std::string_view> key = reader.read_text();
      if (!key) return key.error();
      const Result<std::string_view> value = reader.read_text();
      if (!value) return value.error();
      if (!card.meta_.emplace(*key, *value).second) return fail(Errc::malformed);
    }
    return {};
  };
  const Result<void> ok = read_fields(reader, [&](std::uint64_t key) -> Result<void> {
    switch (key) {
      case kSelf: return assign_bytes(card.self_, reader.read_bytes());
      case kIssued: return assign(card.issued_, read_time(reader));
      case kSubkeys: return subkeys_into(card.subkeys_);
      case kRevoked: return subkeys_into(card.revoked_);
      case kGroups: return read_list(reader, read_group);
      case kMeta: return read_meta();
      default: return skip(reader);
    }
  });
  if (!ok) return ok.error();
  if (const Result<void> end = reader.finish(); !end) return end.error();
  if (card.self_.empty()) return fail(Errc::malformed);
  return card;
}

Bytes IdCard::encode() const {
  Writer writer;
  writer.put_map(6).put(kSelf).put_bytes(self_).put(kIssued).put_integer(issued_);
  const auto put_key = [&](const Subkey& subkey) { put_subkey(writer, subkey); };
  put_list(writer, kSubkeys, subkeys_, put_key);
  put_list(writer, kRevoked, revoked_, put_key);
  put_list(writer, kGroups, groups_, [&](const Membership& m) { writer.put_item(encode_membership(m)); });
  writer.put(kMeta);
  if (meta_.empty() && !empty_meta_map_)
    writer.put_null();
  else
    writer.put_map(meta_.size());
  for (const auto& [key, value] : meta_) writer.put_text(key).put_text(value);
  return writer.take();
}

Result<Bytes> IdCard::sign(const PrivateKey& self) const {
  if (self.public_key().pkix() != self_) return fail(Errc::bad_argument);
  Writer header;
  header.put_map(1).put_text("ct").put_text("idcard");
  Bottle level = clear_bottle(encode());
  level.header = header.take();
  const Result<Bottle> signed_card = spot::sign(std::move(level), self);
  if (!signed_card) return signed_card.error();
  return encode_bottle(*signed_card);
}

Result<IdCard> IdCard::load(BytesView signed_card, UnixSeconds now) {
  if (signed_card.size() > kMaxCardSize) return fail(Errc::bad_card);
  const Result<Opened> opened = open_bottle(signed_card, nullptr);
  if (!opened || opened->levels.size() != 2) return fail(Errc::bad_card);
  const Bottle& outer = opened->levels[0];
  const Bottle& inner = opened->levels[1];
  if (outer.has_header() || outer.format != Format::bottle || !outer.recipients.empty()) return fail(Errc::bad_card);
  if (inner.format != Format::clear || !inner.signatures.empty() || !inner.recipients.empty() ||
      !has_header_ct_idcard(inner))
    return fail(Errc::bad_card);
  Result<IdCard> card = decode(opened->payload);
  if (!card || card->issued_ > now + kMaxAhead) return fail(Errc::bad_card);
  const bool by_self =
      std::ranges::any_of(opened->signers, [&](const PublicKey& key) { return key.pkix() == card->self_; });
  if (!by_self) return fail(Errc::bad_card);
  return card;
}

Result<IdCard> IdCard::load_for(BytesView signed_card, const Sha256& hash, UnixSeconds now) {
  Result<IdCard> card = load(signed_card, now);
  if (card && card->hash() != hash) return fail(Errc::bad_card);
  return card;
}

std::string IdCard::address() const { return "k." + base64url(hash()); }

std::vector<PublicKey> IdCard::keys_for(std::string_view purpose, UnixSeconds now) const {
  std::vector<PublicKey> out;
  for (const Subkey& subkey : subkeys_) {
    const bool listed = std::ranges::find(subkey.purposes, purpose) != subkey.purposes.end();
    const bool expired = subkey.expires && *subkey.expires <= now;
    const bool revoked = std::ranges::any_of(revoked_, [&](const Subkey& r) { return r.key == subkey.key; });
    if (!listed || expired || revoked) continue;
    if (Result<PublicKey> key = PublicKey::parse(subkey.key)) out.push_back(std::move(*key));
  }
  return out;
}

bool IdCard::lists_any_of(const Keychain& keys) const {
  return keys.find(self_) != nullptr ||
         std::ranges::any_of(subkeys_, [&](const Subkey& subkey) { return keys.find(subkey.key) != nullptr; });
}

Result<bool> IdCard::merge_membership(const Membership& pushed, const std::vector<Bytes>& wanted,
                                      const IdCard* group_card, UnixSeconds now) {
  if (pushed.subject != self_ || std::ranges::find(wanted, pushed.group) == wanted.end())
    return {boost::system::in_place_error, fail(Errc::refused)};
  if (const Result<void> ok = verify_membership(pushed, self_, group_card, now); !ok)
    return {boost::system::in_place_error, ok.error()};
  const auto held = std::ranges::find(groups_, pushed.group, &Membership::group);
  if (held != groups_.end() && held->issued >= pushed.issued) return false;
  if (!pushed.valid()) {
    if (held == groups_.end()) return false;
    groups_.erase(held);
    return true;
  }
  Membership stored = pushed;
  stored.subject.clear();
  stored.subject_form = Membership::Subject::null;
  IdCard next = *this;
  std::erase_if(next.groups_, [&](const Membership& m) { return m.group == pushed.group; });
  next.groups_.push_back(std::move(stored));
  if (next.groups_.size() > kMaxGroups || next.encode().size() > kMaxOwnCardSize)
    return {boost::system::in_place_error, fail(Errc::too_large)};
  *this = std::move(next);
  return true;
}

}  // namespace spot
