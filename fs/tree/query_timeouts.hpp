// How long queries may take, card look-up included: the mount's time, or that of a user for an endpoint.
//
// Thread: any. Memory: the times of kRemembered users and endpoints; what was not used for the longest time goes first.
// Source: filesystem.md, "Endpoints".
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

#include "client/base/recent.hpp"
#include "client/base/sync.hpp"

namespace spotfs::tree {

class QueryTimeouts {
 public:
  explicit QueryTimeouts(std::chrono::milliseconds usual = std::chrono::seconds{30}) : usual_{usual} {}

  // address: of the endpoint, "k.<hash>/test".
  std::chrono::milliseconds of(const std::string& address, uid_t uid) {
    return own_.with([&](auto& own) {
      const std::chrono::milliseconds* const known = own.find({address, uid});
      return known == nullptr ? usual_ : *known;
    });
  }
  // nullopt: the usual one again.
  void set(const std::string& address, uid_t uid, std::optional<std::chrono::milliseconds> timeout) {
    own_.with([&](auto& own) {
      if (timeout) {
        own.put({address, uid}, *timeout);
      } else {
        own.erase({address, uid});
      }
    });
  }

 private:
  static constexpr std::size_t kRemembered = 1'024;
  using Asker = std::pair<std::string, uid_t>;

  const std::chrono::milliseconds usual_;
  spot::Synchronized<spot::Recent<Asker, std::chrono::milliseconds>> own_{kRemembered};
};

}  // namespace spotfs::tree
