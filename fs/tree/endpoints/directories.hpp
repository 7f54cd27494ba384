// The directories of endpoints/: any valid address can be walked into without a query; the listing has what is known.
//
// Thread, lifetime: node.hpp.
#pragma once

#include "fs/tree/endpoints/hub.hpp"
#include "fs/tree/named_directory.hpp"

namespace spotfs::tree {

// Known to the hub by its path.
class HubDirectory : public NamedDirectory {
 public:
  // path: below endpoints/; its first part is the target.
  HubDirectory(HubPtr hub, std::string path);
  HubDirectory(HubPtr hub, std::string path, const Attributes& attributes);
  ~HubDirectory() override { hub_->nodes.forget(path_); }

 protected:
  const HubPtr& hub() const noexcept { return hub_; }
  const std::string& path() const noexcept { return path_; }
  std::string below(const std::string& name) const { return path_.empty() ? name : path_ + "/" + name; }

 private:
  const HubPtr hub_;
  const std::string path_;
};

class EndpointsDirectory final : public HubDirectory {
 public:
  explicit EndpointsDirectory(HubPtr hub) : HubDirectory{std::move(hub), ""} {}

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;
};

class TargetDirectory final : public HubDirectory {
 public:
  using HubDirectory::HubDirectory;

 private:
  Result<NodePtr> child(const Caller& caller, const std::string& name) override;
  std::set<std::string> names(const Caller& caller) override;
};

}  // namespace spotfs::tree
