// What spotfsctl says: lines for people or of JSON to standard output, one line for an error, and the exit code.
//
// Thread: one. Whatever comes from elsewhere is made printable.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "client/base/failure.hpp"

namespace spotfs::ctl {

namespace json = boost::json;

enum Exit : int { kDone = 0, kFailed = 1, kUsage = 2, kOffline = 3, kTimedOut = 4, kRemote = 5 };

// By the errno's name.
int exit_code(std::string_view error) noexcept;

class Output {
 public:
  explicit Output(bool json) : json_{json} {}

  bool is_json() const noexcept { return json_; }
  // For people, or the object that says the same.
  void line(const std::string& text, const json::object& object);
  // Bytes as they are.
  bool bytes(std::string_view bytes);
  // What someone else has sent: as it is, but for a terminal, which gets it line by line, made printable.
  bool answer(std::string_view bytes);
  void flush();  // for who reads along
  // Gives the exit code.
  int fail(std::string_view error, const std::string& text);
  int fail(const spot::Failure& failure);
  // After the last line: a full disk is an error.
  int end(int code);

 private:
  const bool json_;
};

}  // namespace spotfs::ctl
