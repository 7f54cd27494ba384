// A directory whose names are given when it is made.
//
// Thread: any, immutable. Lifetime: keeps its nodes.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

struct NamedNode {
  std::string name;
  NodePtr node;
  bool is_listed = true;  // else it is reached by name alone
};

using SpaceFunction = std::function<Space()>;  // what statfs shows; never waits

class FixedDirectory final : public Node {
 public:
  // mode: permission bits.
  FixedDirectory(std::vector<NamedNode> nodes, mode_t mode, Access access, SpaceFunction space = {});

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Space>> space(Caller caller) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;

 private:
  struct Item {
    NodePtr node;
    bool is_listed = true;
  };
  using Items = std::map<std::string, Item>;
  static Items by_name(std::vector<NamedNode> nodes);

  const Items nodes_;
  const Access access_;
  const SpaceFunction space_;
  Attributes attributes_;
};

}  // namespace spotfs::tree
