#include "client/bottle/membership.hpp"

#include <algorithm>

#include "client/bottle/id_card.hpp"
#include "client/crypto/sign.hpp"

namespace spot {
namespace {

using cbor::Reader;
using cbor::Writer;

enum Field : std::uint64_t { kSubject = 1, kGroup, kStatus, kIssued, kInfo, kSigningKey, kSignature };

constexpr std::size_t kMaxMembershipSize = 16 * 1024;

Result<void> read_bytes_into(Reader& reader, Bytes& out) {
  if (reader.take_null()) return {};
  const Result<BytesView> bytes = reader.read_bytes();
  if (!bytes) return bytes.error();
  out = to_bytes(*bytes);
  return {};
}

Result<void> read_field(Reader& reader, std::uint64_t key, Membership& out) {
  switch (key) {
    case kSubject: {
      const Result<void> ok = read_bytes_into(reader, out.subject);
      out.subject_form = out.subject.empty() ? Membership::Subject::null : Membership::Subject::written;
      return ok;
    }
    case kGroup: return read_bytes_into(reader, out.group);
    case kStatus: {
      const Result<std::string_view> text = reader.read_text();
      if (!text) return text.error();
      out.status = *text;
      return {};
    }
    case kIssued: {
      const Result<UnixSeconds> time = read_time(reader);
      if (!time) return time.error();
      out.issued = *time;
      return {};
    }
    case kInfo: {
      const Result<BytesView> item = reader.read_item();
      if (!item) return item.error();
      out.info = to_bytes(*item);
      return {};
    }
    case kSigningKey: return read_bytes_into(reader, out.signing_key);
    case kSignature: return read_bytes_into(reader, out.signature);
    default: {
      const Result<BytesView> unknown = reader.read_item();
      if (!unknown) return unknown.error();
      return {};
    }
  }
}

// The fields 2 to 6, which are written the same with and without a signature.
void put_middle(Writer& writer, const Membership& m) {
  writer.put(kGroup).put_bytes(m.group);
  writer.put(kStatus).put_text(m.status);
  writer.put(kIssued).put_integer(m.issued);
  writer.put(kInfo).put_item(m.info);
  writer.put(kSigningKey).put_bytes(m.signing_key);
}

Bytes signed_bytes(const Membership& m, BytesView subject) {
  Writer writer;
  writer.put_map(7).put(kSubject).put_bytes(subject);
  put_middle(writer, m);
  writer.put(kSignature).put_null();
  return writer.take();
}

}  // namespace

Result<Membership> decode_membership(BytesView encoded) {
  if (encoded.size() > kMaxMembershipSize) return fail(Errc::malformed);
  Reader reader{encoded};
  const Result<std::size_t> pairs = reader.read_map();
  if (!pairs) return pairs.error();
  Membership out;
  out.subject_form = Membership::Subject::left_out;
  cbor::KeySet seen;
  for (std::size_t i = 0; i < *pairs; ++i) {
    const BytesView before = reader.left();
    const Result<std::uint64_t> key = reader.read_unsigned();
    if (!key) return key.error();
    if (const Result<void> fresh = seen.add(before.first(before.size() - reader.left().size())); !fresh)
      return fresh.error();
    if (const Result<void> ok = read_field(reader, *key, out); !ok) return ok.error();
  }
  if (const Result<void> end = reader.finish(); !end) return end.error();
  if (out.group.empty() || out.signing_key.empty() || out.signature.empty()) return fail(Errc::malformed);
  return out;
}

Bytes encode_membership(const Membership& m) {
  const bool left_out = m.subject.empty() && m.subject_form == Membership::Subject::left_out;
  Writer writer;
  writer.put_map(left_out ? 6 : 7);
  if (!m.subject.empty())
    writer.put(kSubject).put_bytes(m.subject);
  else if (!left_out)
    writer.put(kSubject).put_null();
  put_middle(writer, m);
  writer.put(kSignature).put_bytes(m.signature);
  return writer.take();
}

Result<void> verify_membership(const Membership& m, BytesView subject, const IdCard* group_card, UnixSeconds now) {
  if (!m.subject.empty() && !equal(m.subject, subject)) return fail(Errc::wrong_name);
  const Result<PublicKey> key = PublicKey::parse(m.signing_key);
  if (!key) return key.error();
  if (m.signing_key != m.group) {
    if (group_card == nullptr || group_card->self() != m.group) return fail(Errc::bad_card);
    const std::vector<PublicKey> listed = group_card->keys_for("sign", now);
    if (std::ranges::find(listed, *key) == listed.end()) return fail(Errc::bad_card);
  }
  return verify(*key, signed_bytes(m, subject), m.signature);
}

Result<Membership> make_membership(BytesView subject, const PrivateKey& group, std::string status, UnixSeconds issued) {
  Membership m;
  m.subject = to_bytes(subject);
  m.group = group.public_key().pkix();
  m.status = std::move(status);
  m.issued = issued;
  m.signing_key = m.group;
  Result<Bytes> signature = sign(group, signed_bytes(m, subject));
  if (!signature) return signature.error();
  m.signature = std::move(*signature);
  return m;
}

}  // namespace spot
