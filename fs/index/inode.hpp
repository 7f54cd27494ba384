// An inode: all that is known of a file but its names.
//
// Thread: values. Errors: malformed. Source: files.md, "State" (fields by number) and "Operations" (make).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "fs/content/reference.hpp"
#include "fs/index/stamp.hpp"

namespace spotfs {

enum class Kind : std::uint8_t {
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  character_device = 6,
  block_device = 7,
  alias = 8,    // a directory that was made where another one is: it stands for that one
  removed = 9,  // what late operations need of a removed inode
};

inline constexpr std::size_t kMaxName = 255;      // bytes
inline constexpr std::size_t kMaxTarget = 4'095;  // bytes
inline constexpr std::size_t kMaxXattrs = 1'024;  // bytes of names and values in all, of one operation
inline constexpr std::uint32_t kModeBits = 07777;
inline constexpr std::uint64_t kSharedChunks = 1;  // flag: other inodes may name chunks of this content

// Byte strings in the order of their CBOR encodings (RFC 8949, 4.2.1).
struct EncodedOrder {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};
using Xattrs = std::map<std::string, std::string, EncodedOrder>;

struct Device {
  std::uint32_t major = 0, minor = 0;
  bool operator==(const Device&) const = default;
};

// A name in a directory.
struct Place {
  InodeId directory;
  std::string name;
  auto operator<=>(const Place&) const = default;
};

struct Inode {
  Kind kind = Kind::file;
  Version version;  // stamp of the write that gave the content
  std::optional<Reference> reference;
  std::uint32_t mode = 0, uid = 0, gid = 0;  // mode: permission bits alone
  Time atime, mtime, ctime, birth;
  Xattrs xattrs;
  std::string target;  // of a symlink
  Device device;
  std::uint64_t links = 0;  // names; 1 for directories
  Place place;              // the last name that it got
  std::uint64_t flags = 0;
  Stamp alias_of;  // of an alias
  Stamp since;     // of an alias or a removed one: the operation that made it so

  std::uint64_t size() const noexcept { return reference ? reference->size : 0; }
  bool is_directory() const noexcept { return kind == Kind::directory; }
  bool operator==(const Inode&) const = default;
};

using InodePtr = std::shared_ptr<const Inode>;  // never null; a change makes a new one

// What a make says of its inode. Times that are left out are the make's clock.
struct NewInode {
  Kind kind = Kind::file;
  Version version;
  std::optional<Reference> reference;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  std::optional<Time> atime, mtime, birth;
  Xattrs xattrs;
  std::string target;
  Device device;
  std::uint64_t flags = 0;
  bool operator==(const NewInode&) const = default;
};

// What a set changes.
struct Changes {
  std::optional<std::uint32_t> mode, uid, gid;
  std::optional<Time> atime, mtime;
  std::map<std::string, std::optional<std::string>, EncodedOrder> xattrs;  // nullopt removes it
  void apply_to(Inode& inode) const;
  bool operator==(const Changes&) const = default;
};

// A name that a directory can hold: 1 to 255 bytes, no slash, no NUL, not "." or "..".
bool is_name(std::string_view name) noexcept;

void encode(cbor::Writer& to, const Place& place);
void encode(cbor::Writer& to, const Inode& inode);
void encode(cbor::Writer& to, const NewInode& inode);
void encode(cbor::Writer& to, const Changes& changes);
// The map keys must be known and rise; that all else is in its one form is checked by whoever encodes it again.
Result<Place> decode_place(cbor::Reader& from);
Result<Inode> decode_inode(cbor::Reader& from);
Result<NewInode> decode_new_inode(cbor::Reader& from);
Result<Changes> decode_changes(cbor::Reader& from);

}  // namespace spotfs
