// What must hold of the writers of a schedule, once all is quiet, days later, and a month later.
#include <map>

#include "tests/unit/index/schedule_world.hpp"

namespace spotfs {

using namespace std::chrono_literals;

World::Tree World::tree_of(Writer& writer) {
  Tree out;
  std::map<InodeId, std::pair<std::uint64_t, std::uint64_t>> links;  // those of the inode, and names that were found
  std::set<InodeId> directories;
  std::vector<std::pair<InodeId, std::string>> left{{kRoot, ""}, {kLostFound, "lost+found"}, {kBlobs, "blobs"}};
  while (!left.empty()) {
    const auto [directory, path] = left.back();
    left.pop_back();
    if (!directories.insert(directory).second) {
      out.broken = path + " is there twice";
      continue;
    }
    for (const NamedEntry& entry : entries(writer, directory)) {
      const std::string name = path + "/" + entry.name;
      const Inode& inode = *entry.inode;
      out.text += name + " " + to_text(entry.id) + " " + std::to_string(inode.mode) + " " +
                  std::to_string(inode.links) + " " + (inode.version ? to_text(*inode.version) : "-") + " " +
                  std::to_string(inode.mtime.seconds) + "." + std::to_string(inode.mtime.nanoseconds) + "\n";
      if (const auto content = content_of(writer, inode)) {
        out.contents.insert(*content);
        out.keys.insert(content_key(*inode.reference->id));
        if (!store_->blob(content_key(*inode.reference->id))) out.broken = name + " has a content that is deleted";
      }
      if (inode.is_directory()) {
        left.emplace_back(entry.id, name);
      } else {
        auto& [counted, found] = links[entry.id];
        counted = inode.links;
        ++found;
      }
    }
  }
  for (const auto& [id, counts] : links) {
    if (counts.first != counts.second) out.broken = to_text(id) + " has a wrong count of links";
  }
  return out;
}

// Everything arrives, everyone hears of everything.
std::string World::quieten() {
  for (Writer& writer : writers_) {
    if (!writer.line) writer.line = std::make_shared<BadLine>(store_);
    writer.line->set_quality(0, 0);
    writer.line->deliver();
    writer.clock.skew = {};
  }
  pass(2h);
  for (Writer& writer : writers_) {
    if (!mount(writer)) return "a writer can't be mounted";
  }
  return come_to_rest();
}
// Until nobody has anything to say: a snapshot that one made last is not what the others show. One round may pass in
// silence before what is due in the next.
std::string World::come_to_rest() {
  int silent = 0;
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t before = store_->changes();
    for (Writer& writer : writers_) {
      if (!writer.index) continue;
      if (!run(writer, writer.index->refresh())) return "a refresh failed";
      compute_afresh(writer);
      if (!run(writer, writer.index->commit())) return "a commit failed";
      poll(writer, 10'000);
      pass(100s);  // what failed is tried again within a round
    }
    if (!broken_.empty()) return broken_;
    silent = store_->changes() == before ? silent + 1 : 0;
    if (silent == 2) return {};
  }
  return "the writers do not come to rest";
}

std::string World::compare(const char* when) {
  const Tree first = tree_of(writers_[0]);
  if (!first.broken.empty()) return first.broken + when;
  for (const BlobId& content : confirmed_) {
    if (!released_.contains(content) && !first.contents.contains(content))
      return "content " + std::to_string(content[15] + content[14] * 256) + " is lost" + when;
  }
  if (std::string back = removals_.any_that_is_back(disk(writers_[0])); !back.empty()) return back + when;
  if (text_.empty()) text_ = first.text;
  if (first.text != text_)
    return "the tree has changed by itself" + std::string{when} + ":\n" + first.text + "\n" + text_;
  for (Writer& writer : writers_) {
    const std::string other = tree_of(writer).text;
    if (other != first.text) return "two writers differ" + std::string{when} + ":\n" + other + "\n" + first.text;
  }
  Writer fresh;
  fresh.state = directory_ / "fresh";
  std::filesystem::remove_all(fresh.state);
  fresh.clock.now = writers_[0].clock.now;
  if (!mount(fresh)) return "a fresh reader can't be mounted" + std::string{when};
  const std::string read = tree_of(fresh).text;
  if (read != first.text) return "a fresh reader differs" + std::string{when} + ":\n" + read + "\n" + first.text;
  return {};
}
std::string World::check() {
  if (std::string broken = quieten(); !broken.empty()) return broken;
  if (std::string broken = compare(", once all is quiet"); !broken.empty()) return broken;
  // Days go by: snapshots are made, logs dropped.
  for (int day = 0; day < 4; ++day) {
    pass(25h);
    if (std::string broken = come_to_rest(); !broken.empty()) return broken + ", days later";
  }
  for (Writer& writer : writers_) {
    const IndexStatus status = writer.index->status();
    if (status.operations != 0) return "the log does not get shorter: " + std::to_string(status.operations);
  }
  if (std::string broken = compare(", days later"); !broken.empty()) return broken;
  // One is away for a month, and given up by the others.
  kill(writers_.back());
  pass(31 * 24h);
  std::string broken = come_to_rest();
  if (broken.empty() && !mount(writers_.back())) broken = "a writer can't be mounted";
  if (broken.empty()) broken = come_to_rest();
  if (broken.empty()) broken = compare("");
  // What was left by the one that came back, and by who went on without it.
  for (int day = 0; day < 4 && broken.empty(); ++day) {
    pass(25h);
    broken = come_to_rest();
  }
  if (broken.empty()) broken = compare("");
  if (broken.empty()) broken = what_is_left();
  return broken.empty() ? broken : broken + ", a month later";
}

}  // namespace spotfs
