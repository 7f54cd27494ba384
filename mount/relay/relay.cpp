#include "mount/relay/relay.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "mount/relay/group_directory.hpp"
#include "mount/relay/local_router.hpp"
#include "mount/relay/sqlite_database.hpp"

namespace spot::relay {
namespace {

Failure system_failure(const std::filesystem::path& path, int number) {
  const std::error_code ec{number, std::system_category()};
  return {ec, fmt::format("{}: {}", path.string(), ec.message())};
}

Answer<void> make_directory(const std::filesystem::path& directory) {
  std::error_code ec;
  const bool made = std::filesystem::create_directories(directory, ec);
  if (ec) return Failure{ec, fmt::format("{}: {}", directory.string(), ec.message())};
  if (made) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ec);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) return system_failure(directory, errno);
  return {};
}

// The name of a relay is a part of addresses.
bool is_name(std::string_view name) {
  constexpr auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, is_letter);
}

class PipeDialer final : public Dialer {
 public:
  explicit PipeDialer(std::weak_ptr<Relay> relay) : relay_{std::move(relay)} {}
  asio::awaitable<Result<std::unique_ptr<Transport>>> dial(std::string) override {
    const auto relay = relay_.lock();
    if (!relay) co_return fail(Errc::offline);
    const asio::any_io_executor here = co_await asio::this_coro::executor;
    const asio::any_io_executor there = asio::make_strand(relay->executor());
    auto [ours, theirs] = make_pipe(here, there);
    relay->attach(std::move(theirs), there);
    co_return std::move(ours);
  }

 private:
  const std::weak_ptr<Relay> relay_;
};

}  // namespace

// Held as long as any session may use the database, and dropped by the kernel when the process ends.
class Relay::Lock {
 public:
  static Answer<std::shared_ptr<Lock>> take(const std::filesystem::path& directory) {
    const auto path = directory / "lock";
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return system_failure(path, errno);
    auto lock = std::make_shared<Lock>(file);
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno != EWOULDBLOCK) return system_failure(path, errno);
    return Failure{std::make_error_code(std::errc::device_or_resource_busy),
                   fmt::format("{}: another relay uses this directory", directory.string())};
  }
  explicit Lock(int file) noexcept : file_{file} {}
  ~Lock() { ::close(file_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  const int file_;
};

Answer<std::shared_ptr<Relay>> Relay::open(asio::any_io_executor executor, RelayOptions options) {
  if (!is_name(options.name))
    return Failure{Errc::bad_argument,
                   fmt::format("{}: the name of a relay has letters, digits, '-' and '_'", options.name)};
  if (const auto made = make_directory(options.data); !made) return made.error();
  auto lock = Lock::take(options.data);
  if (!lock) return lock.error();
  auto database = SqliteDatabase::open(options.data / "relay.db", options.quota, *options.clock);
  if (!database) return database.error();

  auto services = std::make_shared<Services>();
  services->router = std::make_unique<LocalRouter>(options.limits);
  services->database = std::move(*database);
  services->options = std::move(options);
  services->run_id = to_bytes(random_array<16>());
  std::shared_ptr<GroupDirectory> groups;
  if (!services->options.groups.empty()) {
    auto opened = GroupDirectory::open(executor, services);
    if (!opened) return opened.error();
    groups = *std::move(opened);
    GroupDirectory::start(groups);
  }
  std::shared_ptr<Relay> relay{new Relay{std::move(executor), std::move(services), std::move(*lock)}};
  relay->groups_ = std::move(groups);
  return relay;
}

Relay::Relay(asio::any_io_executor executor, std::shared_ptr<const Services> services, std::shared_ptr<Lock> lock)
    : executor_{std::move(executor)}, lock_{std::move(lock)}, services_{std::move(services)} {}

Relay::~Relay() = default;

void Relay::attach(Arrival arrival) {
  auto session = std::make_shared<Session>(services_, std::move(arrival));
  const bool taken = sessions_.with([&](Sessions& sessions) {
    if (sessions.stopping || sessions.running.size() >= services_->options.limits.connections) return false;
    sessions.running.emplace(session.get(), session);
    return true;
  });
  const auto strand = session->strand();
  if (taken) {
    asio::co_spawn(strand, serve(shared_from_this(), std::move(session)), asio::detached);
  } else {
    asio::post(strand, [session = std::move(session)] { session->end(1013, "the relay takes no more connections"); });
  }
}

void Relay::attach(std::unique_ptr<Transport> transport, asio::any_io_executor strand) {
  Arrival arrival;
  arrival.transport = std::move(transport);
  arrival.strand = std::move(strand);
  arrival.accepted = std::chrono::steady_clock::now();
  attach(std::move(arrival));
}

asio::awaitable<void> Relay::serve(std::shared_ptr<Relay> self, std::shared_ptr<Session> session) {
  const Session* const key = session.get();
  co_await Session::run(std::move(session));
  self->sessions_.with([key](Sessions& sessions) { sessions.running.erase(key); });
}

std::shared_ptr<Dialer> Relay::dialer() { return std::make_shared<PipeDialer>(weak_from_this()); }

void Relay::stop() {
  const auto running = sessions_.with([](Sessions& sessions) {
    sessions.stopping = true;
    return sessions.running;
  });
  if (groups_) GroupDirectory::stop(groups_);
  for (const auto& [key, weak] : running) {
    const auto session = weak.lock();
    if (session) asio::post(session->strand(), [session] { session->end(1001, "the relay stops"); });
  }
}

std::size_t Relay::session_count() const {
  return sessions_.with([](const Sessions& sessions) { return sessions.running.size(); });
}

}  // namespace spot::relay
