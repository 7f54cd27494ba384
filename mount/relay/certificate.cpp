#include "mount/relay/certificate.hpp"

#include <algorithm>
#include <optional>

#include <boost/asio/ip/address.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "client/base/handle.hpp"

namespace spot::relay {
namespace {

using File = Handle<std::FILE, &std::fclose>;
using PKey = Handle<EVP_PKEY, &EVP_PKEY_free>;
using Certificate = Handle<X509, &X509_free>;
using Extension = Handle<X509_EXTENSION, &X509_EXTENSION_free>;
using Serial = Handle<BIGNUM, &BN_free>;
using Names = Handle<GENERAL_NAMES, &GENERAL_NAMES_free>;

constexpr long kLifetime = 10L * 365 * 24 * 60 * 60;
constexpr long kRenewBefore = 30L * 24 * 60 * 60;

Failure unusable(const std::filesystem::path& file, std::string_view why) {
  return {Errc::bad_certificate, fmt::format("{}: {}", file.string(), why)};
}

bool is_address(const std::string& name) {
  boost::system::error_code ec;
  boost::asio::ip::make_address(name, ec);
  return !ec;
}

// Of its 4 or 16 bytes.
std::optional<std::string> address_of(const std::string& bytes) {
  namespace ip = boost::asio::ip;
  if (ip::address_v4::bytes_type v4; bytes.size() == v4.size()) {
    std::ranges::copy(bytes, v4.begin());
    return ip::address_v4{v4}.to_string();
  }
  if (ip::address_v6::bytes_type v6; bytes.size() == v6.size()) {
    std::ranges::copy(bytes, v6.begin());
    return ip::address_v6{v6}.to_string();
  }
  return std::nullopt;
}

Certificate read_certificate(const std::filesystem::path& file) {
  const File in{std::fopen(file.c_str(), "re")};
  return Certificate{in ? PEM_read_X509(in.get(), nullptr, nullptr, nullptr) : nullptr};
}

bool ends_soon(X509* certificate) {
  std::time_t soon = std::time(nullptr) + kRenewBefore;
  return X509_cmp_time(X509_get0_notAfter(certificate), &soon) <= 0;
}

bool covers(X509* certificate, const std::string& name) {
  return (is_address(name) ? X509_check_ip_asc(certificate, name.c_str(), 0)
                           : X509_check_host(certificate, name.data(), name.size(), 0, nullptr)) == 1;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> out;
  const Names names{static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* const value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const std::string bytes{reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                            static_cast<std::size_t>(ASN1_STRING_length(value))};
    if (name->type == GEN_DNS) out.push_back(bytes);
    if (const auto address = address_of(bytes); name->type == GEN_IPADD && address) out.push_back(*address);
  }
  return out;
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Extension extension{X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

Certificate make_certificate(EVP_PKEY* key, const std::vector<std::string>& names) {
  Certificate made{X509_new()};
  const Serial serial{BN_new()};
  if (!made || !serial || BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1) return nullptr;
  X509* const x = made.get();
  std::string alternatives;
  for (const std::string& name : names)
    alternatives += fmt::format("{}{}:{}", alternatives.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  static constexpr unsigned char kSubject[] = "spot-relay";
  const bool good =
      X509_set_version(x, 2) == 1 && BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x)) != nullptr &&
      X509_gmtime_adj(X509_getm_notBefore(x), -3600) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(x), kLifetime) != nullptr && X509_set_pubkey(x, key) == 1 &&
      X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, kSubject, sizeof kSubject - 1, -1, 0) ==
          1 &&
      X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 && add_extension(x, NID_subject_alt_name, alternatives) &&
      add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, NID_key_usage, "critical,digitalSignature") &&
      add_extension(x, NID_ext_key_usage, "serverAuth") &&
      // They tell the certificates of several relays apart in one file of roots, as all have one subject.
      add_extension(x, NID_subject_key_identifier, "hash") &&
      add_extension(x, NID_authority_key_identifier, "keyid:always") && X509_sign(x, key, EVP_sha256()) != 0;
  return good ? std::move(made) : nullptr;
}

// Readable by its owner alone from the start.
File create_private(const std::filesystem::path& path) {
  ::unlink(path.c_str());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return File{file < 0 ? nullptr : ::fdopen(file, "w")};
}

}  // namespace

Answer<SelfSigned> self_signed(const std::filesystem::path& directory, std::vector<std::string> names) {
  const CertificateFiles files{directory / "cert.pem", directory / "key.pem"};
  std::string news = "there was none";
  std::error_code ec;
  if (const auto old = read_certificate(files.certificate)) {
    const auto missing = std::ranges::find_if(names, [&](const auto& name) { return !covers(old.get(), name); });
    if (!std::filesystem::exists(files.key, ec))
      news = "the key of the one before is gone";
    else if (ends_soon(old.get()))
      news = "the one before ends within a month, or has ended";
    else if (missing != names.end())
      news = fmt::format("the one before does not cover {}", *missing);
    else
      return SelfSigned{files, {}};
    for (std::string& name : names_of(old.get())) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
  }

  const PKey key{EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")};
  const Certificate made = key ? make_certificate(key.get(), names) : nullptr;
  if (!made)
    return unusable(files.certificate,
                    "no certificate can be made for these names: " + fmt::format("{}", fmt::join(names, ", ")));

  File out = create_private(files.key);
  if (!out || PEM_write_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      std::fflush(out.get()) != 0)
    return unusable(files.key, "the key can't be written");
  out = create_private(files.certificate);
  if (!out || ::fchmod(::fileno(out.get()), 0644) != 0 || PEM_write_X509(out.get(), made.get()) != 1 ||
      std::fflush(out.get()) != 0)
    return unusable(files.certificate, "the certificate can't be written");
  return SelfSigned{files, std::move(news)};
}

Answer<Sha256> certificate_digest(const std::filesystem::path& file) {
  const auto certificate = read_certificate(file);
  if (!certificate) return unusable(file, "not a certificate in PEM form that can be read");
  Sha256 digest{};
  unsigned int size = digest.size();
  if (X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) != 1)
    return unusable(file, "its digest can't be had");
  return digest;
}

}  // namespace spot::relay
