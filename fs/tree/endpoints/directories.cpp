#include "fs/tree/endpoints/directories.hpp"

#include <cerrno>

#include "client/proto/address.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/endpoints/endpoint_directory.hpp"

namespace spotfs::tree {
namespace {

constexpr const char* kServer = "@";

Attributes lasting(Attributes attributes) {
  attributes.timeout = kLongTimeout;
  return attributes;
}

}  // namespace

HubDirectory::HubDirectory(HubPtr hub, std::string path)
    : HubDirectory{hub, path, hub->attributes(target_of(path), S_IFDIR, 0700)} {}

HubDirectory::HubDirectory(HubPtr hub, std::string path, const Attributes& attributes)
    : NamedDirectory{hub->options.access, lasting(attributes), Names::kept},
      hub_{std::move(hub)},
      path_{std::move(path)} {}

Result<NodePtr> EndpointsDirectory::child(const Caller&, const std::string& name) {
  if (!spot::Address::parse(name)) return fail(ENOENT);
  return hub()->nodes.get(name, [&]() -> NodePtr { return std::make_shared<TargetDirectory>(hub(), name); });
}

std::set<std::string> EndpointsDirectory::names(const Caller&) {
  std::set<std::string> out{kServer, hub()->options.self};
  for (const std::string& address : hub()->used()) out.insert(address.substr(0, address.find('/')));
  return out;
}

Result<NodePtr> TargetDirectory::child(const Caller&, const std::string& name) {
  std::string address = below(name);
  if (!spot::Address::parse(address)) return fail(ENOENT);
  if (path() == kServer && is_of_the_store(name)) return fail(EPERM);
  return hub()->nodes.get(address, [&]() -> NodePtr { return std::make_shared<EndpointDirectory>(hub(), address); });
}

std::set<std::string> TargetDirectory::names(const Caller&) {
  std::set<std::string> out;
  if (path() == kServer) out = {"group_list", "idcard_find", "time", "version"};
  if (path() == hub()->options.self) out = {"finger", "ping", "version"};
  for (const std::string& address : hub()->used()) {
    if (address.starts_with(path() + "/")) out.insert(address.substr(path().size() + 1));
  }
  return out;
}

NodePtr make_endpoints(EndpointsOptions options) {
  return std::make_shared<EndpointsDirectory>(std::make_shared<Hub>(std::move(options)));
}

}  // namespace spotfs::tree
