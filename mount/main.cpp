#include <cstdio>
#include <exception>
#include <string>

#include <malloc.h>

#include "client/base/standard_streams.hpp"
#include "mount/helpers/program.hpp"

using namespace spotfs::mount;

int main(int argc, char** argv) {
  spot::open_standard_streams();
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);  // each arena keeps free chunks of its own: with one for each thread, 20 MiB more
#endif
  std::string name = argc > 0 ? argv[0] : "spotfs";
  name.erase(0, name.rfind('/') + 1);
  Outcome outcome;
  try {
    outcome = run_program(name, std::span{argv, static_cast<std::size_t>(argc)}.subspan(argc > 0 ? 1 : 0));
  } catch (const std::exception& e) {
    outcome = {Exit::system, e.what()};
  }
  if (!outcome.text.empty()) {
    const bool is_helper = name.starts_with("mount.") || name.starts_with("umount.");
    std::fprintf(stderr, "%s: %s\n", is_helper ? name.c_str() : "spotfs", outcome.text.c_str());
  }
  return static_cast<int>(outcome.code);
}
