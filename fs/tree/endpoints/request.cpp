#include "fs/tree/endpoints/request.hpp"

#include <cerrno>

namespace spotfs::tree {

Request::Request(HubPtr hub, std::string address)
    : OutgoingFile{hub->options.access, hub->attributes(target_of(address), S_IFREG, 0600)},
      hub_{std::move(hub)},
      address_{std::move(address)} {}

Request::~Request() { hub_->nodes.forget(address_ + "/request"); }

Result<std::shared_ptr<Outgoing>> Request::begin(const Caller& caller) {
  const std::shared_ptr<Asker> asker = hub_->asker({address_, caller.uid});
  OutgoingOptions options = hub_->outgoing(caller);
  options.deliver = [asker](Bytes body) { return Asker::send(asker, std::move(body)); };
  options.refused = [asker](std::error_code why) {
    if (why == fail(EPIPE))
      asker->note(why, "already sent; use call");
    else
      asker->refuse(why);
  };
  auto message = std::make_shared<Outgoing>(std::move(options));
  asker->add(message);
  return message;
}

}  // namespace spotfs::tree
