#include "fs/tree/listen/endpoint.hpp"

#include <cerrno>

#include <unistd.h>

#include "client/proto/address.hpp"
#include "client/proto/error_text.hpp"
#include "fs/tree/listen/message.hpp"
#include "fs/tree/listen/next.hpp"
#include "fs/tree/listen/packets.hpp"

namespace spotfs::tree {
namespace {

constexpr const char* kUnverified = "user.spot.unverified";

}  // namespace

EndpointFolder::EndpointFolder(ListenHubPtr given, std::string name)
    : ListenFolder{std::move(given)},
      name_{std::move(name)},
      mailbox_{std::make_shared<Mailbox>(hub(), name_)},
      next_{make_next(hub(), mailbox_)},
      inbox_{std::make_shared<InboxDirectory>(hub(), mailbox_)},
      to_{make_packets(hub(), mailbox_, name_)} {
  mailbox_->set_inbox(inbox_);
}

Result<void> EndpointFolder::serve(bool unverified) {
  spot::HandlerOptions settings;
  settings.unverified = unverified;
  const spot::Taker taker =
      [weak = std::weak_ptr{mailbox_}](std::shared_ptr<spot::Question> question) -> spot::Answer<void> {
    const MailboxPtr mailbox = weak.lock();
    if (!mailbox) return spot::Failure{Errc::no_such_endpoint, std::string{spot::kNoSuchEndpoint}};
    return mailbox->put(std::move(question));
  };
  const Result<void> served = stopped_.with([&](const bool& stopped) -> Result<void> {
    if (stopped) return fail(ESTALE);
    unverified_ = unverified;
    return hub()->options.serve(name_, taker, settings);
  });
  if (!served) return served.error() == Errc::bad_argument ? fail(EBUSY) : served.error();
  return {};
}

void EndpointFolder::stop() {
  stopped_.with([&](bool& stopped) {
    if (!std::exchange(stopped, true)) static_cast<void>(hub()->options.serve(name_, {}, {}));
  });
  mailbox_->end();
}

Result<NodePtr> EndpointFolder::child(const Caller&, const std::string& name) {
  if (mailbox_->is_ended()) return fail(ESTALE);
  if (name == "next") return next_;
  if (name == "inbox") return inbox_;
  if (name == "to") return to_;
  return fail(ENOENT);
}

asio::awaitable<Result<Bytes>> EndpointFolder::get_xattr(Caller, std::string name) {
  if (name != kUnverified || !unverified_) co_return fail(ENODATA);
  co_return spot::to_bytes("1");
}

asio::awaitable<Result<std::vector<std::string>>> EndpointFolder::list_xattrs(Caller) {
  std::vector<std::string> names;
  if (unverified_) names.emplace_back(kUnverified);
  co_return names;
}

asio::awaitable<Result<void>> EndpointFolder::set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) {
  if (name != kUnverified) co_return fail(EOPNOTSUPP);
  const Result<void> allowed = check(caller, W_OK);
  if (!allowed) co_return allowed.error();
  if (mode == XattrMode::create && unverified_) co_return fail(EEXIST);
  if (mode == XattrMode::replace && !unverified_) co_return fail(ENODATA);
  const std::string text = spot::to_string(value);
  if (text != "0" && text != "1") co_return fail(EINVAL);
  co_return serve(text == "1");
}

asio::awaitable<Result<void>> EndpointFolder::remove_xattr(Caller caller, std::string name) {
  if (name != kUnverified || !unverified_) co_return fail(ENODATA);
  const Result<void> allowed = check(caller, W_OK);
  if (!allowed) co_return allowed.error();
  co_return serve(false);
}

ListenDirectory::~ListenDirectory() {
  for (const auto& [name, folder] : folders_.with([](auto& folders) { return std::exchange(folders, {}); }))
    folder->stop();
}

Result<NodePtr> ListenDirectory::child(const Caller&, const std::string& name) {
  return folders_.with([&](const auto& folders) -> Result<NodePtr> {
    const auto known = folders.find(name);
    if (known == folders.end()) return fail(ENOENT);
    return NodePtr{known->second};
  });
}

std::set<std::string> ListenDirectory::names(const Caller&) {
  return folders_.with([](const auto& folders) {
    std::set<std::string> out;
    for (const auto& [name, folder] : folders) out.insert(name);
    return out;
  });
}

void ListenDirectory::forget(const std::string& name, const FolderPtr& folder) {
  folders_.with([&](auto& folders) {
    const auto known = folders.find(name);
    if (known != folders.end() && known->second == folder) folders.erase(known);
  });
}

asio::awaitable<Result<Entry>> ListenDirectory::make_directory(Caller caller, std::string name, mode_t) {
  const Result<void> allowed = check(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const std::string address = hub()->options.self + "/" + name;
  if (address.size() > spot::kMaxNameSize) co_return fail(ENAMETOOLONG);
  if (!spot::Address::parse(address)) co_return fail(EINVAL);
  const auto folder = std::make_shared<EndpointFolder>(hub(), name);
  const bool is_new = folders_.with([&](auto& folders) { return folders.emplace(name, folder).second; });
  if (!is_new) co_return fail(EEXIST);
  const Result<void> served = folder->serve(false);
  if (!served) {
    forget(name, folder);
    co_return served.error();
  }
  const Result<Attributes> attributes = co_await folder->attributes(caller);
  co_return Entry{folder, *attributes};
}

asio::awaitable<Result<void>> ListenDirectory::remove_directory(Caller caller, std::string name) {
  const Result<void> allowed = check(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const FolderPtr folder = folders_.with([&](const auto& folders) {
    const auto known = folders.find(name);
    return known == folders.end() ? nullptr : known->second;
  });
  if (!folder) co_return fail(ENOENT);
  folder->stop();
  forget(name, folder);
  co_return Result<void>{};
}

NodePtr make_listen(ListenOptions options) {
  return std::make_shared<ListenDirectory>(std::make_shared<ListenHub>(std::move(options)));
}

}  // namespace spotfs::tree
