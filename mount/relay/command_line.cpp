#include <cstdio>

#include <CLI/CLI.hpp>

#include "mount/relay/program.hpp"

namespace spot::relay {

namespace {

constexpr int kMost = 1'000'000;  // of what is counted

std::string not_empty(const std::string& name) { return name.empty() ? "the name of the directory is empty" : ""; }

// AsSizeValue takes -1 for the largest number there is.
const CLI::Validator not_negative{
    [](std::string& text) -> std::string { return text.find('-') == text.npos ? "" : text + " is no size"; }, "SIZE"};

}  // namespace

boost::system::result<ProgramOptions, int> parse_command_line(int argc, char** argv) {
  ProgramOptions options;
  Limits& limits = options.relay.limits;
  Quota& quota = options.relay.quota;
  quota.per_identity = std::int64_t{10} << 30;
  quota.total = std::int64_t{100} << 30;

  CLI::App app{"A relay for Spot clients: it brings their messages to each other and keeps their blobs.", "spot-relay"};
  app.footer("spot-relay group --help: makes the memberships of groups.");
  app.set_version_flag("--version", "spot-relay " SPOTFS_VERSION);
  app.add_option("--listen", options.listen.address, "Address and port (default 127.0.0.1:8443)");
  app.add_option("--data", options.relay.data, "Directory of the database; made where it is missing")
      ->required()
      ->check(not_empty);
  app.add_option("--host", options.listen.hosts, "Name of this relay as clients reach it, NAME or NAME:PORT")
      ->take_all();
  app.add_option("--groups", options.relay.groups,
                 "Directory of memberships to give out; changes are taken at once (see spot-relay group --help)");
  auto* const certificate = app.add_option("--cert", options.listen.tls.certificate, "TLS certificate chain, PEM");
  auto* const key = app.add_option("--key", options.listen.tls.key, "Its private key, PEM");
  auto* const own = app.add_flag("--self-signed", options.self_signed, "Make a certificate in the data directory");
  certificate->needs(key);
  key->needs(certificate);
  own->excludes(certificate);
  app.add_option("--name", options.relay.name, "Name of this relay in addresses of connections");
  const CLI::AsSizeValue size{false};
  app.add_option("--quota", quota.per_identity, "Bytes of blobs for each identity, such as 10GiB; 0: no limit")
      ->transform(size)
      ->transform(not_negative);
  app.add_option("--total-quota", quota.total, "Bytes of blobs in all; 0: no limit")
      ->transform(size)
      ->transform(not_negative);
  app.add_option("--max-connections", limits.connections, "Connections in all")->check(CLI::Range(1, kMost));
  app.add_option("--max-per-address", limits.connections_per_address, "Connections from one address")
      ->check(CLI::Range(1, kMost));
  app.add_option("--max-rate", limits.messages_per_second, "Messages a second of one connection; 0: no limit")
      ->check(CLI::Range(0, kMost));
  app.add_option("--threads", options.threads, "Threads of the network; 0: as many as cores, at most 4")
      ->check(CLI::Range(64));
  app.add_flag("--verbose", options.verbose, "Log what happens to each connection");
  try {
    app.parse(argc, argv);
    if (!options.self_signed && options.listen.tls.certificate.empty())
      throw CLI::ValidationError{"--cert and --key, or --self-signed, must be given"};
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    std::fprintf(stderr, "spot-relay: %s; see spot-relay --help\n", e.what());
    return 2;
  }
  limits.message_burst = 2 * limits.messages_per_second;
  return options;
}

}  // namespace spot::relay
