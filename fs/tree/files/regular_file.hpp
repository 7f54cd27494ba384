// A regular file of files/.
//
// Its content is a draft: over what the index named when it was opened, and with all that this mount has done to it
// since. A handle reads what it was opened with until this mount changes it. A save stores the draft and writes the new
// reference to the index, in a coroutine of its own that nobody's interrupt ends; those who wait for it share it.
//
// Thread, lifetime: node.hpp. Errors: files.hpp.
#pragma once

#include "fs/content/draft.hpp"
#include "fs/tree/disk/file_state.hpp"
#include "fs/tree/disk/inode_node.hpp"
#include "fs/tree/files/tree.hpp"

namespace spotfs::tree {

class RegularFile final : public NodeOf<FilesTree> {
 public:
  RegularFile(std::shared_ptr<FilesTree> tree, const InodeId& id, InodePtr inode)
      : NodeOf{std::move(tree), id, std::move(inode)} {}

  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;
  Attributes shown(const InodePtr& inode) override;

  // The last name is gone by an act of this mount: who has it open goes on, nothing is saved any more.
  asio::awaitable<void> detach();

  // --- For its handles -----------------------------------------------------------------------------------------------
  using Content = std::shared_ptr<Draft>;
  // What a handle reads from: as it was opened, until this mount changes the content.
  struct View {
    Content content;
    std::uint64_t edits = 0;
  };
  // As long as one is there, the content is kept, and what it was at the beginning is not deleted.
  class Use {
   public:
    Use(std::shared_ptr<RegularFile> file, bool writes);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();
    // It is no writer any more: what comes now is its last save.
    void stop_writing();
    RegularFile& operator*() const noexcept { return *file_; }
    RegularFile* operator->() const noexcept { return file_.get(); }

   private:
    const std::shared_ptr<RegularFile> file_;
    const std::shared_ptr<const void> hold_;  // of what it was opened with
    bool writes_;                             // under the file's lock
  };
  void renew(View& view);
  asio::awaitable<Result<std::size_t>> write(Write write);
  asio::awaitable<Result<void>> allocate(int mode, std::uint64_t offset, std::uint64_t size);
  // Whole chunks are shared: the index is told so of both files before they are.
  asio::awaitable<Result<std::size_t>> copy(std::shared_ptr<RegularFile> from, std::uint64_t from_offset,
                                            std::uint64_t offset, std::uint64_t size);
  // Returns when all changes of before are stored, or could not be. Nothing changed: a failure that nobody was told of.
  asio::awaitable<Result<void>> save();

 private:
  struct State : FileState {
    Content content;           // null: nobody has it open, and nothing has changed
    Version version;           // of the index, that its base is
    bool known = false;        // `version` is one
    bool shares = false;       // other inodes may name its chunks: the next save says so
    std::size_t changing = 0;  // changes that have begun

    bool has_edit() const noexcept { return content != nullptr; }
    bool is_edited() const noexcept { return edits != stored || changing != 0; }
  };

  std::shared_ptr<RegularFile> self() { return std::static_pointer_cast<RegularFile>(shared_from_this()); }
  Content make_content(const std::optional<Reference>& base);
  // The content, to be opened or changed: the one that is there, or what the index names.
  asio::awaitable<Result<Content>> current();
  asio::awaitable<Result<void>> tell_size();
  void edited(State& state);
  class Change;
  asio::awaitable<Result<void>> truncate(std::uint64_t size);
  asio::awaitable<Result<std::optional<Reference>>> saved_for_sharing();
  // Where no writer is left and a save has failed: the old content stands.
  void drop_if_abandoned(std::error_code why);
  asio::awaitable<void> stay_gone(Stamp written);
  static asio::awaitable<Result<void>> store_edit(std::shared_ptr<RegularFile> self);

  spot::Synchronized<State> state_;  // held before the draft's lock
};

}  // namespace spotfs::tree
