// Changes of a file's content, and how they reach the store.
#include <algorithm>
#include <cerrno>

#include "fs/tree/blobs/file.hpp"
#include "fs/tree/finish.hpp"

namespace spotfs::tree {

// The content, to be changed. Whoever reads what was there keeps it.
Bytes& BlobFile::begin_edit(State& state, bool empty) {
  if (empty) {
    state.edit = std::make_shared<Bytes>();
  } else if (!state.edit) {
    state.edit = std::make_shared<Bytes>(*state.value->value.content);
  } else if (state.edit.use_count() > 1) {
    state.edit = std::make_shared<Bytes>(*state.edit);
  }
  ++state.edits;
  state.modified = index_time(tree().options.clock->wall());
  return *state.edit;
}

void BlobFile::end_edit(State& state) {
  state.told_size = state.edit->size();
  if (!state.detached) set_dirty(std::max<std::size_t>(state.edit->size(), 1));
}

void BlobFile::renew(View& view) {
  state_.with([&](const State& state) {
    if (view.content && view.edits == state.edits) return;
    if (state.edit) view = {state.edit, state.edits};
    if (!state.edit && state.value) view = {state.value->value.content, state.edits};
  });
}

asio::awaitable<Result<std::size_t>> BlobFile::write(Write write) {
  if (write.data.empty()) co_return std::size_t{0};
  const Result<void> room = co_await tree().dirty->make_room(write.data.size());
  if (!room) co_return room.error();
  const std::size_t limit = tree().sealer.limit();
  for (;;) {
    const std::optional<Result<std::size_t>> written =
        state_.with([&](State& state) -> std::optional<Result<std::size_t>> {
          if (!state.edit && !state.value) return std::nullopt;
          const std::size_t size = state.edit ? state.edit->size() : state.value->value.content->size();
          const std::uint64_t offset = write.append ? size : write.offset;
          if (offset > limit || write.data.size() > limit - offset) return make_error_code(Errc::file_too_large);
          const auto start = static_cast<std::size_t>(offset);
          Bytes& content = begin_edit(state);
          content.resize(std::max(size, start + write.data.size()));
          std::ranges::copy(write.data, content.begin() + static_cast<std::ptrdiff_t>(start));
          end_edit(state);
          return write.data.size();
        });
    if (written) co_return *written;
    const Result<void> loaded = co_await load();
    if (!loaded) co_return loaded.error();
  }
}

asio::awaitable<Result<void>> BlobFile::truncate(std::uint64_t size) {
  if (size > tree().sealer.limit()) co_return make_error_code(Errc::file_too_large);
  const auto wanted = static_cast<std::size_t>(size);
  if (wanted != 0) {
    const Result<InodePtr> found = co_await inode();
    if (!found) co_return found.error();
    if (!is_current((*found)->version)) {
      const Result<void> loaded = co_await load();
      if (!loaded) co_return loaded.error();
    }
    const Result<void> room = co_await tree().dirty->make_room(wanted);
    if (!room) co_return room.error();
  }
  state_.with([&](State& state) {
    begin_edit(state, wanted == 0).resize(wanted);
    end_edit(state);
  });
  co_return Result<void>{};
}

asio::awaitable<Result<void>> BlobFile::save() {
  return save_edits(
      state_, tree().options.executor, [this] { return store_edit(self()); }, [self = self()](const Result<void>&) {});
}

asio::awaitable<Result<void>> BlobFile::store_edit(std::shared_ptr<BlobFile> self) {
  BlobTree& tree = self->tree();
  Index& index = *tree.options.index;
  const Answer<void> registered = co_await index.registered();
  if (!registered) co_return registered.error().code;
  const Result<KeyLocks::Guard> guard = co_await self->lock_key();
  if (!guard) co_return guard.error();
  Text content;
  std::uint64_t edits = 0;
  spotfs::Time modified;
  const std::string key = self->state_.with([&](const State& state) {
    if (!state.detached) content = state.edit;
    edits = state.edits;
    modified = state.modified;
    return state.at.key;
  });
  if (!content) co_return Result<void>{};

  std::unique_ptr<Index::Reservation> reservation = co_await tree.reserve(key);
  const Stamp version = reservation->stamp();
  Result<Bytes> bottle = tree.sealer.seal(key, version, *content);
  if (!bottle) co_return bottle.error();
  const Answer<void> stored = co_await tree.options.store->store(key, *std::move(bottle));
  if (!stored) co_return stored.error().code;
  tree.stored(key, version);
  const Result<InodePtr> inode = index.inode_now(self->id());
  const Version base = inode ? (*inode)->version : Version{};
  const Result<Stamp> written = co_await index.write_reserved(std::move(reservation), self->id(), base,
                                                              Reference::of_value(content->size()), modified, 0);
  if (!written) co_return written.error();
  self->now_stored(std::move(content), edits, version);
  co_return Result<void>{};
}

void BlobFile::now_stored(Text content, std::uint64_t edits, const Stamp& version) {
  const KnownValue now{Value{std::move(content), version}, tree().options.clock->steady(), version, std::nullopt};
  state_.with([&](State& state) {
    state.value = now;
    state.stored = std::max(state.stored, edits);
    state.seen.reset();
    if (state.edit && state.edits == edits) {
      state.edit.reset();
      set_dirty(0);
    }
  });
  cache(now);
}

asio::awaitable<Result<void>> BlobFile::save_or_drop() {
  const Result<void> saved = co_await save();
  if (saved) co_return saved;
  const bool dropped = state_.with([&](State& state) {
    if (!state.edit || state.writers > 1) return false;
    state.edit.reset();
    state.stored = ++state.edits;
    ++state.contents;
    state.failed.clear();
    set_dirty(0);
    return true;
  });
  if (dropped) {
    tree().say(location().key, "not stored, the old content stands: " + saved.error().message());
    if (tree().options.notifier) tree().options.notifier->content_changed(self());
  }
  co_return saved;
}

asio::awaitable<Result<BlobFile::Snapshot>> BlobFile::snapshot() {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  if (!is_current((*found)->version)) {
    const Result<void> loaded = co_await load_locked();
    if (!loaded) co_return loaded.error();
  }
  co_return state_.with([&](const State& state) {
    Snapshot out;
    out.content = state.edit ? Text{state.edit} : state.value->value.content;
    out.edits = state.edits;
    out.modified = state.edit ? state.modified : (*found)->mtime;
    out.version = (*found)->version;
    return out;
  });
}

void BlobFile::moved(Location to, const Snapshot& snapshot, const Stamp& version) {
  moved(std::move(to));
  now_stored(snapshot.content, snapshot.edits, version);
}

void BlobFile::moved(Location to) {
  state_.with([&](State& state) { state.at = std::move(to); });
}

void BlobFile::detach() {
  state_.with([&](State& state) {
    state.detached = true;
    set_dirty(0);
  });
}

void BlobFile::made(Value value) {
  const Version version = value.version;
  cache(KnownValue{std::move(value), tree().options.clock->steady(), version, std::nullopt});
}

}  // namespace spotfs::tree
