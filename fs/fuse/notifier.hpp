// The KernelNotifier of a mount.
//
// Made before the mount, as the tree below its root needs it; until the session starts, and after it ended, there is
// nothing that the kernel could have cached, and calls do nothing.
//
// Attributes are told on one thread, contents and names on another: the kernel takes the first at once, but may keep
// the others waiting for a page or a directory that a request in progress holds, and nobody who waits for sent() shall
// wait for that request.
//
// Thread and errors: as KernelNotifier says. Lifetime: shared; may outlive the session.
#pragma once

#include <memory>

#include "fs/tree/notifier.hpp"

struct fuse_session;

namespace spotfs {

namespace fuse {
class Inodes;
}

class Notifier : public tree::KernelNotifier {
 public:
  static std::shared_ptr<Notifier> make();

  // For the session: from start() to stop() the kernel can be told. stop() joins the threads; it needs someone who
  // answers the kernel's requests meanwhile.
  virtual void start(fuse_session* session, const fuse::Inodes& inodes) = 0;
  virtual void stop() = 0;
};

}  // namespace spotfs
