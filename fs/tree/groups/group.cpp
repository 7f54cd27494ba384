#include "fs/tree/groups/group.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/proto/address.hpp"
#include "fs/tree/interrupt.hpp"
#include "fs/tree/symlink.hpp"

namespace spotfs::tree {
namespace {

constexpr std::chrono::seconds kFresh{1};  // ls looks up what it has just listed

}  // namespace

GroupDirectory::GroupDirectory(std::shared_ptr<Groups> groups, Bytes key)
    : NamedDirectory{groups->access, 0700}, groups_{std::move(groups)}, key_{std::move(key)} {}

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
  co_await ends_at_once();
  const Result<void> allowed = check(caller, R_OK);
  if (!allowed) co_return allowed.error();
  co_return co_await ask();
}

asio::awaitable<Result<Entry>> GroupDirectory::lookup(Caller caller, std::string name) {
  co_await ends_at_once();
  const Result<void> allowed = check(caller, X_OK);
  if (!allowed) co_return allowed.error();
  const auto address = spot::Address::parse(name);
  if (!address || address->kind != spot::AddressKind::identity) co_return fail(ENOENT);
  if (!is_fresh()) {
    const Result<void> asked = co_await ask();
    if (!asked) co_return asked.error();
  }
  co_return co_await NamedDirectory::lookup(std::move(caller), std::move(name));
}

Result<NodePtr> GroupDirectory::child(const Caller&, const std::string& name) {
  return state_.with([&](const State& state) -> Result<NodePtr> {
    const auto member = state.members.find(name);
    if (member == state.members.end()) return fail(ENOENT);
    return member->second;
  });
}

std::set<std::string> GroupDirectory::names(const Caller&) {
  return state_.with([](const State& state) {
    std::set<std::string> out;
    for (const auto& [address, link] : state.members) out.insert(address);
    return out;
  });
}

}  // namespace spotfs::tree
