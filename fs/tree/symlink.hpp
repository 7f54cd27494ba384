// A symbolic link whose target is given when it is made.
//
// Thread: any, immutable.
#pragma once

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

class Symlink final : public Node {
 public:
  Symlink(std::string target, Access access);

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<std::string>> read_link(Caller caller) override;

 private:
  const std::string target_;
  Attributes attributes_;
};

}  // namespace spotfs::tree
