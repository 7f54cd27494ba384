#include "mount/ctl/channel.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/base/json.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/patience.hpp"

namespace spotfs::ctl {

using spot::Answer;
using spot::Failure;

namespace {

constexpr std::size_t kMostLine = std::size_t{1} << 20;  // bytes; mounts write less
constexpr std::size_t kPart = std::size_t{64} << 10;

std::error_code code(int number) { return {number, std::generic_category()}; }

}  // namespace

Answer<Channel> Channel::open(const std::string& mount, bool has_source) {
  auto opened = within(kPatience, [path = mount + "/.spotfs/ctl"] {
    spot::Descriptor descriptor{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    return std::pair{std::move(descriptor), errno};
  });
  if (!opened) return does_not_answer(mount);
  if (opened->first) return Channel{opened->first.release(), mount};
  const int number = opened->second;
  const std::string name = spot::printable(mount);
  if (number == EACCES || number == EPERM)
    return Failure{code(number), name + ": only the user who mounted it may control it"};
  if (number == ENOENT) return Failure{code(number), name + " has no .spotfs/ctl: is it the top of the mount?"};
  if (number == ENOTCONN) return Failure{code(number), name + ": its program has ended; umount it"};
  if (number == EROFS)
    return Failure{code(number), name + " is read-only, and this command is written to its .spotfs/ctl: " +
                                     (has_source ? "give --source, or " : "") + "`mount -o remount,rw` it"};
  return Failure{code(number), name + "/.spotfs/ctl: " + code(number).message()};
}

Channel::Channel(Channel&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, mount_{std::move(other.mount_)} {}

Channel::~Channel() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Failure Channel::failure(int number) const {
  return {code(number), spot::printable(mount_) + "/.spotfs/ctl: " + code(number).message()};
}

Answer<void> Channel::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), kPart));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Answer<void> Channel::send(const std::string& line) { return write(line + "\n"); }

Answer<void> Channel::send_input(std::string_view bytes) { return write(bytes); }

Answer<void> Channel::receive(const std::function<bool(const boost::json::object&)>& line) {
  std::string waiting;
  std::array<char, kPart> part{};
  for (bool ended = false;;) {
    const ssize_t size = ::read(descriptor_, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure(errno);
    if (size == 0) return ended ? Answer<void>{} : Answer<void>{failure(EIO)};
    waiting.append(part.data(), static_cast<std::size_t>(size));
    for (std::size_t end = 0; (end = waiting.find('\n')) != waiting.npos; waiting.erase(0, end + 1)) {
      const auto value = spot::parse_json(std::string_view{waiting}.substr(0, end));
      if (!value || !value->is_object()) return failure(EBADMSG);
      const boost::json::object& object = value->get_object();
      ended = object.contains("done") || object.contains("error");
      if (!line(object)) return {};
    }
    if (waiting.size() > kMostLine) return failure(EMSGSIZE);
  }
}

}  // namespace spotfs::ctl
