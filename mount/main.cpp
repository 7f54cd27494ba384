#include <cstdio>
#include <exception>

#include <malloc.h>
#include <unistd.h>

#include "mount/command_line.hpp"
#include "mount/serve.hpp"

namespace {

using namespace spotfs::mount;

int end(const Outcome& outcome) {
  if (!outcome.text.empty()) std::fprintf(stderr, "spotfs: %s\n", outcome.text.c_str());
  return static_cast<int>(outcome.code);
}

int run(std::span<const char* const> arguments) {
  const auto line = parse_command_line(arguments, ::getuid());
  if (!line) return end({Exit::usage, line.error().text});
  switch (line->what) {
    case CommandLine::What::help: std::fputs(help_text().c_str(), stdout); return 0;
    case CommandLine::What::version: std::puts("spotfs " SPOTFS_VERSION); return 0;
    case CommandLine::What::mount: break;
  }
  return end(serve(line->options));
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);  // each arena keeps free chunks of its own: with one for each thread, 20 MiB more
#endif
  try {
    return run(std::span{argv, static_cast<std::size_t>(argc)}.subspan(argc > 0 ? 1 : 0));
  } catch (const std::exception& e) {
    return end({Exit::system, e.what()});
  }
}
