#include "mount/embedded_relay.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

using spot::Answer;
using spot::Failure;
namespace relay = spot::relay;

namespace {

// The names that clients of this machine, and those who know its address, call it by.
Answer<relay::SelfSigned> certificate(const Options& options) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  const auto listen = relay::split_host_port(options.listen);
  if (!listen) return listen.error();
  const bool everywhere = listen->host == "0.0.0.0" || listen->host == "::";
  if (!everywhere && std::ranges::find(names, listen->host) == names.end()) names.push_back(listen->host);
  return relay::self_signed(options.source.directory, names);
}

}  // namespace

Answer<EmbeddedRelay> EmbeddedRelay::open(spot::asio::any_io_executor executor, const Options& options,
                                          const spot::Sha256& self, const spot::Log& log) {
  relay::RelayOptions settings;
  settings.data = options.source.directory;
  settings.allow = options.allow;
  settings.allow.push_back(self);
  auto opened = relay::Relay::open(executor, std::move(settings));
  if (!opened) return opened.error();
  EmbeddedRelay embedded;
  embedded.relay_ = *std::move(opened);
  if (options.listen.empty()) return embedded;

  relay::ListenOptions listening;
  listening.address = options.listen;
  std::string shown;
  listening.make_tls = [&]() -> Answer<relay::CertificateFiles> {
    auto made = certificate(options);
    if (!made) return made.error();
    shown = spot::printable(made->files.certificate.string());
    if (!made->news.empty())
      log(spot::LogLevel::warning, "a new certificate was made: " + made->news + "; other clients need it from now on");
    return std::move(made->files);
  };
  auto listener = relay::Listener::open(embedded.relay_, std::move(listening));
  if (!listener) {
    embedded.relay_->stop();
    return Failure{listener.error().code, "option listen: " + line_of(listener.error())};
  }
  embedded.listener_ = *std::move(listener);
  log(spot::LogLevel::info, "listens on " + options.listen + "; other clients use -o ca=" + shown);
  return embedded;
}

void EmbeddedRelay::stop() {
  if (listener_) listener_->stop();
  relay_->stop();
}

}  // namespace spotfs::mount
