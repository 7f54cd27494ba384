#include "client/bottle/sealed.hpp"

#include <algorithm>

#include "client/crypto/sign.hpp"

namespace spot {
namespace {

constexpr std::uint8_t kArrayOfFive = 0x85;

bool is_outer_shape(const Bottle& level) {
  return !level.null_header && !level.has_header() && level.format == Format::bottle && level.recipients.empty() &&
         !level.signatures.empty() && !level.message.empty() && level.message.front() == kArrayOfFive;
}

bool is_encrypted_shape(const Bottle& level) {
  return !level.null_header && !level.has_header() && level.format == Format::aes && !level.recipients.empty() &&
         level.signatures.empty();
}

bool is_clear_shape(const Bottle& level) {
  return level.format == Format::clear && level.recipients.empty() && level.signatures.empty();
}

Result<std::vector<PublicKey>> verify_all(const Bottle& level, const std::vector<PublicKey>& known) {
  std::vector<PublicKey> signers;
  for (const Signature& s : level.signatures) {
    const auto same = std::ranges::find(known, s.key, &PublicKey::pkix);
    Result<PublicKey> key = same != known.end() ? Result<PublicKey>{*same} : PublicKey::parse(s.key);
    if (!key) return key.error();
    if (const Result<void> ok = verify(*key, level.message, s.signature); !ok) return ok.error();
    signers.push_back(std::move(*key));
  }
  return signers;
}

bool have_one_in_common(const std::vector<PublicKey>& a, const std::vector<PublicKey>& b) {
  return std::ranges::any_of(a, [&](const PublicKey& key) { return std::ranges::find(b, key) != b.end(); });
}

}  // namespace

Result<Bytes> seal(BytesView payload, BytesView inner_header, const std::vector<PublicKey>& recipients,
                   const PrivateKey& signer) {
  Bottle inner = clear_bottle(payload);
  inner.header = to_bytes(inner_header);
  const Result<Bottle> encrypted = encrypt(inner, recipients);
  if (!encrypted) return encrypted.error();
  const Result<Bottle> sealed = sign(bottle_up(*encrypted), signer);
  if (!sealed) return sealed.error();
  return encode_bottle(*sealed);
}

Result<Sealed> open_sealed(BytesView encoded, const Keychain& keys, const std::vector<PublicKey>& signers) {
  const Result<Bottle> outer = decode_bottle(encoded);
  if (!outer || !is_outer_shape(*outer)) return fail(Errc::not_sealed);
  Sealed out;
  Result<std::vector<PublicKey>> verified = verify_all(*outer, signers);
  if (!verified) return verified.error();
  out.signers = std::move(*verified);
  if (!have_one_in_common(out.signers, signers)) return fail(Errc::wrong_signer);

  const Result<Bottle> encrypted = decode_bottle(outer->message);
  if (!encrypted || !is_encrypted_shape(*encrypted)) return fail(Errc::not_sealed);
  out.digest = sha256(outer->message);
  const Result<Bytes> plain = decrypt_message(*encrypted, keys);
  if (!plain) return plain.error();

  Result<Bottle> inner = decode_bottle(*plain);
  if (!inner || !is_clear_shape(*inner)) return fail(Errc::not_sealed);
  Result<Header> header = Header::parse(inner->header);
  if (!header) return fail(Errc::not_sealed);
  out.header = std::move(*header);
  out.payload = std::move(inner->message);
  return out;
}

}  // namespace spot
