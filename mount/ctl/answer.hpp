// A message that came to an endpoint of ours, and the command that answers it.
//
// Thread: any; blocks until the command has ended.
#pragma once

#include <string>

#include "mount/ctl/arguments.hpp"
#include "mount/ctl/output.hpp"

namespace spotfs::ctl {

struct Received {
  std::string sender;  // printable: k.<hash>/<endpoint>
  bool verified = false;
  std::string body;
};

struct Reply {
  enum class Kind { none, answer, error } kind = Kind::none;
  std::string text;
};

// Shows it, or has the command answer it, which is to end once `stop`, a descriptor, is readable. One that can't be
// shown is answered with an error.
Reply reply_to(const Received& message, const Invocation& line, int stop, Output& output);

}  // namespace spotfs::ctl
