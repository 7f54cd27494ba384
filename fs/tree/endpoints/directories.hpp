// The directories of endpoints/: any valid address can be walked into without a query; the listing has what is known.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/endpoints/hub.hpp"

namespace spotfs::tree {

// A directory whose names follow from what is asked for.
class HubDirectory : public Node {
 public:
  // path: below endpoints/; its first part is the target.
  HubDirectory(HubPtr hub, std::string path);
  HubDirectory(HubPtr hub, std::string path, const Attributes& attributes);
  ~HubDirectory() override { hub_->nodes.forget(path_); }

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;

 protected:
  const HubPtr& hub() const noexcept { return hub_; }
  const std::string& path() const noexcept { return path_; }
  std::string below(const std::string& name) const { return path_.empty() ? name : path_ + "/" + name; }

 private:
  // ENOENT for a name that means nothing.
  virtual Result<NodePtr> child(const Caller& caller, const std::string& name) = 0;
  virtual std::set<std::string> names(const Caller& caller) const = 0;

  const HubPtr hub_;
  const std::string path_;
  Attributes attributes_;
};

class EndpointsDirectory final : public HubDirectory {
 public:
  explicit EndpointsDirectory(HubPtr hub) : HubDirectory{std::move(hub), ""} {}

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) const override;
};

class TargetDirectory final : public HubDirectory {
 public:
  using HubDirectory::HubDirectory;

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) const override;
};

}  // namespace spotfs::tree
