// What a writer of a schedule does to the disk, and what it may take away by that.
#include <algorithm>

#include "client/base/encoding.hpp"
#include "tests/unit/index/schedule_world.hpp"

namespace spotfs {

namespace {

std::string any_name(std::mt19937& random) { return std::string(1, static_cast<char>('a' + random() % 5)); }

constexpr std::uint64_t kSize = 10;  // bytes of a content

}  // namespace

// --- Names -----------------------------------------------------------------------------------------------------------

InodeId World::any_directory(Writer& writer, Random& random) {
  InodeId out = kRoot;
  while (random() % 3 != 0) {
    std::vector<InodeId> below;
    for (const NamedEntry& entry : entries(writer, out)) {
      if (entry.inode->is_directory()) below.push_back(entry.id);
    }
    if (below.empty()) break;
    out = below[random() % below.size()];
  }
  return out;
}
std::vector<NamedEntry> World::entries(Writer& writer, const InodeId& directory) {
  Result<std::vector<NamedEntry>> listed = run(writer, writer.index->list(directory, "", 1'000));
  return listed ? std::move(*listed) : std::vector<NamedEntry>{};
}
std::optional<NamedEntry> World::any_entry(Writer& writer, Random& random, InodeId& directory) {
  directory = any_directory(writer, random);
  std::vector<NamedEntry> there = entries(writer, directory);
  if (there.empty()) return std::nullopt;
  return there[random() % there.size()];
}

// --- Contents --------------------------------------------------------------------------------------------------------

// A content is acknowledged before an operation names it: it is in the store, as its only chunk, whose bytes are its
// number. Whoever stores it again gives it another id.
BlobId World::new_content(Writer& writer) {
  Bytes plaintext;
  spot::append_be(plaintext, ++contents_);
  plaintext.resize(kSize);
  BlobId out{};
  std::copy_n(plaintext.begin(), 8, out.begin() + 8);
  Bytes chunk = writer.index->cipher().seal(ContentKind::data, out, plaintext).value();
  static_cast<void>(run(writer, store_->store(content_key(out), std::move(chunk))));
  return out;
}
// The id that it had first; its own where it is not there any more.
BlobId World::first_id(Writer& writer, const BlobId& id) {
  if (std::all_of(id.begin(), id.begin() + 8, [](std::uint8_t byte) { return byte == 0; })) return id;
  const std::optional<Bytes> stored = store_->blob(content_key(id));
  if (!stored) return id;
  const Bytes plaintext = writer.index->cipher().open(ContentKind::data, id, *stored, kSize).value();
  BlobId out{};
  std::copy_n(plaintext.begin(), 8, out.begin() + 8);
  return out;
}
std::optional<BlobId> World::content_of(Writer& writer, const Inode& inode) {
  if (!inode.reference || !inode.reference->id) return std::nullopt;
  return first_id(writer, *inode.reference->id);
}
// Someone who knew it took it away, or a name of it: the other names may be gone by then, by a move on to a file that
// was empty (rule 3) or by others who did as much.
void World::release(const std::optional<BlobId>& content) {
  if (content) released_.insert(*content);
}

// Nobody names it: whoever stored it deletes it.
void World::forget(Writer& writer, const BlobId& content) {
  static_cast<void>(run(writer, store_->erase(content_key(content))));
}
// What a mount has removed itself it does not write to any more.
void World::detach(Writer& writer, const InodeId& inode) {
  const Result<InodePtr> there = writer.index->inode_now(inode);
  if (there && (*there)->links != 0) return;
  std::erase_if(writer.open, [&](const OpenFile& file) { return file.inode == inode; });
}

// --- Changes ---------------------------------------------------------------------------------------------------------

void World::make(Writer& writer, Random& random) {
  const InodeId directory = any_directory(writer, random);
  NewInode inode;
  inode.mode = 0644;
  const std::uint32_t kind = random() % 4;
  if (kind == 0) inode.kind = Kind::directory;
  std::optional<BlobId> content;
  if (kind > 1) {
    content = new_content(writer);
    inode.version = writer.index->draw();
    inode.reference = Reference{kSize, 0, *content};
  }
  const bool made = run(writer, writer.index->make(directory, any_name(random), inode)).has_value();
  if (!content) return;
  if (made)
    confirm(*content);
  else
    forget(writer, *content);
}
void World::write(Writer& writer, OpenFile& file) {
  const BlobId content = new_content(writer);
  const Result<Stamp> written =
      run(writer, writer.index->write(file.inode, file.base, Reference{kSize, 0, content}, Time{1'790'000'000, 0}, 0));
  if (!written) return forget(writer, content);
  confirm(content);
  release(file.content);
  file.base = *written;
  file.content = content;
}
void World::open_or_write(Writer& writer, Random& random) {
  if (!writer.open.empty() && random() % 2 == 0) {
    const std::size_t number = random() % writer.open.size();
    write(writer, writer.open[number]);
    if (random() % 2 == 0) writer.open.erase(writer.open.begin() + static_cast<std::ptrdiff_t>(number));
    return;
  }
  InodeId directory;
  const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
  if (!entry || entry->inode->kind != Kind::file) return;
  OpenFile file{entry->id, entry->inode->version, content_of(writer, *entry->inode)};
  if (random() % 2 == 0) write(writer, file);
  writer.open.push_back(file);
}
void World::remove(Writer& writer, Random& random) {
  InodeId directory;
  const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
  if (!entry) return;
  if (entry->inode->is_directory()) {
    static_cast<void>(run(writer, writer.index->rmdir(directory, entry->name)));
  } else if (run(writer, writer.index->unlink(directory, entry->name))) {
    release(content_of(writer, *entry->inode));
    detach(writer, entry->id);
  }
}
void World::move(Writer& writer, Random& random) {
  InodeId from;
  const std::optional<NamedEntry> entry = any_entry(writer, random, from);
  if (!entry) return;
  const InodeId to = any_directory(writer, random);
  const std::string name = any_name(random);
  const Result<Entry> over = run(writer, writer.index->lookup(to, name));
  const auto moved = run(writer, writer.index->move(from, entry->name, to, name, Existing::replace));
  if (!moved || !*moved || !over) return;
  release(content_of(writer, *over->inode));
  detach(writer, over->id);
}
// As `cp` does where chunks are shared: both files say so.
void World::copy(Writer& writer, Random& random) {
  InodeId from;
  const std::optional<NamedEntry> entry = any_entry(writer, random, from);
  if (!entry || entry->inode->kind != Kind::file || !content_of(writer, *entry->inode)) return;
  const Inode& source = *entry->inode;
  if ((source.flags & kSharedChunks) == 0 &&
      !run(writer, writer.index->write(entry->id, source.version, source.reference, source.mtime, kSharedChunks)))
    return;
  NewInode inode;
  inode.mode = 0644;
  inode.version = writer.index->draw();
  inode.reference = source.reference;
  inode.flags = kSharedChunks;
  const InodeId to = any_directory(writer, random);
  static_cast<void>(run(writer, writer.index->make(to, any_name(random), inode)));
}
void World::exchange(Writer& writer, Random& random) {
  InodeId one, other;
  const std::optional<NamedEntry> first = any_entry(writer, random, one), second = any_entry(writer, random, other);
  if (first && second) static_cast<void>(run(writer, writer.index->exchange(one, first->name, other, second->name)));
}
void World::link(Writer& writer, Random& random) {
  InodeId directory;
  const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
  if (!entry) return;
  const InodeId to = any_directory(writer, random);
  static_cast<void>(run(writer, writer.index->link(entry->id, to, any_name(random))));
}
void World::set(Writer& writer, Random& random) {
  InodeId directory;
  const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
  if (!entry) return;
  Changes changes;
  changes.mode = random() % 0777;
  static_cast<void>(run(writer, writer.index->set(entry->id, changes)));
}

}  // namespace spotfs
