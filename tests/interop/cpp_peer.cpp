// Our client, driven by lines of JSON on standard input (see testbed.py, Peer).
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>

#include "client/base/encoding.hpp"
#include "client/base/sync.hpp"
#include "client/blocking.hpp"
#include "client/crypto/keystore.hpp"
#include "client/proto/address.hpp"

namespace json = boost::json;

namespace {

using namespace spot;

constexpr std::chrono::milliseconds kTimeout{20'000};

std::runtime_error error_of(const Failure& failure) {
  return std::runtime_error{failure.text.empty() ? failure.code.message() : failure.text};
}
std::runtime_error error_of(std::error_code code) { return std::runtime_error{code.message()}; }

template <class T, class E>
T take(boost::system::result<T, E> result) {
  if (!result) throw error_of(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::string text(const json::object& command, std::string_view name) {
  return std::string{command.at(name).as_string()};
}

Bytes bytes(const json::object& command, std::string_view name) { return take(from_hex(text(command, name))); }

std::chrono::milliseconds timeout(const json::object& command) {
  const auto* const seconds = command.if_contains("timeout");
  if (seconds == nullptr) return kTimeout;
  return std::chrono::milliseconds{static_cast<std::int64_t>(seconds->to_number<double>() * 1'000)};
}

asio::awaitable<HandlerResult> echo(Incoming message) {
  co_return HandlerResult{std::optional<Bytes>{std::move(message.body)}};
}

asio::awaitable<HandlerResult> upper(Incoming message) {
  for (std::uint8_t& c : message.body) c = static_cast<std::uint8_t>(std::toupper(c));
  co_return HandlerResult{std::optional<Bytes>{std::move(message.body)}};
}

// Upper case, after a time in which others are faster.
asio::awaitable<HandlerResult> slow(Incoming message) {
  asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::milliseconds{200}};
  co_await timer.async_wait(asio::use_awaitable);
  co_return co_await upper(std::move(message));
}

asio::awaitable<HandlerResult> silent(Incoming) { co_return HandlerResult{std::optional<Bytes>{}}; }

asio::awaitable<HandlerResult> fail(Incoming) {
  co_return HandlerResult{Failure{Errc::remote_error, "deliberate failure"}};
}

// An error reply whose text is the query.
asio::awaitable<HandlerResult> fail_with(Incoming message) {
  co_return HandlerResult{Failure{Errc::remote_error, to_string(message.body)}};
}

class Peer {
 public:
  json::value run(const json::object& command) {
    static const std::map<std::string, json::value (Peer::*)(const json::object&)> kCommands{
        {"start", &Peer::start}, {"online", &Peer::online},     {"time", &Peer::time},   {"card", &Peer::card},
        {"query", &Peer::query}, {"raw_card", &Peer::raw_card}, {"serve", &Peer::serve}, {"listen", &Peer::listen},
        {"send", &Peer::send},   {"receive", &Peer::receive},   {"store", &Peer::store}, {"fetch", &Peer::fetch},
        {"seen", &Peer::seen},
    };
    return (this->*kCommands.at(text(command, "do")))(command);
  }

 private:
  json::value start(const json::object& command) {
    auto loaded = take(load_or_create_keys(text(command, "keys")));
    ClientOptions options;
    options.keys = std::make_shared<const Keychain>(std::move(loaded.keychain));
    if (const char* const roots = std::getenv("SSL_CERT_FILE")) options.ca_file = roots;
    options.log = [](LogLevel, const std::string& line) { std::cerr << line << std::endl; };
    spot_ = take(BlockingClient::start(std::move(options)));
    take(spot_->run(client().wait_online(timeout(command))));
    return json::string{client().target_id()};
  }

  json::value online(const json::object&) { return client().connection_count(); }

  json::value time(const json::object&) {
    const auto now = take(spot_->run(client().get_time())).time_since_epoch();
    return std::chrono::duration<double>{now}.count();
  }

  json::value card(const json::object& command) {
    const auto card = take(spot_->run(client().get_id_card_for_recipient(text(command, "address"))));
    return json::string{hex(card.self())};
  }

  json::value raw_card(const json::object& command) {
    const auto address = take(Address::parse(text(command, "address")));
    return json::string{hex(take(spot_->run(client().get_id_card_bin(address.hash))))};
  }

  json::value query(const json::object& command) {
    const auto reply =
        take(spot_->run(client().query(text(command, "address"), bytes(command, "body"), timeout(command))));
    return json::string{hex(reply)};
  }

  json::value serve(const json::object& command) {
    static const std::map<std::string, asio::awaitable<HandlerResult> (*)(Incoming)> kModes{
        {"echo", &echo},     {"upper", &upper}, {"slow", &slow},
        {"silent", &silent}, {"fail", &fail},   {"fail_with", &fail_with}};
    client().set_handler(text(command, "endpoint"),
                         [seen = seen_, mode = kModes.at(text(command, "mode"))](Incoming message) {
                           seen->with([&](auto& bodies) { bodies[message.endpoint].push_back(message.body); });
                           return mode(std::move(message));
                         });
    return nullptr;
  }

  // The bodies of all messages that came to an endpoint.
  json::value seen(const json::object& command) {
    return seen_->with([&](const auto& bodies) -> json::value {
      json::array out;
      const auto known = bodies.find(text(command, "endpoint"));
      if (known == bodies.end()) return out;
      for (const Bytes& body : known->second) out.emplace_back(hex(body));
      return out;
    });
  }

  json::value listen(const json::object& command) {
    const std::string endpoint = text(command, "endpoint");
    packets_[endpoint].reset();  // an endpoint has one packet connection: the old one goes first
    packets_[endpoint] = take(client().listen_packet(endpoint));
    return json::string{packets_[endpoint]->local_addr()};
  }

  json::value send(const json::object& command) {
    take(
        spot_->run(packets_.at(text(command, "endpoint"))->write_to(text(command, "address"), bytes(command, "body"))));
    return nullptr;
  }

  json::value receive(const json::object& command) {
    const auto packet = take(spot_->run(packets_.at(text(command, "endpoint"))->read_from(timeout(command))));
    return {{"from", packet.from}, {"body", hex(packet.payload)}};
  }

  // As in the public clients, an empty value deletes.
  json::value store(const json::object& command) {
    Bytes value = bytes(command, "value");
    const std::string key = text(command, "key");
    if (value.empty()) {
      take(spot_->run(client().delete_blob(key)));
    } else {
      Bytes inner_header{0xA0};
      take(spot_->run(client().store_blob(key, std::move(value), std::move(inner_header))));
    }
    return nullptr;
  }

  json::value fetch(const json::object& command) {
    return json::string{hex(take(spot_->run(client().fetch_blob(text(command, "key")))).payload)};
  }

  Client& client() { return spot_->client(); }

  std::unique_ptr<BlockingClient> spot_;
  std::map<std::string, std::shared_ptr<PacketConnection>> packets_;
  using Seen = Synchronized<std::map<std::string, std::vector<Bytes>>>;
  const std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
};

}  // namespace

int main() {
  Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    json::object answer;
    try {
      answer["ok"] = peer.run(json::parse(line).as_object());
    } catch (const std::exception& e) {
      answer["error"] = e.what();
    }
    std::cout << json::serialize(answer) << std::endl;
  }
}
