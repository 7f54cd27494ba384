#include "fs/tree/listen/directories.hpp"

#include <unistd.h>

namespace spotfs::tree {

asio::awaitable<Result<Attributes>> ListenNode::attributes(Caller) { co_return attributes_; }

Result<void> ListenNode::check(const Caller& caller, int mask) const {
  return hub_->options.access.check(attributes_, caller, mask);
}

asio::awaitable<Result<void>> ListenNode::access(Caller caller, int mask) { co_return check(caller, mask); }

}  // namespace spotfs::tree
