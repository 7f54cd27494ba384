// Mounts that make snapshots, at times that a test sets.
#pragma once

#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

using namespace std::chrono_literals;

class Snapshots : public IndexTest {
 protected:
  IndexOptions with_clock(IndexOptions options) {
    options.clock = &clock_;
    options.snapshot_after = 10;
    return options;
  }
  std::unique_ptr<IndexMount> alone(const std::string& machine = "one") { return mount(with_clock(options(machine))); }
  std::unique_ptr<IndexMount> shared(const std::string& machine) { return mount(with_clock(shared_options(machine))); }
  // One whose clock is half an hour behind.
  std::unique_ptr<IndexMount> late(const std::string& machine) {
    IndexOptions with = with_clock(shared_options(machine));
    with.clock = &slow_clock_;
    slow_clock_.now = clock_.now - 30min;
    return mount(with);
  }

  void make_files(IndexMount& mount, const std::string& prefix, int count = 12) {
    for (int i = 0; i < count; ++i) {
      mount.make(prefix + std::to_string(i));
      clock_.now += 1ms;
    }
  }
  void commit(IndexMount& mount) { ASSERT_TRUE(mount.run(mount.index().commit())); }
  // Lets a mount do what is due.
  void pass(IndexMount& mount, std::chrono::nanoseconds time) {
    clock_.now += time;
    commit(mount);
    for (int i = 0; i < 2'000; ++i) mount.context().poll();
    commit(mount);
  }
  // So long that what was done is settled, and that a mount has waited for others to be first.
  void settle(IndexMount& mount) {
    pass(mount, 61s);
    pass(mount, 31s);
  }
  std::uint64_t generation(IndexMount& mount) { return mount.index().status().snapshot; }
  std::size_t content_blobs() const {
    const MemoryStore::Blobs blobs = store_->blobs();
    const auto is_content = [](const auto& blob) { return blob.first.starts_with(".spotfs/c/"); };
    return static_cast<std::size_t>(std::ranges::count_if(blobs, is_content));
  }

  SetClock clock_, slow_clock_;
};

}  // namespace spotfs
