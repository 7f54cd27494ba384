#include "fs/tree/endpoints/directories.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/proto/address.hpp"
#include "fs/tree/endpoints/endpoint_directory.hpp"

namespace spotfs::tree {
namespace {

constexpr const char* kServer = "@";

// They are what blobs/ is made of.
bool is_of_the_store(const std::string& name) {
  return name == "store_blob" || name == "fetch_blob" || name == "blob_sync";
}

}  // namespace

HubDirectory::HubDirectory(HubPtr hub, std::string path)
    : HubDirectory{hub, path, hub->attributes(target_of(path), S_IFDIR, 0700)} {}

HubDirectory::HubDirectory(HubPtr hub, std::string path, const Attributes& attributes)
    : hub_{std::move(hub)}, path_{std::move(path)}, attributes_{attributes} {
  attributes_.timeout = kLongTimeout;
}

asio::awaitable<Result<Attributes>> HubDirectory::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> HubDirectory::access(Caller caller, int mask) {
  co_return hub_->options.access.check(attributes_, caller, mask);
}

asio::awaitable<Result<Entry>> HubDirectory::lookup(Caller caller, std::string name) {
  const Result<void> allowed = hub_->options.access.check(attributes_, caller, X_OK);
  if (!allowed) co_return allowed.error();
  const Result<NodePtr> node = child(caller, name);
  if (!node) co_return node.error();
  const Result<Attributes> attributes = co_await (*node)->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{*node, *attributes, attributes->timeout};
}

asio::awaitable<Result<std::vector<Listed>>> HubDirectory::list(Caller caller, std::string after, std::size_t limit) {
  std::vector<Listed> listed;
  const std::set<std::string> all = names(caller);
  for (auto next = all.upper_bound(after); next != all.end() && listed.size() < limit; ++next) {
    const Result<NodePtr> node = child(caller, *next);
    if (!node && node.error() == fail(ENOENT)) continue;  // gone meanwhile
    if (!node) co_return node.error();
    const Result<Attributes> attributes = co_await (*node)->attributes(caller);
    if (!attributes) co_return attributes.error();
    listed.emplace_back(*next, Entry{*node, *attributes, attributes->timeout});
  }
  co_return listed;
}

Result<NodePtr> EndpointsDirectory::child(const Caller&, const std::string& name) {
  if (!spot::Address::parse(name)) return fail(ENOENT);
  return hub()->nodes.get(name, [&]() -> NodePtr { return std::make_shared<TargetDirectory>(hub(), name); });
}

std::set<std::string> EndpointsDirectory::names(const Caller&) const {
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

std::set<std::string> TargetDirectory::names(const Caller&) const {
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
