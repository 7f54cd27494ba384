#include "fs/index/sealed_store.hpp"

#include <algorithm>

#include "fs/content/fetch_opened.hpp"

namespace spotfs {

namespace {

constexpr std::size_t kMaxOpened = std::size_t{1} << 20;  // bytes

}  // namespace

SealedStore::SealedStore(std::shared_ptr<BlobStore> store, std::shared_ptr<const RecordSealer> sealer,
                         StoreSecret secret)
    : store_{std::move(store)},
      sealer_{std::move(sealer)},
      secret_{std::move(secret)},
      cipher_{secret_.id, secret_.secret},
      opened_{kMaxOpened} {}

Result<Bytes> SealedStore::open(RecordKind kind, const std::string& key, BytesView sealed) const {
  std::optional<Bytes> known = opened_.with([&](auto& opened) -> std::optional<Bytes> {
    const Opened* last = opened.find(key);
    if (!last || !std::ranges::equal(last->sealed, sealed)) return std::nullopt;
    return last->payload;
  });
  if (known) return std::move(*known);
  Result<Bytes> payload = sealer_->open(kind, key, secret_, sealed);
  if (payload) {
    opened_.with([&](auto& opened) {
      opened.put(key, Opened{Bytes{sealed.begin(), sealed.end()}, *payload}, sealed.size() + payload->size());
    });
  }
  return payload;
}

asio::awaitable<Answer<void>> SealedStore::check_identity() const {
  const Answer<Bytes> sealed = co_await store_->fetch(kStoreKey);
  if (!sealed) co_return sealed.error();
  const Result<Bytes> payload = open(RecordKind::store, kStoreKey, *sealed);
  if (!payload) co_return Failure{payload.error(), kStoreKey};
  co_return Answer<void>{};
}

Result<Head> SealedStore::open_head(const WriterId& writer, BytesView sealed) const {
  const Result<Bytes> payload = open(RecordKind::head, head_key(writer), sealed);
  if (!payload) return payload.error();
  return decode_head(*payload);
}

asio::awaitable<Answer<SealedStore::SealedHead>> SealedStore::fetch_head(WriterId writer) const {
  Answer<Bytes> sealed = co_await store_->fetch(head_key(writer));
  if (!sealed) co_return sealed.error();
  Result<Head> head = open_head(writer, *sealed);
  if (!head) co_return Failure{head.error(), head_key(writer)};
  co_return SealedHead{std::move(*head), std::move(*sealed)};
}

asio::awaitable<Answer<void>> SealedStore::store_head(WriterId writer, Head head) const {
  Result<Bytes> sealed = sealer_->seal(RecordKind::head, head_key(writer), secret_, encode(head));
  if (!sealed) co_return Failure{sealed.error(), head_key(writer)};
  co_return co_await store_->store(head_key(writer), std::move(*sealed));
}

asio::awaitable<Answer<Writers>> SealedStore::fetch_writers() const {
  const Answer<Bytes> sealed = co_await store_->fetch(kWritersKey);
  if (!sealed) co_return sealed.error();
  const Result<Bytes> payload = open(RecordKind::writers, kWritersKey, *sealed);
  if (!payload) co_return Failure{payload.error(), kWritersKey};
  Result<Writers> writers = decode_writers(*payload);
  if (!writers) co_return Failure{writers.error(), kWritersKey};
  co_return std::move(*writers);
}

asio::awaitable<Answer<void>> SealedStore::store_writers(Writers writers) const {
  Result<Bytes> sealed = sealer_->seal(RecordKind::writers, kWritersKey, secret_, encode(writers));
  if (!sealed) co_return Failure{sealed.error(), kWritersKey};
  co_return co_await store_->store(kWritersKey, std::move(*sealed));
}

asio::awaitable<Answer<Bytes>> SealedStore::fetch_content(ContentKind kind, BlobId id) const {
  co_return co_await fetch_opened(*store_, cipher_, kind, id);
}

asio::awaitable<Answer<void>> SealedStore::store_content(ContentKind kind, BlobId id, Bytes plaintext) const {
  Result<Bytes> bottle = cipher_.seal(kind, id, plaintext);
  if (!bottle) co_return Failure{bottle.error(), content_key(id)};
  co_return co_await store_->store(content_key(id), std::move(*bottle));
}

}  // namespace spotfs
