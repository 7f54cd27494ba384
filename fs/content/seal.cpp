#include "fs/content/seal.hpp"

#include "client/base/encoding.hpp"
#include "client/bottle/open.hpp"
#include "client/crypto/aead.hpp"
#include "client/crypto/hash.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::size_t kMaxBottle = kMaxContent + spot::kAeadOverhead + 16;  // the frame is 5 to 8 bytes

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
  const Result<Bytes> sealed = spot::aead_seal(key_of(kind, id), plaintext, spot::view(name));
  if (!sealed) return sealed.error();
  return spot::encode_bottle(spot::clear_bottle(*sealed));
}

Result<Bytes> ContentCipher::open(ContentKind kind, const BlobId& id, BytesView bottle) const {
  if (bottle.size() > kMaxBottle) return fail(Errc::too_large);
  const Result<spot::Bottle> level = spot::decode_bottle(bottle);
  if (!level || level->format != spot::Format::clear || level->message.size() < spot::kAeadOverhead)
    return fail(Errc::not_sealed);
  // Made again from its message, so that nothing but a message is in it.
  if (!spot::equal(spot::encode_bottle(spot::clear_bottle(level->message)), bottle)) return fail(Errc::not_sealed);
  const std::string name = content_key(id);
  return spot::aead_open(key_of(kind, id), level->message, spot::view(name));
}

Result<Bytes> ContentCipher::open(ContentKind kind, const BlobId& id, BytesView bottle, std::size_t size) const {
  Result<Bytes> plaintext = open(kind, id, bottle);
  if (plaintext && plaintext->size() != size) return fail(Errc::malformed);
  return plaintext;
}

}  // namespace spotfs
