#include "fs/content/seal.hpp"

#include "client/base/encoding.hpp"
#include "client/bottle/bottle.hpp"
#include "client/crypto/aead.hpp"
#include "client/crypto/hash.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::size_t kMaxBottle = kMaxContent + spot::kAeadOverhead + 16;  // the frame is 5 to 8 bytes
constexpr std::uint8_t kEmptyMap = 0xA0;

// What is in a bottle that has nothing but a message, in the one encoding that encode_bottle() makes.
std::optional<BytesView> message_of(BytesView bottle) {
  spot::cbor::Reader reader{bottle};
  const Result<std::size_t> fields = reader.read_array();
  if (!fields || *fields != 5) return std::nullopt;
  const Result<BytesView> header = reader.read_item();
  if (!header || header->size() != 1 || header->front() != kEmptyMap) return std::nullopt;
  const Result<BytesView> message = reader.read_bytes();
  if (!message) return std::nullopt;
  const Result<std::uint64_t> format = reader.read_unsigned();
  if (!format || *format != static_cast<std::uint64_t>(spot::Format::clear)) return std::nullopt;
  if (!reader.take_null() || !reader.take_null() || !reader.at_end()) return std::nullopt;
  return *message;
}

}  // namespace

std::string content_key(const BlobId& id) { return ".spotfs/c/" + spot::base64url(id); }

spot::SecretBytes ContentCipher::key_of(ContentKind kind, const BlobId& id) const {
  std::string info = "spotfs/1 ";
  info += static_cast<char>(kind);
  info += spot::as_text(id);
  return spot::hkdf_sha256(secret_, store_, info);
}

Result<Bytes> ContentCipher::seal(ContentKind kind, const BlobId& id, BytesView plaintext) const {
  if (plaintext.size() > kMaxContent) return fail(Errc::too_large);
  const std::string name = content_key(id);
  Result<Bytes> sealed = spot::aead_seal(key_of(kind, id), plaintext, spot::view(name));
  if (!sealed) return sealed.error();
  spot::Bottle out;
  out.message = *std::move(sealed);
  return spot::encode_bottle(out);
}

Result<Bytes> ContentCipher::open(ContentKind kind, const BlobId& id, BytesView bottle) const {
  if (bottle.size() > kMaxBottle) return fail(Errc::too_large);
  const std::optional<BytesView> message = message_of(bottle);
  if (!message || message->size() < spot::kAeadOverhead) return fail(Errc::not_sealed);
  const std::string name = content_key(id);
  return spot::aead_open(key_of(kind, id), *message, spot::view(name));
}

Result<Bytes> ContentCipher::open(ContentKind kind, const BlobId& id, BytesView bottle, std::size_t size) const {
  Result<Bytes> plaintext = open(kind, id, bottle);
  if (plaintext && plaintext->size() != size) return fail(Errc::malformed);
  return plaintext;
}

}  // namespace spotfs
