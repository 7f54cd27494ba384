// The directory of one group.
//
// Thread: any. Lifetime: node.hpp.
#pragma once

#include <map>

#include "client/base/sync.hpp"
#include "fs/tree/groups/groups.hpp"
#include "fs/tree/node_table.hpp"

namespace spotfs::tree {

struct Groups {
  Groups(std::shared_ptr<spot::Client> c, Access a, const spot::Clock& k) : client{std::move(c)}, access{a}, clock{k} {}

  const std::shared_ptr<spot::Client> client;
  const Access access;
  const spot::Clock& clock;
  NodeTable<Bytes> nodes;  // by the group's key
};

class GroupDirectory final : public Node {
 public:
  GroupDirectory(std::shared_ptr<Groups> groups, Bytes key);
  ~GroupDirectory() override { groups_->nodes.forget(key_); }

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<void>> open_directory(Caller caller) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;

 private:
  struct State {
    std::map<std::string, NodePtr> members;  // by address
    std::optional<spot::Clock::Steady> asked;
  };

  asio::awaitable<Result<void>> ask();
  bool is_fresh() const;

  const std::shared_ptr<Groups> groups_;
  const Bytes key_;  // PKIX
  Attributes attributes_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
