#include "fs/fuse/operations.hpp"

#include "fs/fuse/core.hpp"

namespace spotfs::fuse {
namespace {

struct Row {
  Op op;
  std::string_view name;
  void (*install)(fuse_lowlevel_ops& table);
};

#define SPOTFS_OPERATION(kind, name)                                            \
  Row {                                                                         \
    Op::name, #name, [](fuse_lowlevel_ops& table) { table.name = &kind::name; } \
  }

constexpr std::array rows{
    SPOTFS_OPERATION(Names, lookup),
    SPOTFS_OPERATION(Names, forget),
    SPOTFS_OPERATION(Names, forget_multi),
    SPOTFS_OPERATION(Inode, getattr),
    SPOTFS_OPERATION(Inode, setattr),
    SPOTFS_OPERATION(Inode, access),
    SPOTFS_OPERATION(Inode, readlink),
    SPOTFS_OPERATION(Inode, statfs),
    SPOTFS_OPERATION(Names, mknod),
    SPOTFS_OPERATION(Names, mkdir),
    SPOTFS_OPERATION(Names, symlink),
    SPOTFS_OPERATION(Names, link),
    SPOTFS_OPERATION(Names, unlink),
    SPOTFS_OPERATION(Names, rmdir),
    SPOTFS_OPERATION(Names, rename),
    SPOTFS_OPERATION(Files, create),
    SPOTFS_OPERATION(Files, open),
    SPOTFS_OPERATION(Files, read),
    SPOTFS_OPERATION(Files, write),
    SPOTFS_OPERATION(Files, flush),
    SPOTFS_OPERATION(Files, release),
    SPOTFS_OPERATION(Files, fsync),
    SPOTFS_OPERATION(Files, fallocate),
    SPOTFS_OPERATION(Files, lseek),
    SPOTFS_OPERATION(Files, copy_file_range),
    SPOTFS_OPERATION(Files, poll),
    SPOTFS_OPERATION(Files, ioctl),
    SPOTFS_OPERATION(Directories, opendir),
    SPOTFS_OPERATION(Directories, readdir),
    SPOTFS_OPERATION(Directories, readdirplus),
    SPOTFS_OPERATION(Directories, releasedir),
    SPOTFS_OPERATION(Directories, fsyncdir),
    SPOTFS_OPERATION(Inode, getxattr),
    SPOTFS_OPERATION(Inode, setxattr),
    SPOTFS_OPERATION(Inode, listxattr),
    SPOTFS_OPERATION(Inode, removexattr),
};

#undef SPOTFS_OPERATION

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows.at(i).op) != i) return false;
  }
  return rows.size() == static_cast<std::size_t>(Op::count);
}
static_assert(in_order());

// What the kernel offers and we take, beside libfuse's own choice.
void init(void* data, fuse_conn_info* connection) {
  auto& core = *static_cast<Core*>(data);
  core.parallel_directories = (connection->capable & FUSE_CAP_PARALLEL_DIROPS) != 0;
  // The kernel's writeback cache is not taken. With it the kernel alone knows how large a file is: SEEK_DATA misses
  // what is not written back yet, a file that `spotfsctl blob put` makes longer is cut for who has it open, and one
  // whose save fails goes on showing what is neither the old content nor the new. The kernel takes the setuid bits off
  // by a SETATTR of its own, and keeps locks to itself.
  connection->want &= ~static_cast<unsigned>(FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_IOCTL_DIR);
  core.initialised = true;
}

}  // namespace

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops table{};
  table.init = &init;
  for (const Row& row : rows) row.install(table);
  return table;
}

std::string_view name_of(Op op) noexcept { return rows.at(static_cast<std::size_t>(op)).name; }

}  // namespace spotfs::fuse
