#include "fs/tree/groups/groups.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"
#include "fs/tree/groups/group.hpp"

namespace spotfs::tree {
namespace {

class GroupsDirectory final : public NamedDirectory {
 public:
  explicit GroupsDirectory(std::shared_ptr<Groups> groups)
      : NamedDirectory{groups->access, 0700}, groups_{std::move(groups)} {}

 private:
  Result<NodePtr> child(const Caller&, const std::string& name) override {
    const auto key = spot::from_base64url(name);
    if (!key || !spot::PublicKey::parse(*key)) return fail(ENOENT);
    return groups_->nodes.get(*key, [&]() -> NodePtr { return std::make_shared<GroupDirectory>(groups_, *key); });
  }
  std::set<std::string> names(const Caller&) override { return {}; }

  const std::shared_ptr<Groups> groups_;
};

}  // namespace

NodePtr make_groups(std::shared_ptr<spot::Client> client, Access access, const spot::Clock& clock) {
  return std::make_shared<GroupsDirectory>(std::make_shared<Groups>(std::move(client), access, clock));
}

}  // namespace spotfs::tree
