#include "client/crypto/key.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "client/crypto/context_pool.hpp"

namespace spot {
namespace {

using Pkcs8 = Handle<PKCS8_PRIV_KEY_INFO, &PKCS8_PRIV_KEY_INFO_free>;
using Bio = Handle<BIO, &BIO_free_all>;

// OpenSSL leaves its errors in a queue of the thread; ours are values.
struct ErrorQueue {
  ~ErrorQueue() { ERR_clear_error(); }
};

struct Curve {
  KeyType type;
  const char* group;
  std::size_t point_size;  // uncompressed
  std::size_t pkix_size;   // with the curve named; explicit parameters make it longer
};

constexpr std::array<Curve, 3> kCurves{{{KeyType::p256, "prime256v1", 65, 91},
                                        {KeyType::p384, "secp384r1", 97, 120},
                                        {KeyType::p521, "secp521r1", 133, 158}}};

// What all keys of a curve have in common. OpenSSL's decoders and encoders of PKIX cost several times what is done with
// the key, so the keys of these curves, which come with every message, are taken apart and put together by hand.
struct Pattern {
  PKey key;      // any one of the curve
  Bytes prefix;  // of the PKIX form, up to the point

  explicit Pattern(const Curve& curve) : key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve.group)} {
    std::uint8_t* der = nullptr;
    const int size = key ? i2d_PUBKEY(key.get(), &der) : 0;
    if (size != static_cast<int>(curve.pkix_size)) std::abort();
    prefix.assign(der, der + curve.pkix_size - curve.point_size);
    OPENSSL_free(der);
  }
};

const Pattern& pattern_of(const Curve& curve) {
  static const std::array<Pattern, 3> patterns{Pattern{kCurves[0]}, Pattern{kCurves[1]}, Pattern{kCurves[2]}};
  return patterns[static_cast<std::size_t>(&curve - kCurves.data())];
}

// A key in the one form that is allowed, its point on the curve; null: something else.
PKey parse_named(const Curve& curve, BytesView pkix) {
  if (pkix.size() != curve.pkix_size) return nullptr;
  const Pattern& pattern = pattern_of(curve);
  const BytesView point = pkix.last(curve.point_size);
  if (!equal(pkix.first(pattern.prefix.size()), pattern.prefix) || point.front() != 0x04) return nullptr;
  PKey key{EVP_PKEY_new()};
  if (!key || EVP_PKEY_copy_parameters(key.get(), pattern.key.get()) != 1 ||
      EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1)
    return nullptr;
  return key;
}

EVP_PKEY* generate_named(const Curve& curve) {
  const PKeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, pattern_of(curve).key.get(), nullptr)};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_keygen_init(context.get()) != 1 || EVP_PKEY_keygen(context.get(), &key) != 1) return nullptr;
  return key;
}

// The types whose keys are one string of 32 bytes behind a fixed prefix (RFC 8410).
constexpr std::size_t kRawPrefixSize = 12;

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::size_t kMaxKeySize = 16384;

// The encodings (little endian, sign bit cleared) of the y of points of small order, canonical or not, as listed in
// "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko 2020), table 6.
bool has_small_order(BytesView point) {
  static constexpr std::array<std::string_view, 5> kCanonical{
      std::string_view{"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
      std::string_view{
          "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
          "\xff\xff\xff\xff\xff\xff\xff\x7f",
          32},
      std::string_view{"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32},
      std::string_view{
          "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6"
          "\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
          32},
      std::string_view{
          "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39"
          "\xb1\x38\x02\x88\x6d\x53\xfc\x05",
          32}};
  Bytes y = to_bytes(point);
  y.back() &= 0x7F;
  return std::ranges::any_of(kCanonical, [&](std::string_view known) { return equal(view(known), y); });
}

// y below 2^255 - 19, and on the curve: OpenSSL checks neither when it reads a key.
bool is_canonical_ed25519(BytesView point) {
  Bytes y{point.rbegin(), point.rend()};
  const bool odd = (y.front() & 0x80) != 0;
  y.front() &= 0x7F;
  const Handle<BN_CTX, &BN_CTX_free> context{BN_CTX_new()};
  const auto number = [](const char* text) {
    BIGNUM* n = nullptr;
    BN_hex2bn(&n, text);
    return Bignum{n};
  };
  static const Bignum p = number("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
  static const Bignum d = number("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
  const Bignum n{BN_bin2bn(y.data(), static_cast<int>(y.size()), nullptr)};
  if (!context || !n || BN_cmp(n.get(), p.get()) >= 0) return false;
  // x^2 = (y^2 - 1) / (d y^2 + 1) must be a square.
  const Bignum yy{BN_new()}, u{BN_new()}, v{BN_new()}, x{BN_new()};
  BN_mod_sqr(yy.get(), n.get(), p.get(), context.get());
  BN_mod_sub(u.get(), yy.get(), BN_value_one(), p.get(), context.get());
  BN_mod_mul(v.get(), yy.get(), d.get(), p.get(), context.get());
  BN_mod_add(v.get(), v.get(), BN_value_one(), p.get(), context.get());
  if (BN_mod_inverse(v.get(), v.get(), p.get(), context.get()) == nullptr) return false;
  BN_mod_mul(u.get(), u.get(), v.get(), p.get(), context.get());
  const bool square = BN_mod_sqrt(x.get(), u.get(), p.get(), context.get()) != nullptr;
  return square && !(BN_is_zero(x.get()) && odd);
}

std::optional<KeyType> type_of(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519: return KeyType::ed25519;
    case EVP_PKEY_X25519: return KeyType::x25519;
    case EVP_PKEY_RSA: {
      const int bits = EVP_PKEY_get_bits(key);
      if (bits >= kMinRsaBits && bits <= kMaxRsaBits) return KeyType::rsa;
      return std::nullopt;
    }
    case EVP_PKEY_EC: break;
    default: return std::nullopt;
  }
  char group[32] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return std::nullopt;
  for (const Curve& curve : kCurves)
    if (std::strcmp(group, curve.group) == 0) return curve.type;
  return std::nullopt;
}

// For the key types that OpenSSL reads in more than one form, or without a check of the point.
bool is_allowed_form(EVP_PKEY* key, KeyType type, BytesView pkix) {
  if (type == KeyType::ed25519) {
    const BytesView point = pkix.subspan(kRawPrefixSize);
    return is_canonical_ed25519(point) && !has_small_order(point);
  }
  for (const Curve& curve : kCurves) {
    if (curve.type != type) continue;
    if (pkix.size() != curve.pkix_size || pkix[pkix.size() - curve.point_size] != 0x04) return false;
    const PKeyContext context{EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)};
    return context && EVP_PKEY_public_check_quick(context.get()) == 1;
  }
  return true;
}

bool is_known_but_unusable(BytesView pkix) {
  // The arc of the ML-KEM keys, 2.16.840.1.101.3.4.4, and of the composite ones of the drafts.
  static constexpr std::string_view kMlKem = "\x60\x86\x48\x01\x65\x03\x04\x04";
  return as_text(pkix.first(std::min<std::size_t>(pkix.size(), 32))).find(kMlKem) != std::string_view::npos;
}

Result<Bytes> to_pkix(EVP_PKEY* key) {
  for (const Curve& curve : kCurves) {
    if (type_of(key) != curve.type) continue;
    Bytes out = pattern_of(curve).prefix;
    out.resize(curve.pkix_size);
    std::size_t size = 0;
    const bool done =
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                        out.data() + curve.pkix_size - curve.point_size, curve.point_size, &size) == 1;
    if (done && size == curve.point_size) return out;
  }
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) return fail(Errc::bad_key);
  Bytes out{der, der + size};
  OPENSSL_free(der);
  return out;
}

const char* openssl_name(KeyType type) noexcept {
  switch (type) {
    case KeyType::ed25519: return "ED25519";
    case KeyType::x25519: return "X25519";
    case KeyType::rsa: return "RSA";
    case KeyType::p256:
    case KeyType::p384:
    case KeyType::p521: break;
  }
  return "EC";
}

}  // namespace

std::string_view name_of(KeyType type) noexcept {
  switch (type) {
    case KeyType::p256:
    case KeyType::p384:
    case KeyType::p521: return "ecdsa";
    case KeyType::ed25519: return "ed25519";
    case KeyType::x25519: return "x25519";
    case KeyType::rsa: return "rsa";
  }
  return "unknown";
}

struct PublicKey::Data {
  Data(PKey k, KeyType t, Bytes encoded) : key{std::move(k)}, type{t}, pkix{std::move(encoded)}, hash{sha256(pkix)} {}

  const PKey key;
  const KeyType type;
  const Bytes pkix;
  const Sha256 hash;
  mutable ContextPool verifiers;  // goes before the key
};

struct PrivateKey::Data {
  Data(PKey k, PublicKey shown) : key{std::move(k)}, public_key{std::move(shown)} {}

  const PKey key;
  const PublicKey public_key;
  mutable ContextPool signers;
};

Result<PublicKey> PublicKey::parse(BytesView pkix) {
  const ErrorQueue errors;
  if (pkix.empty() || pkix.size() > kMaxKeySize) return fail(Errc::bad_key);
  for (const Curve& curve : kCurves) {
    PKey named = parse_named(curve, pkix);
    if (!named) continue;
    if (!is_allowed_form(named.get(), curve.type, pkix)) return fail(Errc::bad_key);
    return PublicKey{std::make_shared<const Data>(std::move(named), curve.type, to_bytes(pkix))};
  }
  const std::uint8_t* at = pkix.data();
  PKey key{d2i_PUBKEY(nullptr, &at, static_cast<long>(pkix.size()))};
  if (!key) return fail(is_known_but_unusable(pkix) ? Errc::unsupported_key : Errc::bad_key);
  if (at != pkix.data() + pkix.size()) return fail(Errc::bad_key);
  const std::optional<KeyType> type = type_of(key.get());
  if (!type) return fail(Errc::bad_key);
  Result<Bytes> again = to_pkix(key.get());
  if (!again || !equal(*again, pkix) || !is_allowed_form(key.get(), *type, pkix)) return fail(Errc::bad_key);
  return PublicKey{std::make_shared<const Data>(std::move(key), *type, std::move(*again))};
}

KeyType PublicKey::type() const noexcept { return data_->type; }
const Bytes& PublicKey::pkix() const noexcept { return data_->pkix; }
const Sha256& PublicKey::hash() const noexcept { return data_->hash; }
bool PublicKey::can_sign() const noexcept { return data_->type != KeyType::x25519; }
bool PublicKey::can_decrypt() const noexcept { return true; }
EVP_PKEY* PublicKey::native() const noexcept { return data_->key.get(); }
ContextPool& PublicKey::verifiers() const noexcept { return data_->verifiers; }
bool PublicKey::operator==(const PublicKey& other) const noexcept { return data_->pkix == other.data_->pkix; }

Result<PrivateKey> PrivateKey::adopt(EVP_PKEY* owned) {
  PKey key{owned};
  const Result<Bytes> pkix = to_pkix(key.get());
  if (!pkix) return pkix.error();
  const Result<PublicKey> parsed = PublicKey::parse(*pkix);
  if (!parsed) return parsed.error();
  return PrivateKey{std::make_shared<const Data>(std::move(key), *parsed)};
}

Result<PrivateKey> PrivateKey::generate(KeyType type) {
  const ErrorQueue errors;
  EVP_PKEY* key = nullptr;
  switch (type) {
    case KeyType::p256:
    case KeyType::p384:
    case KeyType::p521:
      for (const Curve& curve : kCurves)
        if (curve.type == type) key = generate_named(curve);
      break;
    case KeyType::rsa: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{3072}); break;
    case KeyType::ed25519:
    case KeyType::x25519: key = EVP_PKEY_Q_keygen(nullptr, nullptr, openssl_name(type)); break;
  }
  if (key == nullptr) return fail(Errc::crypto_failed);
  return adopt(key);
}

Result<PrivateKey> PrivateKey::parse_der(BytesView der) {
  const ErrorQueue errors;
  if (der.empty() || der.size() > kMaxKeySize) return fail(Errc::bad_key);
  const std::uint8_t* at = der.data();
  EVP_PKEY* const key = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()));
  if (key == nullptr) return fail(Errc::bad_key);
  if (at != der.data() + der.size()) {
    EVP_PKEY_free(key);
    return fail(Errc::bad_key);
  }
  return adopt(key);
}

Result<PrivateKey> PrivateKey::parse_pem(BytesView pem) {
  const ErrorQueue errors;
  const Bio bio{BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), kMaxKeySize * 2)))};
  // An encrypted key must fail, not ask for its passphrase on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  EVP_PKEY* const key = bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr;
  if (key == nullptr) return fail(Errc::bad_key);
  return adopt(key);
}

Result<SecretBytes> PrivateKey::to_pem() const {
  const ErrorQueue errors;
  const Bio bio{BIO_new(BIO_s_secmem())};
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), native(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return fail(Errc::crypto_failed);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return SecretBytes{data, data + size};
}

const PublicKey& PrivateKey::public_key() const noexcept { return data_->public_key; }
EVP_PKEY* PrivateKey::native() const noexcept { return data_->key.get(); }
ContextPool& PrivateKey::signers() const noexcept { return data_->signers; }

}  // namespace spot
