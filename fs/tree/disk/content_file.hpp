// A file of either subtree: its content is a draft, over what was there when it was opened, and with all that this
// mount has done to it since.
//
// A handle reads what it was opened with until this mount changes it. A save stores the draft in a coroutine of its own
// that nobody's interrupt ends; those who wait for it share it. What the content is, and how it is stored, is said by
// the file of each subtree.
//
// Thread, lifetime: node.hpp. Errors: files.hpp, blobs.hpp.
#pragma once

#include "fs/content/draft.hpp"
#include "fs/tree/disk/file_state.hpp"
#include "fs/tree/disk/inode_node.hpp"

namespace spotfs::tree {

class ContentFile : public InodeNode {
 public:
  using InodeNode::InodeNode;

  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

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
    Use(std::shared_ptr<ContentFile> file, bool writes);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();
    // It is no writer any more: what comes now is its last save.
    void stop_writing();
    const std::shared_ptr<ContentFile>& file() const noexcept { return file_; }
    ContentFile* operator->() const noexcept { return file_.get(); }

   private:
    const std::shared_ptr<ContentFile> file_;
    const std::shared_ptr<const void> hold_;  // of what it was opened with
    bool writes_;                             // under the file's lock
  };
  void renew(View& view);
  asio::awaitable<Result<std::size_t>> write(Write write);
  asio::awaitable<Result<void>> allocate(int mode, std::uint64_t offset, std::uint64_t size);
  // EOPNOTSUPP.
  virtual asio::awaitable<Result<std::size_t>> copy(std::shared_ptr<ContentFile> from, std::uint64_t from_offset,
                                                    std::uint64_t offset, std::uint64_t size);
  // Returns when all changes of before are stored, or could not be. Nothing changed: a failure that nobody was told of.
  asio::awaitable<Result<void>> save();
  // And the kernel shows the file as it is now.
  asio::awaitable<Result<void>> save_and_tell();

 protected:
  struct State : FileState {
    Content content;              // null: nobody has it open, and nothing has changed
    std::weak_ptr<Draft> cached;  // mixed: what is read by way of the kernel's cache
    std::size_t changing = 0;     // changes that have begun

    bool has_edit() const noexcept { return content != nullptr; }
    bool is_edited() const noexcept { return edits != stored || changing != 0; }
  };

  // The content, to be opened or changed: the one that is there, or the newest. `emptied`: what was there does not
  // matter, and need not be readable.
  virtual asio::awaitable<Result<Content>> current(bool emptied) = 0;
  // Stores what is edited, and says which edits are stored then.
  virtual asio::awaitable<Result<void>> store_edit() = 0;
  // A save has failed, and the old content stands.
  virtual void say_dropped(std::error_code why) = 0;
  // These are called under the state's lock.
  virtual Content original(const State& state) = 0;  // without the edits; null: it is to be read again
  virtual void unused() {}                           // nobody has it open any more

  asio::awaitable<Answer<std::optional<std::string>>> find_lost() override;

  std::shared_ptr<ContentFile> self() { return std::static_pointer_cast<ContentFile>(shared_from_this()); }
  Content make_content(ContentReader base, std::optional<std::size_t> value_limit = {});
  // Another writer's content takes the place of the one that is open, for those who open it from now on.
  static void supersede(State& state);
  // As the index has it, with the edits.
  Attributes with_edits(Attributes attributes);
  class Change;

  spot::Synchronized<State> state_;  // held before the draft's lock

 private:
  asio::awaitable<void> tell_attributes(InodePtr inode);
  asio::awaitable<Result<void>> truncate(std::uint64_t size);
  void edited(State& state);
  // Where no writer is left and a save has failed: the old content stands.
  void drop_if_abandoned(std::error_code why);
  static asio::awaitable<Result<void>> store_kept(std::shared_ptr<ContentFile> self);
};

// Until it ends, no other content takes the place of the one that is changed, and a save that began before is not the
// last one.
class ContentFile::Change {
 public:
  explicit Change(std::shared_ptr<ContentFile> file);
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  ~Change();
  Draft* operator->() const noexcept { return content_.get(); }
  explicit operator bool() const noexcept { return content_ != nullptr; }  // null: nobody has it open

 private:
  const std::shared_ptr<ContentFile> file_;
  Content content_;
};

}  // namespace spotfs::tree
