#include "fs/fuse/convert.hpp"

#include <cerrno>
#include <limits>

#include "fs/fuse/libfuse.hpp"

namespace spotfs::fuse {
namespace {

constexpr std::int64_t billion = 1'000'000'000;

timespec to_timespec(Time time) noexcept {
  const std::int64_t all = time.time_since_epoch().count();
  std::int64_t seconds = all / billion;
  std::int64_t rest = all % billion;
  if (rest < 0) {
    --seconds;
    rest += billion;
  }
  timespec result{};
  result.tv_sec = seconds;
  result.tv_nsec = rest;
  return result;
}

}  // namespace

struct stat to_stat(const Attributes& attributes) noexcept {
  struct stat result {};
  result.st_ino = attributes.inode;
  result.st_mode = attributes.mode;
  result.st_nlink = attributes.links;
  result.st_uid = attributes.uid;
  result.st_gid = attributes.gid;
  result.st_rdev = attributes.device;
  result.st_size = static_cast<off_t>(attributes.size);
  result.st_blocks = static_cast<blkcnt_t>(attributes.allocated / 512 + (attributes.allocated % 512 != 0 ? 1 : 0));
  result.st_atim = to_timespec(attributes.atime);
  result.st_mtim = to_timespec(attributes.mtime);
  result.st_ctim = to_timespec(attributes.ctime);
  return result;
}

struct statvfs to_statvfs(const Space& space) noexcept {
  struct statvfs result {};
  result.f_bsize = space.block_size;
  result.f_frsize = space.block_size;
  result.f_blocks = space.blocks;
  result.f_bfree = space.blocks_free;
  result.f_bavail = space.blocks_free;
  result.f_files = space.files;
  result.f_ffree = space.files_free;
  result.f_favail = space.files_free;
  result.f_namemax = space.name_max;
  return result;
}

double to_seconds(std::chrono::milliseconds time) noexcept { return std::chrono::duration<double>{time}.count(); }

Time to_time(const timespec& time) noexcept {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max() / billion * billion;
  std::int64_t all = 0;
  if (__builtin_mul_overflow(static_cast<std::int64_t>(time.tv_sec), billion, &all) ||
      __builtin_add_overflow(all, static_cast<std::int64_t>(time.tv_nsec), &all)) {
    all = time.tv_sec < 0 ? -last : last;
  }
  return Time{std::chrono::nanoseconds{all}};
}

AttributeChanges to_changes(const struct stat& values, int which, Time now) noexcept {
  const auto asked = [which](int bit) { return (which & bit) != 0; };
  AttributeChanges changes;
  if (asked(FUSE_SET_ATTR_MODE)) changes.mode = values.st_mode & 07777;
  if (asked(FUSE_SET_ATTR_UID)) changes.uid = values.st_uid;
  if (asked(FUSE_SET_ATTR_GID)) changes.gid = values.st_gid;
  if (asked(FUSE_SET_ATTR_SIZE)) changes.size = static_cast<std::uint64_t>(values.st_size);
  if (asked(FUSE_SET_ATTR_ATIME_NOW)) {
    changes.atime = TimeChange{now, true};
  } else if (asked(FUSE_SET_ATTR_ATIME)) {
    changes.atime = TimeChange{to_time(values.st_atim), false};
  }
  if (asked(FUSE_SET_ATTR_MTIME_NOW)) {
    changes.mtime = TimeChange{now, true};
  } else if (asked(FUSE_SET_ATTR_MTIME)) {
    changes.mtime = TimeChange{to_time(values.st_mtim), false};
  }
  if (asked(FUSE_SET_ATTR_CTIME)) changes.ctime = to_time(values.st_ctim);
  changes.clear_setid = asked(FUSE_SET_ATTR_KILL_SUID) || asked(FUSE_SET_ATTR_KILL_SGID);
  return changes;
}

int answerable(int number) noexcept {
  if (number == ENOSYS) return EOPNOTSUPP;
  return number > 0 && number < 512 ? number : EIO;
}

}  // namespace spotfs::fuse
