#include "fs/tree/control/blob_place.hpp"

#include <cerrno>

#include "fs/tree/node.hpp"

namespace spotfs::tree {
namespace {

constexpr mode_t kDirectoryMode = 0755, kUmaskBits = 0777;

// The parts of a key that can be a path.
std::optional<std::vector<std::string>> parts_of(std::string_view key) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t slash = key.find('/');
    parts.emplace_back(key.substr(0, slash));
    if (!is_name(parts.back())) return std::nullopt;
    if (slash == key.npos) return parts;
    key.remove_prefix(slash + 1);
  }
}

bool is_missing(const std::error_code& why) { return spot::to_errno(why) == ENOENT; }

}  // namespace

asio::awaitable<Result<std::optional<BlobPlace>>> find_blob(std::shared_ptr<const ControlledDisk> disk, Caller caller,
                                                            std::string key, bool make) {
  const std::optional<BlobPlace> none;
  const auto parts = parts_of(key);
  if (!parts) co_return none;
  BlobPlace place;
  place.directory = disk->blobs;
  InodeId at = kBlobs;
  for (std::size_t i = 0; i + 1 < parts->size(); ++i) {
    const std::string& name = (*parts)[i];
    // The index alone: a node would ask the store for a key of that name.
    const Result<spotfs::Entry> known = co_await disk->index->lookup(at, name);
    if (!known && !is_missing(known.error())) co_return known.error();
    if (known && !known->inode->is_directory()) co_return none;
    if (!known && !make) co_return none;
    Result<Entry> entry = fail(ENOENT);
    if (known) {
      entry = co_await place.directory->lookup(caller, name);
    } else {
      const mode_t mode = kDirectoryMode & ~(caller.umask & kUmaskBits);
      entry = co_await place.directory->make_directory(caller, name, mode);
    }
    if (!entry) co_return entry.error();
    if (!known) {
      ChangeSet made;
      made.names.push_back(Place{at, name});
      disk->changed(made);
    }
    if (!entry->node) co_return fail(ENOENT);
    place.directory = entry->node;
    const Result<spotfs::Entry> there = co_await disk->index->lookup(at, name);
    if (!there) co_return there.error();
    at = there->id;
  }
  place.place = Place{at, parts->back()};
  const Result<spotfs::Entry> known = co_await disk->index->lookup(at, place.place.name);
  if (known && known->inode->is_directory()) co_return none;
  const Result<Entry> entry = co_await place.directory->lookup(caller, place.place.name);
  if (!entry && !is_missing(entry.error())) co_return entry.error();
  if (entry) place.file = entry->node;
  co_return std::optional{std::move(place)};
}

}  // namespace spotfs::tree
