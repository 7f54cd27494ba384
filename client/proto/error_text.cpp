#include "client/proto/error_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace spot {
namespace {

constexpr std::array<std::pair<std::string_view, Errc>, 7> kTexts{{
    {"blob not found", Errc::not_found},
    {"card not found", Errc::card_unknown},
    {"recipient not online", Errc::peer_offline},
    {kNoSuchEndpoint, Errc::no_such_endpoint},
    {"too large", Errc::too_large},
    {"quota exceeded", Errc::quota_exceeded},
    {"rate exceeded", Errc::rate_exceeded},
}};

}  // namespace

Failure failure_of_relay(std::string_view text) {
  const auto known = std::ranges::find(kTexts, text, [](const auto& row) { return row.first; });
  return Failure{known == kTexts.end() ? Errc::remote_error : known->second, std::string{text}};
}

Failure failure_of_peer(std::string_view text) {
  return Failure{text == kNoSuchEndpoint ? Errc::no_such_endpoint : Errc::remote_error, std::string{text}};
}

}  // namespace spot
