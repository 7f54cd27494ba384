#include "fs/content/content_store.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/crypto/hash.hpp"
#include "client/net/inline_strand.hpp"
#include "fs/content/fetch_opened.hpp"
#include "fs/store/at_once.hpp"

namespace spotfs {

Plaintext ContentStore::cached(ContentKind kind, const BlobId& id, std::size_t size) {
  return state_.with([&](State& state) -> Plaintext {
    const Plaintext* const kept = state.kept.find(Name{kind, id});
    return kept && (*kept)->size() == size ? *kept : nullptr;
  });
}

void ContentStore::remember(const Name& name, Plaintext plaintext) {
  const std::size_t weight = plaintext->capacity();  // of what was written in parts, more than its size
  state_.with([&](State& state) { state.kept.put(name, std::move(plaintext), weight); });
}

ContentStore::Found ContentStore::find_or_begin(const Name& name, std::size_t size, Begin begin) {
  bool first = false;
  Found found = state_.with([&](State& state) -> Found {
    if (const Plaintext* const kept = state.kept.find(name)) return {*kept, nullptr};
    FlightPointer& flight = state.flights[name];
    first = !flight;
    if (first) flight = std::make_shared<Flight>();
    return {nullptr, flight};
  });
  if (!first) return found;
  auto work = fetch_now(shared_from_this(), name, size);
  auto done = [self = shared_from_this(), name, flight = found.flight](const std::exception_ptr& thrown,
                                                                       Answer<Plaintext> answer) {
    if (thrown) answer = Failure{Errc::storage_failed, content_key(name.id)};
    flight->answer = std::move(answer);
    self->state_.with([&](State& state) { state.flights.erase(name); });
    flight->landed->set();
  };
  if (begin == Begin::here) {
    spot::spawn_here(executor_, std::move(work), std::move(done));
  } else {
    asio::co_spawn(executor_, std::move(work), std::move(done));
  }
  return found;
}

asio::awaitable<Answer<Plaintext>> ContentStore::fetch_now(std::shared_ptr<ContentStore> self, Name name,
                                                           std::size_t size) {
  Answer<Bytes> opened = co_await fetch_opened(*self->store_, *self->cipher_, name.kind, name.id, size);
  if (!opened) co_return opened.error();
  auto plaintext = std::make_shared<const Bytes>(*std::move(opened));
  self->remember(name, plaintext);
  co_return Plaintext{std::move(plaintext)};
}

asio::awaitable<Answer<Plaintext>> ContentStore::fetch(ContentKind kind, BlobId id, std::size_t size) {
  const Found found = find_or_begin(Name{kind, id}, size, Begin::here);
  Plaintext plaintext = found.kept;
  if (found.flight) {
    const Result<void> landed = co_await spot::Event::wait(found.flight->landed);
    if (!landed) co_return Failure{landed.error(), content_key(id)};
    if (!found.flight->answer) co_return found.flight->answer.error();
    plaintext = *found.flight->answer;
  }
  // Someone may have asked for it as something of another length.
  if (plaintext->size() != size) co_return Failure{Errc::malformed, content_key(id)};
  co_return plaintext;
}

void ContentStore::want(ContentKind kind, const BlobId& id, std::size_t size) {
  find_or_begin(Name{kind, id}, size, Begin::elsewhere);
}

asio::awaitable<Answer<BlobId>> ContentStore::store(ContentKind kind, Plaintext plaintext, Keep keep) {
  const BlobId id = spot::random_array<16>();
  const Result<Window::Place> place = co_await stores_->enter();
  if (!place) co_return Failure{place.error(), content_key(id)};
  Result<Bytes> bottle = cipher_->seal(kind, id, *plaintext);
  if (!bottle) co_return Failure{bottle.error(), content_key(id)};
  const Answer<void> stored = co_await store_->store(content_key(id), *std::move(bottle));
  if (!stored) co_return stored.error();
  if (keep == Keep::yes) remember(Name{kind, id}, std::move(plaintext));
  co_return id;
}

asio::awaitable<Answer<void>> ContentStore::erase(std::vector<BlobId> ids) {
  const std::size_t count = ids.size();
  const Work work = [store = store_, all = std::move(ids)](std::size_t number) {
    return store->erase(content_key(all[number]));
  };
  co_return co_await do_at_once(executor_, count, kErasesAtOnce, work);
}

void ContentStore::discard(std::vector<BlobId> ids) {
  if (ids.empty()) return;
  asio::co_spawn(
      executor_,
      [](std::shared_ptr<ContentStore> self, std::vector<BlobId> unknown) -> asio::awaitable<void> {
        static_cast<void>(co_await self->erase(std::move(unknown)));
      }(shared_from_this(), std::move(ids)),
      asio::detached);
}

}  // namespace spotfs
