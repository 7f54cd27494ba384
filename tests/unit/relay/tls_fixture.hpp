// A relay on a port of its own, with a certificate for 127.0.0.1.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "mount/relay/listener.hpp"
#include "tests/unit/relay/relay_fixture.hpp"

namespace spot::relay {

class TlsTest : public RelayTest {
 protected:
  ~TlsTest() override { stop_listening(); }

  void listen(RelayOptions options = {}, std::vector<std::string> hosts = {},
              const std::vector<std::string>& names = {"127.0.0.1"}) {
    stop_listening();
    open(std::move(options));
    files_ = self_signed(directory_.path, names).value().files;
    listener_ = Listener::open(relay_, {"127.0.0.1:0", std::move(hosts), files_}).value();
    address_ = listener_->address();
  }
  void stop_listening() {
    if (listener_) listener_->stop();
    listener_.reset();
  }
  asio::ip::tcp::endpoint endpoint() const {
    return {asio::ip::make_address("127.0.0.1"), split_host_port(address_)->port};
  }
  ClientOptions over_tls() const {
    ClientOptions options;
    options.hosts = {address_};
    options.ca_file = files_.certificate;
    return options;
  }

  CertificateFiles files_;
  std::shared_ptr<Listener> listener_;
  std::string address_;
};

}  // namespace spot::relay
