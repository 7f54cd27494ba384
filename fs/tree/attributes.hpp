// What is told about an entry and who asks: the values that pass between the kernel's side (fs/fuse) and the nodes.
//
// Thread: values. Units: sizes in bytes, times in nanoseconds since 1970, time-outs in milliseconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <sys/stat.h>
#include <sys/types.h>

#include "client/base/result.hpp"

namespace spotfs::tree {

using spot::Errc;
using spot::fail;
using spot::Result;

class Node;
using NodePtr = std::shared_ptr<Node>;

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// An error that is an errno and nothing more: `co_return fail(ENOTEMPTY)`.
inline std::error_code fail(int number) noexcept { return {number, std::generic_category()}; }

// Who asks. All zero for what the kernel does by itself (write-back of dirty pages).
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t tid = 0;  // the thread, not the process; 0 where it has no number in our pid namespace
  mode_t umask = 0;

  Caller() = default;
  Caller(uid_t u, gid_t g, pid_t t, mode_t m) : uid{u}, gid{g}, tid{t}, umask{m} {}
};

struct Attributes {
  std::uint64_t inode = 0;  // what stat shows; unique in the mount, free to be unrelated to the kernel's node number
  mode_t mode = 0;          // type and permission bits
  nlink_t links = 1;
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;  // of device nodes
  std::uint64_t size = 0;
  std::uint64_t allocated = 0;  // what it takes on the store, for st_blocks
  Time atime{};
  Time mtime{};
  Time ctime{};
  std::chrono::milliseconds timeout{0};  // how long the kernel may answer stat from these
};

// A change asked for by chmod, chown, truncate or utimens; what is not set stays. `now` times are filled in, too: the
// flag is there because whoever may write may set the present time, but only the owner any other.
struct TimeChange {
  Time time{};
  bool now = false;
};
struct AttributeChanges {
  std::optional<mode_t> mode;  // permission bits
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::uint64_t> size;
  std::optional<TimeChange> atime;
  std::optional<TimeChange> mtime;
  std::optional<Time> ctime;
  bool clear_setid = false;  // the writer or owner changed: setuid and setgid bits go
};

// An entry as lookup finds it. Without a node it says that the name is not there, and for how long the kernel may
// believe that; an error (ENOENT) says so for this once.
struct Entry {
  NodePtr node;
  Attributes attributes;
  std::chrono::milliseconds timeout{0};  // how long the kernel may take the name to mean this node

  Entry() = default;
  Entry(NodePtr n, Attributes a, std::chrono::milliseconds t = std::chrono::milliseconds{0})
      : node{std::move(n)}, attributes{a}, timeout{t} {}
};

// A name in a listing. Where `entry` is there (it costs nothing to have), the kernel need not look the name up.
struct Listed {
  std::string name;
  std::uint64_t inode = 0;
  mode_t type = 0;  // S_IFDIR, S_IFREG …
  std::optional<Entry> entry;

  Listed() = default;
  Listed(std::string n, std::uint64_t i, mode_t t) : name{std::move(n)}, inode{i}, type{t} {}
  Listed(std::string n, Entry e)
      : name{std::move(n)}, inode{e.attributes.inode}, type{e.attributes.mode & S_IFMT}, entry{std::move(e)} {}
};

// What statfs shows.
struct Space {
  std::uint64_t block_size = 4096;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_free = 0;
  std::uint64_t files = 0;
  std::uint64_t files_free = 0;
  std::uint64_t name_max = 255;
};

// Whether the permission bits let this caller do `mask` (R_OK, W_OK, X_OK); root may all but execute what has no x bit.
// Supplementary groups are not looked at: with default_permissions, which allow_other brings, the kernel does that.
bool permits(const Attributes& attributes, const Caller& caller, int mask) noexcept;

}  // namespace spotfs::tree
