// Changes of a file's content, and how they are saved.
#include <cerrno>

#include <linux/falloc.h>

#include "fs/tree/disk/content_file.hpp"

namespace spotfs::tree {

void ContentFile::renew(View& view) {
  state_.with([&](const State& state) {
    if (view.content && view.edits == state.edits) return;
    if (state.content) view = {state.content, state.edits};
  });
}

void ContentFile::edited(State& state) {
  ++state.edits;
  state.cached.reset();  // all handles read what it is now
  const Time now = disk().disk.clock->wall();
  state.modified = index_time(now);
  state.changed = std::chrono::floor<std::chrono::milliseconds>(now);
  if (state.content) state.told_size = state.content->size();
  state.told_change.reset();
}

ContentFile::Change::Change(std::shared_ptr<ContentFile> file) : file_{std::move(file)} {
  content_ = file_->state_.with([&](State& state) {
    ++state.changing;
    file_->edited(state);
    return state.content;
  });
}

ContentFile::Change::~Change() {
  file_->state_.with([&](State& state) {
    --state.changing;
    file_->edited(state);
  });
}

asio::awaitable<Result<std::size_t>> ContentFile::write(Write write) {
  if (write.data.empty()) co_return std::size_t{0};
  const std::size_t size = write.data.size();
  const Result<void> room = co_await disk().dirty->make_room(size);
  if (!room) co_return room.error();
  const Change content{self()};
  if (!content) co_return fail(EBADF);
  const std::optional<std::uint64_t> offset = write.append ? std::nullopt : std::optional{write.offset};
  const Answer<void> written = co_await content->write(offset, std::move(write.data));
  if (!written) co_return disk().of_content(written.error());
  co_return size;
}

asio::awaitable<Result<void>> ContentFile::truncate(std::uint64_t size) {
  for (;;) {
    const Result<Content> content = co_await current(size == 0);
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

asio::awaitable<Result<void>> ContentFile::allocate(int mode, std::uint64_t offset, std::uint64_t size) {
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
  if (!done) co_return disk().of_content(done.error());
  co_return Result<void>{};
}

asio::awaitable<Result<std::size_t>> ContentFile::copy(std::shared_ptr<ContentFile>, std::uint64_t, std::uint64_t,
                                                       std::uint64_t) {
  co_return fail(EOPNOTSUPP);
}

asio::awaitable<Result<void>> ContentFile::save() {
  return save_edits(
      state_, disk().disk.executor, [this] { return store_kept(self()); },
      [self = self()](const Result<void>& stored) {
        if (!stored) self->drop_if_abandoned(stored.error());
      });
}

asio::awaitable<Result<void>> ContentFile::save_and_tell() {
  const Result<void> saved = co_await save();
  if (!saved) co_return saved.error();
  const Result<InodePtr> now = disk().disk.index->inode_now(id());
  if (now && (*now)->kind != Kind::removed) co_await tell_attributes(*now);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> ContentFile::store_kept(std::shared_ptr<ContentFile> self) {
  co_return co_await self->store_edit();
}

void ContentFile::drop_if_abandoned(std::error_code why) {
  const Content dropped = state_.with([&](State& state) -> Content {
    if (!state.content || !state.is_edited() || state.writers != 0 || state.changing != 0 || state.saving ||
        state.detached)
      return nullptr;
    Content old = std::exchange(state.content, original(state));
    state.stored = ++state.edits;
    ++state.contents;
    return old;
  });
  if (!dropped) return;
  say_dropped(why);
  if (disk().disk.notifier) disk().disk.notifier->content_changed(self());
}

}  // namespace spotfs::tree
