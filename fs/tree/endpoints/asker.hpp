// One user's queries to one endpoint that are not over yet.
//
// Thread: any. Lifetime: shared by open requests and running queries; made again when needed.
#pragma once

#include "fs/tree/endpoints/hub.hpp"

namespace spotfs::tree {

enum class Sending {
  query,
  message,  // nobody waits for a reply
};

class Asker : public std::enable_shared_from_this<Asker> {
 public:
  Asker(HubPtr hub, AskerKey key) : hub_{std::move(hub)}, key_{std::move(key)} {}
  ~Asker() { hub_->askers.forget(key_); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  Hub& hub() const noexcept { return *hub_; }
  const AskerKey& key() const noexcept { return key_; }

  // Sends it and returns when that is over, whatever the outcome: the user's results are replaced then, those of a
  // message in `error` alone. Its errors are those of the query; where the caller is cancelled, so is the query.
  static asio::awaitable<Result<void>> send(std::shared_ptr<Asker> self, Bytes body, Sending how);
  // One that failed before it was sent; or, with EPIPE, a write after that, which is an error but changes no reply.
  void refuse(std::error_code why, Sending how);

  void add(std::weak_ptr<Outgoing> request);
  // Returns when no query is under way that was when it was called, nor one that a shell's redirect still holds (it is
  // sent, if its shell seems to be done with it). EAGAIN instead of a wait with `nonblocking`; timed_out where a shell
  // holds it for longer than a query may take; cancelled, which ends no query.
  static asio::awaitable<Result<void>> settle(std::shared_ptr<Asker> self, bool nonblocking);

 private:
  class Flight;
  struct State {
    std::uint64_t last = 0;  // number of queries begun
    std::map<std::uint64_t, std::shared_ptr<spot::Event>> under_way;
    std::vector<std::weak_ptr<Outgoing>> requests;
  };

  void over(std::uint64_t number, const spot::Answer<Bytes>& answer, Sending how);
  std::shared_ptr<Outgoing> held() const;
  asio::awaitable<Result<void>> send_for(std::shared_ptr<Outgoing> request);
  void publish(const spot::Answer<Bytes>& answer, Sending how);

  const HubPtr hub_;
  const AskerKey key_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
