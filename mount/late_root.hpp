// The root of a mount that began without a connection (delay_connect): all is there at once but for the subtrees that
// come when the store could be read.
//
// Until then their names are not listed; who asks for one waits for a connection as every operation does, and then for
// the subtree.
// Thread: any; arrive() or give_up() once. Lifetime: keeps its nodes. Errors: those of `online`, or of give_up().
#pragma once

#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "fs/tree/root.hpp"

namespace spotfs::mount {

class LateRoot final : public tree::Node {
 public:
  using Online =
      std::function<spot::asio::awaitable<spot::Result<void>>()>;  // waits for a connection, but not for ever

  LateRoot(std::vector<tree::NamedNode> early, std::vector<std::string> late, tree::Access access,
           tree::SpaceFunction space, Online online);

  void arrive(std::vector<tree::NamedNode> late);
  void give_up(std::error_code why);

  spot::asio::awaitable<spot::Result<tree::Attributes>> attributes(tree::Caller caller) override;
  spot::asio::awaitable<spot::Result<void>> access(tree::Caller caller, int mask) override;
  spot::asio::awaitable<spot::Result<tree::Space>> space(tree::Caller caller) override;
  spot::asio::awaitable<spot::Result<tree::Entry>> lookup(tree::Caller caller, std::string name) override;
  spot::asio::awaitable<spot::Result<std::vector<tree::Listed>>> list(tree::Caller caller, std::string after,
                                                                      std::size_t limit) override;

 private:
  struct State {
    tree::NodePtr directory;
    std::error_code why;  // it will not come
  };
  tree::NodePtr directory() const;

  const std::vector<tree::NamedNode> early_;
  const std::vector<std::string> late_;
  const tree::Access access_;
  const tree::SpaceFunction space_;
  const Online online_;
  const std::uint64_t inode_ = tree::new_inode_number();
  const std::shared_ptr<spot::Event> over_ = std::make_shared<spot::Event>();
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::mount
