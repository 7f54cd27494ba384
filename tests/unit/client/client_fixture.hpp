// Clients and a relay on one thread: a test runs until its coroutine has an answer.
#pragma once

#include <functional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "client/client.hpp"
#include "tests/fake/relay.hpp"
#include "tests/fake/run_on.hpp"

namespace spot {

class ClientTest : public testing::Test {
 protected:
  ~ClientTest() override {
    for (const auto& client : clients_) run(client->close());
  }

  static std::shared_ptr<const Keychain> new_keys() {
    std::vector<PrivateKey> keys{PrivateKey::generate(KeyType::p256).value()};
    return std::make_shared<const Keychain>(Keychain::of(std::move(keys)).value());
  }

  std::shared_ptr<Client> start(ClientOptions options = {}) {
    if (!options.keys) options.keys = new_keys();
    options.dialer = relay_;
    options.offline_grace = std::chrono::milliseconds{200};
    options.log = [this](LogLevel, std::string line) {
      log_.push_back(std::move(line));
      if (on_log_) on_log_(log_.back());
    };
    auto client = Client::make(context_.get_executor(), std::move(options)).value();
    clients_.push_back(client);
    client->start();
    return client;
  }
  std::shared_ptr<Client> online(ClientOptions options = {}) {
    auto client = start(std::move(options));
    EXPECT_TRUE(run(client->wait_online(std::chrono::seconds{5})));
    return client;
  }

  template <class T>
  T run(asio::awaitable<T> work) {
    return fake::run_on(context_, std::move(work));
  }
  // Runs what is ready, until nothing is.
  void settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  static Sha256 hash_of(const Client& client) { return client.keys().self().public_key().hash(); }

  bool logged(std::string_view text) const {
    for (const std::string& line : log_) {
      if (line.find(text) != line.npos) return true;
    }
    return false;
  }

  asio::io_context context_{1};
  std::shared_ptr<fake::Relay> relay_ = std::make_shared<fake::Relay>(context_.get_executor());
  std::vector<std::string> log_;
  std::function<void(const std::string&)> on_log_;

 private:
  std::vector<std::shared_ptr<Client>> clients_;
};

// A handler that keeps what came and answers with a text.
struct Recorder {
  std::vector<Incoming> received;
  Handler handler(std::string answer) {
    return [this, answer](Incoming incoming) -> asio::awaitable<HandlerResult> {
      received.push_back(std::move(incoming));
      HandlerResult result{std::optional{to_bytes(answer)}};
      co_return result;
    };
  }
};

}  // namespace spot
