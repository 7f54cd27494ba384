#include "fs/tree/named_directory.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {

NamedDirectory::NamedDirectory(const Access& access, mode_t mode)
    : NamedDirectory{access, own_attributes(access, S_IFDIR | mode), Names::looked_up} {
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> NamedDirectory::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> NamedDirectory::access(Caller caller, int mask) { co_return check(caller, mask); }

asio::awaitable<Result<Entry>> NamedDirectory::find(Caller caller, std::string name) {
  const Result<NodePtr> node = child(caller, name);
  if (!node) co_return node.error();
  const Result<Attributes> attributes = co_await (*node)->attributes(caller);
  if (!attributes) co_return attributes.error();
  Entry entry{*node, *attributes};
  if (names_ == Names::kept) entry.timeout = attributes->timeout;
  co_return entry;
}

asio::awaitable<Result<Entry>> NamedDirectory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = check(caller, X_OK);
  if (!allowed) co_return allowed.error();
  co_return co_await find(std::move(caller), std::move(name));
}

asio::awaitable<Result<std::vector<Listed>>> NamedDirectory::list(Caller caller, std::string after, std::size_t limit) {
  std::vector<Listed> listed;
  const std::set<std::string> all = names(caller);
  for (auto next = all.upper_bound(after); next != all.end() && listed.size() < limit; ++next) {
    const Result<Entry> entry = co_await find(caller, *next);
    if (entry)
      listed.emplace_back(*next, *entry);
    else if (entry.error() != fail(ENOENT) && entry.error() != fail(ESTALE))
      co_return entry.error();  // those two are gone meanwhile
  }
  co_return listed;
}

}  // namespace spotfs::tree
