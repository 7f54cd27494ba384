#include "fs/tree/blobs/file.hpp"

#include <cerrno>

namespace spotfs::tree {
namespace {

constexpr std::size_t kCacheOverhead = 256;  // bytes of memory that a cached value takes beside its content

}  // namespace

BlobFile::BlobFile(std::shared_ptr<BlobTree> tree, const InodeId& id, InodePtr inode, Location at)
    : NodeOf{std::move(tree), id, inode}, at_{std::move(at)} {
  if (const std::optional<KnownValue> known = cached()) see(*inode, *known);
}

BlobFile::Location BlobFile::location() const {
  return state_.with([&](const State&) { return at_; });
}

std::optional<KnownValue> BlobFile::cached() {
  return tree().cache.with([&](auto& cache) -> std::optional<KnownValue> {
    const KnownValue* known = cache.find(id());
    return known == nullptr ? std::nullopt : std::optional{*known};
  });
}

std::optional<KnownValue> BlobFile::known() {
  std::optional<KnownValue> value = state_.with([&](const State&) { return value_; });
  return value ? value : cached();
}

// A value that the index does not know (yet) is shown as it is.
void BlobFile::see(const Inode& inode, const KnownValue& known) {
  const std::uint64_t size = known.value.size();
  seen_.reset();
  if (known.indexed != inode.version) return;
  if (known.value.version != inode.version || size != inode.size() || known.modified)
    seen_ = Seen{inode.version, size, known.modified};
}

Attributes BlobFile::shown(const InodePtr& inode) {
  Attributes out = attributes_of(id(), *inode, tree().timeout());
  state_.with([&](const State&) {
    if (!seen_ || seen_->indexed != inode->version) return;
    out.size = out.allocated = seen_->size;
    if (seen_->modified) out.mtime = node_time(*seen_->modified);
  });
  return with_edits(out);
}

ContentFile::Content BlobFile::content_of(const Value& value) {
  const std::shared_ptr<ContentStore>& store = tree().options.content;
  ContentReader base = value.reference ? ContentReader{store, value.reference} : ContentReader{store, value.content};
  return make_content(std::move(base), tree().sealer.limit());
}

ContentFile::Content BlobFile::original(const State&) { return value_ ? content_of(value_->value) : nullptr; }

bool BlobFile::is_current(const Version& indexed) {
  std::optional<KnownValue> there = known();
  return state_.with([&](const State& state) {
    if (!value_) value_ = std::move(there);
    if (state.content && (state.is_edited() || state.detached)) return true;
    return value_ && (state.detached || tree().is_fresh(*value_, indexed));
  });
}

void BlobFile::adopt(const InodePtr& inode, Value value) {
  KnownValue now{std::move(value), tree().options.clock->steady(), inode->version, std::nullopt};
  const Version& version = now.value.version;
  state_.with([&](State& state) {
    const bool changed = !value_ || !value_->value.same_content(now.value);
    if (version && version != inode->version) {
      now.modified = time_of(*version);
    } else if (changed && value_) {
      now.modified = index_time(tree().options.clock->wall());
    } else if (seen_ && seen_->indexed == inode->version) {
      now.modified = seen_->modified;
    }
    see(*inode, now);
    if (changed) ++state.contents;
    // What this mount has done to the content stays.
    if (state.content && changed && !state.is_edited()) {
      supersede(state);
      state.content = content_of(now.value);
    }
    if (changed && value_ && state.uses > 1) state.mixed = true;
    value_ = now;
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

asio::awaitable<Result<ContentFile::Content>> BlobFile::current(bool emptied) {
  if (!emptied) {
    const Result<InodePtr> found = co_await inode();
    if (!found) co_return found.error();
    if (!is_current((*found)->version)) {
      const Result<void> loaded = co_await load();
      if (!loaded) co_return loaded.error();
    }
  }
  co_return state_.with([&](State& state) -> Result<Content> {
    if (!state.content && value_) state.content = content_of(value_->value);
    if (!state.content && emptied) state.content = content_of(Value{std::make_shared<const Bytes>()});
    if (!state.content) return fail(ESTALE);
    return state.content;
  });
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
  const auto [key, detached] = state_.with([&](const State& state) { return std::pair{at_.key, state.detached}; });
  if (detached) co_return fail(ESTALE);
  const Result<InodePtr> found = co_await inode();
  if (!found) co_return found.error();
  const Result<Versions> known = tree().versions(key, found->get());
  if (!known) co_return known.error();
  const Answer<Bytes> bottle = co_await tree().options.store->fetch(key);
  if (!bottle) {
    if (bottle.error().code != Errc::not_found) co_return tree().of_content(bottle.error());
    co_await gone();
    co_return bottle.error().code;
  }
  Result<Value> value = tree().open(key, *bottle, *known);
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
  const Version least = Versions{at.key, {}, there->inode.get()}.least;
  if (least && !index.see_value(at.key, *least)) co_return;
  const Result<spotfs::Entry> unlinked = co_await index.unlink(at.directory, at.name);
  const NodePtr directory = tree().nodes.find(at.directory);
  if (unlinked && directory && tree().options.notifier) tree().options.notifier->name_changed(directory, at.name);
}

asio::awaitable<Answer<std::optional<std::string>>> BlobFile::find_lost() {
  std::string key = location().key;
  if (tree().options.store->is_lost(key)) co_return std::optional{std::move(key)};
  co_return co_await ContentFile::find_lost();
}

void BlobFile::moved(Location to) {
  state_.with([&](State&) { at_ = std::move(to); });
}

void BlobFile::detach() {
  state_.with([&](State& state) { state.detached = true; });
}

void BlobFile::made(Value value) {
  const Version version = value.version;
  cache(KnownValue{std::move(value), tree().options.clock->steady(), version, std::nullopt});
}

}  // namespace spotfs::tree
