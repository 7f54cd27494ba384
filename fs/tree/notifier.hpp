// Tells the kernel that something it has cached is no longer so.
//
// Thread: any, also within a request and under a lock: calls only queue. Threads of their own send them, as the kernel
// may hold the lock of a directory whose request is in progress. What the kernel does not know costs nothing.
#pragma once

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "fs/tree/node.hpp"

namespace spotfs::tree {

class KernelNotifier {
 public:
  virtual ~KernelNotifier() = default;
  virtual void attributes_changed(const NodePtr& node) = 0;
  virtual void content_changed(const NodePtr& node) = 0;  // attributes too
  virtual void name_changed(const NodePtr& directory, std::string name) = 0;
  // Returns when the kernel has been told of all attributes (those of changed contents, too) that were queued before:
  // an open that finds another version than the attributes last told waits for this before it answers. Its answer
  // itself, without keep_cache, drops what the kernel has of the content. Names and contents may take as long as
  // requests that are in progress.
  virtual asio::awaitable<void> sent() = 0;
  // The same for all that was queued before, names and contents too, but no later than after `limit`: a request that
  // is in progress may wait for whoever waits here.
  virtual asio::awaitable<void> all_sent(std::chrono::milliseconds limit) = 0;
};

}  // namespace spotfs::tree
