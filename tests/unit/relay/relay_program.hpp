// The program spot-relay, run by a test.
//
// Lifetime: the destructor kills it. Nothing is read of its log after it listens, but by wait().
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace spot::relay {

class RelayProgram {
 public:
  explicit RelayProgram(std::vector<std::string> arguments);
  ~RelayProgram();
  RelayProgram(const RelayProgram&) = delete;
  RelayProgram& operator=(const RelayProgram&) = delete;

  // The HOST:PORT that it listens on; empty: it ended, or did not say so in time.
  std::string wait_listening();
  void signal(int number);
  void freeze();  // none of its threads runs when this returns
  // Its exit code, or minus the signal that ended it; -SIGALRM if it did not end in time.
  int wait();
  int end(int number) {
    signal(number);
    return wait();
  }
  const std::string& log() const noexcept { return log_; }  // what was read so far

 private:
  bool read_more();  // false: no more comes

  pid_t pid_ = -1;
  int output_ = -1;  // its standard error
  std::string log_;
};

}  // namespace spot::relay
