#include "fs/tree/listen/mailbox.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"
#include "client/proto/error_text.hpp"
#include "fs/tree/listen/message.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kOverhead = 1'024;  // of a message that is held, besides its text

spot::Failure not_served() { return {Errc::no_such_endpoint, std::string{spot::kNoSuchEndpoint}}; }
spot::Failure declined() { return {Errc::refused, "declined"}; }
spot::Failure too_many() { return {Errc::rate_exceeded, "too many messages wait for an answer"}; }

// For the sender, of an answer that can't be sent.
std::optional<spot::Failure> failure_of_answer(std::error_code why) {
  if (why == Errc::too_large) return spot::Failure{Errc::too_large, std::string{spot::kAnswerTooLarge}};
  if (why == fail(ESPIPE)) return spot::Failure{Errc::remote_error, "the answer was not written from start to end"};
  return std::nullopt;
}

}  // namespace

// An answer under way. Whatever ends it, it is over when this goes.
class Mailbox::Attempt {
 public:
  Attempt(Mailbox& mailbox, Number number) : mailbox_{mailbox}, number_{number} {}
  ~Attempt() { mailbox_.attempted(number_, is_sent); }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  bool is_sent = false;

 private:
  Mailbox& mailbox_;
  const Number number_;
};

void Mailbox::Waiters::wake() {
  for (const auto& reader : readers) reader->give(Result<void>{});
  for (const auto& [key, poller] : pollers) poller->notify();
}

Mailbox::Waiters Mailbox::take_waiters(State& state) {
  return {std::exchange(state.readers, {}), std::exchange(state.pollers, {})};
}

Mailbox::Held* Mailbox::find_given(State& state, Number number) {
  const auto at = state.held.find(number);
  return at == state.held.end() || !at->second.is_given ? nullptr : &at->second;
}

void Mailbox::set_timer(State& state) {
  std::optional<spot::Clock::Steady> due;
  for (const auto& [number, held] : state.held) {
    if (held.is_answering) continue;
    due = held.due;
    break;
  }
  if (due == state.timer_due) return;
  state.timer_due = due;
  if (!due) {
    state.timer.cancel();
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - hub_->options.clock->steady());
  state.timer = hub_->deadlines->add(std::chrono::steady_clock::now() + left, weak_from_this());
}

spot::Answer<void> Mailbox::put(QuestionPtr question) {
  drop_late();
  const spot::Incoming& message = question->message();
  if (!hub_->is_new(message)) return {};
  Share share{hub_->waiting};
  if (!share.take(message.body.size() + message.sender.size() + kOverhead)) return too_many();
  std::optional<spot::Failure> refusal;
  Waiters waiters = state_.with([&](State& state) -> Waiters {
    if (state.ended) {
      refusal = not_served();
    } else if (state.held.size() >= kCapacity) {
      refusal = too_many();
    }
    if (refusal) return {};
    const Number number = hub_->next_number();
    const auto due = hub_->options.clock->steady() + hub_->options.timeout;
    state.held.emplace(number, Held{std::move(question), due, std::move(share)});
    state.waiting.insert(number);
    set_timer(state);
    return take_waiters(state);
  });
  if (refusal) return *std::move(refusal);
  waiters.wake();
  return {};
}

void Mailbox::end() {
  std::vector<HeldQuestion> left;
  Waiters waiters = state_.with([&](State& state) {
    state.ended = true;
    state.waiting.clear();
    for (auto at = state.held.begin(); at != state.held.end();) {
      if (at->second.is_answering) {
        ++at;
        continue;
      }
      left.emplace_back(std::move(at->second.question), std::move(at->second.share));
      at = state.held.erase(at);
    }
    set_timer(state);
    return take_waiters(state);
  });
  waiters.wake();
  hub_->refuse(std::move(left), not_served());
}

bool Mailbox::is_ended() const {
  return state_.with([](const State& state) { return state.ended; });
}

Result<std::optional<Mailbox::Number>> Mailbox::take() {
  drop_late();
  return state_.with([](State& state) -> Result<std::optional<Number>> {
    if (state.ended) return fail(ESTALE);
    if (state.waiting.empty()) return std::optional<Number>{};
    const Number number = *state.waiting.begin();
    state.waiting.erase(state.waiting.begin());
    state.held.at(number).is_given = true;
    state.last_given = number;
    return std::optional{number};
  });
}

asio::awaitable<Result<void>> Mailbox::wait(std::shared_ptr<Mailbox> self) {
  const auto shot = std::make_shared<Shot>();
  const bool waits = self->state_.with([&](State& state) {
    if (state.ended || !state.waiting.empty()) return false;
    state.readers.insert(shot);
    return true;
  });
  if (!waits) co_return Result<void>{};
  const Result<void> woken = co_await Shot::wait(shot);
  if (!woken) self->state_.with([&](State& state) { state.readers.erase(shot); });
  co_return woken;
}

bool Mailbox::poll(const void* key, std::unique_ptr<Poller> poller) {
  drop_late();
  return state_.with([&](State& state) {
    if (state.ended || !state.waiting.empty()) return true;
    if (poller) std::swap(state.pollers[key], poller);
    return false;
  });
}

void Mailbox::end_poll(const void* key) {
  std::unique_ptr<Poller> old;
  state_.with([&](State& state) {
    const auto at = state.pollers.find(key);
    if (at == state.pollers.end()) return;
    old = std::move(at->second);
    state.pollers.erase(at);
  });
}

std::vector<Mailbox::Number> Mailbox::given_out() {
  drop_late();
  return state_.with([](const State& state) {
    std::vector<Number> out;
    for (const auto& [number, held] : state.held) {
      if (held.is_given) out.push_back(number);
    }
    return out;
  });
}

Mailbox::QuestionPtr Mailbox::find(Number number) {
  drop_late();
  return state_.with([&](State& state) -> QuestionPtr {
    const Held* held = find_given(state, number);
    return held == nullptr ? nullptr : held->question;
  });
}

bool Mailbox::is_over(Number number) {
  return state_.with([&](State& state) {
    return state.ended || (number <= state.last_given && find_given(state, number) == nullptr);
  });
}

Result<void> Mailbox::decline(Number number) { return refuse(number, declined()); }

Result<void> Mailbox::refuse(Number number, spot::Failure why) {
  drop_late();
  bool is_answering = false;
  std::vector<HeldQuestion> refused;
  state_.with([&](State& state) {
    Held* held = find_given(state, number);
    is_answering = held != nullptr && held->is_answering;
    if (held == nullptr || is_answering) return;
    refused.emplace_back(std::move(held->question), std::move(held->share));
    state.held.erase(number);
    set_timer(state);
  });
  if (is_answering) return fail(EBUSY);
  if (refused.empty()) return fail(is_over(number) ? ESTALE : ENOENT);
  hub_->refuse(std::move(refused), std::move(why));
  return {};
}

asio::awaitable<Result<void>> Mailbox::answer(std::shared_ptr<Mailbox> self, Number number,
                                              spot::HandlerResult result) {
  self->drop_late();
  const QuestionPtr question = self->state_.with([&](State& state) -> QuestionPtr {
    Held* held = find_given(state, number);
    if (held == nullptr || held->is_answering) return nullptr;
    held->is_answering = true;
    self->set_timer(state);
    return held->question;
  });
  if (!question) co_return fail(ESTALE);
  spot::Answer<void> sent;
  {
    Attempt attempt{*self, number};
    sent = co_await question->answer(std::move(result));
    attempt.is_sent = sent.has_value();
  }
  if (sent) co_return Result<void>{};
  self->answer_refused(number, sent.error().code);
  co_return sent.error().code;
}

void Mailbox::answer_refused(Number number, std::error_code why) {
  std::optional<spot::Failure> failure = failure_of_answer(why);
  const QuestionPtr question = failure ? find(number) : nullptr;
  if (!question) return;
  const std::string text = failure->text;
  if (!refuse(number, *std::move(failure))) return;
  if (hub_->options.log) {
    std::string sender = sender_line(question->message());
    sender.pop_back();
    hub_->options.log("listen/" + spot::printable(endpoint_) + ": " + sender + " got an error: " + text);
  }
  tell_kernel({number});
}

void Mailbox::attempted(Number number, bool is_sent) {
  std::vector<HeldQuestion> left;
  const bool is_over = state_.with([&](State& state) {
    Held& held = state.held.at(number);
    held.is_answering = false;
    if (!is_sent && !state.ended) {
      set_timer(state);
      return false;
    }
    if (!is_sent) left.emplace_back(std::move(held.question), std::move(held.share));
    state.held.erase(number);
    set_timer(state);
    return true;
  });
  hub_->refuse(std::move(left), not_served());
  if (is_over) {
    tell_kernel({number});
  } else {
    drop_late();
  }
}

void Mailbox::expire() {
  // Also where that was too early: it goes off once.
  state_.with([](State& state) { state.timer_due.reset(); });
  drop_late();
}

void Mailbox::drop_late() {
  const auto now = hub_->options.clock->steady();
  std::vector<HeldQuestion> late;
  std::vector<Number> gone;
  state_.with([&](State& state) {
    for (auto at = state.held.begin(); at != state.held.end() && at->second.due <= now;) {
      Held& held = at->second;
      if (held.is_answering) {
        ++at;
        continue;
      }
      if (held.is_given) gone.push_back(at->first);
      state.waiting.erase(at->first);
      late.emplace_back(std::move(held.question), std::move(held.share));
      at = state.held.erase(at);
    }
    set_timer(state);
  });
  tell_kernel(gone);
  if (late.empty()) return;
  const auto seconds = std::chrono::duration<double>{hub_->options.timeout}.count();
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  hub_->refuse(std::move(late), {Errc::timed_out, "not answered within " + text + " s"});
}

void Mailbox::set_inbox(std::weak_ptr<Node> inbox) {
  state_.with([&](State& state) { state.inbox = std::move(inbox); });
}

void Mailbox::tell_kernel(const std::vector<Number>& gone) const {
  if (gone.empty() || !hub_->options.notifier) return;
  const NodePtr inbox = state_.with([](const State& state) { return state.inbox.lock(); });
  if (!inbox) return;
  for (const Number number : gone) hub_->options.notifier->name_changed(inbox, std::to_string(number));
}

}  // namespace spotfs::tree
