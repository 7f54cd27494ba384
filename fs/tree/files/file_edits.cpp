// Changes of a file's content, and how they reach the store and the index.
#include <algorithm>
#include <cerrno>

#include <linux/falloc.h>

#include "fs/tree/files/regular_file.hpp"
#include "fs/tree/finish.hpp"

namespace spotfs::tree {
namespace {

constexpr std::uint64_t kMostBytesCopied = 1 << 20;  // at once, where chunks can't be shared

}  // namespace

void RegularFile::renew(View& view) {
  state_.with([&](const State& state) {
    if (view.content && view.edits == state.edits) return;
    if (state.content) view = {state.content, state.edits};
  });
}

void RegularFile::edited(State& state) {
  ++state.edits;
  state.modified = index_time(tree().disk.clock->wall());
  if (state.content) state.told_size = state.content->size();
}

// Until it ends, no other content takes the place of the one that is changed, and a save that began before is not the
// last one.
class RegularFile::Change {
 public:
  explicit Change(std::shared_ptr<RegularFile> file) : file_{std::move(file)} {
    content_ = file_->state_.with([&](State& state) {
      ++state.changing;
      file_->edited(state);
      return state.content;
    });
  }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change() {
    file_->state_.with([&](State& state) {
      --state.changing;
      file_->edited(state);
    });
  }
  Draft* operator->() const noexcept { return content_.get(); }
  explicit operator bool() const noexcept { return content_ != nullptr; }  // null: nobody has it open

 private:
  const std::shared_ptr<RegularFile> file_;
  Content content_;
};

asio::awaitable<Result<std::size_t>> RegularFile::write(Write write) {
  if (write.data.empty()) co_return std::size_t{0};
  const std::size_t size = write.data.size();
  const Result<void> room = co_await tree().dirty->make_room(size);
  if (!room) co_return room.error();
  const Change content{self()};
  if (!content) co_return fail(EBADF);
  const std::optional<std::uint64_t> offset = write.append ? std::nullopt : std::optional{write.offset};
  const Answer<void> written = co_await content->write(offset, std::move(write.data));
  if (!written) co_return written.error().code;
  co_return size;
}

asio::awaitable<Result<void>> RegularFile::truncate(std::uint64_t size) {
  for (;;) {
    const Result<Content> content = co_await current();
    if (!content) co_return content.error();
    const std::optional<Answer<void>> done = state_.with([&](State& state) -> std::optional<Answer<void>> {
      if (state.content != *content) return std::nullopt;
      const Answer<void> resized = (*content)->resize(size);
      edited(state);
      return resized;
    });
    if (!done) continue;
    if (!*done) co_return done->error().code;
    co_return Result<void>{};
  }
}

asio::awaitable<Result<void>> RegularFile::allocate(int mode, std::uint64_t offset, std::uint64_t size) {
  const bool keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
  const int how = mode & ~FALLOC_FL_KEEP_SIZE;
  if (how != 0 && how != FALLOC_FL_PUNCH_HOLE && how != FALLOC_FL_ZERO_RANGE) co_return fail(EOPNOTSUPP);
  if (how == FALLOC_FL_PUNCH_HOLE && !keeps_size) co_return fail(EOPNOTSUPP);
  if (offset > kMaxFileSize || size > kMaxFileSize - offset) co_return fail(EFBIG);
  const Change content{self()};
  if (!content) co_return fail(EBADF);
  Answer<void> done;
  if (how != 0) done = co_await content->punch(offset, offset + size);
  if (done && !keeps_size) done = content->extend(offset + size);
  if (!done) co_return done.error().code;
  co_return Result<void>{};
}

// What the store has of the content as it is now, marked as shared.
asio::awaitable<Result<std::optional<Reference>>> RegularFile::saved_for_sharing() {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  std::uint64_t only_flag = 0;  // the edit that is none of the content
  const Content content = state_.with([&](State& state) {
    if (((*found)->flags & kSharedChunks) == 0) {
      const bool was_edited = state.is_edited();
      if (!was_edited) state.modified = (*found)->mtime;
      state.shares = true;
      ++state.edits;
      if (!was_edited) only_flag = state.edits;
    }
    return state.content;
  });
  if (!content) co_return fail(EBADF);
  const Result<void> saved = co_await save();
  if (!saved) {
    state_.with([&](State& state) {
      if (state.edits == only_flag && state.changing == 0 && !state.saving) state.stored = state.edits;
    });
    co_return saved.error();
  }
  if (content->is_changed()) co_return fail(EAGAIN);  // someone writes to it all the time
  co_return content->base();
}

asio::awaitable<Result<std::size_t>> RegularFile::copy(std::shared_ptr<RegularFile> from, std::uint64_t from_offset,
                                                       std::uint64_t offset, std::uint64_t size) {
  if (state_.with([](const State& state) { return state.detached; })) co_return fail(EOPNOTSUPP);
  if (from->state_.with([](const State& state) { return state.detached; })) co_return fail(EOPNOTSUPP);
  const Result<std::optional<Reference>> source = co_await from->saved_for_sharing();
  if (!source && source.error() == fail(EAGAIN)) co_return fail(EOPNOTSUPP);
  if (!source) co_return source.error();
  if (!*source || from_offset >= (*source)->size) co_return std::size_t{0};
  size = std::min(size, (*source)->size - from_offset);
  const bool is_shareable = from_offset % kChunkSize == offset % kChunkSize;
  if (!is_shareable) {
    size = std::min(size, kMostBytesCopied);
    const Result<void> room = co_await tree().dirty->make_room(static_cast<std::size_t>(size));
    if (!room) co_return room.error();
  }
  const Change content{self()};
  if (!content) co_return fail(EBADF);
  if (is_shareable) state_.with([](State& state) { state.shares = true; });
  const Answer<bool> copied = co_await content->copy(**source, from_offset, offset, size);
  if (!copied) co_return copied.error().code;
  co_return static_cast<std::size_t>(size);
}

asio::awaitable<Result<void>> RegularFile::save() {
  return save_edits(
      state_, tree().disk.executor, [this] { return store_edit(self()); },
      [self = self()](const Result<void>& stored) {
        if (!stored) self->drop_if_abandoned(stored.error());
      });
}

asio::awaitable<Result<void>> RegularFile::store_edit(std::shared_ptr<RegularFile> self) {
  Index& index = *self->tree().disk.index;
  const Answer<void> registered = co_await index.registered();
  if (!registered) co_return registered.error().code;
  Content content;
  const std::uint64_t edits = self->state_.with([&](const State& state) {
    if (!state.detached) content = state.content;
    return state.edits;
  });
  if (!content) co_return Result<void>{};
  const Answer<Draft::Saved> saved = co_await content->save();
  if (!saved) co_return saved.error().code;

  const Result<InodePtr> inode = co_await self->inode();
  if (!inode) co_return inode.error();
  const auto [version, shares, modified, detached] = self->state_.with([](const State& state) {
    return std::tuple{state.version, state.shares, state.modified, state.detached};
  });
  if (detached) co_return Result<void>{};
  const std::uint64_t flags = (*inode)->flags | (shares ? kSharedChunks : 0);
  const Result<Stamp> written = co_await index.write(self->id(), version, saved->reference, modified, flags);
  if (!written && written.error() == stale_inode()) {
    self->state_.with([](State& state) { state.detached = true; });
    co_return Result<void>{};
  }
  if (!written) {
    content->maybe_named(*saved);
    co_return written.error();
  }
  content->named(*saved);
  const bool gone = self->state_.with([&](State& state) {
    state.stored = std::max(state.stored, edits);
    state.version = *written;
    return state.detached;
  });
  if (gone) co_await self->stay_gone(*written);
  co_return Result<void>{};
}

void RegularFile::drop_if_abandoned(std::error_code why) {
  const Content dropped = state_.with([&](State& state) -> Content {
    if (!state.content || !state.is_edited() || state.writers != 0 || state.changing != 0 || state.saving ||
        state.detached)
      return nullptr;
    Content old = std::exchange(state.content, make_content(state.content->base()));
    state.stored = ++state.edits;
    ++state.contents;
    return old;
  });
  if (!dropped) return;
  tree().say("a file was not stored, the old content stands: " + why.message());
  if (tree().disk.notifier) tree().disk.notifier->content_changed(self());
}

}  // namespace spotfs::tree
