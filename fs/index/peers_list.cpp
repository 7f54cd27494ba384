// Who the writers of a store are, and which of them are retired.
#include <algorithm>

#include "fs/index/peers.hpp"

namespace spotfs {

namespace {

constexpr std::chrono::hours kMarksAreKept{365 * 24};

bool drop_marks(Writers& writers, const Stamp& before) {
  return std::erase_if(writers,
                       [&](const auto& entry) { return entry.second.retired && entry.second.stamp < before; }) != 0;
}

}  // namespace

Writers Peers::known() const {
  return table_.with([](const Table& table) {
    Writers out;
    for (const auto& [writer, peer] : table) out.emplace(writer, peer.registration);
    return out;
  });
}

Stamp Peers::a_year_ago() const { return stamp_of(*clock_, kMarksAreKept); }

Writers Peers::current() const {
  Writers out = known();
  drop_marks(out, a_year_ago());
  return out;
}

asio::awaitable<Answer<Peers::Shown>> Peers::shown_writers() const {
  Shown out;
  Answer<Writers> fetched = co_await store_->fetch_writers();
  if (fetched)
    out.writers = std::move(*fetched);
  else if (fetched.error().code != Errc::not_found)
    co_return fetched.error();
  out.is_missing = !fetched;
  out.has_old_marks = drop_marks(out.writers, a_year_ago());
  co_return out;
}

Answer<void> Peers::take(const Writers& writers) {
  Writers all = known();
  if (!merge(all, writers)) return {};
  table_.with([&](Table& table) {
    for (const auto& [writer, registration] : all) table[writer].registration = registration;
  });
  return journal_->set_known_writers(encode(all));
}

bool Peers::are_all_shown() const {
  const bool heads = table_.with([](const Table& table) {
    return std::ranges::none_of(table, [](const auto& entry) {
      const Peer& peer = entry.second;
      return !peer.registration.retired && (peer.rolled_back || peer.hidden);
    });
  });
  return heads && missing_.with([](const std::set<WriterId>& missing) { return missing.empty(); });
}

std::size_t Peers::count() const {
  return table_.with([](const Table& table) { return table.size(); });
}

bool Peers::is_retired(const WriterId& writer) const {
  return table_.with([&](const Table& table) {
    const auto at = table.find(writer);
    return at != table.end() && at->second.registration.retired;
  });
}

bool Peers::has_retired() const {
  return table_.with([](const Table& table) {
    return std::ranges::any_of(table, [](const auto& entry) { return entry.second.registration.retired; });
  });
}

asio::awaitable<Answer<bool>> Peers::enter(WriterId self, Registration registration) {
  Answer<Shown> shown = co_await shown_writers();
  if (!shown) co_return shown.error();
  Writers& there = shown->writers;
  Writers own;
  own.emplace(self, std::move(registration));
  if (const auto at = there.find(self); at != there.end()) own.clear();
  if (const Answer<void> taken = take(there); !taken) co_return taken.error();
  if (const Answer<void> taken = take(own); !taken) co_return taken.error();
  if (!merge(there, current())) co_return own.empty();
  if (const Answer<void> stored = co_await store_->store_writers(there); !stored) co_return stored.error();
  co_return own.empty();
}

asio::awaitable<Answer<void>> Peers::refresh_writers() {
  Answer<Shown> shown = co_await shown_writers();
  if (!shown) co_return shown.error();
  Writers& there = shown->writers;
  if (const Answer<void> taken = take(there); !taken) co_return taken;
  const Writers all = current();
  if (shown->is_missing && !all.empty()) tell("the store has lost its list of writers: it is stored again");
  const bool lacks_some = merge(there, all);
  if (lacks_some || shown->has_old_marks) co_return co_await store_->store_writers(all);
  co_return Answer<void>{};
}

}  // namespace spotfs
