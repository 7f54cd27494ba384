#include "mount/outcome.hpp"

#include "client/base/encoding.hpp"

namespace spotfs::mount {
namespace {

Exit code_of(const std::error_code& ec) {
  if (ec == spot::Errc::bad_argument) return Exit::usage;
  switch (spot::to_errno(ec)) {
    case EPERM:
    case EACCES: return Exit::usage;
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE: return Exit::system;
    default: return Exit::failed;
  }
}

}  // namespace

std::string line_of(const spot::Failure& failure) {
  const std::string reason = failure.code.message();
  std::string text = spot::printable(failure.text);
  if (text.empty()) return reason;
  // What the system says is an errno; our own failures with a text have all in it.
  const bool is_system = failure.code.category() != spot::category();
  if (is_system && text.find(reason) == text.npos) text.append(": ").append(reason);
  return text;
}

Outcome outcome_of(const spot::Failure& failure) { return {code_of(failure.code), line_of(failure)}; }

}  // namespace spotfs::mount
