// Nodes of a real client, on a relay in the test's hands.
#pragma once

#include <algorithm>

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spotfs::tree {

class ClientTreeFixture : public spot::ClientTest {
 protected:
  static Caller user(uid_t uid = 1000) { return {uid, uid, 0, 022}; }
  static Access access() {
    Access out;
    out.uid = out.gid = 1000;
    return out;
  }
  template <class T>
  static int errno_of(const Result<T>& result) {
    return result ? 0 : spot::to_errno(result.error());
  }
  NodePtr node(const NodePtr& in, const std::string& name) { return run(in->lookup(user(), name)).value().node; }
  std::vector<std::string> names(const NodePtr& in) {
    std::vector<std::string> out;
    const auto listed = run(in->list(user(), "", 10'000)).value();
    for (const Listed& one : listed) out.push_back(one.name);
    return out;
  }
  // How often the relay was asked at one of its endpoints.
  std::size_t asked(const std::string& endpoint) const {
    return static_cast<std::size_t>(std::ranges::count(relay_->messages, endpoint, &spot::Message::recipient));
  }
};

}  // namespace spotfs::tree
