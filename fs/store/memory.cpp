#include "fs/store/memory.hpp"

namespace spotfs {

namespace {

Failure failure_of(MemoryStore::Fate fate) {
  if (fate == MemoryStore::Fate::unanswered) return Failure{Errc::connection_lost};
  return Failure{Errc::offline};
}

bool happens(MemoryStore::Fate fate) noexcept {
  return fate == MemoryStore::Fate::done || fate == MemoryStore::Fate::unanswered;
}

bool succeeds(MemoryStore::Fate fate) noexcept {
  return fate == MemoryStore::Fate::done || fate == MemoryStore::Fate::dropped;
}

}  // namespace

asio::awaitable<MemoryStore::Fate> MemoryStore::fate(Verb verb, std::string key) {
  const Plan plan = state_.with([](const State& state) { return state.plan; });
  if (!plan) co_return Fate::done;
  co_return co_await plan(verb, std::move(key));
}

asio::awaitable<Answer<Bytes>> MemoryStore::fetch(std::string key) {
  const Fate fate_of_this = co_await fate(Verb::fetch, key);
  if (!succeeds(fate_of_this)) co_return failure_of(fate_of_this);
  if (!happens(fate_of_this)) co_return Failure{Errc::not_found};
  co_return state_.with([&](const State& state) -> Answer<Bytes> {
    const auto at = state.blobs.find(key);
    if (at == state.blobs.end()) return Failure{Errc::not_found};
    return at->second;
  });
}

asio::awaitable<Answer<void>> MemoryStore::store(std::string key, Bytes bottle) {
  const Fate fate_of_this = co_await fate(Verb::store, key);
  if (happens(fate_of_this)) {
    state_.with([&](State& state) {
      const auto [at, is_new] = state.blobs.try_emplace(key);
      if (is_new || at->second != bottle) ++state.changes;
      at->second = std::move(bottle);
    });
  }
  if (!succeeds(fate_of_this)) co_return failure_of(fate_of_this);
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> MemoryStore::erase(std::string key) {
  const Fate fate_of_this = co_await fate(Verb::erase, key);
  if (happens(fate_of_this)) state_.with([&](State& state) { state.changes += state.blobs.erase(key); });
  if (!succeeds(fate_of_this)) co_return failure_of(fate_of_this);
  co_return Answer<void>{};
}

asio::awaitable<Answer<std::vector<Bytes>>> MemoryStore::sync() {
  const Fate fate_of_this = co_await fate(Verb::sync, {});
  if (!succeeds(fate_of_this)) co_return failure_of(fate_of_this);
  const auto run = state_.with([](const State& state) { return state.run; });
  co_return std::vector<Bytes>{Bytes{run.begin(), run.end()}};
}

void MemoryStore::set_plan(Plan plan) {
  state_.with([&](State& state) { state.plan = std::move(plan); });
}

MemoryStore::Blobs MemoryStore::blobs() const {
  return state_.with([](const State& state) { return state.blobs; });
}

std::optional<Bytes> MemoryStore::blob(const std::string& key) const {
  return state_.with([&](const State& state) {
    const auto at = state.blobs.find(key);
    return at == state.blobs.end() ? std::nullopt : std::optional{at->second};
  });
}

std::uint64_t MemoryStore::changes() const {
  return state_.with([](const State& state) { return state.changes; });
}

void MemoryStore::set_blobs(Blobs blobs) {
  state_.with([&](State& state) {
    state.blobs = std::move(blobs);
    ++state.changes;
  });
}

void MemoryStore::restart(Blobs blobs) {
  state_.with([&](State& state) {
    state.blobs = std::move(blobs);
    ++state.changes;
    state.run = spot::random_array<16>();
  });
}

}  // namespace spotfs
