// The relay of an `embedded:` source: reached in process, and over TLS where `listen` lets others in.
//
// Thread: open() and stop() on one thread. Lifetime: as relay::Relay: stop(), run the context dry, let go.
// Errors: one line for the user.
#pragma once

#include "mount/embedded_store.hpp"
#include "mount/options.hpp"
#include "mount/relay/listener.hpp"

namespace spotfs::mount {

class EmbeddedRelay {
 public:
  // `self`: who may always come in.
  static spot::Answer<EmbeddedRelay> open(spot::asio::any_io_executor executor, const Options& options,
                                          const spot::Sha256& self, const spot::Log& log);

  std::shared_ptr<spot::Dialer> dialer() const { return relay_->dialer(); }
  // The blobs of this identity.
  std::shared_ptr<BlobStore> store(const spot::Sha256& owner) const {
    return std::make_shared<EmbeddedStore>(relay_, owner);
  }
  void stop();

 private:
  std::shared_ptr<spot::relay::Relay> relay_;
  std::shared_ptr<spot::relay::Listener> listener_;
};

}  // namespace spotfs::mount
