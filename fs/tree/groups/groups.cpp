#include "fs/tree/groups/groups.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/tree/groups/group.hpp"

namespace spotfs::tree {
namespace {

class GroupsDirectory final : public Node {
 public:
  explicit GroupsDirectory(std::shared_ptr<Groups> groups)
      : groups_{std::move(groups)}, attributes_{own_attributes(groups_->access, S_IFDIR | 0700)} {
    attributes_.timeout = kLongTimeout;
  }

  asio::awaitable<Result<Attributes>> attributes(Caller) override { co_return attributes_; }
  asio::awaitable<Result<void>> access(Caller caller, int mask) override {
    co_return groups_->access.check(attributes_, caller, mask);
  }

  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override {
    const Result<void> allowed = groups_->access.check(attributes_, caller, X_OK);
    if (!allowed) co_return allowed.error();
    const auto key = spot::from_base64url(name);
    if (!key || !spot::PublicKey::parse(*key)) co_return fail(ENOENT);
    const NodePtr node =
        groups_->nodes.get(*key, [&]() -> NodePtr { return std::make_shared<GroupDirectory>(groups_, *key); });
    const Result<Attributes> attributes = co_await node->attributes(caller);
    if (!attributes) co_return attributes.error();
    co_return Entry{node, *attributes};
  }

  asio::awaitable<Result<std::vector<Listed>>> list(Caller, std::string, std::size_t) override {
    co_return std::vector<Listed>{};
  }

 private:
  const std::shared_ptr<Groups> groups_;
  Attributes attributes_;
};

}  // namespace

NodePtr make_groups(std::shared_ptr<spot::Client> client, Access access, const spot::Clock& clock) {
  return std::make_shared<GroupsDirectory>(std::make_shared<Groups>(std::move(client), access, clock));
}

}  // namespace spotfs::tree
