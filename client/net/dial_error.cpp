#include "client/net/dial_error.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>

#include "client/base/result.hpp"

namespace spot {
namespace {

namespace error = boost::asio::error;

struct Row {
  std::errc nearest;
  const char* text;
};

constexpr Row row(DialError e) noexcept {
  switch (e) {
    case DialError::unknown_name: return {std::errc::host_unreachable, "there is no host of this name"};
    case DialError::no_name_service: return {std::errc::host_unreachable, "no name server says where it is"};
    case DialError::refused: return {std::errc::connection_refused, "connection refused"};
    case DialError::no_route: return {std::errc::network_unreachable, "no route to it"};
    case DialError::hung_up: return {std::errc::connection_reset, "it hangs up"};
  }
  return {std::errc::io_error, "unknown error"};
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "spot dial"; }
  std::string message(int value) const override { return row(static_cast<DialError>(value)).text; }
  std::error_condition default_error_condition(int value) const noexcept override {
    return std::make_error_condition(row(static_cast<DialError>(value)).nearest);
  }
};

}  // namespace

std::error_code make_error_code(DialError e) noexcept {
  static const Category category;
  return {static_cast<int>(e), category};
}

std::error_code dial_error(const boost::system::error_code& ec) noexcept {
  if (ec == boost::beast::error::timeout || ec == error::timed_out) return make_error_code(Errc::timed_out);
  if (ec == error::host_not_found || ec == error::no_data) return make_error_code(DialError::unknown_name);
  if (ec == error::host_not_found_try_again || ec == error::no_recovery)
    return make_error_code(DialError::no_name_service);
  if (ec == error::connection_refused) return make_error_code(DialError::refused);
  if (ec == error::network_unreachable || ec == error::host_unreachable || ec == error::network_down)
    return make_error_code(DialError::no_route);
  if (ec == error::connection_reset || ec == error::eof || ec == error::broken_pipe ||
      ec == boost::asio::ssl::error::stream_truncated)
    return make_error_code(DialError::hung_up);
  return ec;
}

}  // namespace spot
