// `request`: what is written between open and close is one query. When it goes out, and what may be written:
// outgoing.hpp.
//
// Thread, lifetime: node.hpp. Errors: outgoing.hpp; those of the query.
// Source: filesystem.md, "Endpoints".
#pragma once

#include "fs/tree/endpoints/asker.hpp"
#include "fs/tree/outgoing/file.hpp"

namespace spotfs::tree {

class Request final : public OutgoingFile {
 public:
  Request(HubPtr hub, std::string address);
  ~Request() override;

 private:
  Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) override;

  const HubPtr hub_;
  const std::string address_;
};

}  // namespace spotfs::tree
