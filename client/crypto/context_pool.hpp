// OpenSSL contexts that are set up for one key and one use, kept for the next time: setting one up and taking it down
// costs 4 µs, a fifth of a P-256 signature.
//
// Thread: any; a context is its taker's alone. Memory: as many contexts as were in use at once, at most kKept.
#pragma once

#include <vector>

#include "client/base/sync.hpp"
#include "client/crypto/openssl.hpp"

namespace spot {

class ContextPool {
 public:
  PKeyContext take() {  // null: none is there
    return idle_.with([](Contexts& idle) -> PKeyContext {
      if (idle.empty()) return nullptr;
      PKeyContext last = std::move(idle.back());
      idle.pop_back();
      return last;
    });
  }
  // Only one that did its work.
  void give_back(PKeyContext context) {
    idle_.with([&](Contexts& idle) {
      if (idle.size() < kKept) idle.push_back(std::move(context));
    });
  }

 private:
  static constexpr std::size_t kKept = 8;
  using Contexts = std::vector<PKeyContext>;
  Synchronized<Contexts> idle_;
};

}  // namespace spot
