// Where a key is below blobs/, for the commands that go there: through its nodes wherever it can be a path, so that
// what they do is seen there at once.
//
// Thread: any. Errors: those of the index and of the nodes.
#pragma once

#include <optional>

#include "fs/tree/control/control.hpp"

namespace spotfs::tree {

struct BlobPlace {
  NodePtr directory;
  Place place;   // in the index
  NodePtr file;  // null: there is none yet
};

// None: the key can be no path, or its directories are not there (with `make` they are made), or are files; or it is
// itself a directory.
asio::awaitable<Result<std::optional<BlobPlace>>> find_blob(std::shared_ptr<const ControlledDisk> disk, Caller caller,
                                                            std::string key, bool make);

}  // namespace spotfs::tree
