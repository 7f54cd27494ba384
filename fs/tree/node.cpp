#include "fs/tree/node.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {

bool permits(const Attributes& attributes, const Caller& caller, int mask) noexcept {
  if (caller.uid == 0) return (mask & X_OK) == 0 || S_ISDIR(attributes.mode) || (attributes.mode & 0111) != 0;
  const unsigned shift = caller.uid == attributes.uid ? 6 : caller.gid == attributes.gid ? 3 : 0;
  const auto wanted = static_cast<mode_t>(mask) & 07;
  return ((attributes.mode >> shift) & wanted) == wanted;
}

Node::~Node() = default;

std::optional<Attributes> Node::attributes_now(const Caller&) { return std::nullopt; }

asio::awaitable<Result<Attributes>> Node::set_attributes(Caller, AttributeChanges, std::shared_ptr<OpenFile>) {
  co_return fail(EPERM);
}

asio::awaitable<Result<void>> Node::access(Caller caller, int mask) {
  const Result<Attributes> found = co_await attributes(caller);
  if (!found) co_return found.error();
  if (!permits(*found, caller, mask)) co_return fail(EACCES);
  co_return Result<void>{};
}

asio::awaitable<Result<Space>> Node::space(Caller) { co_return Space{}; }

asio::awaitable<Result<Opened>> Node::open(Caller, int) { co_return fail(EACCES); }
asio::awaitable<Result<std::string>> Node::read_link(Caller) { co_return fail(EINVAL); }

asio::awaitable<Result<Entry>> Node::lookup(Caller, std::string) { co_return fail(ENOTDIR); }
asio::awaitable<Result<std::vector<Listed>>> Node::list(Caller, std::string, std::size_t) { co_return fail(ENOTDIR); }
asio::awaitable<Result<void>> Node::open_directory(Caller caller) { return access(caller, R_OK); }
asio::awaitable<Result<void>> Node::sync_directory(Caller) { co_return Result<void>{}; }

asio::awaitable<Result<Created>> Node::create(Caller, std::string, mode_t, int) { co_return fail(EPERM); }
asio::awaitable<Result<Entry>> Node::make_directory(Caller, std::string, mode_t) { co_return fail(EPERM); }
asio::awaitable<Result<Entry>> Node::make_node(Caller, std::string, mode_t, dev_t) { co_return fail(EPERM); }
asio::awaitable<Result<Entry>> Node::make_symlink(Caller, std::string, std::string) { co_return fail(EPERM); }
asio::awaitable<Result<Entry>> Node::link(Caller, NodePtr, std::string) { co_return fail(EPERM); }
asio::awaitable<Result<void>> Node::unlink(Caller, std::string) { co_return fail(EPERM); }
asio::awaitable<Result<void>> Node::remove_directory(Caller, std::string) { co_return fail(EPERM); }
asio::awaitable<Result<void>> Node::rename(Caller, std::string, NodePtr, std::string, RenameMode) {
  co_return fail(EPERM);
}

asio::awaitable<Result<Bytes>> Node::get_xattr(Caller, std::string) { co_return fail(ENODATA); }
asio::awaitable<Result<std::vector<std::string>>> Node::list_xattrs(Caller) { co_return std::vector<std::string>{}; }
asio::awaitable<Result<void>> Node::set_xattr(Caller, std::string, Bytes, XattrMode) { co_return fail(EOPNOTSUPP); }
asio::awaitable<Result<void>> Node::remove_xattr(Caller, std::string) { co_return fail(ENODATA); }

}  // namespace spotfs::tree
