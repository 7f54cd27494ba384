// What is left where one blob of content is lost.
//
// Thread: one.
#pragma once

#include "fs/store/memory.hpp"

namespace spotfs::test {

// Calls `look` once for each blob of a disk's content, with its key, while the store lacks that one alone.
template <class Look>
void without_each_content(MemoryStore& store, const Look& look) {
  const MemoryStore::Blobs all = store.blobs();
  for (const auto& [key, value] : all) {
    if (!key.starts_with(".spotfs/c/")) continue;
    MemoryStore::Blobs without = all;
    without.erase(key);
    store.set_blobs(std::move(without));
    look(key);
  }
  store.set_blobs(all);
}

}  // namespace spotfs::test
