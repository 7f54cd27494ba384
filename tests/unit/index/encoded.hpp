// One good encoding of each thing that the index stores, with every field.
#pragma once

#include "fs/index/head.hpp"
#include "fs/index/op.hpp"
#include "tests/unit/index/histories.hpp"

namespace spotfs {

inline NewInode full_new_inode() {
  NewInode out;
  out.kind = Kind::file;
  out.version = stamp_at(2);
  out.reference = reference_of(5);
  out.mode = 0644;
  out.uid = 1000;
  out.gid = 100;
  out.atime = Time{-5, 6};
  out.mtime = Time{7, 8};
  out.birth = Time{9, 999'999'999};
  out.xattrs = {{"user.a", "1"}, {"user.bb", ""}};
  out.flags = kSharedChunks;
  return out;
}

inline Inode full_inode() {
  Inode out;
  out.version = stamp_at(2);
  out.reference = reference_of(5);
  out.mode = 07777;
  out.uid = 1;
  out.gid = 2;
  out.atime = {3, 4};
  out.mtime = {5, 6};
  out.ctime = {7, 8};
  out.birth = {9, 10};
  out.xattrs = {{"user.a", "1"}};
  out.links = 2;
  out.place = {stamp_at(3), "name"};
  out.flags = kSharedChunks;
  return out;
}

// One of each of the seven kinds, with rising stamps.
inline std::vector<Operation> each_operation() {
  const InodeId directory = stamp_at(1), file = stamp_at(2), other = stamp_at(3);
  const Over over = Seen{other, stamp_at(4)};
  Set set{file, {}};
  set.changes.mode = 0600;
  set.changes.uid = 1;
  set.changes.gid = 2;
  set.changes.atime = Time{3, 4};
  set.changes.mtime = Time{5, 6};
  set.changes.xattrs = {{"user.a", "1"}, {"user.b", std::nullopt}};
  return {{stamp_at(11), Make{{directory, "made"}, over, full_new_inode()}},
          {stamp_at(12), Link{{directory, "linked"}, over, file}},
          {stamp_at(13), Unlink{{directory, "unlinked"}, file, stamp_at(4)}},
          {stamp_at(14), Move{{directory, "from"}, file, {directory, "to"}, over}},
          {stamp_at(15), Exchange{{directory, "one"}, file, {directory, "other"}, other}},
          {stamp_at(16), Write{file, stamp_at(4), reference_of(9), Time{5, 6}, kSharedChunks}},
          {stamp_at(17), std::move(set)}};
}

inline BlobId blob_id(std::uint8_t fill) {
  BlobId out;
  out.fill(fill);
  return out;
}

inline LogList full_log_list() { return {blob_id(1), {{blob_id(2), stamp_at(5)}, {blob_id(3), stamp_at(6)}}}; }

inline Head full_head() {
  Head out;
  out.counter = 300;
  out.run = blob_id(4);
  out.log = full_log_list();
  out.snapshot = Snapshot{{7, stamp_at(7), blob_id(5), 2}, SnapshotBase{6, stamp_at(6), blob_id(6), 1}};
  out.seen = {{blob_id(7), 1}, {blob_id(8), 1'000'000}};
  out.host = "host";
  out.stamp = stamp_at(8);
  return out;
}

inline Writers full_writers() {
  return {{blob_id(1), {"host", stamp_at(5), false}}, {blob_id(2), {"", stamp_at(6), true}}};
}

}  // namespace spotfs
