#include "fs/tree/groups/group.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/proto/address.hpp"
#include "fs/tree/symlink.hpp"

namespace spotfs::tree {
namespace {

constexpr std::chrono::seconds kFresh{1};  // ls looks up what it has just listed

}  // namespace

GroupDirectory::GroupDirectory(std::shared_ptr<Groups> groups, Bytes key)
    : groups_{std::move(groups)}, key_{std::move(key)}, attributes_{own_attributes(groups_->access, S_IFDIR | 0700)} {
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> GroupDirectory::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> GroupDirectory::access(Caller caller, int mask) {
  co_return groups_->access.check(attributes_, caller, mask);
}

bool GroupDirectory::is_fresh() const {
  const auto asked = state_.with([](const State& state) { return state.asked; });
  return asked && groups_->clock.steady() - *asked < kFresh;
}

asio::awaitable<Result<void>> GroupDirectory::ask() {
  const auto answer = co_await groups_->client->get_group_members(key_);
  if (!answer) co_return answer.error().code;
  state_.with([&](State& state) {
    const std::map<std::string, NodePtr> before = std::exchange(state.members, {});
    for (const spot::Sha256& hash : *answer) {
      std::string address = spot::identity_target(hash);
      const auto known = before.find(address);
      NodePtr link = known != before.end() ? known->second
                                           : std::make_shared<Symlink>("../../endpoints/" + address, groups_->access);
      state.members.emplace(std::move(address), std::move(link));
    }
    state.asked = groups_->clock.steady();
  });
  co_return Result<void>{};
}

asio::awaitable<Result<void>> GroupDirectory::open_directory(Caller caller) {
  const Result<void> allowed = groups_->access.check(attributes_, caller, R_OK);
  if (!allowed) co_return allowed.error();
  co_return co_await ask();
}

asio::awaitable<Result<Entry>> GroupDirectory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = groups_->access.check(attributes_, caller, X_OK);
  if (!allowed) co_return allowed.error();
  const auto address = spot::Address::parse(name);
  if (!address || address->kind != spot::AddressKind::identity) co_return fail(ENOENT);
  if (!is_fresh()) {
    const Result<void> asked = co_await ask();
    if (!asked) co_return asked.error();
  }
  const NodePtr link = state_.with([&](const State& state) {
    const auto member = state.members.find(name);
    return member == state.members.end() ? nullptr : member->second;
  });
  if (!link) co_return fail(ENOENT);
  const Result<Attributes> attributes = co_await link->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{link, *attributes};
}

asio::awaitable<Result<std::vector<Listed>>> GroupDirectory::list(Caller caller, std::string after, std::size_t limit) {
  const auto members = state_.with([](const State& state) { return state.members; });
  std::vector<Listed> listed;
  for (auto next = members.upper_bound(after); next != members.end() && listed.size() < limit; ++next) {
    const Result<Attributes> attributes = co_await next->second->attributes(caller);
    if (!attributes) co_return attributes.error();
    listed.emplace_back(next->first, Entry{next->second, *attributes});
  }
  co_return listed;
}

}  // namespace spotfs::tree
