#include "fs/index/store_identity.hpp"

#include <boost/asio/this_coro.hpp>

#include "client/crypto/hash.hpp"
#include "fs/index/sealed_store.hpp"

namespace spotfs {

namespace {

Answer<StoreIdentity> read_identity(const RecordSealer& sealer, BytesView sealed) {
  Result<RecordSealer::Store> opened = sealer.open_store(kStoreKey, sealed);
  if (!opened) return Failure{opened.error(), kStoreKey};
  const Result<StoreRecord> record = decode_store_record(opened->payload);
  if (!record) return Failure{record.error(), kStoreKey};
  if (record->id != opened->store.id) return Failure{Errc::wrong_name, kStoreKey};
  return StoreIdentity{std::move(opened->store), *record};
}

// Does the store have anything of the disk, beside the id that is missing?
asio::awaitable<Answer<bool>> has_disk(std::shared_ptr<const RecordSealer> sealer, StoreSecret secret,
                                       std::shared_ptr<BlobStore> store) {
  const SealedStore disk{std::move(store), std::move(sealer), std::move(secret)};
  const Answer<Writers> writers = co_await disk.fetch_writers();
  if (writers) co_return !writers->empty();
  if (writers.error().code == Errc::not_found) co_return false;
  co_return writers.error();
}

asio::awaitable<void> settle(const IndexOptions& options) {
  if (options.only_writer) co_return;
  const std::shared_ptr<Alarm> alarm = options.alarm(co_await asio::this_coro::executor);
  co_await alarm->wait(kSettle);
}

asio::awaitable<Answer<Bytes>> make_identity(const RecordSealer& sealer, const IndexOptions& options) {
  StoreSecret secret;
  secret.id = spot::random_array<16>();
  secret.secret.resize(32);
  spot::random_bytes(secret.secret);
  StoreRecord record;
  record.id = secret.id;
  record.conflicts_last = options.conflicts_last;
  const Result<Bytes> sealed = sealer.seal(RecordKind::store, kStoreKey, secret, encode(record));
  if (!sealed) co_return Failure{sealed.error(), kStoreKey};
  if (const Answer<void> stored = co_await options.store->store(kStoreKey, *sealed); !stored) co_return stored.error();
  co_await settle(options);
  co_return co_await options.store->fetch(kStoreKey);
}

// The id that this machine kept, back at its key, where the rest of its disk is still there.
asio::awaitable<Answer<Bytes>> restore_identity(std::shared_ptr<const RecordSealer> sealer, Bytes kept,
                                                const IndexOptions& options) {
  const Answer<StoreIdentity> known = read_identity(*sealer, kept);
  if (!known) co_return known.error();
  const Answer<bool> there = co_await has_disk(std::move(sealer), known->secret, options.store);
  if (!there) co_return there.error();
  if (!*there)
    co_return Failure{Errc::rollback, options.source +
                                          " has lost the disk that it had; to begin with an empty one, "
                                          "mount it with -o accept_store"};
  if (options.notice) options.notice("the store's id was missing and is stored again");
  if (const Answer<void> stored = co_await options.store->store(kStoreKey, kept); !stored) co_return stored.error();
  co_return kept;
}

}  // namespace

asio::awaitable<Answer<StoreIdentity>> identify_store(std::shared_ptr<const RecordSealer> sealer, const StateRoot& root,
                                                      const IndexOptions& options) {
  const std::optional<BlobId> before = root.store_of(options.source);
  Answer<Bytes> sealed = co_await options.store->fetch(kStoreKey);
  if (!sealed && sealed.error().code == Errc::not_found) {
    std::optional<Bytes> kept;
    if (before && !options.accept_store) kept = root.sealed_id(*before);
    if (kept)
      sealed = co_await restore_identity(sealer, std::move(*kept), options);
    else if (options.expect)
      co_return Failure{Errc::rollback, options.source + " has no disk, though the digest of -o expect is of one"};
    else if (before && !options.accept_store)
      co_return Failure{Errc::rollback, options.source +
                                            " had a disk before and has none now; to begin with an empty "
                                            "one, mount it with -o accept_store"};
    else
      sealed = co_await make_identity(*sealer, options);
  }
  if (!sealed && options.open_offline && before && is_unreachable(sealed.error().code)) {
    if (std::optional<Bytes> kept = root.sealed_id(*before)) sealed = *std::move(kept);
  }
  if (!sealed) co_return sealed.error();
  Answer<StoreIdentity> out = read_identity(*sealer, *sealed);
  if (!out) co_return out.error();
  if (options.expect && options.expect->store != out->secret.id)
    co_return Failure{Errc::wrong_name,
                      options.source + " shows another disk than the one that the digest of -o expect is of"};
  if (before && *before != out->secret.id && !options.accept_store)
    co_return Failure{Errc::wrong_name, options.source +
                                            " shows another disk than it had before; to take the new one, "
                                            "mount it with -o accept_store"};
  if (const Answer<void> done = root.keep_sealed_id(out->secret.id, *sealed); !done) co_return done.error();
  if (const Answer<void> done = root.set_store_of(options.source, out->secret.id); !done) co_return done.error();
  co_return out;
}

}  // namespace spotfs
