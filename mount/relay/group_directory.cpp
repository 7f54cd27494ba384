#include "mount/relay/group_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/crypto/key.hpp"
#include "mount/relay/memberships.hpp"

namespace spot::relay {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kRetry = 30s;  // of what could not be stored

// Files that are there as a whole, or may be read from now on; and the end of the directory itself.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

Failure last_failure(const fs::path& path) {
  const std::error_code why{errno, std::system_category()};
  return {why, printable(path.string()) + ": " + why.message()};
}

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

// Of the directory itself, among these events.
bool tells_of_the_end(std::string_view events) {
  inotify_event event{};
  while (events.size() >= sizeof event) {
    std::memcpy(&event, events.data(), sizeof event);
    if ((event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) return true;
    events.remove_prefix(std::min(events.size(), sizeof event + event.len));
  }
  return false;
}

}  // namespace

Answer<std::shared_ptr<GroupDirectory>> GroupDirectory::open(asio::any_io_executor executor,
                                                             std::shared_ptr<const Services> services) {
  const fs::path& directory = services->options.groups;
  if (const auto made = make_group_directory(directory); !made) return made.error();
  Descriptor watch{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!watch || ::inotify_add_watch(watch.get(), directory.c_str(), kEvents) < 0) return last_failure(directory);
  if (::access(directory.c_str(), R_OK | X_OK) != 0) return last_failure(directory);
  return std::shared_ptr<GroupDirectory>{
      new GroupDirectory{asio::make_strand(std::move(executor)), std::move(services), watch.release()}};
}

GroupDirectory::GroupDirectory(const asio::any_io_executor& strand, std::shared_ptr<const Services> services, int watch)
    : services_{std::move(services)}, directory_{services_->options.groups}, watch_{strand, watch}, retry_{strand} {}

void GroupDirectory::start(std::shared_ptr<GroupDirectory> self) {
  const auto strand = self->watch_.get_executor();
  asio::co_spawn(strand, run(std::move(self)), asio::detached);
}

void GroupDirectory::stop(std::shared_ptr<GroupDirectory> self) {
  const auto strand = self->watch_.get_executor();
  asio::post(strand, [self = std::move(self)] {
    boost::system::error_code ignored;
    self->watch_.close(ignored);
    self->retry_.cancel();
  });
}

asio::awaitable<void> GroupDirectory::run(std::shared_ptr<GroupDirectory> self) {
  bool more = true;
  while (more && self->watch_.is_open()) {
    co_await self->read_all();
    if (self->watch_.is_open()) more = co_await self->next_change();
  }
}

asio::awaitable<void> GroupDirectory::read_all() {
  for (fs::path& file : changed()) {
    if (!watch_.is_open()) co_return;
    co_await read_one(std::move(file));
  }
}

// In the order of their names, and from here on taken as seen.
std::vector<fs::path> GroupDirectory::changed() {
  std::vector<fs::path> files;
  std::map<std::string, Print> there;
  std::error_code ec;
  for (fs::directory_iterator at{directory_, ec}, end; !ec && at != end; at.increment(ec)) {
    std::string name = at->path().filename().string();
    if (!name.ends_with(kMembershipSuffix) || name.starts_with('.')) continue;
    struct stat info {};
    if (::stat(at->path().c_str(), &info) != 0) continue;
    const Print print{info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim),
                      nanoseconds(info.st_ctim)};
    const auto before = seen_.find(name);
    if (before == seen_.end() || before->second != print) files.push_back(at->path());
    there.emplace(std::move(name), print);
  }
  if (ec) spdlog::warn("{}: {}", printable(directory_.string()), ec.message());
  seen_ = std::move(there);
  std::ranges::sort(files);
  return files;
}

asio::awaitable<void> GroupDirectory::read_one(fs::path file) {
  auto membership = read_membership(file);
  if (!membership) {
    spdlog::warn("not taken: {}", membership.error().text);
    co_return;
  }
  const std::string name = printable(file.string());
  Bytes subject = membership->subject;
  if (const auto key = PublicKey::parse(subject); !key) {
    spdlog::warn("not taken: {}: its subject is {}", name, key.error().message());
    co_return;
  }
  auto entry = co_await verified_entry(*services_, *std::move(membership), std::move(subject));
  if (!entry) {
    const bool stranger = entry.error() == Errc::not_found || entry.error() == Errc::bad_card;
    spdlog::warn("not taken: {}: {}", name,
                 stranger ? "signed by a key that is not the group's" : entry.error().message());
    co_return;
  }
  const Sha256 member = entry->subject;
  const auto stored = co_await services_->database->store_membership(*std::move(entry));
  if (!stored) {
    spdlog::error("{}: {}", name, stored.error().message());
    seen_.erase(file.filename().string());
    is_incomplete_ = true;
    co_return;
  }
  spdlog::debug("{}: holds", name);
  co_await services_->router->given_changed(member);
}

// Looks again later, also where nothing changes.
void GroupDirectory::start_retry() {
  retry_.expires_after(kRetry);
  retry_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
    const auto self = weak.lock();
    boost::system::error_code ignored;
    if (!ec && self) self->watch_.cancel(ignored);
  });
}

// False: there will be none.
asio::awaitable<bool> GroupDirectory::next_change() {
  std::array<char, 4096> buffer{};
  boost::system::error_code ec;
  if (std::exchange(is_incomplete_, false)) start_retry();
  const std::size_t size =
      co_await watch_.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
  retry_.cancel();
  if (ec == asio::error::operation_aborted) co_return watch_.is_open();
  if (ec) co_return false;
  if (!tells_of_the_end({buffer.data(), size})) co_return true;
  spdlog::warn("{}: the directory is gone; memberships are not looked for until the relay is started again",
               printable(directory_.string()));
  co_return false;
}

}  // namespace spot::relay
