#include "fs/tree/control/peers.hpp"

#include <set>

#include <boost/json/array.hpp>

#include "client/base/base64.hpp"
#include "client/base/encoding.hpp"
#include "client/base/json.hpp"
#include "client/crypto/hash.hpp"
#include "client/proto/address.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/self/self.hpp"
#include "fs/tree/time_text.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

// What became of a query that nobody answered can't be known. Whoever says that there is no such endpoint has answered.
Failure of_query(Failure why) {
  if (why.code == Errc::no_such_endpoint) why.code = make_error_code(Errc::remote_error);
  if (why.code == Errc::timed_out && why.text.empty()) why.text = "the outcome is unknown";
  return why;
}

// Cards are signed by who they are of, and say what that one likes.
void make_printable(json::value& value) {
  if (value.is_string()) {
    value = spot::printable(value.get_string());
  } else if (value.is_array()) {
    for (json::value& one : value.get_array()) make_printable(one);
  } else if (value.is_object()) {
    json::object clean;
    for (auto& [name, one] : value.get_object()) {
      make_printable(one);
      clean[spot::printable(name)] = one;
    }
    value = std::move(clean);
  }
}

}  // namespace

Answer<void> check_query(const std::string& address, std::uint64_t size) {
  constexpr const char* kGive = ": give k.HASH/ENDPOINT, g.HASH/ENDPOINT or @/ENDPOINT";
  if (address.size() > spot::kMaxNameSize)
    return wrong(in_quotes(address) + " is too long: an address has at most " + std::to_string(spot::kMaxNameSize) +
                 " bytes");
  const auto to = spot::Address::parse(address);
  if (!to) return wrong(in_quotes(address) + " is no address" + kGive);
  if (to->endpoint.empty()) return wrong(in_quotes(address) + " names no endpoint" + kGive);
  if (to->kind == spot::AddressKind::server && is_of_the_store(to->endpoint))
    return Failure{Errc::refused, in_quotes(address) + " is what blobs/ is made of: use blobs/, or spotfsctl blob"};
  if (size > kMaxMessage)
    return Failure{Errc::too_large,
                   std::to_string(size) + " bytes, and at most " + std::to_string(kMaxMessage) + " go"};
  return {};
}

Asked ask_query(ClientPtr client, std::string address, Bytes body, spot::Timeout timeout) {
  if (const Answer<void> allowed = check_query(address, body.size()); !allowed) co_return allowed.error();
  Answer<Bytes> reply = co_await client->query(address, std::move(body), timeout);
  if (!reply) co_return of_query(reply.error());
  json::object line{{"event", "reply"}};
  put_text(line, "address", address);
  line["base64"] = spot::base64(*reply);
  if (spot::is_utf8(spot::as_text(*reply))) line["text"] = spot::as_text(*reply);
  co_return line;
}

Asked ask_send(ClientPtr client, std::string address, Bytes body, std::string from) {
  if (const Answer<void> allowed = check_query(address, body.size()); !allowed) co_return allowed.error();
  if (from.find('/') != from.npos || !spot::Address::parse("@/" + from))
    co_return wrong(in_quotes(from) + " is no endpoint: give a name without a slash");
  if (from.empty()) from = "noreply";
  const std::string sender = "/" + from;
  const Answer<void> sent = co_await client->send_to(address, std::move(body), sender);
  if (!sent) co_return sent.error();
  json::object line{{"event", "sent"}};
  put_text(line, "address", address);
  co_return line;
}

Asked ask_ping(ClientPtr client, std::string address, spot::Timeout timeout, const spot::Clock* clock) {
  const auto to = spot::Address::parse(address);
  const bool is_server = to && to->kind == spot::AddressKind::server;
  if (!to || !to->endpoint.empty() || (!is_server && to->kind != spot::AddressKind::identity))
    co_return wrong(in_quotes(address) + " can't be pinged: give k.HASH, or @ for the relay");
  const auto random = spot::random_array<32>();
  Bytes sent{random.begin(), random.end()};
  if (is_server) sent.clear();
  const std::string endpoint = to->target + (is_server ? "/time" : "/ping");
  const spot::Clock::Steady begun = clock->steady();
  const Answer<Bytes> echo = co_await client->query(endpoint, sent, timeout);
  const std::chrono::nanoseconds took = clock->steady() - begun;
  if (!echo) co_return of_query(echo.error());
  if (!is_server && *echo != sent) co_return Failure{Errc::malformed, "the answer to the ping is another text"};
  json::object line{{"event", "pong"}};
  put_text(line, "address", address);
  line["milliseconds"] = static_cast<double>(took.count() / 1'000) / 1e3;
  co_return line;
}

Asked ask_time(ClientPtr client, const spot::Clock* clock) {
  const spot::Clock::Wall before = clock->wall();
  const Answer<spot::Clock::Wall> time = co_await client->get_time();
  if (!time) co_return of_query(time.error());
  const auto here = before + (clock->wall() - before) / 2;
  json::object line{{"event", "time"}};
  line["time"] = time_text(*time, Precision::milliseconds);
  line["seconds"] = std::chrono::duration<double>(time->time_since_epoch()).count();
  line["offset_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(*time - here).count();
  co_return line;
}

Asked ask_card(ClientPtr client, std::string address) {
  const Answer<spot::IdCard> card = co_await client->get_id_card_for_recipient(std::move(address));
  if (!card) co_return card.error();
  const auto shown = spot::parse_json(card_json(*card));
  if (!shown || !shown->is_object()) co_return Failure{Errc::malformed};
  json::value clean = *shown;
  make_printable(clean);
  json::object line{{"event", "card"}};
  for (auto& [name, value] : clean.get_object()) line[name] = value;
  co_return line;
}

Asked ask_group(ClientPtr client, std::string key) {
  auto bytes = spot::from_base64url(key);
  if (!bytes || !spot::PublicKey::parse(*bytes))
    co_return wrong(in_quotes(key) + " is no key of a group: give its public key (PKIX, in base64url)");
  const Answer<std::vector<spot::Sha256>> members = co_await client->get_group_members(*std::move(bytes));
  if (!members) co_return members.error();
  std::set<std::string> addresses;
  for (const spot::Sha256& hash : *members) addresses.insert(spot::identity_target(hash));
  json::object line{{"event", "group"}};
  line["group"] = key;
  line["members"] = json::array(addresses.begin(), addresses.end());
  co_return line;
}

}  // namespace spotfs::tree
