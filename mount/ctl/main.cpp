#include <csignal>
#include <cstdio>
#include <exception>

#include "client/base/standard_streams.hpp"
#include "mount/ctl/run.hpp"

int main(int argc, char** argv) {
  spot::open_standard_streams();
  try {
    std::signal(SIGPIPE, SIG_DFL);
    const auto line = spotfs::ctl::parse_arguments(argc, argv);
    if (!line) return line.error();
    spotfs::ctl::Output output{line->json};
    return output.end(spotfs::ctl::run(*line, output));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "spotfsctl: %s\n", e.what());
    return spotfs::ctl::kFailed;
  }
}
