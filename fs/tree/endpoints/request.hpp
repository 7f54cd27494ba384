// `request` and `send`: what is written between open and close is one query, or one message whose reply nobody waits
// for. When it goes out, and what may be written: outgoing.hpp.
//
// Thread, lifetime: node.hpp. Errors: outgoing.hpp; those of the query.
// Source: filesystem.md, "Endpoints".
#pragma once

#include "fs/tree/endpoints/asker.hpp"
#include "fs/tree/outgoing/file.hpp"

namespace spotfs::tree {

// What both are.
class MessageFile : public OutgoingFile {
 public:
  ~MessageFile() override;

 protected:
  MessageFile(HubPtr hub, std::string path, const Attributes& attributes);
  std::shared_ptr<Outgoing> message(const Caller& caller, const AskerKey& key, Sending sending);

  const HubPtr hub_;

 private:
  const std::string path_;
};

class Request final : public MessageFile {
 public:
  // path: below endpoints/.
  Request(const HubPtr& hub, std::string path, std::string address);
  // Of a slot: for whoever owns it.
  Request(const HubPtr& hub, std::string path, const AskerKey& slot);

 private:
  Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) override;

  const std::string address_;
  const std::uint64_t slot_ = 0;
};

class Send final : public MessageFile {
 public:
  Send(const HubPtr& hub, std::string path, std::string address);

 private:
  Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) override;

  const std::string address_;
};

}  // namespace spotfs::tree
