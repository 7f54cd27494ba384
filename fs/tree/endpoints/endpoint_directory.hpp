// The directory of an endpoint, and the private slots in it.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/endpoints/directories.hpp"

namespace spotfs::tree {

class EndpointDirectory final : public HubDirectory {
 public:
  using HubDirectory::HubDirectory;

  // Private slots (slots.hpp).
  asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode) override;
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;

  // user.spot.timeout: seconds, of the questions of the caller.
  asio::awaitable<Result<Bytes>> get_xattr(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<std::string>>> list_xattrs(Caller caller) override;
  asio::awaitable<Result<void>> set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) override;
  asio::awaitable<Result<void>> remove_xattr(Caller caller, std::string name) override;

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;
  NodePtr slot(const Slot& slot);
};

}  // namespace spotfs::tree
