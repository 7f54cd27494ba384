#include "fs/tree/listen/packets.hpp"

#include <cerrno>

#include "client/proto/address.hpp"
#include "fs/tree/outgoing/file.hpp"

namespace spotfs::tree {
namespace {

// Of an endpoint, and one who served it: later ones have packets of their own.
struct Origin {
  ListenHubPtr hub;
  MailboxPtr mailbox;
  std::string endpoint;
  std::string path(const std::string& name) const {
    return std::to_string(reinterpret_cast<std::uintptr_t>(mailbox.get())) + "/" + name;
  }
};

asio::awaitable<Result<void>> send(Origin origin, std::string address, Bytes packet) {
  if (origin.mailbox->is_ended()) co_return fail(ESTALE);
  const spot::Answer<void> sent =
      co_await origin.hub->options.send(std::move(address), std::move(packet), "/" + origin.endpoint);
  if (!sent) co_return sent.error().code;
  co_return Result<void>{};
}

class PacketFile final : public OutgoingFile {
 public:
  PacketFile(Origin origin, std::string address)
      : OutgoingFile{origin.hub->options.access, origin.hub->attributes(S_IFREG | 0200)},
        origin_{std::move(origin)},
        address_{std::move(address)} {}
  ~PacketFile() override { origin_.hub->nodes.forget(origin_.path(address_)); }

 private:
  Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) override {
    OutgoingOptions settings = origin_.hub->outgoing(caller);
    settings.deliver = [origin = origin_, address = address_](Bytes packet) {
      return send(origin, address, std::move(packet));
    };
    return std::make_shared<Outgoing>(std::move(settings));
  }

  const Origin origin_;
  const std::string address_;
};

class PeerDirectory final : public ListenFolder {
 public:
  PeerDirectory(Origin origin, std::string target)
      : ListenFolder{origin.hub}, origin_{std::move(origin)}, target_{std::move(target)} {}
  ~PeerDirectory() override { origin_.hub->nodes.forget(origin_.path(target_)); }

 private:
  Result<NodePtr> child(const Caller&, const std::string& name) override {
    if (origin_.mailbox->is_ended()) return fail(ESTALE);
    std::string address = target_ + "/" + name;
    if (!spot::Address::parse(address)) return fail(ENOENT);
    return origin_.hub->nodes.get(origin_.path(address),
                                  [&]() -> NodePtr { return std::make_shared<PacketFile>(origin_, address); });
  }
  std::set<std::string> names(const Caller&) override { return {}; }

  const Origin origin_;
  const std::string target_;
};

class PacketsDirectory final : public ListenFolder {
 public:
  explicit PacketsDirectory(Origin origin) : ListenFolder{origin.hub}, origin_{std::move(origin)} {}

 private:
  Result<NodePtr> child(const Caller&, const std::string& name) override {
    if (origin_.mailbox->is_ended()) return fail(ESTALE);
    const auto address = spot::Address::parse(name);
    if (!address || address->kind != spot::AddressKind::identity) return fail(ENOENT);
    return origin_.hub->nodes.get(origin_.path(name),
                                  [&]() -> NodePtr { return std::make_shared<PeerDirectory>(origin_, name); });
  }
  std::set<std::string> names(const Caller&) override { return {}; }

  const Origin origin_;
};

}  // namespace

NodePtr make_packets(ListenHubPtr hub, MailboxPtr mailbox, std::string endpoint) {
  return std::make_shared<PacketsDirectory>(Origin{std::move(hub), std::move(mailbox), std::move(endpoint)});
}

}  // namespace spotfs::tree
