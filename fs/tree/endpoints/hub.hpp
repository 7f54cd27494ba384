// What all nodes of endpoints/ share: who has asked what, and how it went.
//
// Thread: any. Lifetime: shared by directories, requests and queries; results know it weakly, as it keeps them.
// Memory: bounded tables that forget what was not used for the longest time.
#pragma once

#include <compare>
#include <set>
#include <string>

#include "client/base/recent.hpp"
#include "client/net/event.hpp"
#include "fs/tree/endpoints/endpoints.hpp"
#include "fs/tree/endpoints/slots.hpp"
#include "fs/tree/node_table.hpp"
#include "fs/tree/outgoing/outgoing.hpp"

namespace spotfs::tree {

class Asker;

// A user's questions to an endpoint ("k.<hash>/test"), or those by a slot of it.
struct AskerKey {
  std::string address;
  uid_t uid = 0;
  std::uint64_t slot = 0;  // 0: none

  AskerKey() = default;
  AskerKey(std::string a, uid_t u, std::uint64_t s = 0) : address{std::move(a)}, uid{u}, slot{s} {}
  auto operator<=>(const AskerKey&) const = default;
};

// How the last query of an asker went.
struct Finished {
  NodePtr reply;  // null: no query was finished
  NodePtr error;
  std::shared_ptr<const void> content;  // of the reply, whose file does not keep it
  std::size_t size = 0;
};

// "k.<hash>" of "k.<hash>/test".
inline std::string target_of(const std::string& address) { return address.substr(0, address.find('/')); }

enum class ResultKind { reply, error };

inline constexpr std::size_t kRoom = std::size_t{96} << 20;  // bytes

class Hub : public std::enable_shared_from_this<Hub> {
 public:
  explicit Hub(EndpointsOptions given) : options{std::move(given)} {}

  const EndpointsOptions options;
  NodeTable<std::string> nodes;  // by path below endpoints/
  NodeTable<std::pair<AskerKey, ResultKind>> no_results;
  NodeTable<AskerKey, Asker> askers;
  Slots slots;
  // For queries under way, and for replies that somebody keeps.
  const std::shared_ptr<Room> room = std::make_shared<Room>(kRoom);

  // What all messages of this caller have in common.
  OutgoingOptions outgoing(const Caller& caller) const;
  std::shared_ptr<Asker> asker(const AskerKey& key);
  std::optional<Finished> finished(const AskerKey& key);
  void finish(const AskerKey& key, Finished how);
  // A new `error` alone; the reply stays.
  void note(const AskerKey& key, NodePtr error);

  void use(const AskerKey& key);
  std::set<std::string> used() const;  // addresses that were asked since the mount
  std::set<uid_t> askers_of(const std::string& address) const;

  // Of all questions of a user to an endpoint, those by slots of it included.
  std::chrono::milliseconds timeout(const AskerKey& key) const { return options.timeouts->of(key.address, key.uid); }

  // A thread that was told ESTALE comes once more, and takes what it then finds.
  void expect(pid_t tid, const AskerKey& key);
  bool is_expected(pid_t tid, const AskerKey& key);  // once

  // The number of a file for stat: `shown` now. A thread that looks a name up asks for the attributes after that, and
  // gets the same once more, although the outcome may have come in between.
  std::uint64_t keep_number(pid_t tid, std::uint64_t own, std::uint64_t shown);

  // Mode and owner of what leads to `target` ("" for endpoints/ itself); mode: permission bits of the user alone.
  Attributes attributes(const std::string& target, mode_t type, mode_t mode) const;

 private:
  static constexpr std::size_t kResultBytes = std::size_t{16} << 20;
  static constexpr std::size_t kReplacedBytes = std::size_t{2} << 20;
  static constexpr std::size_t kResultOverhead = 2'048;
  static constexpr std::size_t kRemembered = 1'024;
  static constexpr std::size_t kAskersNamed = 16;

  spot::Synchronized<spot::Recent<AskerKey, Finished>> results_{kResultBytes};
  // Contents of replies that others have replaced: whoever has looked one up may be about to open it.
  struct Replaced {
    spot::Recent<std::uint64_t, std::shared_ptr<const void>> contents{kReplacedBytes};
    std::uint64_t last = 0;
  };
  spot::Synchronized<Replaced> replaced_;
  struct Uses {
    spot::Recent<std::string, int> order{kRemembered};
    std::map<std::string, std::set<uid_t>> askers;
  };
  spot::Synchronized<Uses> uses_;
  spot::Synchronized<spot::Recent<pid_t, AskerKey>> expected_{kRemembered};
  spot::Synchronized<spot::Recent<pid_t, std::pair<std::uint64_t, std::uint64_t>>> shown_{kRemembered};  // own, shown
};

using HubPtr = std::shared_ptr<Hub>;

}  // namespace spotfs::tree
