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
  // What is written is false where standard output fails, and from then on: the command is to end, and end() says so.
  bool works() const noexcept { return wrong_ == 0; }
  // For people, or the object that says the same.
  bool line(const std::string& text, const json::object& object);
  // Bytes as they are.
  bool bytes(std::string_view bytes);
  // What someone else has sent: as it is, but for a terminal, which gets it line by line, made printable.
  bool answer(std::string_view bytes);
  bool flush();  // for who reads along
  // Gives the exit code.
  int fail(std::string_view error, const std::string& text);
  int fail(const spot::Failure& failure);
  // After the last line: a full disk is an error, and a reader who has gone is one without a word.
  int end(int code);

 private:
  bool note(bool done);

  const bool json_;
  int wrong_ = 0;  // errno of the first failure
};

}  // namespace spotfs::ctl
