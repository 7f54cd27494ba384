// Runs another program: input in, output and errors out, all of it in memory.
//
// Thread: any, several at once; blocks until the program itself has ended, whatever it leaves in the background.
// SIGPIPE must be ignored; the program gets all signals as they are usual, in a process group of its own if not said
// otherwise. Errors: one line for the user where it can't be run; too_large where it says more than it may, stopping
// where it is to end: its group, or where that is ours it alone, is killed then.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/base/failure.hpp"
#include "fs/tree/asking.hpp"

namespace spotfs::ctl {

struct Program {
  std::vector<std::string> words;                                // the first one by PATH
  std::vector<std::pair<std::string, std::string>> environment;  // beside ours
  std::string input;
  std::size_t most = tree::kMaxMessage;  // bytes of output
  int stop = -1;                         // a descriptor: the program is to end once it is readable
  bool is_in_our_group = false;          // of processes: autofs lets no other than automount(8)'s in
};

struct Ended {
  int code = 0;  // 128 and the signal, where that ended it
  std::string out;
  std::string errors;  // the first KiB
};

spot::Answer<Ended> run_program(const Program& program);

}  // namespace spotfs::ctl
