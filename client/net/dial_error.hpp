// Why a host could not be reached: what the system says of its name and its port, in our words.
//
// Thread: pure functions. Each is equivalent to the std::errc that is nearest.
#pragma once

#include <system_error>
#include <type_traits>

#include <boost/system/error_code.hpp>

namespace spot {

enum class DialError { unknown_name = 1, no_name_service, refused, no_route, hung_up };

std::error_code make_error_code(DialError e) noexcept;

// What Asio or Beast gave, as one of these or as timed_out; what is none of them as it is.
std::error_code dial_error(const boost::system::error_code& ec) noexcept;

}  // namespace spot

template <>
struct std::is_error_code_enum<spot::DialError> : std::true_type {};
