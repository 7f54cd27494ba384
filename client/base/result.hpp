// Errors as values: one enum, one table from it to errno and text.
//
// Thread: everything here is free of state and may be used from any thread.
#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <boost/system/result.hpp>

namespace spot {

enum class Errc {
  // What was asked for is not there.
  not_found = 1,
  card_unknown,
  peer_offline,
  no_such_endpoint,
  // Nobody can be asked, or nobody answers.
  offline,
  timed_out,
  cancelled,
  stopping,
  connection_lost,
  // What came back is not to be trusted.
  malformed,
  not_sealed,
  bad_signature,
  wrong_signer,
  not_for_us,
  wrong_name,
  rollback,
  replay,
  bad_key,
  unsupported_key,
  no_recipient,
  bad_card,
  // The other side said no.
  remote_error,
  too_large,
  file_too_large,
  name_too_long,
  quota_exceeded,
  rate_exceeded,
  read_only,
  refused,
  // TLS and the handshake.
  bad_certificate,
  wrong_host,
  no_tls,
  bad_handshake,
  discovery_failed,
  // The machine.
  bad_argument,
  bad_permissions,
  crypto_failed,
  storage_failed,
  lost,
};

const std::error_category& category() noexcept;

inline std::error_code make_error_code(Errc e) noexcept { return {static_cast<int>(e), category()}; }

// The errno that a user of the mount sees; codes of the generic and system categories are passed on, all others are
// EIO.
int to_errno(std::error_code ec) noexcept;

template <class T>
using Result = boost::system::result<T, std::error_code>;

}  // namespace spot

template <>
struct std::is_error_code_enum<spot::Errc> : std::true_type {};

namespace spot {

// For `return fail(Errc::x)` in a function that returns any Result.
inline std::error_code fail(Errc e) noexcept { return make_error_code(e); }

}  // namespace spot
