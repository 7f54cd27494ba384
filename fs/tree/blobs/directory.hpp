// A directory of blobs/: its listing is the index's, and a name that is not in it is asked of the store.
//
// Thread, lifetime: node.hpp. Errors: blobs.hpp.
#pragma once

#include "fs/tree/blobs/file.hpp"

namespace spotfs::tree {

class BlobDirectory final : public NodeOf<BlobTree> {
 public:
  // path: of the keys in it; empty for blobs/ itself. It never changes: directories do not move.
  BlobDirectory(std::shared_ptr<BlobTree> tree, const InodeId& id, InodePtr inode, std::string path)
      : NodeOf{std::move(tree), id, std::move(inode)}, path_{std::move(path)} {}

  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;
  asio::awaitable<Result<void>> sync_directory(Caller caller) override;
  asio::awaitable<Result<Created>> create(Caller caller, std::string name, mode_t mode, int flags) override;
  asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode) override;
  asio::awaitable<Result<Entry>> make_node(Caller caller, std::string name, mode_t mode, dev_t device) override;
  asio::awaitable<Result<void>> unlink(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                       RenameMode mode) override;
  Attributes shown(const InodePtr& inode) override;

  const std::string& path() const noexcept { return path_; }

 private:
  using Self = std::shared_ptr<BlobDirectory>;

  Self self() { return std::static_pointer_cast<BlobDirectory>(shared_from_this()); }
  asio::awaitable<Result<void>> check_now(Caller caller, int mask);
  asio::awaitable<Result<spotfs::Entry>> find(std::string name);  // in the index
  NodePtr node_of(const std::string& name, const spotfs::Entry& entry);
  Entry entry_of(const std::string& name, const spotfs::Entry& entry);
  std::shared_ptr<BlobFile> file_of(const std::string& name, const spotfs::Entry& entry);

  // These go on when their callers are interrupted.
  static asio::awaitable<Result<spotfs::Entry>> discover(Self self, std::string name, std::string key);
  static asio::awaitable<Result<spotfs::Entry>> make_file(Self self, Caller caller, std::string name, std::string key,
                                                          mode_t mode);
  static asio::awaitable<Result<void>> remove_file(Self self, std::string name, std::string key);
  struct Move {
    Self from, to;
    std::string name, to_name, key, to_key;
    RenameMode mode;
  };
  static asio::awaitable<Result<void>> move_file(Move move);

  const std::string path_;
};

}  // namespace spotfs::tree
