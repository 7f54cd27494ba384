#include <cstdio>
#include <exception>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "client/base/encoding.hpp"
#include "client/base/standard_streams.hpp"
#include "mount/relay/program.hpp"

namespace {

int run(int argc, char** argv) {
  if (argc > 1 && std::string_view{argv[1]} == "group") return spot::relay::run_group_command(argc - 1, argv + 1);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("spot-relay"));
  auto options = spot::relay::parse_command_line(argc, argv);
  if (!options) return options.error();
  const auto ended = spot::relay::run_relay(std::move(*options));
  if (ended) return 0;
  std::fprintf(stderr, "spot-relay: %s\n", spot::printable(ended.error().text).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  spot::open_standard_streams();
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "spot-relay: %s\n", e.what());
    return 1;
  }
}
