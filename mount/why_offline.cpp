#include "mount/why_offline.hpp"

#include "client/base/encoding.hpp"

namespace spotfs::mount {

std::string why_offline(const std::vector<spot::ConnectionStatus>& connections) {
  std::string text;
  for (const spot::ConnectionStatus& status : connections) {
    if (status.online) continue;
    const std::string why = status.last_error.empty() ? "no answer yet" : status.last_error;
    text.append(text.empty() ? "" : "; ").append(spot::printable(status.host)).append(": ");
    text.append(spot::printable(why));
  }
  return text;
}

}  // namespace spotfs::mount
