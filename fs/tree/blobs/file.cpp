#include "fs/tree/blobs/file.hpp"

#include <cerrno>

#include <unistd.h>

#include "fs/tree/blobs/open_file.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kCacheOverhead = 256;  // bytes of memory that a cached value takes beside its content

}  // namespace

BlobFile::Use::Use(std::shared_ptr<BlobFile> file, bool writes) : file_{std::move(file)}, writes_{writes} {
  file_->state_.with([&](State& state) {
    ++state.uses;
    state.writers += writes_ ? 1 : 0;
  });
}

BlobFile::Use::~Use() {
  const std::optional<KnownValue> unused = file_->state_.with([&](State& state) -> std::optional<KnownValue> {
    state.writers -= writes_ ? 1 : 0;
    if (--state.uses != 0) return std::nullopt;
    state.mixed = false;
    return std::exchange(state.value, std::nullopt);  // the cache has it
  });
}

BlobFile::BlobFile(std::shared_ptr<BlobTree> tree, const InodeId& id, InodePtr inode, Location at)
    : NodeOf{std::move(tree), id, inode}, state_{std::move(at)} {
  if (const std::optional<KnownValue> known = cached()) state_.with([&](State& state) { see(state, *inode, *known); });
}

BlobFile::Location BlobFile::location() const {
  return state_.with([](const State& state) { return state.at; });
}

std::optional<KnownValue> BlobFile::cached() {
  return tree().cache.with([&](auto& cache) -> std::optional<KnownValue> {
    const KnownValue* known = cache.find(id());
    return known == nullptr ? std::nullopt : std::optional{*known};
  });
}

std::optional<KnownValue> BlobFile::known() {
  std::optional<KnownValue> value = state_.with([](const State& state) { return state.value; });
  return value ? value : cached();
}

// A value that the index does not know (yet) is shown as it is.
void BlobFile::see(State& state, const Inode& inode, const KnownValue& known) {
  const std::uint64_t size = known.value.content->size();
  state.seen.reset();
  if (known.indexed != inode.version) return;
  if (known.value.version != inode.version || size != inode.size() || known.modified)
    state.seen = State::Seen{inode.version, size, known.modified};
}

Attributes BlobFile::shown(const InodePtr& inode) {
  Attributes out = attributes_of(id(), *inode, tree().timeout());
  state_.with([&](State& state) {
    if (state.seen && state.seen->indexed == inode->version) {
      out.size = state.seen->size;
      if (state.seen->modified) out.mtime = node_time(*state.seen->modified);
    }
    if (state.edit) {
      out.size = state.edit->size();
      out.mtime = node_time(state.modified);
    }
    out.allocated = out.size;
    state.told_size = out.size;
  });
  return out;
}

// The kernel reads as far as it thinks that the file goes.
asio::awaitable<Result<void>> BlobFile::tell_size() {
  const std::optional<std::uint64_t> told = state_.with([](const State& state) { return state.told_size; });
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const std::uint64_t size = shown(*found).size;
  if (told && *told != size && tree().options.notifier) {
    tree().options.notifier->attributes_changed(self());
    co_await tree().options.notifier->sent();
  }
  co_return Result<void>{};
}

bool BlobFile::is_current(const Version& indexed) {
  std::optional<KnownValue> there = known();
  return state_.with([&](State& state) {
    if (!state.value) state.value = std::move(there);
    if (state.edit) return true;
    return state.value && (state.detached || tree().is_fresh(*state.value, indexed));
  });
}

void BlobFile::adopt(const InodePtr& inode, Value value) {
  KnownValue now{std::move(value), tree().options.clock->steady(), inode->version, std::nullopt};
  const Version& version = now.value.version;
  state_.with([&](State& state) {
    const bool changed = !state.value || *state.value->value.content != *now.value.content;
    if (version && version != inode->version) {
      now.modified = time_of(*version);
    } else if (changed && state.value) {
      now.modified = index_time(tree().options.clock->wall());
    } else if (state.seen && state.seen->indexed == inode->version) {
      now.modified = state.seen->modified;
    }
    see(state, *inode, now);
    if (changed) ++state.contents;
    if (changed && state.value && state.uses > 1) state.mixed = true;
    state.value = now;
  });
  cache(now);
}

void BlobFile::cache(const KnownValue& value) {
  tree().cache.with([&](auto& cached) { cached.put(id(), value, value.value.content->size() + kCacheOverhead); });
}

asio::awaitable<Result<KeyLocks::Guard>> BlobFile::lock_key() {
  for (;;) {
    const std::string key = location().key;
    Result<KeyLocks::Guard> guard = co_await tree().keys.lock(key);
    if (!guard || location().key == key) co_return guard;
  }
}

asio::awaitable<Result<void>> BlobFile::load() {
  const Result<KeyLocks::Guard> guard = co_await lock_key();
  if (!guard) co_return guard.error();
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  if (is_current((*found)->version)) co_return Result<void>{};
  co_return co_await load_locked();
}

asio::awaitable<Result<void>> BlobFile::load_locked() {
  const auto [key, detached] = state_.with([](const State& state) { return std::pair{state.at.key, state.detached}; });
  if (detached) co_return fail(ESTALE);
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Version newest = tree().newest(key, (*found)->version);
  const Answer<Bytes> bottle = co_await tree().options.store->fetch(key);
  if (!bottle) {
    if (bottle.error().code == Errc::not_found) co_await gone();
    co_return bottle.error().code;
  }
  Result<Value> value = tree().open(key, *bottle, newest);
  if (!value) co_return value.error();
  adopt(*found, *std::move(value));
  co_return Result<void>{};
}

// Another client has deleted the value. Where plain values are taken for new names alone, the name stays, as it says
// that this one is not new.
asio::awaitable<void> BlobFile::gone() {
  if (tree().options.plain == PlainValues::new_names) co_return;
  Index& index = *tree().options.index;
  const Location at = location();
  const Result<spotfs::Entry> there = co_await index.lookup(at.directory, at.name);
  if (!there || there->id != id()) co_return;
  const Result<spotfs::Entry> unlinked = co_await index.unlink(at.directory, at.name);
  const NodePtr directory = tree().nodes.find(at.directory);
  if (unlinked && directory && tree().options.notifier) tree().options.notifier->name_changed(directory, at.name);
}

asio::awaitable<Result<Opened>> BlobFile::open(Caller caller, int flags) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<void> allowed = check(*found, caller, wanted_by(flags));
  if (!allowed) co_return allowed.error();
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  auto file = std::make_shared<OpenBlob>(self(), writes);
  if ((flags & O_TRUNC) != 0) {
    const Result<void> emptied = co_await truncate(0);
    if (!emptied) co_return emptied.error();
  } else {
    if (!is_current((*found)->version)) {
      const Result<void> loaded = co_await load();
      if (!loaded) co_return loaded.error();
    }
    const Result<void> told = co_await tell_size();
    if (!told) co_return told.error();
  }
  file->renew();
  Opened opened{file};
  opened.no_flush = !writes;
  state_.with([&](State& state) { state.tell(opened); });
  co_return opened;
}

asio::awaitable<Result<Attributes>> BlobFile::set_attributes(Caller caller, AttributeChanges changes,
                                                             std::shared_ptr<OpenFile> file) {
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const std::optional<std::uint64_t> size = changes.size;
  if (file) changes.size.reset();  // who may write to a descriptor may truncate it
  const Result<void> allowed = tree().options.access.check(shown(*found), caller, changes);
  if (!allowed) co_return allowed.error();
  if (size) {
    const Use use{self(), true};
    Result<void> done = co_await truncate(*size);
    if (done && !file) done = co_await save_or_drop();
    if (!done) co_return done.error();
  }
  if (changes.mtime) {
    state_.with([&](State& state) { state.modified = index_time(changes.mtime->time); });
  }
  changes.size.reset();
  co_return co_await InodeNode::set_attributes(caller, changes, std::move(file));
}

}  // namespace spotfs::tree
