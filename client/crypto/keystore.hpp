// The directory of private keys that all Spot clients share (protocol.md, section 3).
//
// Thread: any, blocking file I/O. Files: `id_<type>.key`, PEM PKCS#8, mode 0600; the directory 0700.
// Errors: bad_permissions where others can read a key or the directory; bad_key where there are key files, but none
// that can be used, with the name of one and why; storage and errno codes as they come.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "client/base/failure.hpp"
#include "client/crypto/keychain.hpp"

namespace spot {

struct LoadedKeys {
  Keychain keychain;
  std::vector<std::string> warnings;  // one line for each file that is not a key, with its name
  bool created = false;               // there was none, and a P-256 key was made
};

// $XDG_CONFIG_HOME/spot, else ~/.config/spot of the user's passwd entry or HOME.
std::filesystem::path default_key_directory();

// Loads all keys of `directory`, by file name (bytewise); makes the directory and a P-256 key where there is no file of
// a key: beside one that is damaged a new key would be another identity, which finds nothing of the first.
Answer<LoadedKeys> load_or_create_keys(const std::filesystem::path& directory);

// The same without making anything: not_found where there is no key.
Answer<LoadedKeys> load_keys(const std::filesystem::path& directory);

}  // namespace spot
