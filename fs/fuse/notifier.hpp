// The KernelNotifier of a mount.
//
// Made before the mount, as the tree below its root needs it; until the session starts, and after it ended, there is
// nothing that the kernel could have cached, and calls do nothing.
//
// Thread and errors: as KernelNotifier says. Lifetime: shared; may outlive the session.
#pragma once

#include <memory>

#include "fs/tree/notifier.hpp"

namespace spotfs {

class Notifier : public KernelNotifier {
 public:
  static std::shared_ptr<Notifier> make();
};

}  // namespace spotfs
