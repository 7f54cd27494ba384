// What all sessions of a relay share.
//
// Thread: any. Lifetime: held by the relay and by each session.
#pragma once

#include <memory>

#include "mount/relay/database.hpp"
#include "mount/relay/options.hpp"
#include "mount/relay/router.hpp"

namespace spot::relay {

struct Services {
  RelayOptions options;
  std::unique_ptr<Database> database;
  std::unique_ptr<Router> router;
  Bytes run_id;  // of this run of the relay, 16 random bytes

  std::int64_t now() const {
    return std::chrono::floor<std::chrono::seconds>(options.clock->wall()).time_since_epoch().count();
  }
};

}  // namespace spot::relay
