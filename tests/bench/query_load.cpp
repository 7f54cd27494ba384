// What our client gets from a relay in a second: queries, stores and fetches, with so many in flight.
//
//   query_load KEYS SECONDS [HOST:PORT]        trusts the file that SSL_CERT_FILE names
//
// Prints a name and a number a line: idle_kb (memory once online), time_1, time_64 (@/time queries a second), store_64
// and fetch_64 (blobs of 45,056 bytes, sealed and opened), each with …_us, the processor time of one, and busy_kb.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "client/base/encoding.hpp"
#include "client/client.hpp"
#include "client/crypto/keystore.hpp"

namespace {

using namespace spot;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kValueSize = 45'056;  // as the chunks of a mount
constexpr unsigned kThreads = 2;

long resident_kb() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  }
  return 0;
}

double processor_seconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

void tell(const std::string& name, double number) {
  std::printf("%s %.0f\n", name.c_str(), number);
  std::fflush(stdout);
}

class Load {
 public:
  Load(std::string keys, std::chrono::seconds time, std::vector<std::string> hosts) : time_{time} {
    auto loaded = load_or_create_keys(std::move(keys)).value();
    ClientOptions options;
    options.keys = std::make_shared<const Keychain>(std::move(loaded.keychain));
    options.hosts = std::move(hosts);
    if (const char* const roots = std::getenv("SSL_CERT_FILE")) options.ca_file = roots;
    client_ = Client::make(context_.get_executor(), std::move(options)).value();
    for (unsigned i = 0; i < kThreads; ++i) threads_.emplace_back([this] { context_.run(); });
    client_->start();
    wait(client_->wait_online(std::chrono::seconds{20})).value();
  }
  ~Load() {
    wait(client_->close());
    guard_.reset();
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // `work` as often as it fits, in so many coroutines at once.
  void measure(const std::string& name, std::size_t in_flight, std::function<asio::awaitable<void>()> work) {
    std::atomic<std::int64_t> done{0};
    const double used = processor_seconds();
    const auto start = Clock::now(), end = start + time_;
    const auto loop = [&]() -> asio::awaitable<void> {
      while (Clock::now() < end) {
        co_await work();
        ++done;
      }
    };
    std::vector<std::future<void>> running;
    for (std::size_t i = 0; i < in_flight; ++i) running.push_back(asio::co_spawn(context_, loop(), asio::use_future));
    for (auto& one : running) one.get();
    const auto number = static_cast<double>(done);
    tell(name, number / std::chrono::duration<double>{Clock::now() - start}.count());
    tell(name + "_us", (processor_seconds() - used) / number * 1e6);
  }

  asio::awaitable<void> ask_time() {
    const auto answer = co_await client_->get_time();
    answer.value();
  }
  asio::awaitable<void> store() {
    const std::string key = "load/" + std::to_string(stored_++);
    Bytes value = value_, header{0xA0};
    const auto done = co_await client_->store_blob(key, std::move(value), std::move(header));
    done.value();
  }
  asio::awaitable<void> fetch() {
    const std::string key = "load/" + std::to_string(fetched_++ % stored_);
    const auto blob = co_await client_->fetch_blob(key);
    if (blob.value().payload.size() != kValueSize) throw std::runtime_error{"another value than was stored"};
  }

 private:
  template <class T>
  T wait(asio::awaitable<T> work) {
    return asio::co_spawn(context_, std::move(work), asio::use_future).get();
  }

  const std::chrono::seconds time_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  std::shared_ptr<Client> client_;
  const Bytes value_ = Bytes(kValueSize, 0x5A);
  std::atomic<std::uint64_t> stored_{0}, fetched_{0};
  std::vector<std::jthread> threads_;
};

void run(int argc, char** argv) {
  if (argc < 3) throw std::runtime_error{"usage: query_load KEYS SECONDS [HOST:PORT]"};
  Load load{argv[1], std::chrono::seconds{std::stoi(argv[2])}, {argv + 3, argv + argc}};
  tell("idle_kb", static_cast<double>(resident_kb()));
  load.measure("time_1", 1, [&] { return load.ask_time(); });
  load.measure("time_64", 64, [&] { return load.ask_time(); });
  load.measure("store_64", 64, [&] { return load.store(); });
  load.measure("fetch_64", 64, [&] { return load.fetch(); });
  tell("busy_kb", static_cast<double>(resident_kb()));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run(argc, argv);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "query_load: %s\n", e.what());
    return 1;
  }
}
