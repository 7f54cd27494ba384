// query, send, ping, time, card, group: by a mount, or by a client of our own.
#include <cerrno>
#include <cstdlib>

#include <boost/json/array.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/control/peers.hpp"
#include "fs/tree/control/words.hpp"
#include "mount/ctl/direct.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Bytes;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kSpare = 10s;  // beyond the deadline of what is asked

// All of standard input, or the word itself.
Answer<std::string> body_of(const Invocation& line) {
  if (line.body != "-") return line.body;
  if (const auto allowed = tree::check_query(line.address, 0); !allowed) return allowed.error();
  Answer<std::string> body = read_standard_input(tree::kMaxMessage);
  if (body && body->size() > tree::kMaxMessage)
    return spot::Failure{std::error_code{EMSGSIZE, std::generic_category()},
                         "standard input: more than " + std::to_string(tree::kMaxMessage) +
                             " bytes, and at most that many go in one message"};
  return body;
}

// --- What people see -------------------------------------------------------------------------------------------------

std::string card_text(const json::object& card) {
  std::string out = text_of(card, "address") + "\nissued " + moment_text(number_of(card, "issued"));
  for (const json::value& one : array_of(card, "subkeys")) {
    if (!one.is_object()) continue;
    const json::object& key = one.get_object();
    out += "\nkey " + text_of(key, "key");
    std::string purposes;
    for (const json::value& purpose : array_of(key, "purposes")) {
      if (purpose.is_string())
        purposes += (purposes.empty() ? " for " : ", ") + spot::printable(std::string_view{purpose.get_string()});
    }
    out += purposes;
    if (key.contains("expires")) out += ", expires " + moment_text(number_of(key, "expires"));
  }
  for (const json::value& one : array_of(card, "groups")) {
    if (!one.is_object()) continue;
    out += "\ngroup " + text_of(one.get_object(), "group") + ", " + text_of(one.get_object(), "status");
  }
  for (const auto& [name, value] : object_of(card, "meta")) {
    if (value.is_string())
      out += "\n" + spot::printable(std::string_view{name}) + " = " +
             spot::printable(std::string_view{value.get_string()});
  }
  return out;
}

std::string time_text(const json::object& line) {
  const auto offset = static_cast<long>(real_of(line, "offset_ms"));
  const std::string by = std::to_string(std::abs(offset)) + " ms";
  return text_of(line, "time") + (offset == 0  ? std::string{}
                                  : offset > 0 ? ", the clock here is " + by + " behind"
                                               : ", the clock here is " + by + " ahead");
}

std::string members_text(const json::object& line) {
  std::string out;
  for (const json::value& one : array_of(line, "members")) {
    if (one.is_string()) out.append(out.empty() ? "" : "\n").append(spot::printable(one.get_string()));
  }
  return out;
}

std::string describe(const json::object& line) {
  const std::string_view event = string_of(line, "event");
  if (event == "time") return time_text(line);
  if (event == "card") return card_text(line);
  if (event == "group") return members_text(line);
  if (event != "pong") return {};
  return text_of(line, "address") + ": " + milliseconds_text(real_of(line, "milliseconds"));
}

// Of a line, or of an answer: false where it can't be written.
bool show(const json::object& line, Output& output) {
  if (!output.is_json() && string_of(line, "event") == "reply") {
    const auto reply = spot::from_any_base64(string_of(line, "base64"));
    return !reply || output.answer(spot::as_text(*reply));
  }
  const std::string text = describe(line);
  return (!output.is_json() && text.empty()) || output.line(text, line);
}

// --- The two ways ----------------------------------------------------------------------------------------------------

std::string address_of(const Invocation& line) {
  return line.address.empty() && line.what == What::ping ? "@" : line.address;
}

std::string command_of(const Invocation& line, std::size_t size) {
  const std::string address = tree::quoted_word(address_of(line));
  const std::string timeout = line.timeout == 0 ? "" : " " + std::to_string(line.timeout);
  switch (line.what) {
    case What::query: return "query " + address + timeout + " " + std::to_string(size);
    case What::send:
      return "send " + address + (line.endpoint.empty() ? "" : " " + tree::quoted_word(line.endpoint)) + " " +
             std::to_string(size);
    case What::ping: return "ping " + address + timeout;
    case What::card: return line.address.empty() ? "card" : "card " + address;
    case What::group: return "group " + tree::quoted_word(line.key);
    default: return "time";
  }
}

tree::Asked asked(const Invocation& line, std::string body, const std::shared_ptr<spot::Client>& client,
                  std::chrono::milliseconds timeout) {
  const spot::Clock* const clock = &spot::Clock::system();
  switch (line.what) {
    case What::query: return tree::ask_query(client, line.address, spot::to_bytes(body), timeout);
    case What::send: return tree::ask_send(client, line.address, spot::to_bytes(body), line.endpoint);
    case What::ping: return tree::ask_ping(client, address_of(line), timeout, clock);
    case What::card: return tree::ask_card(client, line.address.empty() ? client->target_id() : line.address);
    case What::group: return tree::ask_group(client, line.key);
    default: return tree::ask_time(client, clock);
  }
}

int run_directly(const Invocation& line, std::string body, Output& output) {
  Direct direct{*line.direct};
  if (const auto connected = direct.connect(); !connected) return output.fail(connected.error());
  const std::chrono::milliseconds timeout =
      line.timeout == 0 ? direct.query_timeout() : std::chrono::seconds{line.timeout};
  const auto answer = direct.run(asked(line, std::move(body), direct.client(), timeout), timeout + kSpare);
  if (!answer) return output.fail(answer.error());
  if (line.what == What::send) {
    if (const auto sent = direct.drain(timeout + kSpare); !sent) return output.fail(sent.error());
  }
  if (!show(*answer, output)) return kFailed;
  if (output.is_json()) output.line({}, {{"done", true}});
  return kDone;
}

}  // namespace

int run_peer_command(const Invocation& line, Output& output) {
  const Answer<std::string> body = body_of(line);
  if (!body) return output.fail(body.error());
  const bool has_body = line.what == What::query || line.what == What::send;
  if (has_body) {
    if (const auto allowed = tree::check_query(line.address, body->size()); !allowed)
      return output.fail(allowed.error());
  }
  if (line.direct) return run_directly(line, *body, output);
  return run_on_mount(line, command_of(line, body->size()), show, output, has_body ? *body : std::string{});
}

}  // namespace spotfs::ctl
