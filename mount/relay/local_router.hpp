// The Router of a relay that is alone.
//
// Thread: any; nothing is ever delivered while the lock is held.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <set>

#include "client/base/sync.hpp"
#include "mount/relay/options.hpp"
#include "mount/relay/router.hpp"

namespace spot::relay {

class LocalRouter final : public Router {
 public:
  explicit LocalRouter(const Limits& limits);

  bool enter(Sha256 identity, std::shared_ptr<Mailbox> mailbox) override;
  void leave(const Mailbox& mailbox) override;
  asio::awaitable<Result<void>> to_identity(Sha256 identity, Message message) override;
  asio::awaitable<Result<void>> to_any_of(std::vector<Sha256> identities, Message message) override;
  asio::awaitable<Result<void>> to_connection(std::string address, Message message) override;
  void subscribe(const Mailbox& mailbox, Sha256 identity) override;
  asio::awaitable<void> announce(Sha256 identity, Bytes card) override;
  asio::awaitable<void> given_changed(Sha256 identity) override;

 private:
  using Mailboxes = std::vector<std::shared_ptr<Mailbox>>;
  struct Place {
    std::shared_ptr<Mailbox> mailbox;
    Sha256 identity{};
    std::deque<Sha256> subscriptions;  // used longest ago first
  };
  struct State {
    std::map<std::string, Place, std::less<>> places;     // by address
    std::map<Sha256, Mailboxes> online;                   // by identity, never empty
    std::map<Sha256, std::set<std::string>> subscribers;  // addresses by identity, never empty
    std::minstd_rand random;
  };

  Mailboxes connections_of(const Sha256& identity);
  static Result<void> deliver(const Mailboxes& candidates, const Message& message);

  const Limits limits_;
  Synchronized<State> state_;
};

}  // namespace spot::relay
