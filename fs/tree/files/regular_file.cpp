#include "fs/tree/files/regular_file.hpp"

#include <cerrno>

#include <unistd.h>

#include "fs/tree/files/open_regular.hpp"

namespace spotfs::tree {
namespace {

// What a draft has in memory, for as long as that is so: also where the file has another one by now.
struct DirtyDraft final : DirtyContent::Owner {
  std::weak_ptr<Draft> draft;

  asio::awaitable<Result<void>> shed() override {
    const auto there = draft.lock();
    if (!there) co_return Result<void>{};
    const Answer<void> shed = co_await there->shed();
    if (!shed) co_return shed.error().code;
    co_return Result<void>{};
  }
};

}  // namespace

RegularFile::Use::Use(std::shared_ptr<RegularFile> file, bool writes)
    : file_{std::move(file)}, hold_{file_->tree().disk.index->hold(file_->id())}, writes_{writes} {
  file_->state_.with([&](State& state) {
    ++state.uses;
    state.writers += writes_ ? 1 : 0;
  });
}

void RegularFile::Use::stop_writing() {
  file_->state_.with([&](State& state) { state.writers -= std::exchange(writes_, false) ? 1U : 0U; });
}

RegularFile::Use::~Use() {
  // What is not saved stays.
  const Content unused = file_->state_.with([&](State& state) -> Content {
    state.writers -= writes_ ? 1 : 0;
    if (--state.uses != 0) return nullptr;
    state.mixed = false;
    return state.is_edited() && !state.detached ? nullptr : std::exchange(state.content, nullptr);
  });
}

RegularFile::Content RegularFile::make_content(const std::optional<Reference>& base) {
  const auto owner = std::make_shared<DirtyDraft>();
  auto draft = std::make_shared<Draft>(tree().content, base,
                                       [dirty = tree().dirty, owner](std::size_t bytes) { dirty->set(owner, bytes); });
  owner->draft = draft;
  return draft;
}

asio::awaitable<Result<RegularFile::Content>> RegularFile::current() {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  co_return state_.with([&](State& state) {
    // Asked again under the lock: a save may have ended since, and what it wrote is the newest.
    const Result<InodePtr> again = tree().disk.index->inode_now(id());
    const Inode& inode = again && (*again)->kind != Kind::removed ? **again : **found;
    const bool is_newest = state.known && state.version == inode.version;
    if (state.content && (state.is_edited() || state.detached || is_newest)) return state.content;
    if (!is_newest) {
      ++state.contents;
      if (state.content && state.uses > 1) state.mixed = true;
    }
    state.content = make_content(inode.reference);
    state.version = inode.version;
    state.known = true;
    return state.content;
  });
}

Attributes RegularFile::shown(const InodePtr& inode) {
  Attributes out = attributes_of(id(), *inode, tree().timeout());
  state_.with([&](State& state) {
    if (state.content && (state.is_edited() || state.detached)) {
      out.size = out.allocated = state.content->size();
      out.mtime = node_time(state.modified);
      out.ctime = std::max(out.ctime, out.mtime);
    }
    state.told_size = out.size;
  });
  return out;
}

// The kernel reads as far as it thinks that the file goes.
asio::awaitable<Result<void>> RegularFile::tell_size() {
  const std::optional<std::uint64_t> told = state_.with([](const State& state) { return state.told_size; });
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const std::uint64_t size = shown(*found).size;
  if (told && *told != size && tree().disk.notifier) {
    tree().disk.notifier->attributes_changed(self());
    co_await tree().disk.notifier->sent();
  }
  co_return Result<void>{};
}

asio::awaitable<Result<Opened>> RegularFile::open(Caller caller, int flags) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<void> allowed = check(*found, caller, wanted_by(flags));
  if (!allowed) co_return allowed.error();
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  auto file = std::make_shared<OpenRegular>(self(), writes);
  const Result<Content> content = co_await current();
  if (!content) co_return content.error();
  if ((flags & O_TRUNC) != 0) {
    const Result<void> emptied = co_await truncate(0);
    if (!emptied) co_return emptied.error();
  } else {
    const Result<void> told = co_await tell_size();
    if (!told) co_return told.error();
  }
  file->renew();
  Opened opened{file};
  opened.no_flush = !writes;
  state_.with([&](State& state) { state.tell(opened); });
  co_return opened;
}

asio::awaitable<Result<Attributes>> RegularFile::set_attributes(Caller caller, AttributeChanges changes,
                                                                std::shared_ptr<OpenFile> file) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const std::optional<std::uint64_t> size = changes.size;
  if (file) changes.size.reset();  // who may write to a descriptor may truncate it
  const Result<void> allowed = tree().disk.access.check(shown(*found), caller, changes);
  if (!allowed) co_return allowed.error();
  if (size) {
    Use use{self(), true};
    Result<void> done = co_await truncate(*size);
    use.stop_writing();
    if (done && !file) done = co_await save();
    if (!done) co_return done.error();
  }
  if (changes.mtime) {
    state_.with([&](State& state) { state.modified = index_time(changes.mtime->time); });
  }
  changes.size.reset();
  co_return co_await InodeNode::set_attributes(caller, changes, std::move(file));
}

asio::awaitable<void> RegularFile::detach() {
  const Version version = state_.with([](State& state) {
    state.detached = true;
    return state.version;
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
