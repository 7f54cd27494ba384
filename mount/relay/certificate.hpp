// The certificate that the relay shows, its own or one that it makes.
//
// Thread: any. Errors: one line for the operator, with the name of the file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <openssl/types.h>

#include "client/base/failure.hpp"
#include "client/crypto/hash.hpp"

namespace spot::relay {

struct CertificateFiles {
  std::filesystem::path certificate;  // PEM, the relay's first
  std::filesystem::path key;          // PEM, unencrypted
};

struct SelfSigned {
  CertificateFiles files;
  std::string news;  // why it was made, for the operator; empty: it was there
};
// Makes a self-signed one (P-256, ten years) for these names and addresses in `directory`, or takes the one that is
// there if it covers all of them. What clients trust changes where it is made anew: it goes on covering what the one
// before did, and this is for when nothing else can fail.
Answer<SelfSigned> self_signed(const std::filesystem::path& directory, std::vector<std::string> names);

// SHA-256 of the first certificate of a PEM file (of its DER).
Answer<Sha256> certificate_digest(const std::filesystem::path& file);

}  // namespace spot::relay
