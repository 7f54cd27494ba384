#include "fs/tree/blobs/key.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"

namespace spotfs::tree {
namespace {

constexpr std::string_view kOwnKeys = ".spotfs/";

}  // namespace

Result<std::string> key_of(std::string_view directory, std::string_view name) {
  std::string key{directory};
  if (!key.empty()) key.push_back('/');
  key.append(name);
  if (key.size() > kMaxKey) return fail(ENAMETOOLONG);
  if (key.starts_with('{') || !spot::is_utf8(key)) return fail(EILSEQ);
  if (key.starts_with(kOwnKeys)) return fail(EPERM);
  return key;
}

Result<std::string> path_of(std::string_view directory, std::string_view name) {
  Result<std::string> shortest = key_of(directory, std::string{name} + "/x");
  if (shortest) shortest->resize(shortest->size() - 2);
  return shortest;
}

}  // namespace spotfs::tree
