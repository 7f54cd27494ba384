#include "mount/embedded_store.hpp"

#include "client/base/encoding.hpp"
#include "mount/relay/endpoints.hpp"

namespace spotfs::mount {

namespace relay = spot::relay;

namespace {

// A NUL would end the key on its way to another relay.
bool is_key(const std::string& key) noexcept { return !key.empty() && key.find('\0') == key.npos; }

Failure failure(std::error_code code) { return Failure{code, std::string{relay::error_text(code)}}; }

class Counted {
 public:
  explicit Counted(std::atomic<std::size_t>& count) noexcept : count_{count}, first_{count.fetch_add(1) == 0} {}
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  bool first() const noexcept { return first_; }

 private:
  std::atomic<std::size_t>& count_;
  const bool first_;
};

template <class T>
Answer<void> answer(const Result<T>& result) {
  if (!result) return failure(result.error());
  return {};
}

}  // namespace

relay::BlobName EmbeddedStore::name_of(const std::string& key) const { return {owner_, spot::to_bytes(key)}; }

asio::awaitable<Answer<Bytes>> EmbeddedStore::fetch(std::string key) {
  if (!is_key(key)) co_return Failure{Errc::bad_argument};
  Result<Bytes> value = co_await relay_->database().fetch_blob(name_of(key));
  if (value) co_return *std::move(value);
  if (value.error() == Errc::not_found) co_return Failure{Errc::not_found};
  co_return failure(value.error());
}

// One alone is stored here and now; of several the database makes one transaction, beside who seals the next.
asio::awaitable<Answer<void>> EmbeddedStore::store(std::string key, Bytes bottle) {
  if (!is_key(key) || bottle.empty()) co_return Failure{Errc::bad_argument};
  relay::BlobName name = name_of(key);
  if (name.key.size() > relay::kMaxKeySize || bottle.size() > relay::kMaxBlobSize) co_return failure(Errc::too_large);
  const Counted counted{storing_};
  const Result<void> stored = co_await relay_->database().store(std::move(name), std::move(bottle), counted.first());
  co_return answer(stored);
}

// Nobody waits for it, and several at once share a transaction.
asio::awaitable<Answer<void>> EmbeddedStore::erase(std::string key) {
  if (!is_key(key)) co_return Failure{Errc::bad_argument};
  const Result<void> erased = co_await relay_->database().store_blob(name_of(key), Bytes{});
  co_return answer(erased);
}

asio::awaitable<Answer<std::vector<Bytes>>> EmbeddedStore::sync() {
  const Result<void> synced = co_await relay_->database().sync();
  if (!synced) co_return failure(synced.error());
  std::vector<Bytes> runs;
  runs.push_back(relay_->run_id());
  co_return runs;
}

}  // namespace spotfs::mount
