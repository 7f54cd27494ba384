#include "fs/tree/symlink.hpp"

namespace spotfs::tree {

Symlink::Symlink(std::string target, Access access)
    : target_{std::move(target)}, attributes_{own_attributes(access, S_IFLNK | 0777)} {
  attributes_.size = target_.size();
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> Symlink::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<std::string>> Symlink::read_link(Caller) { co_return target_; }

}  // namespace spotfs::tree
