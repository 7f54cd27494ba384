#include "fs/tree/disk/content_file.hpp"

#include <unistd.h>

#include "fs/tree/disk/open_content.hpp"

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

ContentFile::Use::Use(std::shared_ptr<ContentFile> file, bool writes)
    : file_{std::move(file)}, hold_{file_->disk().disk.index->hold(file_->id())}, writes_{writes} {
  file_->state_.with([&](State& state) {
    ++state.uses;
    state.writers += writes_ ? 1 : 0;
  });
}

void ContentFile::Use::stop_writing() {
  file_->state_.with([&](State& state) { state.writers -= std::exchange(writes_, false) ? 1U : 0U; });
}

ContentFile::Use::~Use() {
  // What is not saved stays.
  const Content unused = file_->state_.with([&](State& state) -> Content {
    state.writers -= writes_ ? 1 : 0;
    if (--state.uses != 0) return nullptr;
    state.mixed = false;
    if (state.is_edited() && !state.detached) return nullptr;
    file_->unused();
    return std::exchange(state.content, nullptr);
  });
}

ContentFile::Content ContentFile::make_content(ContentReader base, std::optional<std::size_t> value_limit) {
  const auto owner = std::make_shared<DirtyDraft>();
  auto draft = std::make_shared<Draft>(
      disk().disk.content, std::move(base),
      [dirty = disk().dirty, owner](std::size_t bytes) { dirty->set(owner, bytes); }, value_limit);
  owner->draft = draft;
  return draft;
}

void ContentFile::supersede(State& state) {
  if (!state.content || state.uses < 2) return;
  if (!state.mixed) state.cached = state.content;
  state.mixed = true;
}

Attributes ContentFile::with_edits(Attributes out) {
  state_.with([&](State& state) {
    if (state.content && (state.is_edited() || state.detached)) {
      out.size = state.content->size();
      out.allocated = state.content->stored_now();
      out.mtime = node_time(state.modified);
      out.ctime = std::max(out.ctime, state.changed);
    } else if (state.uses != 0) {
      // The kernel has one size for all handles, and ends reads by way of its cache there without asking. So those who
      // opened a longer content than the present one would get a part of it as all. For as long as one of them reads,
      // the size is theirs; those who open the present content read without the cache, and meet its end.
      const Content open = state.mixed ? state.cached.lock() : state.content;
      if (open) out.size = std::max(out.size, open->size());
    }
    state.told_size = out.size;
    state.told_change = out.ctime;
  });
  return out;
}

// The kernel reads as far as it thinks that the file goes. And what it shows after a close is what it stays: programs
// take another ctime for a change.
asio::awaitable<void> ContentFile::tell_attributes(InodePtr inode) {
  const auto [size, change] = state_.with([](const State& state) {
    return std::pair{state.told_size, state.told_change};
  });
  const Attributes now = shown(inode);
  const bool is_news = (size && *size != now.size) || (change && *change != now.ctime);
  if (!is_news || !disk().disk.notifier) co_return;
  disk().disk.notifier->attributes_changed(self());
  co_await disk().disk.notifier->sent();
}

asio::awaitable<Answer<std::optional<std::string>>> ContentFile::find_lost() {
  const std::optional<std::string> none;
  const Content content = state_.with([](const State& state) { return state.content; });
  if (!content) co_return none;
  const ContentReader stored = content->base();
  const Answer<std::optional<BlobId>> lost = co_await stored.find_lost();
  if (!lost) co_return lost.error();
  if (!*lost) co_return none;
  co_return std::optional{content_key(**lost)};
}

asio::awaitable<Result<Opened>> ContentFile::open(Caller caller, int flags) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<void> allowed = check(*found, caller, wanted_by(flags));
  if (!allowed) co_return allowed.error();
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  auto file = std::make_shared<OpenContent>(self(), writes);
  if ((flags & O_TRUNC) != 0) {
    const Result<void> emptied = co_await truncate(0);
    if (!emptied) co_return emptied.error();
  } else {
    const Result<Content> content = co_await current(false);
    if (!content) co_return content.error();
    const Result<InodePtr> now = co_await inode();
    if (!now) co_return now.error();
    co_await tell_attributes(*now);
  }
  file->renew();
  Opened opened{file};
  opened.no_flush = !writes;
  state_.with([&](State& state) { state.tell(opened); });
  co_return opened;
}

asio::awaitable<Result<Attributes>> ContentFile::set_attributes(Caller caller, AttributeChanges changes,
                                                                std::shared_ptr<OpenFile> file) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const std::optional<std::uint64_t> size = changes.size;
  if (file) changes.size.reset();  // who may write to a descriptor may truncate it
  const Result<void> allowed = disk().disk.access.check(shown(*found), caller, changes);
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

}  // namespace spotfs::tree
