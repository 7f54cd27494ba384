// listen/ and the endpoints in it: mkdir serves one, rmdir stops.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/listen/directories.hpp"

namespace spotfs::tree {

class EndpointFolder final : public ListenFolder {
 public:
  // Not served before serve().
  EndpointFolder(ListenHubPtr hub, std::string name);

  // Anew where it is served: with other settings. Errors: EBUSY; ESTALE after stop().
  Result<void> serve(bool unverified);
  // Refuses what is here. Somebody else may serve that name afterwards.
  void stop();

  // user.spot.unverified: 1, where it is set.
  asio::awaitable<Result<Bytes>> get_xattr(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<std::string>>> list_xattrs(Caller caller) override;
  asio::awaitable<Result<void>> set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) override;
  asio::awaitable<Result<void>> remove_xattr(Caller caller, std::string name) override;

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller&) override {
    return {"inbox", "to"};
  }  // reading `next` would take a message

  const std::string name_;
  const MailboxPtr mailbox_;
  const NodePtr next_, inbox_, to_;
  std::atomic<bool> unverified_{false};
  // Held while the taker of this name is set, which waits for nobody: none is set after stop().
  spot::Synchronized<bool> stopped_{false};
};

class ListenDirectory final : public ListenFolder {
 public:
  explicit ListenDirectory(ListenHubPtr hub) : ListenFolder{std::move(hub)} {}
  ~ListenDirectory() override;

  asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode) override;
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;

 private:
  using FolderPtr = std::shared_ptr<EndpointFolder>;
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;
  void forget(const std::string& name, const FolderPtr& folder);  // but none of that name that came later

  spot::Synchronized<std::map<std::string, FolderPtr>> folders_;
};

}  // namespace spotfs::tree
