// How names of blobs/ go: unlink and rename. The store comes first: what an error leaves behind is a copy, not a loss.
#include <cerrno>

#include <unistd.h>

#include "fs/tree/blobs/directory.hpp"
#include "fs/tree/blobs/key.hpp"
#include "fs/tree/finish.hpp"

namespace spotfs::tree {

asio::awaitable<Result<void>> BlobDirectory::unlink(Caller caller, std::string name) {
  const Result<void> allowed = co_await check_now(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  Result<std::string> key = key_of(path_, name);
  if (!key) co_return key.error();
  auto work = remove_file(self(), std::move(name), *std::move(key));
  co_return co_await finish(tree().options.executor, std::move(work));
}

asio::awaitable<Result<void>> BlobDirectory::remove_file(Self self, std::string name, std::string key) {
  BlobTree& tree = self->tree();
  const Result<KeyLocks::Guard> guard = co_await tree.keys.lock(key);
  if (!guard) co_return guard.error();
  const Result<spotfs::Entry> there = co_await self->find(name);
  if (!there) co_return there.error();
  if (there->inode->is_directory()) co_return fail(EISDIR);
  const auto file = self->file_of(name, *there);
  if (!file) co_return fail(ESTALE);
  const Result<void> erased = co_await tree.erase(key, there->inode, file->known());
  if (!erased) co_return erased.error();
  const Result<spotfs::Entry> unlinked = co_await tree.options.index->unlink(self->id(), name);
  if (!unlinked) co_return unlinked.error();
  file->detach();
  co_return Result<void>{};
}

asio::awaitable<Result<void>> BlobDirectory::rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                                    RenameMode mode) {
  Move move;
  move.from = self();
  move.to = std::dynamic_pointer_cast<BlobDirectory>(to);
  if (!move.to || mode == RenameMode::exchange) co_return fail(EXDEV);
  const Result<void> allowed = co_await check_now(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const Result<void> allowed_there = co_await move.to->check_now(caller, W_OK | X_OK);
  if (!allowed_there) co_return allowed_there.error();
  const Result<std::string> key = key_of(path_, name);
  if (!key) co_return key.error();
  const Result<std::string> to_key = key_of(move.to->path_, to_name);
  if (!to_key) co_return to_key.error();
  move.name = std::move(name);
  move.to_name = std::move(to_name);
  move.key = *key;
  move.to_key = *to_key;
  move.mode = mode;
  auto work = move_file(std::move(move));
  co_return co_await finish(tree().options.executor, std::move(work));
}

asio::awaitable<Result<void>> BlobDirectory::move_file(Move move) {
  BlobTree& tree = move.from->tree();
  Index& index = *tree.options.index;
  if (move.key == move.to_key) co_return Result<void>{};
  const Result<KeyLocks::Guard> first = co_await tree.keys.lock(std::min(move.key, move.to_key));
  if (!first) co_return first.error();
  const Result<KeyLocks::Guard> second = co_await tree.keys.lock(std::max(move.key, move.to_key));
  if (!second) co_return second.error();

  const Result<spotfs::Entry> source = co_await move.from->find(move.name);
  if (!source) co_return source.error();
  if (source->inode->is_directory()) co_return fail(EXDEV);
  const Result<spotfs::Entry> target = co_await move.to->find(move.to_name);
  if (!target && target.error() != std::errc::no_such_file_or_directory) co_return target.error();
  if (target && move.mode == RenameMode::no_replace) co_return fail(EEXIST);
  if (target && target->inode->is_directory()) co_return fail(EISDIR);

  const auto file = move.from->file_of(move.name, *source);
  if (!file) co_return fail(ESTALE);
  const BlobFile::Use use{file, false};
  const Result<BlobFile::Settled> settled = co_await file->settle();
  if (!settled) co_return settled.error();
  const InodePtr& inode = settled->inode;
  const Result<Versions> known = tree.versions(move.to_key, target ? target->inode.get() : nullptr);
  if (!known) co_return known.error();
  std::unique_ptr<Index::Reservation> reservation = index.reserve();
  const Value value = settled->value(reservation->stamp());
  Result<Bytes> bottle = tree.sealer.seal(move.to_key, value);
  if (!bottle) co_return bottle.error();
  const Answer<void> stored = co_await tree.options.store->store(move.to_key, *std::move(bottle));
  if (!stored) co_return stored.error().code;
  const Result<void> erased = co_await tree.erase(move.key, inode, file->known());
  if (!erased) co_return erased.error();

  const Result<std::optional<spotfs::Entry>> moved =
      co_await index.move(move.from->id(), move.name, move.to->id(), move.to_name, Existing::replace);
  if (!moved) co_return moved.error();
  const std::uint64_t flags = (inode->flags & kSharedChunks) | stored_at(move.to_key, *value.version, known->stored);
  const Result<Stamp> written = co_await index.write_reserved(std::move(reservation), source->id, inode->version,
                                                              value.inode_reference(), settled->modified, flags);
  if (*moved) {
    if (const auto replaced = std::dynamic_pointer_cast<BlobFile>(tree.nodes.find((*moved)->id))) replaced->detach();
  }
  file->moved(BlobFile::Location{move.to->id(), move.to_name, move.to_key}, *settled, *value.version);
  if (!written) co_return written.error();
  co_return Result<void>{};
}

}  // namespace spotfs::tree
