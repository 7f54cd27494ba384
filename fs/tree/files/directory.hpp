// A directory of files/. All of it is the index's: no operation here waits for the store.
//
// Thread, lifetime: node.hpp. Errors: files.hpp.
#pragma once

#include "fs/tree/disk/inode_node.hpp"
#include "fs/tree/files/tree.hpp"

namespace spotfs::tree {

class Directory final : public NodeOf<FilesTree> {
 public:
  using NodeOf::NodeOf;

  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;
  asio::awaitable<Result<void>> sync_directory(Caller caller) override;
  asio::awaitable<Result<Created>> create(Caller caller, std::string name, mode_t mode, int flags) override;
  asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode) override;
  asio::awaitable<Result<Entry>> make_node(Caller caller, std::string name, mode_t mode, dev_t device) override;
  asio::awaitable<Result<Entry>> make_symlink(Caller caller, std::string name, std::string target) override;
  asio::awaitable<Result<Entry>> link(Caller caller, NodePtr node, std::string name) override;
  asio::awaitable<Result<void>> unlink(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                       RenameMode mode) override;
  Attributes shown(const InodePtr& inode) override { return directory_attributes(inode); }

 private:
  Index& index() const noexcept { return *tree().disk.index; }
  asio::awaitable<Result<spotfs::Entry>> find(std::string name);
  NodePtr hidden(std::string_view name) const;  // null: none of that name
  // What this directory gives to what is made in it.
  asio::awaitable<Result<spotfs::Entry>> make(Caller caller, std::string name, NewInode inode);
  asio::awaitable<Result<std::optional<spotfs::Entry>>> lost_and_found();
};

}  // namespace spotfs::tree
