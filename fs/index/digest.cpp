#include "fs/index/digest.hpp"

#include "client/bottle/cbor.hpp"
#include "client/crypto/hash.hpp"
#include "fs/index/head.hpp"
#include "fs/index/index.hpp"

namespace spotfs {

namespace {

namespace cbor = spot::cbor;
using spot::fail;

constexpr std::size_t kCheck = 4;  // bytes

Bytes with_check(Bytes encoded) {
  const spot::Sha256 hash = spot::sha256(encoded);
  encoded.insert(encoded.end(), hash.begin(), hash.begin() + kCheck);
  return encoded;
}

Result<ByteArray<16>> read_id(cbor::Reader& from) {
  const Result<BytesView> bytes = from.read_bytes();
  ByteArray<16> out{};
  if (!bytes || bytes->size() != out.size()) return fail(Errc::malformed);
  std::ranges::copy(*bytes, out.begin());
  return out;
}

}  // namespace

std::string to_text(const Digest& digest) {
  cbor::Writer to;
  to.put_array(2).put_bytes(digest.store).put_map(digest.heads.size());
  for (const auto& [writer, counter] : digest.heads) to.put_bytes(writer).put(counter);
  return spot::base64url(with_check(to.take()));
}

Result<Digest> parse_digest(std::string_view text) {
  const Result<Bytes> bytes = spot::from_base64url(text);
  if (!bytes || bytes->size() < kCheck) return fail(Errc::malformed);
  cbor::Reader from{BytesView{*bytes}.first(bytes->size() - kCheck)};
  Digest out;
  const Result<std::size_t> fields = from.read_array();
  if (!fields || *fields != 2) return fail(Errc::malformed);
  const Result<BlobId> store = read_id(from);
  if (!store) return store.error();
  out.store = *store;
  const Result<std::size_t> count = from.read_map();
  if (!count) return count.error();
  for (std::size_t i = 0; i < *count; ++i) {
    const Result<WriterId> writer = read_id(from);
    if (!writer) return writer.error();
    const Result<std::uint64_t> counter = from.read_unsigned();
    if (!counter || *counter == 0 || *counter > kMaxCounter) return fail(Errc::malformed);
    out.heads.insert_or_assign(*writer, *counter);
  }
  // Of all spellings only ours is taken: so the check, the order and the end are looked at too.
  if (to_text(out) != text) return fail(Errc::malformed);
  return out;
}

Digest digest_of(const IndexStatus& status) {
  Digest out{status.store, {}};
  if (status.counter != 0) out.heads.emplace(status.writer, status.counter);
  for (const WriterStatus& writer : status.others) {
    if (writer.counter != 0) out.heads.emplace(writer.id, writer.counter);
  }
  return out;
}

}  // namespace spotfs
