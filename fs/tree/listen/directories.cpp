#include "fs/tree/listen/directories.hpp"

#include <unistd.h>

namespace spotfs::tree {

asio::awaitable<Result<Attributes>> ListenNode::attributes(Caller) { co_return attributes_; }

Result<void> ListenNode::check(const Caller& caller, int mask) const {
  return hub_->options.access.check(attributes_, caller, mask);
}

asio::awaitable<Result<void>> ListenNode::access(Caller caller, int mask) { co_return check(caller, mask); }

asio::awaitable<Result<Entry>> ListenFolder::lookup(Caller caller, std::string name) {
  const Result<void> allowed = check(caller, X_OK);
  if (!allowed) co_return allowed.error();
  const Result<NodePtr> node = child(name);
  if (!node) co_return node.error();
  const Result<Attributes> attributes = co_await (*node)->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{*node, *attributes};
}

asio::awaitable<Result<std::vector<Listed>>> ListenFolder::list(Caller caller, std::string after, std::size_t limit) {
  std::vector<Listed> listed;
  const std::set<std::string> all = names();
  for (auto next = all.upper_bound(after); next != all.end() && listed.size() < limit; ++next) {
    const Result<NodePtr> node = child(*next);
    if (!node) continue;  // gone meanwhile
    const Result<Attributes> attributes = co_await (*node)->attributes(caller);
    if (attributes) listed.emplace_back(*next, Entry{*node, *attributes});
  }
  co_return listed;
}

}  // namespace spotfs::tree
