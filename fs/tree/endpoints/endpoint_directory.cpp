#include "fs/tree/endpoints/endpoint_directory.hpp"

#include <array>
#include <cerrno>

#include <unistd.h>

#include "fs/tree/asking.hpp"
#include "fs/tree/endpoints/call.hpp"
#include "fs/tree/endpoints/request.hpp"
#include "fs/tree/endpoints/result.hpp"

namespace spotfs::tree {
namespace {

constexpr const char* kTimeout = "user.spot.timeout";
constexpr std::array<std::string_view, 5> kFiles{"call", "error", "reply", "request", "send"};

bool is_file(const std::string& name) { return std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end(); }

class SlotDirectory final : public HubDirectory {
 public:
  SlotDirectory(const HubPtr& hub, std::string path, const AskerKey& key)
      : HubDirectory{hub, std::move(path), attributes_of(*hub, key)}, key_{key} {}

 private:
  static Attributes attributes_of(const Hub& hub, const AskerKey& key) {
    Attributes out = hub.attributes("@", S_IFDIR, 0700);
    out.uid = key.uid;
    return out;
  }
  // Not for root either: a result is for whoever asked.
  Result<NodePtr> child(const Caller& caller, const std::string& name) override {
    if (caller.uid != key_.uid) return fail(EACCES);
    if (name == "reply") return result_of(hub(), key_, ResultKind::reply);
    if (name == "error") return result_of(hub(), key_, ResultKind::error);
    if (name != "request") return fail(ENOENT);
    return hub()->nodes.get(below(name),
                            [&]() -> NodePtr { return std::make_shared<Request>(hub(), below(name), key_); });
  }
  std::set<std::string> names(const Caller&) override { return {"error", "reply", "request"}; }

  const AskerKey key_;
};

}  // namespace

Result<NodePtr> EndpointDirectory::child(const Caller& caller, const std::string& name) {
  const AskerKey key{path(), caller.uid};
  if (name == "reply") return result_of(hub(), key, ResultKind::reply);
  if (name == "error") return result_of(hub(), key, ResultKind::error);
  if (!is_file(name)) {
    const Result<Slot> known = hub()->slots.find(path(), name, caller.uid);
    if (!known) return known.error();
    return slot(*known);
  }
  const std::string at = below(name);
  return hub()->nodes.get(at, [&]() -> NodePtr {
    if (name == "call") return std::make_shared<CallFile>(hub(), at, path());
    if (name == "send") return std::make_shared<Send>(hub(), at, path());
    return std::make_shared<Request>(hub(), at, path());
  });
}

// What can be reached by name alone starts something when it is opened.
std::set<std::string> EndpointDirectory::names(const Caller& caller) {
  std::set<std::string> out = hub()->slots.names(path(), caller.uid);
  out.merge(std::set<std::string>{"error", "reply", "request"});
  return out;
}

// A name may come again: the number says which one it is.
NodePtr EndpointDirectory::slot(const Slot& slot) {
  const std::string at = path() + "//" + std::to_string(slot.number);
  return hub()->nodes.get(at, [&]() -> NodePtr {
    return std::make_shared<SlotDirectory>(hub(), at, AskerKey{path(), slot.owner, slot.number});
  });
}

asio::awaitable<Result<Entry>> EndpointDirectory::make_directory(Caller caller, std::string name, mode_t) {
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  if (is_file(name)) co_return fail(EEXIST);
  const Result<Slot> made = hub()->slots.make(path(), name, caller.uid);
  if (!made) co_return made.error();
  const NodePtr node = slot(*made);
  const Result<Attributes> attributes = co_await node->attributes(caller);
  if (!attributes) co_return attributes.error();
  co_return Entry{node, *attributes};
}

asio::awaitable<Result<void>> EndpointDirectory::remove_directory(Caller caller, std::string name) {
  const Result<void> allowed = co_await access(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  if (is_file(name)) co_return fail(ENOTDIR);
  co_return hub()->slots.remove(path(), name, caller.uid);
}

asio::awaitable<Result<Bytes>> EndpointDirectory::get_xattr(Caller caller, std::string name) {
  if (name != kTimeout) co_return fail(ENODATA);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(hub()->timeout({path(), caller.uid}));
  co_return spot::to_bytes(std::to_string(seconds.count()));
}

asio::awaitable<Result<std::vector<std::string>>> EndpointDirectory::list_xattrs(Caller) {
  co_return std::vector<std::string>{kTimeout};
}

asio::awaitable<Result<void>> EndpointDirectory::set_xattr(Caller caller, std::string name, Bytes value,
                                                           XattrMode mode) {
  if (name != kTimeout) co_return fail(EOPNOTSUPP);
  if (mode == XattrMode::create) co_return fail(EEXIST);
  const Result<void> allowed = co_await access(caller, W_OK);
  if (!allowed) co_return allowed.error();
  const std::optional<std::chrono::seconds> seconds = parse_timeout(spot::as_text(value));
  if (!seconds) co_return fail(EINVAL);
  hub()->options.timeouts->set(path(), caller.uid, *seconds);
  co_return Result<void>{};
}

asio::awaitable<Result<void>> EndpointDirectory::remove_xattr(Caller caller, std::string name) {
  if (name != kTimeout) co_return fail(ENODATA);
  const Result<void> allowed = co_await access(caller, W_OK);
  if (!allowed) co_return allowed.error();
  hub()->options.timeouts->set(path(), caller.uid, std::nullopt);
  co_return Result<void>{};
}

}  // namespace spotfs::tree
