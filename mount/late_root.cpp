#include "mount/late_root.hpp"

#include <algorithm>

namespace spotfs::mount {

using spot::Result;
namespace asio = boost::asio;

LateRoot::LateRoot(std::vector<tree::NamedNode> early, std::vector<std::string> late, tree::Access access,
                   tree::SpaceFunction space, Online online)
    : early_{std::move(early)},
      late_{std::move(late)},
      access_{access},
      space_{std::move(space)},
      online_{std::move(online)},
      state_{State{tree::make_root(early_, access_, space_), {}}} {}

void LateRoot::arrive(std::vector<tree::NamedNode> late) {
  std::vector<tree::NamedNode> all = early_;
  all.insert(all.end(), late.begin(), late.end());
  tree::NodePtr whole = tree::make_root(std::move(all), access_, space_);
  state_.with([&](State& state) { state.directory.swap(whole); });
  over_->set();
}

void LateRoot::give_up(std::error_code why) {
  state_.with([&](State& state) { state.why = why; });
  over_->set();
}

tree::NodePtr LateRoot::directory() const {
  return state_.with([](const State& state) { return state.directory; });
}

asio::awaitable<Result<tree::Attributes>> LateRoot::attributes(tree::Caller caller) {
  Result<tree::Attributes> attributes = co_await directory()->attributes(caller);
  if (attributes) attributes->inode = inode_;
  co_return attributes;
}

asio::awaitable<Result<void>> LateRoot::access(tree::Caller caller, int mask) {
  co_return co_await directory()->access(caller, mask);
}

asio::awaitable<Result<tree::Space>> LateRoot::space(tree::Caller caller) {
  co_return co_await directory()->space(caller);
}

asio::awaitable<Result<tree::Entry>> LateRoot::lookup(tree::Caller caller, std::string name) {
  if (std::ranges::find(late_, name) != late_.end()) {
    if (!over_->is_set()) {
      const Result<void> online = co_await online_();
      if (!online && !over_->is_set()) co_return online.error();  // without one, too, it may have come
      const Result<void> over = co_await spot::Event::wait(over_);
      if (!over) co_return over.error();
    }
    const std::error_code why = state_.with([](const State& state) { return state.why; });
    if (why) co_return why;
  }
  co_return co_await directory()->lookup(caller, std::move(name));
}

asio::awaitable<Result<std::vector<tree::Listed>>> LateRoot::list(tree::Caller caller, std::string after,
                                                                  std::size_t limit) {
  co_return co_await directory()->list(caller, std::move(after), limit);
}

}  // namespace spotfs::mount
