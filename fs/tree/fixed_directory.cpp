#include "fs/tree/fixed_directory.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {
namespace {

std::map<std::string, NodePtr> by_name(std::vector<NamedNode> nodes) {
  std::map<std::string, NodePtr> out;
  for (NamedNode& one : nodes) out.insert_or_assign(std::move(one.name), std::move(one.node));
  return out;
}

}  // namespace

FixedDirectory::FixedDirectory(std::vector<NamedNode> nodes, mode_t mode, Access access, SpaceFunction space)
    : nodes_{by_name(std::move(nodes))},
      access_{access},
      space_{std::move(space)},
      attributes_{own_attributes(access, S_IFDIR | mode)} {
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> FixedDirectory::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> FixedDirectory::access(Caller caller, int mask) {
  co_return access_.check(attributes_, caller, mask);
}

asio::awaitable<Result<Space>> FixedDirectory::space(Caller) { co_return space_ ? space_() : Space{}; }

asio::awaitable<Result<Entry>> FixedDirectory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = access_.check(attributes_, caller, X_OK);
  if (!allowed) co_return allowed.error();
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) co_return Entry{NodePtr{}, Attributes{}, kLongTimeout};
  const Result<Attributes> attributes = co_await found->second->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{found->second, *attributes, kLongTimeout};
}

asio::awaitable<Result<std::vector<Listed>>> FixedDirectory::list(Caller caller, std::string after, std::size_t limit) {
  std::vector<Listed> listed;
  for (auto next = nodes_.upper_bound(after); next != nodes_.end() && listed.size() < limit; ++next) {
    const Result<Attributes> attributes = co_await next->second->attributes(caller);
    if (!attributes) co_return attributes.error();
    listed.emplace_back(next->first, Entry{next->second, *attributes, kLongTimeout});
  }
  co_return listed;
}

}  // namespace spotfs::tree
