#include "mount/ctl/output.hpp"

#include <cerrno>
#include <cstdio>

#include <unistd.h>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::ctl {

int exit_code(std::string_view error) noexcept {
  if (error == "ENETDOWN" || error == "EHOSTUNREACH") return kOffline;
  if (error == "ETIMEDOUT") return kTimedOut;
  if (error == "EREMOTEIO") return kRemote;
  if (error == "EINVAL") return kUsage;
  return kFailed;
}

bool Output::note(bool done) {
  if (!done && wrong_ == 0) wrong_ = errno == 0 ? EIO : errno;
  return works();
}

bool Output::line(const std::string& text, const json::object& object) {
  return bytes(json_ ? tree::to_line(object) : text + "\n");
}

bool Output::bytes(std::string_view bytes) {
  return note(std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size());
}

bool Output::answer(std::string_view bytes) {
  if (::isatty(STDOUT_FILENO) != 1) return this->bytes(bytes);
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string shown = spot::printable(bytes.substr(0, end), bytes.size() * 4) + "\n";
    if (!this->bytes(shown)) return false;
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return true;
}

bool Output::flush() { return note(std::fflush(stdout) == 0); }

int Output::fail(std::string_view error, const std::string& text) {
  if (json_) {
    const json::object object{{"error", error}, {"text", text}};
    line({}, object);
  } else {
    std::fprintf(stderr, "spotfsctl: %s\n", text.c_str());
  }
  return exit_code(error);
}

int Output::fail(const spot::Failure& failure) {
  return fail(tree::errno_name(failure.code), tree::sentence_of(failure));
}

int Output::end(int code) {
  if (flush()) return code;
  if (wrong_ != EPIPE) {
    const std::error_code why{wrong_, std::generic_category()};
    std::fprintf(stderr, "spotfsctl: standard output: %s\n", why.message().c_str());
  }
  return kFailed;
}

}  // namespace spotfs::ctl
