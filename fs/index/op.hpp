// Operations: the seven ways in which a disk changes, as its logs hold them.
//
// Thread: values. Errors: malformed for all but the one encoding that encode() makes.
// Source: files.md, "Operations".
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "fs/index/inode.hpp"

namespace spotfs {

inline constexpr std::size_t kMaxPiece = 45'056;  // bytes of one piece of log

// What the maker of an operation saw at the name that it takes.
struct Seen {
  InodeId inode;
  Version version;
  bool operator==(const Seen&) const = default;
};
using Over = std::optional<Seen>;

struct Make {
  Place at;
  Over over;
  NewInode inode;  // its id is the operation's stamp
  bool operator==(const Make&) const = default;
};

struct Link {
  Place at;
  Over over;
  InodeId inode;
  bool operator==(const Link&) const = default;
};

struct Unlink {  // and rmdir
  Place at;
  InodeId inode;
  Version version;
  bool operator==(const Unlink&) const = default;
};

struct Move {
  Place from;
  InodeId inode;
  Place to;
  Over over;
  bool operator==(const Move&) const = default;
};

struct Exchange {
  Place one;
  InodeId inode;
  Place other;
  InodeId other_inode;
  bool operator==(const Exchange&) const = default;
};

struct Write {  // its version is the operation's stamp
  InodeId inode;
  Version base;
  std::optional<Reference> reference;
  Time mtime;
  std::uint64_t flags = 0;
  bool operator==(const Write&) const = default;
};

struct Set {
  InodeId inode;
  Changes changes;
  bool operator==(const Set&) const = default;
};

using Action = std::variant<Make, Link, Unlink, Move, Exchange, Write, Set>;

struct Operation {
  Stamp stamp;
  Action action;
  bool operator==(const Operation&) const = default;
};

// What it gives a file; none: nothing, or an empty content.
std::optional<Reference> content_of(const Operation& operation);

// The inodes that an operation names: those that it makes, changes, moves, replaces or enters. May hold one twice.
std::vector<InodeId> named_inodes(const Operation& operation);

void encode(cbor::Writer& to, const Operation& operation);
Bytes encode(const Operation& operation);
Result<Operation> decode_operation(BytesView encoded);

// A piece of log: operations of one run with rising stamps, from their encodings.
Bytes encode_piece(std::span<const Bytes> operations);
Result<std::vector<Operation>> decode_piece(BytesView encoded);

}  // namespace spotfs
