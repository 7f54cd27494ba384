#include "fs/tree/symlink.hpp"

namespace spotfs::tree {

Symlink::Symlink(std::string target, Access access) : target_{std::move(target)} {
  attributes_.inode = new_inode_number();
  attributes_.mode = S_IFLNK | 0777;
  attributes_.uid = access.uid;
  attributes_.gid = access.gid;
  attributes_.size = target_.size();
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> Symlink::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<std::string>> Symlink::read_link(Caller) { co_return target_; }

}  // namespace spotfs::tree
