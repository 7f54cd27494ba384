#include "fs/tree/control/repair.hpp"

#include "fs/index/names.hpp"

namespace spotfs::tree {
namespace {

constexpr unsigned kMostTries = 10'000;

}  // namespace

std::string_view name_of(Repair repair) noexcept {
  switch (repair) {
    case Repair::none: return "none";
    case Repair::moved: return "moved";
    case Repair::dropped: return "dropped";
    case Repair::left: return "left";
  }
  return "none";
}

asio::awaitable<Result<Repaired>> repair(std::shared_ptr<const ControlledDisk> disk, FindingPtr finding) {
  const Walked& one = finding->one;
  const Checked& checked = finding->checked;
  Index& index = *disk->index;
  const bool is_blob = one.path.starts_with(kBlobsPath) && one.inode->reference && !one.inode->reference->id;
  const Result<spotfs::Entry> there = co_await index.lookup(one.place.directory, one.place.name);
  if (!there || there->id != one.id || there->inode->version != one.inode->version) co_return Repaired{};
  const bool is_gone = checked.chunks == 0;
  if (is_blob && !(is_gone && checked.faults.front().is_missing)) co_return Repaired{Repair::left, {}};
  if (is_gone) {
    const Result<spotfs::Entry> dropped = co_await index.unlink(one.place.directory, one.place.name);
    if (!dropped) co_return dropped.error();
    disk->changed({{one.id}, {one.place}});
    co_return Repaired{Repair::dropped, {}};
  }
  if (one.place.directory == kLostFound) co_return Repaired{Repair::left, {}};
  for (unsigned number = 1; number < kMostTries; ++number) {
    const std::string tail = number == 1 ? "" : "." + std::to_string(number);
    const std::string name = std::string{cut_name(one.place.name, kMaxName - tail.size())} + tail;
    const auto moved = co_await index.move(one.place.directory, one.place.name, kLostFound, name, Existing::keep);
    if (!moved && moved.error() == std::errc::file_exists) continue;
    if (!moved) co_return moved.error();
    // lost+found itself may be new in the root.
    disk->changed({{one.id}, {one.place, Place{kLostFound, name}, Place{kRoot, "lost+found"}}});
    co_return Repaired{Repair::moved, name};
  }
  co_return make_error_code(std::errc::file_exists);
}

}  // namespace spotfs::tree
