#include "fs/tree/endpoints/request.hpp"

#include <cerrno>

namespace spotfs::tree {
namespace {

Attributes of_everyone(const Hub& hub, const std::string& address) {
  return hub.attributes(target_of(address), S_IFREG, 0600);
}

Attributes of_slot(const Hub& hub, const AskerKey& slot) {
  Attributes out = hub.attributes("@", S_IFREG, 0600);
  out.uid = slot.uid;
  return out;
}

}  // namespace

MessageFile::MessageFile(HubPtr hub, std::string path, const Attributes& attributes)
    : OutgoingFile{hub->options.access, attributes}, hub_{std::move(hub)}, path_{std::move(path)} {}

MessageFile::~MessageFile() { hub_->nodes.forget(path_); }

std::shared_ptr<Outgoing> MessageFile::message(const Caller& caller, const AskerKey& key, Sending sending) {
  const std::shared_ptr<Asker> asker = hub_->asker(key);
  OutgoingOptions options = hub_->outgoing(caller);
  const std::uint64_t number = asker->draw();
  options.deliver = [asker, number, sending](Bytes body) {
    return Asker::send(asker, number, std::move(body), sending);
  };
  options.refused = [asker, sending](std::error_code why) { asker->refuse(why, sending); };
  auto message = std::make_shared<Outgoing>(std::move(options));
  asker->add(number, message, sending);
  return message;
}

Request::Request(const HubPtr& hub, std::string path, std::string address)
    : MessageFile{hub, std::move(path), of_everyone(*hub, address)}, address_{std::move(address)} {}

Request::Request(const HubPtr& hub, std::string path, const AskerKey& slot)
    : MessageFile{hub, std::move(path), of_slot(*hub, slot)}, address_{slot.address}, slot_{slot.slot} {}

Result<std::shared_ptr<Outgoing>> Request::begin(const Caller& caller) {
  return message(caller, AskerKey{address_, caller.uid, slot_}, Sending::query);
}

Send::Send(const HubPtr& hub, std::string path, std::string address)
    : MessageFile{hub, std::move(path), of_everyone(*hub, address)}, address_{std::move(address)} {}

Result<std::shared_ptr<Outgoing>> Send::begin(const Caller& caller) {
  return message(caller, AskerKey{address_, caller.uid}, Sending::message);
}

}  // namespace spotfs::tree
