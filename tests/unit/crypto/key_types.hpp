// One generated key of each type, made once for all tests of a program (RSA takes a second).
#pragma once

#include <map>

#include <gtest/gtest.h>

#include "client/crypto/key.hpp"

namespace spot {

inline constexpr KeyType kAllKeyTypes[] = {KeyType::p256,    KeyType::p384,   KeyType::p521,
                                           KeyType::ed25519, KeyType::x25519, KeyType::rsa};

inline const PrivateKey& key_of(KeyType type) {
  static std::map<KeyType, PrivateKey> keys;
  const auto at = keys.find(type);
  return at != keys.end() ? at->second : keys.emplace(type, PrivateKey::generate(type).value()).first->second;
}

inline std::string test_name(const testing::TestParamInfo<KeyType>& info) {
  static constexpr const char* kNames[] = {"P256", "P384", "P521", "Ed25519", "X25519", "Rsa"};
  return kNames[static_cast<int>(info.param)];
}

}  // namespace spot
