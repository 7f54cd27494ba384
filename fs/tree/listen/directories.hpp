// What the directories and files of listen/ have in common: whose they are.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/listen/mailbox.hpp"
#include "fs/tree/named_directory.hpp"

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
class ListenFolder : public NamedDirectory {
 protected:
  explicit ListenFolder(ListenHubPtr hub)
      : NamedDirectory{hub->options.access, hub->attributes(S_IFDIR | 0700), Names::looked_up}, hub_{std::move(hub)} {}

  const ListenHubPtr& hub() const noexcept { return hub_; }

 private:
  const ListenHubPtr hub_;
};

}  // namespace spotfs::tree
