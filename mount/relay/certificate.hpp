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

// Makes a self-signed one (P-256, ten years) for these names and addresses in `directory`, or takes the one that is
// there if it covers all of them.
Answer<CertificateFiles> self_signed(const std::filesystem::path& directory, const std::vector<std::string>& names);

// SHA-256 of the first certificate of a PEM file (of its DER).
Answer<Sha256> certificate_digest(const std::filesystem::path& file);

}  // namespace spot::relay
