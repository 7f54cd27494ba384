// What is done with a file of which something is lost: where some of it can be had it goes to lost+found, under its
// name and as it is, so that the rest can be read there (or all of it, if the store finds what it has lost); where
// nothing can be had its name goes. A value of blobs/ that is damaged stays, as it may be another client's.
//
// Thread: any. Errors: those of the index.
#pragma once

#include "fs/tree/control/check_disk.hpp"

namespace spotfs::tree {

enum class Repair { none, moved, dropped, left };
std::string_view name_of(Repair repair) noexcept;

struct Repaired {
  Repair what = Repair::none;  // none: the name is another file's by now
  std::string to;              // name in lost+found
};

asio::awaitable<Result<Repaired>> repair(std::shared_ptr<const ControlledDisk> disk, FindingPtr finding);

}  // namespace spotfs::tree
