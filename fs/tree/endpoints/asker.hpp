// One user's queries to one endpoint that are not over yet.
//
// Order: what was asked last counts. An open waits for that, and an outcome that comes later than that of a later query
// is told to nobody but who waits for it.
//
// Numbers: who copies `reply` compares what stat showed with what it then opens. So while an outcome is awaited that an
// open would wait for, stat shows the number that it will have.
//
// Thread: any. Lifetime: shared by open requests and running queries; made again when needed.
// Locks: an outcome is published under the state's lock, which is held while that of an open request, or of the hub's
// results, is taken.
#pragma once

#include <array>
#include <vector>

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
  static asio::awaitable<Result<void>> send(std::shared_ptr<Asker> self, std::uint64_t request, Bytes body,
                                            Sending how);
  // One that failed before it was sent; or, with EPIPE, a write after that, which is an error but changes no reply.
  void refuse(std::error_code why, Sending how);

  // Of an open request that add() is told of.
  std::uint64_t draw();
  void add(std::uint64_t number, std::weak_ptr<Outgoing> request, Sending how);
  // Returns when that is over which was asked last when it was called, and none is left that a shell's redirect still
  // holds (it is sent, if its shell seems to be done with it). EAGAIN instead of a wait with `nonblocking`; timed_out
  // where a shell holds it for longer than a query may take; cancelled, which ends no query.
  static asio::awaitable<Result<void>> settle(std::shared_ptr<Asker> self, ResultKind kind, bool nonblocking);

  // That of the outcome that is awaited, if `file` is the last one; else `own`.
  std::uint64_t inode_number(const Node& file, ResultKind kind, std::uint64_t own);

 private:
  class Flight;
  struct Request {
    std::weak_ptr<Outgoing> message;
    Sending how;
    bool begun = false;  // is under way
  };
  struct State {
    std::uint64_t last = 0;     // number of queries begun
    std::uint64_t written = 0;  // number of requests opened
    std::map<std::uint64_t, std::shared_ptr<spot::Event>> under_way;
    std::map<std::uint64_t, Request> requests;             // without outcome
    std::array<std::optional<std::uint64_t>, 2> promised;  // by kind
    // By Sending: the last that was begun, and the last whose outcome is shown.
    std::array<std::uint64_t, 2> begun{}, shown{};
  };

  static std::uint64_t begin(State& state, Sending how);
  static std::vector<std::shared_ptr<spot::Event>> awaited(const State& state, ResultKind kind);
  static bool is_awaited(const State& state, ResultKind kind);
  static std::uint64_t take_number(State& state, ResultKind kind);
  void over(std::uint64_t number, std::uint64_t request, const spot::Answer<Bytes>& answer, Sending how);
  std::shared_ptr<Outgoing> held(ResultKind kind) const;
  asio::awaitable<Result<void>> send_for(std::shared_ptr<Outgoing> request);
  void publish(State& state, std::uint64_t number, const spot::Answer<Bytes>& answer, Sending how);

  const HubPtr hub_;
  const AskerKey key_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
