#include "fs/index/state_keys.hpp"

#include <algorithm>

namespace spotfs {

namespace {

Bytes key_of(std::uint8_t kind, BytesView id) {
  Bytes out(1 + id.size(), kind);
  std::ranges::copy(id, out.begin() + 1);
  return out;
}

}  // namespace

Bytes name_key(const InodeId& directory, std::string_view name) {
  Bytes out = key_of(kNameKey, directory.bytes);
  out.insert(out.end(), name.begin(), name.end());
  return out;
}

Bytes names_end(const InodeId& directory) {
  Bytes out = key_of(kNameKey, directory.bytes);
  for (std::size_t i = out.size(); i-- > 0 && ++out[i] == 0;) {
  }
  return out;
}

Bytes inode_key(const InodeId& id) { return key_of(kInodeKey, id.bytes); }

Bytes run_key(const RunPrefix& run) { return key_of(kRunKey, run); }

}  // namespace spotfs
