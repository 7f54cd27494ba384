// A node: a file, directory, symlink or device of the mount, and all that can be asked of it.
//
// To write a subtree: derive from Node (or use FixedDirectory, TextFile and Symlink of this folder), override what the
// entry can do, leave the rest: the defaults answer the errno of something that can't. attributes() is the only one
// that every node has; a directory adds lookup() and list(), a file open().
//
//   class Greeting final : public Node {
//     asio::awaitable<Result<Attributes>> attributes(Caller) override { co_return attributes_; }
//     asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
//       if (!permits(attributes_, caller, R_OK)) co_return fail(EACCES);
//       co_return Opened{std::make_shared<TextReader>("hello\n")};
//     }
//   };
//
// Identity: the same entry is the same Node object for as long as anyone has it. Whoever finds a node by name keeps a
// weak pointer to it and hands out the same object again; a new object is a new inode to the kernel (so a new reply, or
// a file made where another was unlinked, is a new Node). The kernel's references are shared pointers: when the last is
// forgotten, and no file is open, the node is destroyed. A node that was unlinked lives on like that.
//
// Thread: any; several calls at once. Keep state in Synchronized<>, never hold it across co_await. A call starts on the
// thread that read the request, runs there up to its first wait, and goes on by a strand of its own on the io_context:
// what memory can answer should not wait (no co_await of a post, timer or other strand), it is answered at once.
// Nothing may block a thread.
//
// Lifetime: the node and all arguments (given by value) stay for the whole call.
//
// Cancellation: an interrupted call (signal, stop of the mount) gets Asio's cancellation: the wait in progress ends
// with operation_aborted or Errc::cancelled, and a later co_await throws operation_aborted. Pass the error on, and
// leave what must be undone to destructors; the caller sees EINTR (ENETDOWN when stopping). What must go on all the
// same, such as a store that has begun, belongs in a coroutine that is spawned on the io_context.
//
// Errors: Errc or an errno (`fail(ENOTEMPTY)`). ENOSYS must not be used: the kernel would stop asking for that
// operation in all of the mount (it is turned into EOPNOTSUPP). ESTALE from open() makes the kernel look the name up
// once more. An exception is EIO (ENOMEM for bad_alloc), and logged.
//
// Permissions: without default_permissions (a mount for one user) the kernel checks nothing: each override decides by
// its caller; permits() reads mode bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <fcntl.h>

#include "client/base/bytes.hpp"
#include "fs/tree/attributes.hpp"
#include "fs/tree/file.hpp"

namespace spotfs::tree {

enum class RenameMode { replace, no_replace, exchange };
enum class XattrMode { either, create, replace };

class Node {
 public:
  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  virtual ~Node();

  virtual asio::awaitable<Result<Attributes>> attributes(Caller caller) = 0;
  // The same where memory has them, which spares the most frequent request a coroutine. nullopt: ask attributes().
  virtual std::optional<Attributes> attributes_now(const Caller& caller);
  // `file` is the descriptor that ftruncate came through, or null. The attributes after it. EPERM.
  virtual asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                             std::shared_ptr<OpenFile> file);
  // mask: R_OK, W_OK, X_OK, or F_OK. By permits().
  virtual asio::awaitable<Result<void>> access(Caller caller, int mask);
  // Never waits for the network. Zeroes.
  virtual asio::awaitable<Result<Space>> space(Caller caller);

  // Files. flags: O_RDONLY … with O_TRUNC (to be done here), O_APPEND, O_NONBLOCK. EACCES.
  virtual asio::awaitable<Result<Opened>> open(Caller caller, int flags);
  virtual asio::awaitable<Result<std::string>> read_link(Caller caller);  // EINVAL

  // Directories: what is in them. Names are 1 to 255 bytes of anything but '/' and NUL, never "." or "..". ENOTDIR.
  virtual asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name);
  // The entries with names after `after` (all if it is empty) in the order of bytes, `limit` of them or more if there
  // are as many: fewer are the end. Neither "." nor "..". This order alone makes positions stable; see listing.hpp.
  virtual asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit);
  virtual asio::awaitable<Result<void>> open_directory(Caller caller);  // whether it may be listed: R_OK by permits()
  virtual asio::awaitable<Result<void>> sync_directory(Caller caller);  // nothing to do

  // Directories: changes. The mode has had the umask taken off. EPERM.
  virtual asio::awaitable<Result<Created>> create(Caller caller, std::string name, mode_t mode, int flags);
  virtual asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode);
  virtual asio::awaitable<Result<Entry>> make_node(Caller caller, std::string name, mode_t mode, dev_t device);
  virtual asio::awaitable<Result<Entry>> make_symlink(Caller caller, std::string name, std::string target);
  virtual asio::awaitable<Result<Entry>> link(Caller caller, NodePtr node, std::string name);
  virtual asio::awaitable<Result<void>> unlink(Caller caller, std::string name);
  virtual asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name);
  // From this directory into `to`, which may be the same, and may be a node of another subtree (EXDEV then).
  virtual asio::awaitable<Result<void>> rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                               RenameMode mode);

  // Extended attributes. A missing one is ENODATA. None, and EOPNOTSUPP to change them.
  virtual asio::awaitable<Result<Bytes>> get_xattr(Caller caller, std::string name);
  virtual asio::awaitable<Result<std::vector<std::string>>> list_xattrs(Caller caller);
  virtual asio::awaitable<Result<void>> set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode);
  virtual asio::awaitable<Result<void>> remove_xattr(Caller caller, std::string name);
};

}  // namespace spotfs::tree
