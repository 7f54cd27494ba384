#include "fs/index/walk.hpp"

#include <cerrno>
#include <iterator>

namespace spotfs {

namespace {

constexpr std::size_t kPart = 64;  // names

bool is_lost(std::error_code why) { return spot::to_errno(why) == EREMOTEIO || spot::to_errno(why) == EBADMSG; }

}  // namespace

Walk::Walk(std::shared_ptr<Index> index, const InodeId& directory, std::string path) : index_{std::move(index)} {
  levels_.push_back(Level{directory, std::move(path), {}, {}, false});
}

asio::awaitable<Result<std::optional<Walked>>> Walk::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.part.empty() && level.is_over) {
      levels_.pop_back();
      continue;
    }
    if (level.part.empty()) {
      Result<std::vector<NamedEntry>> part = co_await index_->list(level.directory, level.last, kPart);
      if (!part && is_lost(part.error())) {
        Walked out;
        out.path = level.path.substr(0, level.path.find_last_not_of('/') + 1);
        out.id = level.directory;
        out.unlisted = part.error();
        levels_.pop_back();
        co_return std::optional{std::move(out)};
      }
      if (!part && part.error() != std::errc::no_such_file_or_directory) co_return part.error();
      level.is_over = !part || part->size() < kPart;
      if (part) std::ranges::move(*part, std::back_inserter(level.part));
      if (!level.part.empty()) level.last = level.part.back().name;
      continue;
    }
    NamedEntry entry = std::move(level.part.front());
    level.part.pop_front();
    Walked out;
    out.path = level.path + entry.name;
    out.place = Place{level.directory, std::move(entry.name)};
    out.id = entry.id;
    out.inode = std::move(entry.inode);
    if (out.inode->is_directory()) levels_.push_back(Level{out.id, out.path + "/", {}, {}, false});
    co_return std::optional{std::move(out)};
  }
  co_return std::optional<Walked>{};
}

asio::awaitable<Result<Entry>> find_path(std::shared_ptr<Index> index, InodeId directory, std::string path) {
  const Result<InodePtr> top = co_await index->inode(directory);
  if (!top) co_return top.error();
  Entry at{directory, *top};
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      Result<Entry> found = co_await index->lookup(at.id, path.substr(begin, end - begin));
      if (!found) co_return found.error();
      at = std::move(*found);
    }
    begin = end + 1;
  }
  co_return at;
}

std::string path_of(const Index& index, InodeId id) {
  constexpr int kDeepest = 4'096;
  std::string path;
  for (int depth = 0; depth < kDeepest && id != kRoot; ++depth) {
    std::string name = id == kBlobs ? "blobs" : id == kLostFound ? "lost+found" : "";
    if (name.empty()) {
      const Result<InodePtr> inode = index.inode_now(id);
      if (!inode) break;
      name = (*inode)->place.name;
      id = (*inode)->place.directory;
    } else {
      id = kRoot;
    }
    path = path.empty() ? name : name + "/" + path;
  }
  return path;
}

}  // namespace spotfs
