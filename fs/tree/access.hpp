// Whose the nodes are that have no owner of their own, and who checks what callers may do.
//
// Thread: values and pure functions.
#pragma once

#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

struct Access {
  uid_t uid = 0;  // the user who mounted
  gid_t gid = 0;
  // The mount has default_permissions: the kernel checks mode bits, supplementary groups included, before it asks.
  bool kernel_checks = false;

  // EACCES where the mode bits do not let the caller do `mask` (R_OK, W_OK, X_OK).
  Result<void> check(const Attributes& attributes, const Caller& caller, int mask) const;
  // Whether the caller may make these changes (chmod(2), chown(2), utimensat(2), truncate(2)): EPERM, EACCES.
  Result<void> check(const Attributes& attributes, const Caller& caller, const AttributeChanges& changes) const;
};

// A number for stat of a node that no index numbers: never given twice in this process, and below 2^62.
std::uint64_t new_inode_number() noexcept;

// Of a node made now that belongs to the user who mounted. mode: type and permission bits.
Attributes own_attributes(const Access& access, mode_t mode);

// How long the kernel may keep what only this mount changes.
inline constexpr std::chrono::milliseconds kLongTimeout{3'600'000};

}  // namespace spotfs::tree
