// The messages of one endpoint: those that wait to be read, and those that were given out and wait for an answer.
//
// Thread: any. Lifetime: shared by the nodes of its endpoint. Memory: kCapacity messages, and the hub's room.
// Errors: ESTALE for a message that is gone, or of an endpoint that is no longer served.
#pragma once

#include <set>

#include "client/net/one_shot.hpp"
#include "fs/tree/listen/hub.hpp"

namespace spotfs::tree {

class Mailbox final : public spot::DeadlineQueue::Expiring, public std::enable_shared_from_this<Mailbox> {
 public:
  static constexpr std::size_t kCapacity = 1'024;
  using QuestionPtr = std::shared_ptr<spot::Question>;
  using Number = std::uint64_t;

  Mailbox(ListenHubPtr hub, std::string endpoint) : hub_{std::move(hub)}, endpoint_{std::move(endpoint)} {}

  // A failure is for the sender.
  spot::Answer<void> put(QuestionPtr question);
  // Refuses what is here and what comes; all waits end.
  void end();
  bool is_ended() const;

  // Gives out the oldest that waits; nullopt: none does.
  Result<std::optional<Number>> take();
  // Returns when take() may have something else to say: perhaps to somebody else. Errors: cancelled.
  static asio::awaitable<Result<void>> wait(std::shared_ptr<Mailbox> self);
  // Whether take() has something to say now. Where not, `poller` (or null) is kept until that may have changed; one for
  // each `key`.
  bool poll(const void* key, std::unique_ptr<Poller> poller);
  void end_poll(const void* key);

  // Of those that were given out and are not over:
  std::vector<Number> given_out();
  QuestionPtr find(Number number);      // null: it is not there
  bool is_over(Number number);          // it was given out, or is too old to be
  Result<void> decline(Number number);  // EBUSY while somebody is answering; ENOENT
  // Over if it was sent, or is too large. ESTALE also where somebody else is answering.
  static asio::awaitable<Result<void>> answer(std::shared_ptr<Mailbox> self, Number number, spot::HandlerResult result);
  // The answer that somebody gives can't be sent, and never will be. That ends the message, if it is for one of the
  // errors that listen.hpp names.
  void answer_refused(Number number, std::error_code why);

  NodeTable<Number> nodes;  // directories of messages
  // Tells the kernel of names that go.
  void set_inbox(std::weak_ptr<Node> inbox);

  void expire() override;

 private:
  using Shot = spot::OneShot<Result<void>>;
  struct Held {
    Held(QuestionPtr q, spot::Clock::Steady d, Share s) : question{std::move(q)}, due{d}, share{std::move(s)} {}
    QuestionPtr question;
    spot::Clock::Steady due;
    Share share;
    bool is_given = false;
    bool is_answering = false;
  };
  struct State {
    std::map<Number, Held> held;  // in the order of their arrival, and so of their deadlines
    std::set<Number> waiting;
    Number last_given = 0;
    bool ended = false;
    std::set<std::shared_ptr<Shot>> readers;
    std::map<const void*, std::unique_ptr<Poller>> pollers;
    spot::DeadlineQueue::Entry timer;
    std::optional<spot::Clock::Steady> timer_due;
    std::weak_ptr<Node> inbox;
  };
  // Those who wait; told outside the lock.
  struct Waiters {
    std::set<std::shared_ptr<Shot>> readers;
    std::map<const void*, std::unique_ptr<Poller>> pollers;
    void wake();
  };
  class Attempt;

  static Waiters take_waiters(State& state);
  static Held* find_given(State& state, Number number);
  void set_timer(State& state);
  void drop_late();
  Result<void> refuse(Number number, spot::Failure why);
  void attempted(Number number, bool is_sent);
  void tell_kernel(const std::vector<Number>& gone) const;

  const ListenHubPtr hub_;
  const std::string endpoint_;
  spot::Synchronized<State> state_;
};

using MailboxPtr = std::shared_ptr<Mailbox>;

}  // namespace spotfs::tree
