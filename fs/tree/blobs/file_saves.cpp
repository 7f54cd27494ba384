// How a file's content reaches the store and the index.
#include <algorithm>

#include "fs/tree/blobs/file.hpp"

namespace spotfs::tree {

asio::awaitable<Result<void>> BlobFile::store_edit() {
  const Answer<void> registered = co_await tree().options.index->registered();
  if (!registered) co_return registered.error().code;
  const Result<KeyLocks::Guard> guard = co_await lock_key();
  if (!guard) co_return guard.error();
  Settled settled;
  state_.with([&](const State& state) {
    if (!state.detached && state.is_edited()) settled.content = state.content;  // a rename may have stored it
    settled.edits = state.edits;
  });
  if (!settled.content) co_return Result<void>{};
  if (const Result<void> owned = co_await own_what_may_go(settled.content); !owned) co_return owned;
  Answer<Draft::Saved> saved = co_await settled.content->save();
  if (!saved) co_return tree().of_content(saved.error());
  settled.saved = *std::move(saved);
  settled.modified = state_.with([](const State& state) { return state.modified; });
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  settled.inode = *found;
  co_return co_await store_saved(std::move(settled), 0);
}

// Where another writer has replaced what this content was made from, nobody names the chunks that they have in common
// until this is stored, and a sweep may delete them.
asio::awaitable<Result<void>> BlobFile::own_what_may_go(Content content) {
  const std::optional<Reference> base = content->base().reference();
  const Result<InodePtr> found = co_await inode();
  if (!base || !found || ((*found)->links != 0 && (*found)->reference == base)) co_return Result<void>{};
  const Answer<void> owned = co_await content->own();
  if (owned) co_return Result<void>{};
  if (owned.error().code == Errc::not_found) co_return stale_inode();
  co_return tree().of_content(owned.error());
}

// The key is locked.
asio::awaitable<Result<void>> BlobFile::store_saved(Settled settled, std::uint64_t flags) {
  Index& index = *tree().options.index;
  const std::string key = location().key;
  const Version base = settled.inode->version;
  const Result<Versions> known = tree().versions(key, settled.inode.get());
  if (!known) co_return known.error();
  std::unique_ptr<Index::Reservation> reservation = index.reserve();
  const Value value = settled.value(reservation->stamp());
  Result<Bytes> bottle = tree().sealer.seal(key, value);
  if (!bottle) co_return bottle.error();
  // From here on someone else may know what it names.
  settled.content->maybe_named(settled.saved);
  const Answer<void> stored = co_await tree().options.store->store(key, *std::move(bottle));
  if (!stored) co_return stored.error().code;
  flags |= (settled.inode->flags & kSharedChunks) | stored_at(key, *value.version, known->stored);
  const Result<Stamp> written = co_await index.write_reserved(std::move(reservation), id(), base,
                                                              value.inode_reference(), settled.modified, flags);
  if (!written) co_return written.error();
  settled.content->named(settled.saved);
  now_stored(value, settled.edits);
  co_return Result<void>{};
}

void BlobFile::now_stored(Value value, std::uint64_t edits) {
  const Version version = value.version;
  const KnownValue now{std::move(value), tree().options.clock->steady(), version, std::nullopt};
  state_.with([&](State& state) {
    value_ = now;
    state.stored = std::max(state.stored, edits);
    seen_.reset();
  });
  cache(now);
}

void BlobFile::say_dropped(std::error_code why) {
  tree().say(location().key, "not stored, the old content stands: " + why.message());
}

asio::awaitable<Result<BlobFile::Settled>> BlobFile::settle() {
  Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  if (!is_current((*found)->version)) {
    const Result<void> loaded = co_await load_locked();
    if (!loaded) co_return loaded.error();
  }
  const Result<Content> content = co_await current(true);
  if (!content) co_return content.error();
  Settled out;
  out.content = *content;
  out.inode = *found;
  const bool edited = state_.with([&](const State& state) {
    out.edits = state.edits;
    out.modified = state.is_edited() ? state.modified : (*found)->mtime;
    return state.is_edited();
  });
  Answer<Draft::Saved> saved = co_await out.content->save();
  if (!saved) co_return tree().of_content(saved.error());
  out.saved = *std::move(saved);
  if (!out.saved.reference || (!edited && ((*found)->flags & kSharedChunks) != 0)) co_return out;
  const Result<void> stored = co_await store_saved(out, kSharedChunks);
  if (!stored) co_return stored.error();
  found = co_await inode();
  if (!found) co_return found.error();
  out.inode = *found;
  co_return out;
}

void BlobFile::moved(Location to, const Settled& settled, const Stamp& version) {
  moved(std::move(to));
  if (settled.saved.value) settled.content->named(settled.saved);
  now_stored(settled.value(version), settled.edits);
}

}  // namespace spotfs::tree
