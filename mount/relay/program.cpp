#include "mount/relay/program.hpp"

#include <algorithm>
#include <thread>

#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>

#include "client/base/encoding.hpp"
#include "mount/relay/cores.hpp"

namespace spot::relay {
namespace {

constexpr unsigned kMaxThreads = 4;

std::string without_port(const std::string& name) {
  const auto split = split_host_port(name);
  return split ? split->host : name;
}

// The names of --host and the address that is listened on, unless that is all of them.
std::vector<std::string> certificate_names(const ListenOptions& options) {
  std::vector<std::string> names;
  for (const std::string& host : options.hosts) names.push_back(without_port(host));
  const std::string listening = without_port(options.address);
  if (listening != "0.0.0.0" && listening != "::") names.push_back(listening);
  if (names.empty()) names.emplace_back("localhost");
  return names;
}

unsigned thread_count(unsigned wanted) {
  return wanted != 0 ? wanted : std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
}

}  // namespace

Answer<void> run_relay(ProgramOptions options) {
  if (options.verbose) spdlog::set_level(spdlog::level::debug);
  Cores cores{thread_count(options.threads)};
  options.listen.executors = cores.executors();
  auto relay = Relay::open(cores.first().get_executor(), options.relay);
  if (!relay) return relay.error();

  if (options.self_signed) {
    options.listen.make_tls = [&options]() -> Answer<CertificateFiles> {
      auto made = self_signed(options.relay.data, certificate_names(options.listen));
      if (!made) return made.error();
      options.listen.tls = made->files;
      if (!made->news.empty())
        spdlog::warn("a new certificate was made: {}; clients need it from now on", printable(made->news));
      return std::move(made->files);
    };
  }
  const auto listener = Listener::open(*relay, options.listen);
  if (!listener) return listener.error();
  if (options.self_signed) {
    const auto digest = certificate_digest(options.listen.tls.certificate);
    if (!digest) return digest.error();
    const std::string shown = printable(options.listen.tls.certificate.string());
    spdlog::info("certificate {}, SHA-256 {}: clients use -o ca={}", shown, hex(*digest), shown);
  }
  asio::signal_set signals{cores.first(), SIGTERM, SIGINT};
  signals.async_wait([&](const boost::system::error_code& ec, int) {
    if (ec) return;
    (*listener)->stop();
    (*relay)->stop();
  });
  // Last of all: whoever reads it may connect, and may end it.
  spdlog::info("spot-relay {} listens on {}", SPOTFS_VERSION, (*listener)->address());
  cores.run();
  spdlog::info("spot-relay ends");
  return {};
}

}  // namespace spot::relay
