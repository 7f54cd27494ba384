// What the directories and files of listen/ have in common: whose they are, and how a directory finds what is in it.
//
// Thread, lifetime: node.hpp.
#pragma once

#include <set>

#include "fs/tree/listen/mailbox.hpp"

namespace spotfs::tree {

// Allows what its mode bits do.
class ListenNode : public Node {
 public:
  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;

 protected:
  // mode: type and permission bits.
  ListenNode(ListenHubPtr hub, mode_t mode) : hub_{std::move(hub)}, attributes_{hub_->attributes(mode)} {}

  const ListenHubPtr& hub() const noexcept { return hub_; }
  Result<void> check(const Caller& caller, int mask) const;
  const Attributes& own() const noexcept { return attributes_; }

 private:
  const ListenHubPtr hub_;
  const Attributes attributes_;
};

// Names come and go at any time: the kernel keeps none of them.
class ListenFolder : public ListenNode {
 public:
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;

 protected:
  explicit ListenFolder(ListenHubPtr hub) : ListenNode{std::move(hub), S_IFDIR | 0700} {}

 private:
  // ENOENT for a name that means nothing; ESTALE where it did.
  virtual Result<NodePtr> child(const std::string& name) = 0;
  virtual std::set<std::string> names() = 0;  // those that are listed
};

}  // namespace spotfs::tree
