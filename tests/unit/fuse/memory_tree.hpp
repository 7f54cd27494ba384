// A tree in memory, for tests and benchmarks of the session: everything that a node can do, nothing that waits.
//
// Thread: any; one lock for the whole tree.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "fs/tree/node.hpp"

namespace spotfs::test {

using namespace tree;

struct MemoryTree {
  std::mutex mutex;
  std::uint64_t last_inode = 0;
  std::chrono::milliseconds timeout{0};  // of entries and attributes
  int open_files = 0;                    // opened and not released
  int releases = 0;
};

class MemoryNode final : public Node, public std::enable_shared_from_this<MemoryNode> {
 public:
  MemoryNode(std::shared_ptr<MemoryTree> tree, Attributes attributes);

  static std::shared_ptr<MemoryNode> make_root(std::shared_ptr<MemoryTree> tree);
  // Makes a file of this directory, or replaces its content.
  std::shared_ptr<MemoryNode> put(const std::string& name, std::string_view content);
  std::string content() const;

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<Space>> space(Caller caller) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;
  asio::awaitable<Result<std::string>> read_link(Caller caller) override;
  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override;
  asio::awaitable<Result<Created>> create(Caller caller, std::string name, mode_t mode, int flags) override;
  asio::awaitable<Result<Entry>> make_directory(Caller caller, std::string name, mode_t mode) override;
  asio::awaitable<Result<Entry>> make_node(Caller caller, std::string name, mode_t mode, dev_t device) override;
  asio::awaitable<Result<Entry>> make_symlink(Caller caller, std::string name, std::string target) override;
  asio::awaitable<Result<Entry>> link(Caller caller, NodePtr node, std::string name) override;
  asio::awaitable<Result<void>> unlink(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> remove_directory(Caller caller, std::string name) override;
  asio::awaitable<Result<void>> rename(Caller caller, std::string name, NodePtr to, std::string to_name,
                                       RenameMode mode) override;
  asio::awaitable<Result<Bytes>> get_xattr(Caller caller, std::string name) override;
  asio::awaitable<Result<std::vector<std::string>>> list_xattrs(Caller caller) override;
  asio::awaitable<Result<void>> set_xattr(Caller caller, std::string name, Bytes value, XattrMode mode) override;
  asio::awaitable<Result<void>> remove_xattr(Caller caller, std::string name) override;

 private:
  friend class MemoryFile;

  Entry entry();
  std::shared_ptr<MemoryNode> child(Caller caller, mode_t mode);
  Result<Entry> add(const std::string& name, std::shared_ptr<MemoryNode> node);
  Opened open_file();
  void resize(std::uint64_t size);
  Bytes& writable();

  const std::shared_ptr<MemoryTree> tree_;
  Attributes attributes_;
  std::map<std::string, std::shared_ptr<MemoryNode>> children_;
  std::shared_ptr<const Bytes> content_ = std::make_shared<Bytes>();
  std::string target_;
  std::map<std::string, Bytes> xattrs_;
};

}  // namespace spotfs::test
