#include "client/inbox.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>

#include "client/base/encoding.hpp"
#include "client/proto/error_text.hpp"

namespace spot {
namespace {

// A query's sender is "…/<uuid>", which awaits an answer; anything else does not.
bool is_query(const Message& message) {
  const auto slash = message.sender.find('/');
  if (slash == message.sender.npos) return false;
  const std::string_view endpoint = std::string_view{message.sender}.substr(slash + 1);
  return endpoint.size() == 36 && std::ranges::all_of(endpoint, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
         });
}

asio::awaitable<HandlerResult> call(const Handler& handler, Incoming incoming) {
  try {
    co_return co_await handler(std::move(incoming));
  } catch (const std::exception& error) {
    co_return Failure{Errc::remote_error, error.what()};
  }
}

}  // namespace

class Inbox::Received final : public Question {
 public:
  // question: without its body, which is in `incoming`.
  Received(Inbox& inbox, std::weak_ptr<void> owner, ConnectionPointer by, Message question, Opened opened,
           Incoming incoming)
      : inbox_{inbox},
        owner_{std::move(owner)},
        by_{std::move(by)},
        question_{std::move(question)},
        opened_{std::move(opened)},
        incoming_{std::move(incoming)} {}

  const Incoming& message() const override { return incoming_; }
  bool is_query() const override { return spot::is_query(question_); }

  asio::awaitable<Answer<void>> answer(HandlerResult result) override {
    const std::shared_ptr<void> keep = owner_.lock();
    if (!keep) co_return Failure{Errc::stopping};
    if (result && !*result) co_return Answer<void>{};
    const Result<Bytes> packet = inbox_.make_answer(question_, opened_, std::move(result));
    if (!packet) co_return Failure{packet.error()};
    const std::shared_ptr<Connection> first = by_.lock();
    if (first && first->send(first->session(), *packet)) co_return Answer<void>{};
    const Answer<ConnectionPointer> other =
        co_await inbox_.parts_.messenger.connection(std::chrono::steady_clock::now() + inbox_.parts_.timeout);
    if (!other) co_return other.error();
    const Result<void> sent = (*other)->send((*other)->session(), *packet);
    // What was never sent has a known outcome.
    if (!sent) co_return Failure{sent.error() == Errc::connection_lost ? make_error_code(Errc::offline) : sent.error()};
    co_return Answer<void>{};
  }

 private:
  Inbox& inbox_;  // of the owner
  const std::weak_ptr<void> owner_;
  const std::weak_ptr<Connection> by_;
  const Message question_;
  const Opened opened_;
  const Incoming incoming_;
};

void Inbox::set_handler(std::string endpoint, Handler handler, HandlerOptions options) {
  handlers_.with([&](auto& handlers) {
    if (handler) {
      handlers.insert_or_assign(std::move(endpoint), Entry{std::move(handler), {}, options});
    } else {
      handlers.erase(endpoint);
    }
  });
}

Result<void> Inbox::set_taker(std::string endpoint, Taker taker, HandlerOptions options) {
  return handlers_.with([&](auto& handlers) -> Result<void> {
    const auto known = handlers.find(endpoint);
    if (known != handlers.end() && known->second.handler) return fail(Errc::bad_argument);
    if (taker) {
      handlers.insert_or_assign(std::move(endpoint), Entry{{}, std::move(taker), options});
    } else if (known != handlers.end()) {
      handlers.erase(known);
    }
    return {};
  });
}

bool Inbox::has_handler(const std::string& endpoint) const {
  return handlers_.with([&](const auto& handlers) { return handlers.contains(endpoint); });
}

void Inbox::receive(std::shared_ptr<void> owner, ConnectionPointer by, Message message) {
  if (message.has(flag::response)) {
    parts_.queries.deliver(std::move(message));
    return;
  }
  const auto to = Address::parse(message.recipient);
  if (!to || (to->kind == AddressKind::identity && to->hash != parts_.identity->hash())) {
    log(LogLevel::warning, message, "it is not for us");
    return;
  }
  if (to->endpoint == "idcard_update" && message.has(flag::not_bottle) && message.sender.starts_with('@')) {
    parts_.cards.update(message.body, unix_seconds(parts_.clock.wall()));
    return;
  }
  if (running_.fetch_add(1) >= kMaxRunning) {
    --running_;
    refuse(by, message, "rate exceeded");
    return;
  }
  auto work = handle(owner, std::move(by), std::move(message), to->endpoint);  // before `owner` is moved
  asio::co_spawn(parts_.executor, std::move(work),
                 [this, owner = std::move(owner)](std::exception_ptr) { --running_; });
}

asio::awaitable<void> Inbox::handle(std::weak_ptr<void> owner, ConnectionPointer by, Message message,
                                    std::string endpoint) {
  const Entry entry = handlers_.with([&](const auto& handlers) {
    const auto at = handlers.find(endpoint);
    return at == handlers.end() ? Entry{} : at->second;
  });
  auto opened = co_await open(message, entry.options.unverified);
  if (!opened) {
    log(LogLevel::warning, message, opened.error().message());
    co_return;
  }
  if (!entry.handler && !entry.taker) {
    if (is_query(message)) reply(by, message, *opened, Failure{Errc::no_such_endpoint, std::string{kNoSuchEndpoint}});
    co_return;
  }
  Incoming incoming;
  incoming.sender = message.sender;
  incoming.recipient = message.recipient;
  incoming.endpoint = endpoint;
  incoming.id = message.id;
  incoming.body = std::move(opened->body);
  incoming.verified = opened->verified;
  message.body = Bytes{};
  if (entry.taker) {
    const auto question =
        std::make_shared<Received>(*this, std::move(owner), by, message, *opened, std::move(incoming));
    const Answer<void> taken = entry.taker(question);
    if (!taken && question->is_query()) reply(by, message, *opened, taken.error());
    co_return;
  }
  auto result = co_await call(entry.handler, std::move(incoming));
  reply(by, message, *opened, std::move(result));
}

asio::awaitable<Result<Inbox::Opened>> Inbox::open(const Message& message, bool unverified) {
  Opened opened;
  std::error_code why = make_error_code(Errc::not_sealed);
  const auto from = Address::parse(message.sender);
  if (!message.has(flag::not_bottle) && from && from->kind == AddressKind::identity) {
    auto card = co_await parts_.messenger.find_card(from->hash, std::chrono::steady_clock::now() + parts_.timeout);
    if (!card) co_return card.error().code;
    auto sealed = parts_.envelopes.open(message, card->get());
    if (sealed) {
      opened.body = std::move(sealed->payload);
      opened.verified = true;
      opened.card = std::move(*card);
      co_return opened;
    }
    why = sealed.error();
  }
  if (!unverified) co_return why;
  auto body = Envelopes::open_unverified(message);
  if (!body) co_return why;
  opened.body = std::move(*body);
  co_return opened;
}

Result<Bytes> Inbox::make_answer(const Message& question, const Opened& opened, HandlerResult result) const {
  Message answer;
  answer.id = question.id;
  answer.flags = flag::response | (result ? 0 : flag::error);
  answer.recipient = question.sender;
  answer.sender = "/noreply";
  Bytes payload = result ? std::move(**result) : to_bytes(result.error().text);
  if (!result && payload.empty()) payload = to_bytes(result.error().code.message());
  if (opened.verified) {
    const Result<void> sealed = parts_.envelopes.seal(answer, opened.card.get(), payload);
    if (!sealed) return sealed.error();
  } else {
    answer.flags |= flag::not_bottle;
    answer.body = std::move(payload);
  }
  const auto encoded = encode_message(answer);
  if (!encoded) return encoded.error();
  return encode_packet(PacketType::message, *encoded);
}

void Inbox::reply(const ConnectionPointer& by, const Message& question, const Opened& opened, HandlerResult result) {
  if (result && !*result) return;
  const bool is_error = !result;
  Result<Bytes> answer = make_answer(question, opened, std::move(result));
  if (!answer && answer.error() == Errc::too_large && !is_error)
    answer = make_answer(question, opened, Failure{Errc::too_large, "the answer is too large for one message"});
  if (answer) {
    static_cast<void>(by->send(by->session(), *answer));
  } else {
    log(LogLevel::warning, question, "the answer can't be sealed: " + answer.error().message());
  }
}

void Inbox::refuse(const ConnectionPointer& by, const Message& question, std::string_view text) {
  if (!is_query(question)) return;
  reply(by, question, Opened{}, Failure{Errc::rate_exceeded, std::string{text}});
}

void Inbox::log(LogLevel level, const Message& message, const std::string& text) const {
  if (!parts_.log) return;
  parts_.log(level, "dropped a message from " + printable(message.sender) + " to " + printable(message.recipient) +
                        ": " + text);
}

}  // namespace spot
