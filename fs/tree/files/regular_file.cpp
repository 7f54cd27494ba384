#include "fs/tree/files/regular_file.hpp"

#include <algorithm>
#include <cerrno>

#include "client/base/encoding.hpp"
#include "fs/index/walk.hpp"

namespace spotfs::tree {
namespace {

constexpr std::uint64_t kMostBytesCopied = 1 << 20;  // at once, where chunks can't be shared
constexpr std::chrono::hours kLongAgo{12};           // what is not named since then may be deleted (files.md, "Space")

}  // namespace

asio::awaitable<Result<RegularFile::Content>> RegularFile::current(bool) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  co_return state_.with([&](State& state) {
    // Asked again under the lock: a save may have ended since, and what it wrote is the newest.
    const Result<InodePtr> again = tree().disk.index->inode_now(id());
    const Inode& inode = again && (*again)->kind != Kind::removed ? **again : **found;
    const bool is_newest = version_known_ && version_ == inode.version;
    if (state.content && (state.is_edited() || state.detached || is_newest)) return state.content;
    if (!is_newest) {
      ++state.contents;
      supersede(state);
    }
    state.content = make_content(ContentReader{tree().disk.content, inode.reference});
    version_ = inode.version;
    version_known_ = true;
    return state.content;
  });
}

Attributes RegularFile::shown(const InodePtr& inode) {
  Attributes out = attributes_of(id(), *inode, tree().timeout());
  if (inode->reference) out.allocated = stored(*inode->reference);
  return with_edits(out);
}

// Where holes are is in the index of a content alone: one that is not in memory counts as full, as attributes wait for
// nothing. So tools look for holes where there may be some, and take no data for a hole.
std::uint64_t RegularFile::stored(const Reference& reference) {
  if (reference.level == 0 || !reference.id) return reference.size;
  const auto known = state_.with([this](const State&) { return stored_; });
  if (known && known->root == *reference.id && known->size == reference.size) return known->bytes;
  const auto bytes = ContentReader{tree().disk.content, reference}.stored_now();
  if (!bytes) return reference.size;
  state_.with([&](State&) { stored_ = Stored{*reference.id, reference.size, *bytes}; });
  return *bytes;
}

ContentFile::Content RegularFile::original(const State& state) { return make_content(state.content->base()); }

void RegularFile::say_dropped(std::error_code why) {
  const std::string path = spot::printable(path_of(*tree().disk.index, id()));
  tree().say(path + ": not stored, the old content stands: " + why.message());
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
      shares_ = true;
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
  co_return content->base().reference();
}

asio::awaitable<Result<std::size_t>> RegularFile::copy(std::shared_ptr<ContentFile> source, std::uint64_t from_offset,
                                                       std::uint64_t offset, std::uint64_t size) {
  const auto from = std::dynamic_pointer_cast<RegularFile>(source);
  if (!from) co_return fail(EOPNOTSUPP);
  if (state_.with([](const State& state) { return state.detached; })) co_return fail(EOPNOTSUPP);
  if (from->state_.with([](const State& state) { return state.detached; })) co_return fail(EOPNOTSUPP);
  const Result<std::optional<Reference>> reference = co_await from->saved_for_sharing();
  if (!reference && reference.error() == fail(EAGAIN)) co_return fail(EOPNOTSUPP);
  if (!reference) co_return reference.error();
  if (!*reference || from_offset >= (*reference)->size) co_return std::size_t{0};
  size = std::min(size, (*reference)->size - from_offset);
  const bool is_shareable = from_offset % kChunkSize == offset % kChunkSize;
  if (!is_shareable) {
    size = std::min(size, kMostBytesCopied);
    const Result<void> room = co_await tree().dirty->make_room(static_cast<std::size_t>(size));
    if (!room) co_return room.error();
  }
  const Change content{self()};
  if (!content) co_return fail(EBADF);
  if (is_shareable) {
    state_.with([this](State&) {
      shares_ = true;
      if (!copied_) copied_ = tree().disk.clock->steady();
    });
  }
  const Answer<bool> copied = co_await content->copy(**reference, from_offset, offset, size);
  if (!copied) co_return tree().of_content(copied.error());
  co_return static_cast<std::size_t>(size);
}

// Where another writer has replaced what this content was made from, or removed what was copied to it, nobody names the
// chunks that they have in common until this is stored, and a sweep may delete them.
asio::awaitable<Result<void>> RegularFile::own_what_may_go(Content content) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return Result<void>{};
  const bool may_go = state_.with([&](const State&) {
    const bool is_other = (*found)->links == 0 || version_ != (*found)->version;
    return (version_known_ && version_ && is_other) || (copied_ && tree().disk.clock->steady() - *copied_ > kLongAgo);
  });
  if (!may_go) co_return Result<void>{};
  const Answer<void> owned = co_await content->own();
  if (owned) co_return Result<void>{};
  if (owned.error().code == Errc::not_found) co_return stale_inode();
  co_return tree().of_content(owned.error());
}

asio::awaitable<Result<void>> RegularFile::store_edit() {
  Index& index = *tree().disk.index;
  const Answer<void> registered = co_await index.registered();
  if (!registered) co_return registered.error().code;
  Content content;
  const std::uint64_t edits = state_.with([&](const State& state) {
    if (!state.detached) content = state.content;
    return state.edits;
  });
  if (!content) co_return Result<void>{};
  if (const Result<void> owned = co_await own_what_may_go(content); !owned) co_return owned;
  const Answer<Draft::Saved> saved = co_await content->save();
  if (!saved) co_return tree().of_content(saved.error());

  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const auto [version, shares, modified, detached] = state_.with([this](const State& state) {
    return std::tuple{version_, shares_, state.modified, state.detached};
  });
  if (detached) co_return Result<void>{};
  const std::uint64_t flags = (*found)->flags | (shares ? kSharedChunks : 0);
  const Result<Stamp> written = co_await index.write(id(), version, saved->reference, modified, flags);
  if (!written && written.error() == stale_inode()) {
    state_.with([](State& state) { state.detached = true; });
    co_return Result<void>{};
  }
  if (!written) {
    content->maybe_named(*saved);
    co_return written.error();
  }
  content->named(*saved);
  const bool gone = state_.with([&](State& state) {
    state.stored = std::max(state.stored, edits);
    version_ = *written;
    if (state.stored == state.edits) copied_.reset();
    return state.detached;
  });
  if (gone) co_await stay_gone(*written);
  co_return Result<void>{};
}

asio::awaitable<void> RegularFile::detach() {
  const Version version = state_.with([this](State& state) {
    state.detached = true;
    return version_;
  });
  if (version) co_await stay_gone(*version);
}

// A save that was under way when the last name went has put the file back, as if another mount had removed it.
asio::awaitable<void> RegularFile::stay_gone(Stamp written) {
  Index& index = *tree().disk.index;
  const Result<InodePtr> found = co_await index.inode(id());
  if (!found || (*found)->links == 0 || (*found)->kind == Kind::removed || (*found)->version != written) co_return;
  const Place place = (*found)->place;
  static_cast<void>(co_await index.unlink(place.directory, place.name));
}

}  // namespace spotfs::tree
