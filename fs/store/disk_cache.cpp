#include "fs/store/disk_cache.hpp"

#include <boost/asio/post.hpp>

namespace spotfs {

// One operation on a value, from before the store is asked until its outcome is kept. Where two overlap, nobody can say
// which of them the store saw last: then no copy stays.
class DiskCache::Turn {
 public:
  Turn(DiskCache& cache, std::string key, bool changes) : cache_{cache}, key_{std::move(key)}, unsure_{changes} {
    cache_.values_.with([&](auto& values) {
      Operations& operations = values[key_];
      operations.overlapped = ++operations.count > 1 || operations.overlapped;
    });
  }
  Turn(const Turn&) = delete;
  ~Turn() {
    if (unsure_ || (learned_ && overlapped())) cache_.options_.directory->remove(key_);
    cache_.values_.with([&](auto& values) {
      const auto at = values.find(key_);
      if (--at->second.count == 0) values.erase(at);
    });
  }

  // The outcome: the store has this, it has nothing, it has what it had.
  void has(const Bytes& bottle) {
    learned_ = true;
    unsure_ = overlapped() || !cache_.write(key_, bottle);
    if (cache_.options_.directory->is_over_limit())
      cache_.in_background([](CacheDirectory& directory) { directory.make_room(0); });
  }
  void has_none() { unsure_ = true; }
  void has_the_same() { unsure_ = false; }

 private:
  bool overlapped() const {
    return cache_.values_.with([&](auto& values) { return values.at(key_).overlapped; });
  }

  DiskCache& cache_;
  const std::string key_;
  bool unsure_;  // what the store has
  bool learned_ = false;
};

DiskCache::DiskCache(Options options)
    : options_{std::move(options)}, background_{asio::make_strand(options_.background)} {}

std::shared_ptr<DiskCache> DiskCache::make(Options options) {
  std::shared_ptr<DiskCache> cache{new DiskCache{std::move(options)}};
  cache->in_background([](CacheDirectory& directory) { directory.make_room(0); });
  return cache;
}

// --- Is anybody there? -----------------------------------------------------------------------------------------------

bool DiskCache::is_away() {
  if (options_.online()) unheard_ = false;
  return unheard_ && options_.offline == Offline::stale;
}

void DiskCache::heard(std::error_code error) {
  if (!error || error == Errc::not_found) unheard_ = false;
  if (error == Errc::offline) unheard_ = true;
}

// --- What is kept ----------------------------------------------------------------------------------------------------

void DiskCache::in_background(std::function<void(CacheDirectory&)> work) {
  asio::post(background_, [self = shared_from_this(), work = std::move(work)] { work(*self->options_.directory); });
}

Answer<void> DiskCache::write(const std::string& key, const Bytes& bottle) {
  Answer<void> written = options_.directory->write(key, bottle);
  if (!written && options_.notice && !told_.exchange(true))
    options_.notice("the disk cache does not work: " + written.error().text + ": " + written.error().code.message());
  return written;
}

void DiskCache::keep(std::string key, Bytes bottle) {
  const std::size_t size = bottle.size();
  if (waiting_.fetch_add(size) + size > kWaiting) {
    waiting_ -= size;
    return;
  }
  in_background([this, key = std::move(key), bottle = std::move(bottle)](CacheDirectory& directory) {
    directory.make_room(bottle.size());
    static_cast<void>(write(key, bottle));
    waiting_ -= bottle.size();
  });
}

// --- The store -------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<Bytes>> DiskCache::fetch(std::string key) {
  if (is_content_key(key)) return fetch_content(std::move(key));
  if (is_record_key(key)) return ask(std::move(key));
  return fetch_value(std::move(key));
}

asio::awaitable<Answer<Bytes>> DiskCache::ask(std::string key) {
  if (is_away()) co_return Failure{Errc::offline};
  Answer<Bytes> answer = co_await options_.store->fetch(std::move(key));
  heard(answer ? std::error_code{} : answer.error().code);
  co_return answer;
}

asio::awaitable<Answer<Bytes>> DiskCache::fetch_content(std::string key) {
  if (options_.offline == Offline::stale || options_.online()) {
    std::optional<Bytes> kept = options_.directory->read(key);
    if (kept) co_return *std::move(kept);
  }
  Answer<Bytes> answer = co_await ask(key);
  if (answer) keep(std::move(key), *answer);
  co_return answer;
}

asio::awaitable<Answer<Bytes>> DiskCache::fetch_value(std::string key) {
  std::optional<Turn> turn{std::in_place, *this, key, false};
  Answer<Bytes> answer = co_await ask(key);
  if (answer && options_.directory->read(key) != *answer) turn->has(*answer);
  if (!answer && answer.error().code == Errc::not_found) turn->has_none();
  turn.reset();
  if (answer || options_.offline == Offline::fail || !is_unreachable(answer.error().code)) co_return answer;
  std::optional<Bytes> kept = options_.directory->read(key);
  if (kept) co_return *std::move(kept);
  co_return answer;
}

asio::awaitable<Answer<void>> DiskCache::store(std::string key, Bytes bottle) {
  const bool is_content = is_content_key(key);
  if (!is_content && !is_record_key(key)) co_return co_await change_value(std::move(key), std::move(bottle));
  Bytes copy;
  if (is_content) copy = bottle;
  Answer<void> done = co_await options_.store->store(key, std::move(bottle));
  heard(done ? std::error_code{} : done.error().code);
  if (done && is_content) keep(std::move(key), std::move(copy));
  co_return done;
}

asio::awaitable<Answer<void>> DiskCache::erase(std::string key) {
  if (!is_content_key(key) && !is_record_key(key)) co_return co_await change_value(std::move(key), std::nullopt);
  Answer<void> done = co_await options_.store->erase(key);
  heard(done ? std::error_code{} : done.error().code);
  options_.directory->remove(key);
  co_return done;
}

asio::awaitable<Answer<void>> DiskCache::change_value(std::string key, std::optional<Bytes> bottle) {
  Turn turn{*this, key, true};
  Answer<void> done;
  if (bottle)
    done = co_await options_.store->store(key, *bottle);
  else
    done = co_await options_.store->erase(key);
  heard(done ? std::error_code{} : done.error().code);
  if (done && bottle) turn.has(*bottle);
  if (!done && done.error().code == Errc::offline) turn.has_the_same();
  co_return done;
}

}  // namespace spotfs
