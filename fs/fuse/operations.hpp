// The one table of operations: what the kernel may ask for, who handles it, and how often it did.
//
// The handlers are C callbacks of libfuse; the only way from them to the nodes is the funnel of serve.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "fs/fuse/request.hpp"

namespace spotfs::fuse {

enum class Op : std::size_t {
  lookup,
  forget,
  forget_multi,
  getattr,
  setattr,
  access,
  readlink,
  statfs,
  mknod,
  mkdir,
  symlink,
  link,
  unlink,
  rmdir,
  rename,
  create,
  open,
  read,
  write,
  flush,
  release,
  fsync,
  fallocate,
  lseek,
  copy_file_range,
  poll,
  ioctl,
  opendir,
  readdir,
  readdirplus,
  releasedir,
  fsyncdir,
  getxattr,
  setxattr,
  listxattr,
  removexattr,
  count,
};

using Counters = std::array<Counter, static_cast<std::size_t>(Op::count)>;

// What libfuse is given; its user data is the Core.
fuse_lowlevel_ops operations();
std::string_view name_of(Op op) noexcept;

// The handlers, each in the file of its kind.
struct Names {  // names.cpp
  static void lookup(fuse_req_t, fuse_ino_t, const char*);
  static void forget(fuse_req_t, fuse_ino_t, std::uint64_t);
  static void forget_multi(fuse_req_t, std::size_t, fuse_forget_data*);
  static void mknod(fuse_req_t, fuse_ino_t, const char*, mode_t, dev_t);
  static void mkdir(fuse_req_t, fuse_ino_t, const char*, mode_t);
  static void symlink(fuse_req_t, const char*, fuse_ino_t, const char*);
  static void link(fuse_req_t, fuse_ino_t, fuse_ino_t, const char*);
  static void unlink(fuse_req_t, fuse_ino_t, const char*);
  static void rmdir(fuse_req_t, fuse_ino_t, const char*);
  static void rename(fuse_req_t, fuse_ino_t, const char*, fuse_ino_t, const char*, unsigned);
};
struct Inode {  // inode.cpp
  static void getattr(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void setattr(fuse_req_t, fuse_ino_t, struct stat*, int, fuse_file_info*);
  static void access(fuse_req_t, fuse_ino_t, int);
  static void readlink(fuse_req_t, fuse_ino_t);
  static void statfs(fuse_req_t, fuse_ino_t);
  static void getxattr(fuse_req_t, fuse_ino_t, const char*, std::size_t);
  static void setxattr(fuse_req_t, fuse_ino_t, const char*, const char*, std::size_t, int);
  static void listxattr(fuse_req_t, fuse_ino_t, std::size_t);
  static void removexattr(fuse_req_t, fuse_ino_t, const char*);
};
struct Files {  // files.cpp
  static void create(fuse_req_t, fuse_ino_t, const char*, mode_t, fuse_file_info*);
  static void open(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void read(fuse_req_t, fuse_ino_t, std::size_t, off_t, fuse_file_info*);
  static void write(fuse_req_t, fuse_ino_t, const char*, std::size_t, off_t, fuse_file_info*);
  static void flush(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void release(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void fsync(fuse_req_t, fuse_ino_t, int, fuse_file_info*);
  static void fallocate(fuse_req_t, fuse_ino_t, int, off_t, off_t, fuse_file_info*);
  static void lseek(fuse_req_t, fuse_ino_t, off_t, int, fuse_file_info*);
  static void copy_file_range(fuse_req_t, fuse_ino_t, off_t, fuse_file_info*, fuse_ino_t, off_t, fuse_file_info*,
                              std::size_t, int);
  static void poll(fuse_req_t, fuse_ino_t, fuse_file_info*, fuse_pollhandle*);
  static void ioctl(fuse_req_t, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned, const void*, std::size_t,
                    std::size_t);
};
struct Directories {  // directories.cpp
  static void opendir(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void readdir(fuse_req_t, fuse_ino_t, std::size_t, off_t, fuse_file_info*);
  static void readdirplus(fuse_req_t, fuse_ino_t, std::size_t, off_t, fuse_file_info*);
  static void releasedir(fuse_req_t, fuse_ino_t, fuse_file_info*);
  static void fsyncdir(fuse_req_t, fuse_ino_t, int, fuse_file_info*);
};

}  // namespace spotfs::fuse
