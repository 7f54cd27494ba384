// `inbox` and the messages in it, which have been given out: `from`, `body`, `reply`, `error`.
//
// Thread, lifetime: node.hpp. Errors: ESTALE for what belongs to a message that is over.
#pragma once

#include "fs/tree/listen/directories.hpp"

namespace spotfs::tree {

class InboxDirectory final : public ListenFolder {
 public:
  InboxDirectory(ListenHubPtr hub, MailboxPtr mailbox) : ListenFolder{std::move(hub)}, mailbox_{std::move(mailbox)} {}

  // Declines the message.
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;

  const MailboxPtr mailbox_;
};

// What `from` holds: "k.<hash>/<endpoint>", after "unverified " where anyone may have sent it. Printable; a path of two
// steps at most, neither of which is "." or "..", so that it can stand behind `to/`.
std::string sender_line(const spot::Incoming& message);

}  // namespace spotfs::tree
