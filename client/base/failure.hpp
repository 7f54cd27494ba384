// An error together with the text that the other side gave for it.
//
// The text is from elsewhere: pass it through printable() before it reaches a log, a file or a terminal.
#pragma once

#include <string>
#include <system_error>

#include <boost/assert/source_location.hpp>

#include "client/base/result.hpp"

namespace spot {

struct Failure {
  std::error_code code;
  std::string text;  // empty where the error is our own

  Failure() = default;  // no error: what error() of a result with a value is
  Failure(std::error_code c, std::string t = {}) : code{c}, text{std::move(t)} {}  // NOLINT: errors convert
  Failure(Errc e, std::string t = {}) : Failure{make_error_code(e), std::move(t)} {}
};

[[noreturn]] inline void throw_exception_from_error(const Failure& failure, const boost::source_location&) {
  throw std::system_error{failure.code, failure.text};
}

template <class T>
using Answer = boost::system::result<T, Failure>;

}  // namespace spot
