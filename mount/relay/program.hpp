// The command line of spot-relay, its run from start to SIGTERM, and what it does instead for `spot-relay group`.
#pragma once

#include "mount/relay/listener.hpp"

namespace spot::relay {

struct ProgramOptions {
  RelayOptions relay;
  ListenOptions listen;
  bool self_signed = false;
  bool verbose = false;
  unsigned threads = 0;  // 0: the number of cores, at most 4
};

// The exit code of the program where it ends here (--help, a mistake), already said to the user.
boost::system::result<ProgramOptions, int> parse_command_line(int argc, char** argv);

// Runs until SIGTERM or SIGINT. Errors: one line for the operator.
Answer<void> run_relay(ProgramOptions options);

// `spot-relay group …`, from "group" on: the exit code of the program.
int run_group_command(int argc, char** argv);

}  // namespace spot::relay
