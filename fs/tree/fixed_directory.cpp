#include "fs/tree/fixed_directory.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {

FixedDirectory::Items FixedDirectory::by_name(std::vector<NamedNode> nodes) {
  Items out;
  for (NamedNode& one : nodes) out.insert_or_assign(std::move(one.name), Item{std::move(one.node), one.is_listed});
  return out;
}

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
  const NodePtr& node = found->second.node;
  const Result<Attributes> attributes = co_await node->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{node, *attributes, kLongTimeout};
}

asio::awaitable<Result<std::vector<Listed>>> FixedDirectory::list(Caller caller, std::string after, std::size_t limit) {
  std::vector<Listed> listed;
  for (auto next = nodes_.upper_bound(after); next != nodes_.end() && listed.size() < limit; ++next) {
    const Item& item = next->second;
    if (!item.is_listed) continue;
    const Result<Attributes> attributes = co_await item.node->attributes(caller);
    if (!attributes) co_return attributes.error();
    listed.emplace_back(next->first, Entry{item.node, *attributes, kLongTimeout});
  }
  co_return listed;
}

}  // namespace spotfs::tree
