#include "fs/tree/access.hpp"

#include <atomic>
#include <cerrno>

#include <unistd.h>

#include "client/base/clock.hpp"

namespace spotfs::tree {

Result<void> Access::check(const Attributes& attributes, const Caller& caller, int mask) const {
  if (!kernel_checks && !permits(attributes, caller, mask)) return fail(EACCES);
  return {};
}

Result<void> Access::check(const Attributes& attributes, const Caller& caller, const AttributeChanges& changes) const {
  if (kernel_checks || caller.uid == 0) return {};
  const bool owner = caller.uid == attributes.uid;
  if (changes.mode && !owner) return fail(EPERM);
  if (changes.uid && (!owner || *changes.uid != attributes.uid)) return fail(EPERM);
  if (changes.gid && (!owner || (*changes.gid != attributes.gid && *changes.gid != caller.gid))) return fail(EPERM);
  const bool writes = permits(attributes, caller, W_OK);
  if (changes.size && !writes) return fail(EACCES);
  if ((changes.atime || changes.mtime) && !owner) {
    const bool now = (!changes.atime || changes.atime->now) && (!changes.mtime || changes.mtime->now);
    if (!now) return fail(EPERM);
    if (!writes) return fail(EACCES);
  }
  return {};
}

std::uint64_t new_inode_number() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

Attributes own_attributes(const Access& access, mode_t mode) {
  Attributes out;
  out.inode = new_inode_number();
  out.mode = mode;
  out.uid = access.uid;
  out.gid = access.gid;
  out.atime = out.mtime = out.ctime = spot::Clock::system().wall();
  return out;
}

}  // namespace spotfs::tree
