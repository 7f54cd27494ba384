#include "client/bottle/open.hpp"

#include "client/crypto/aead.hpp"
#include "client/crypto/hash.hpp"
#include "client/crypto/sign.hpp"
#include "client/crypto/wrap.hpp"

namespace spot {
namespace {

Result<void> collect_signers(const Bottle& bottle, std::vector<PublicKey>& signers) {
  for (const Signature& s : bottle.signatures) {
    Result<PublicKey> key = PublicKey::parse(s.key);
    if (!key) return key.error();
    if (const Result<void> ok = verify(*key, bottle.message, s.signature); !ok) return ok;
    signers.push_back(std::move(*key));
  }
  return {};
}

Result<Bottle> decode_inner(const Bottle& level) {
  if (level.format == Format::json) return decode_json_bottle(as_text(level.message));
  return decode_bottle(level.message);
}

}  // namespace

Result<Bytes> decrypt_message(const Bottle& bottle, const Keychain& keys) {
  std::error_code last = fail(Errc::not_for_us);
  for (const Recipient& recipient : bottle.recipients) {
    const PrivateKey* const key = keys.find(recipient.key);
    if (key == nullptr) continue;
    const Result<SecretBytes> content_key = unwrap_key(*key, recipient.wrapped);
    if (!content_key) {
      last = content_key.error();
      continue;
    }
    return aead_open(*content_key, bottle.message);
  }
  return last;
}

Result<Opened> open_bottle(BytesView encoded, const Keychain* keys) {
  Opened out;
  Result<Bottle> level = decode_bottle(encoded);
  for (std::size_t depth = 0; depth < kMaxBottleDepth; ++depth) {
    if (!level) return level.error();
    if (const Result<void> ok = collect_signers(*level, out.signers); !ok) return ok.error();
    if (level->format == Format::clear) {
      out.payload = level->message;
      out.levels.push_back(std::move(*level));
      return out;
    }
    Result<Bottle> inner = fail(Errc::malformed);
    if (level->format == Format::aes) {
      if (keys == nullptr) return fail(Errc::not_for_us);
      const Result<Bytes> plain = decrypt_message(*level, *keys);
      if (!plain) return plain.error();
      ++out.decryptions;
      inner = decode_bottle(*plain);
    } else {
      inner = decode_inner(*level);
    }
    level->message.clear();
    out.levels.push_back(std::move(*level));
    level = std::move(inner);
  }
  return fail(Errc::malformed);
}

Bottle clear_bottle(BytesView payload) {
  Bottle out;
  out.message = to_bytes(payload);
  return out;
}

Bottle bottle_up(const Bottle& inner) {
  Bottle out;
  out.message = encode_bottle(inner);
  out.format = Format::bottle;
  return out;
}

Result<Bottle> encrypt(const Bottle& inner, const std::vector<PublicKey>& recipients) {
  if (recipients.empty()) return fail(Errc::no_recipient);
  const bool wrapped_already = inner.format == Format::bottle && inner.signatures.empty() && !inner.has_header();
  const Bytes plain = wrapped_already ? inner.message : encode_bottle(inner);
  SecretBytes content_key(kAeadKeySize);
  random_bytes(content_key);
  Bottle out;
  out.format = Format::aes;
  Result<Bytes> sealed = aead_seal(content_key, plain);
  if (!sealed) return sealed.error();
  out.message = std::move(*sealed);
  for (const PublicKey& key : recipients) {
    Result<Bytes> wrapped = wrap_key(key, content_key);
    if (!wrapped) return wrapped.error();
    out.recipients.push_back({key.pkix(), std::move(*wrapped)});
  }
  return out;
}

Result<Bottle> sign(Bottle bottle, const PrivateKey& key) {
  if (bottle.has_header()) bottle = bottle_up(bottle);
  Result<Bytes> signature = sign(key, bottle.message);
  if (!signature) return signature.error();
  bottle.signatures.push_back({key.public_key().pkix(), std::move(*signature)});
  return bottle;
}

}  // namespace spot
