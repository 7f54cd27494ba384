// A relay: it lets Spot clients find each other and keeps their blobs (protocol.md, section 5).
//
// Connections are given to it, over whatever transport they come; listener.hpp brings those of the network, and
// dialer() is a short cut for clients of the same process:
//
//   auto relay = Relay::open(context.get_executor(), options).value();
//   client_options.dialer = relay->dialer();
//   …
//   client->close(), relay->stop(), run the context dry, let go of both.
//
// Thread: any. Lifetime: the owner's, and that of its sessions, which run on after stop() until each has ended. The
// directory is free for another relay when the last of them lets go. Errors: one line for the operator in
// Failure::text.
#pragma once

#include <map>

#include "mount/relay/session.hpp"

namespace spot::relay {

class GroupDirectory;

class Relay : public std::enable_shared_from_this<Relay> {
 public:
  // Errors: the data directory can't be used, or another relay uses it.
  static Answer<std::shared_ptr<Relay>> open(asio::any_io_executor executor, RelayOptions options);
  ~Relay();

  void attach(Arrival arrival);
  // The strand is the one of the transport; certificate and deadline as for a connection of the same process.
  void attach(std::unique_ptr<Transport> transport, asio::any_io_executor strand);
  // Makes in-process connections to this relay, whatever host is asked for; offline when the relay is gone.
  std::shared_ptr<Dialer> dialer();

  // Ends all sessions, and takes no more.
  void stop();

  std::size_t session_count() const;
  const RelayOptions& options() const noexcept { return services_->options; }
  Database& database() noexcept { return *services_->database; }
  const Bytes& run_id() const noexcept { return services_->run_id; }  // of this run of the relay
  const asio::any_io_executor& executor() const noexcept { return executor_; }

 private:
  class Lock;
  struct Sessions {
    std::map<const Session*, std::weak_ptr<Session>> running;
    bool stopping = false;
  };

  Relay(asio::any_io_executor executor, std::shared_ptr<const Services> services, std::shared_ptr<Lock> lock);
  static asio::awaitable<void> serve(std::shared_ptr<Relay> self, std::shared_ptr<Session> session);

  const asio::any_io_executor executor_;
  const std::shared_ptr<Lock> lock_;  // of the data directory; goes after the database
  const std::shared_ptr<const Services> services_;
  std::shared_ptr<GroupDirectory> groups_;  // null: none; set when the relay is made
  Synchronized<Sessions> sessions_;
};

}  // namespace spot::relay
