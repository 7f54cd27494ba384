// The writers of a schedule, their store, and what must hold of them.
//
// Thread: one; nothing waits.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include <boost/asio/io_context.hpp>

#include "fs/index/index.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/index/bad_line.hpp"
#include "tests/unit/index/schedule_removals.hpp"
#include "tests/unit/index/schedules.hpp"
#include "tests/unit/index/set_clock.hpp"

namespace spotfs {

class World {
 public:
  explicit World(std::filesystem::path directory);
  std::string run(const Schedule& schedule);
  const ScheduleCounts& counts() const { return counts_; }

 private:
  using Random = std::mt19937;
  struct OpenFile {
    InodeId inode;
    Version base;
    std::optional<BlobId> content;  // that its writer knows
  };
  struct Writer {
    std::unique_ptr<asio::io_context> context;
    std::shared_ptr<Index> index;  // null: not mounted
    std::shared_ptr<Alarm> alarm;  // of the index
    std::shared_ptr<BadLine> line;
    std::filesystem::path state;
    bool only_writer = false;
    SetClock clock;
    std::vector<OpenFile> open;
  };

  template <class T>
  static T run(Writer& writer, asio::awaitable<T> work) {
    return spot::fake::run_on(*writer.context, std::move(work));
  }
  bool mount(Writer& writer);
  static void kill(Writer& writer);
  static DiskIndex& disk(const Writer& writer) { return static_cast<DiskIndex&>(*writer.index); }

  // What happens: schedules.cpp.
  void take(const Step& step);
  void act(Writer& writer, std::uint32_t kind, std::uint32_t step_seed, Random& random);
  void look(Writer& writer);
  void pass(std::chrono::nanoseconds time);
  static void poll(Writer& writer, std::uint32_t handlers);
  void copy_state(Writer& from);
  static void retire(Writer& writer, Random& random);
  void kill_within_snapshot(Writer& writer, Random& random);
  void change(Writer& writer, std::uint32_t kind, Random& random);

  // What a writer does to the disk: schedule_changes.cpp.
  static std::vector<NamedEntry> entries(Writer& writer, const InodeId& directory);
  static InodeId any_directory(Writer& writer, Random& random);
  static std::optional<NamedEntry> any_entry(Writer& writer, Random& random, InodeId& directory);
  BlobId new_content(Writer& writer);
  BlobId first_id(Writer& writer, const BlobId& id);
  std::optional<BlobId> content_of(Writer& writer, const Inode& inode);
  void confirm(const BlobId& content) { confirmed_.insert(content); }
  void release(const std::optional<BlobId>& content);
  void forget(Writer& writer, const BlobId& content);
  static void detach(Writer& writer, const InodeId& inode);
  void make(Writer& writer, Random& random);
  void write(Writer& writer, OpenFile& file);
  void open_or_write(Writer& writer, Random& random);
  void remove(Writer& writer, Random& random);
  void move(Writer& writer, Random& random);
  void copy(Writer& writer, Random& random);
  static void exchange(Writer& writer, Random& random);
  static void link(Writer& writer, Random& random);
  static void set(Writer& writer, Random& random);

  // What must hold, in words where it does not: schedule_checks.cpp.
  struct Tree {
    std::string text;
    std::set<BlobId> contents;   // by their first ids
    std::set<std::string> keys;  // of their blobs
    std::string broken;
  };
  Tree tree_of(Writer& writer);
  static asio::awaitable<std::string> compare_afresh(DiskIndex& index, std::uint64_t& compared);
  void compute_afresh(Writer& writer);
  std::string quieten();
  std::string come_to_rest();
  std::string compare(const char* when);
  std::string what_is_left();
  std::string kind_of(const std::string& key, BytesView blob) const;
  static std::string trash_of(Writer& writer, const std::set<std::string>& named);
  std::set<std::string> keys_of(Writer& writer);
  std::string check();

  const std::filesystem::path directory_;
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::array<Writer, kWriters> writers_;
  std::uint64_t contents_ = 0;
  std::set<BlobId> confirmed_, released_;
  Removals removals_;
  std::string text_;    // of the tree, once all is quiet
  std::string broken_;  // by a step
  bool had_long_pause_ = false;
  ScheduleCounts counts_;
};

}  // namespace spotfs
