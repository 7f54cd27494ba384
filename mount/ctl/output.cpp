#include "mount/ctl/output.hpp"

#include <cstdio>

#include <boost/json/serialize.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::ctl {

int exit_code(std::string_view error) noexcept {
  if (error == "ENETDOWN") return kOffline;
  if (error == "ETIMEDOUT") return kTimedOut;
  if (error == "EREMOTEIO") return kRemote;
  if (error == "EINVAL") return kUsage;
  return kFailed;
}

void Output::line(const std::string& text, const json::object& object) {
  const std::string out = json_ ? json::serialize(object) : text;
  std::fprintf(stdout, "%s\n", out.c_str());
}

bool Output::bytes(std::string_view bytes) {
  return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
}

int Output::fail(std::string_view error, const std::string& text) {
  if (json_) {
    const json::object object{{"error", error}, {"text", text}};
    std::fprintf(stdout, "%s\n", json::serialize(object).c_str());
  } else {
    std::fprintf(stderr, "spotfsctl: %s\n", text.c_str());
  }
  return exit_code(error);
}

int Output::fail(const spot::Failure& failure) {
  return fail(tree::errno_name(failure.code), tree::sentence_of(failure));
}

int Output::end(int code) {
  if (std::fflush(stdout) == 0) return code;
  std::fprintf(stderr, "spotfsctl: standard output: cannot be written to\n");
  return kFailed;
}

}  // namespace spotfs::ctl
