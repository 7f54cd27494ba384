// The indexes of a content that has changed: those that are other than its base's are stored, from the bottom up.
//
// Thread: any; runs on its caller's executor. Errors: those of ContentStore. Memory: about 100 kB for each level, and
// an id for each changed chunk.
#pragma once

#include <map>

#include "fs/content/content_reader.hpp"

namespace spotfs {

using ChangedIds = std::map<std::uint64_t, BlobId>;  // by position in their level

struct ChangedContent {
  std::uint64_t size = 0;  // at least 1
  ContentReader base;      // what it was made from
  std::uint64_t kept = 0;  // bytes of the base that count, at most size
  std::uint8_t base_level = 0;
  ChangedIds chunks;  // those that are not the base's; kHole for a hole
};

// Gives the new reference. Ids of what is stored for it are appended to `made`, also where it fails.
asio::awaitable<Answer<Reference>> write_indexes(std::shared_ptr<ContentStore> store, ChangedContent content,
                                                 std::vector<BlobId>& made);

}  // namespace spotfs
