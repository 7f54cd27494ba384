// The directory of one group.
//
// Thread: any. Lifetime: node.hpp.
#pragma once

#include <map>

#include "client/base/sync.hpp"
#include "fs/tree/groups/groups.hpp"
#include "fs/tree/named_directory.hpp"
#include "fs/tree/node_table.hpp"

namespace spotfs::tree {

struct Groups {
  Groups(std::shared_ptr<spot::Client> c, Access a, const spot::Clock& k) : client{std::move(c)}, access{a}, clock{k} {}

  const std::shared_ptr<spot::Client> client;
  const Access access;
  const spot::Clock& clock;
  NodeTable<Bytes> nodes;  // by the group's key
};

class GroupDirectory final : public NamedDirectory {
 public:
  GroupDirectory(std::shared_ptr<Groups> groups, Bytes key);
  ~GroupDirectory() override { groups_->nodes.forget(key_); }

  asio::awaitable<Result<void>> open_directory(Caller caller) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;

 private:
  struct State {
    std::map<std::string, NodePtr> members;  // by address
    std::optional<spot::Clock::Steady> asked;
  };

  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;
  asio::awaitable<Result<void>> ask();
  bool is_fresh() const;

  const std::shared_ptr<Groups> groups_;
  const Bytes key_;  // PKIX
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
