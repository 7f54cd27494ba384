// query, send, ping, time, card, group: in the name of the identity that mounted.
#include <charconv>

#include "client/base/encoding.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/control/commands.hpp"
#include "fs/tree/control/peers.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

asio::awaitable<Answer<Bytes>> take_all(ExchangePtr exchange) {
  Bytes all;
  for (;;) {
    const Result<Bytes> part = co_await exchange->take();
    if (!part) co_return Failure{part.error()};
    if (part->empty()) co_return all;
    spot::append(all, *part);
  }
}

Outcome tell(ExchangePtr exchange, Answer<json::object> line) {
  if (!line) co_return line.error();
  const Result<void> said = co_await exchange->say(*std::move(line));
  if (!said) co_return Failure{said.error()};
  co_return Answer<void>{};
}

// Without a text: the one that the endpoint's directory says.
Answer<spot::Timeout> timeout_of(const ControlOptions& control, const Caller& caller, const std::string& address,
                                 const std::string* text) {
  if (text == nullptr) return spot::Timeout{control.timeouts->of(address, caller.uid)};
  const std::optional<std::chrono::seconds> seconds = parse_timeout(*text);
  if (!seconds)
    return Failure{Errc::bad_argument, "\"" + spot::printable(*text) + "\" is no time-out: give 1 to 3600 seconds"};
  return spot::Timeout{*seconds};
}

std::uint64_t size_of(const std::string& text) {
  std::uint64_t size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size);  // find_command() has seen to it
  return size;
}

}  // namespace

Outcome run_query(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string* const own = arguments.size() > 2 ? &arguments[1] : nullptr;
  const Answer<spot::Timeout> timeout = timeout_of(*control, exchange->caller(), arguments[0], own);
  if (!timeout) co_return timeout.error();
  // Before the input, which is not taken where it is too much.
  const Answer<void> allowed = check_query(arguments[0], size_of(arguments.back()));
  if (!allowed) co_return allowed.error();
  Answer<Bytes> body = co_await take_all(exchange);
  if (!body) co_return body.error();
  Answer<json::object> line = co_await ask_query(control->client, arguments[0], *std::move(body), *timeout);
  if (!line) note_query(*control->book, arguments[0], line.error());
  co_return co_await tell(exchange, std::move(line));
}

Outcome run_send(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const Answer<void> allowed = check_query(arguments[0], size_of(arguments.back()));
  if (!allowed) co_return allowed.error();
  Answer<Bytes> body = co_await take_all(exchange);
  if (!body) co_return body.error();
  const std::string from = arguments.size() > 2 ? arguments[1] : std::string{};
  Answer<json::object> line = co_await ask_send(control->client, arguments[0], *std::move(body), from);
  co_return co_await tell(exchange, std::move(line));
}

Outcome run_ping(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string* const own = arguments.size() > 1 ? &arguments[1] : nullptr;
  const Answer<spot::Timeout> timeout = timeout_of(*control, exchange->caller(), arguments[0] + "/ping", own);
  if (!timeout) co_return timeout.error();
  Answer<json::object> line = co_await ask_ping(control->client, arguments[0], *timeout, control->clock);
  co_return co_await tell(exchange, std::move(line));
}

Outcome run_time(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words) {
  Answer<json::object> line = co_await ask_time(control->client, control->clock);
  co_return co_await tell(exchange, std::move(line));
}

Outcome run_card(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string address = arguments.empty() ? control->client->target_id() : arguments[0];
  Answer<json::object> line = co_await ask_card(control->client, address);
  co_return co_await tell(exchange, std::move(line));
}

Outcome run_group(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  Answer<json::object> line = co_await ask_group(control->client, arguments[0]);
  co_return co_await tell(exchange, std::move(line));
}

}  // namespace spotfs::tree
