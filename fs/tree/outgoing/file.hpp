// A file to write messages to: each open is one (outgoing.hpp). It can't be read; chmod, chown and utimens succeed
// without effect; truncate to 0 makes or sends the empty message. The kernel lets it be sought in: where it refused
// that, who wants to write elsewhere would fail unseen, and what he wrote before it would go out.
//
// To make one: derive, and say in begin() what a message of its own is.
//
// Thread, lifetime: node.hpp. Errors: EACCES for reading, and where mode bits do not allow it; EINVAL for truncate to
// another size than 0 or what was written; outgoing.hpp.
#pragma once

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"
#include "fs/tree/outgoing/outgoing.hpp"

namespace spotfs::tree {

class OutgoingFile : public Node {
 public:
  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

 protected:
  OutgoingFile(Access access, Attributes attributes) : access_{access}, attributes_{attributes} {}

 private:
  // A new message of this caller, who may write.
  virtual Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) = 0;

  const Access access_;
  const Attributes attributes_;
};

}  // namespace spotfs::tree
