// A file of blobs/: its content is the value of its key.
//
// What this mount knows of the content is `value`, as it was stored or last fetched, and, where it has been changed
// since, `edit`. A handle reads what it was opened with until this mount changes it. A save stores the edit under the
// key's lock, in a coroutine of its own that nobody's interrupt ends; those who wait for it share it.
//
// Thread, lifetime: node.hpp. Errors: blobs.hpp.
#pragma once

#include "fs/tree/blobs/tree.hpp"
#include "fs/tree/disk/file_state.hpp"
#include "fs/tree/disk/inode_node.hpp"

namespace spotfs::tree {

class BlobFile final : public NodeOf<BlobTree>, public DirtyContent::Owner {
 public:
  // Where the file is. Moves change it.
  struct Location {
    InodeId directory;
    std::string name;
    std::string key;
  };

  BlobFile(std::shared_ptr<BlobTree> tree, const InodeId& id, InodePtr inode, Location at);

  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;
  Attributes shown(const InodePtr& inode) override;

  // --- For its handles -----------------------------------------------------------------------------------------------
  // What a handle reads from: as it was opened, until this mount changes the content.
  struct View {
    Text content;
    std::uint64_t edits = 0;
  };
  // As long as one is there, the content is kept in memory.
  class Use {
   public:
    Use(std::shared_ptr<BlobFile> file, bool writes);
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use();
    BlobFile& operator*() const noexcept { return *file_; }
    BlobFile* operator->() const noexcept { return file_.get(); }

   private:
    const std::shared_ptr<BlobFile> file_;
    const bool writes_;
  };
  void renew(View& view);
  asio::awaitable<Result<std::size_t>> write(Write write);
  // Returns when all changes of before are stored, or could not be. Nothing changed: a failure that nobody was told of.
  asio::awaitable<Result<void>> save();
  asio::awaitable<Result<void>> shed() override { return save(); }
  // The last handle for writing goes: what could not be stored is dropped, and the old content stands.
  asio::awaitable<Result<void>> save_or_drop();

  // --- For its directory -------------------------------------------------------------------------------------------
  Location location() const;
  std::optional<KnownValue> known();
  // The content as it is now, to be stored elsewhere. The key is locked.
  struct Snapshot {
    Text content;
    std::uint64_t edits = 0;
    spotfs::Time modified;
    Version version;  // of the inode
  };
  asio::awaitable<Result<Snapshot>> snapshot();
  // It has another name, under which the snapshot was stored.
  void moved(Location to, const Snapshot& snapshot, const Stamp& version);
  void moved(Location to);  // by another writer
  // Its name is gone by an act of this mount: who has it open goes on, nothing is stored any more.
  void detach();
  // Just made with this value.
  void made(Value value);

 private:
  struct State : FileState {
    explicit State(Location location) : at{std::move(location)} {}

    Location at;
    std::optional<KnownValue> value;
    std::shared_ptr<Bytes> edit;  // null: nothing has changed since it was stored
    bool has_edit() const noexcept { return edit != nullptr; }
    // What is known beside the index: of a value that it does not know (yet).
    struct Seen {
      Version indexed;
      std::uint64_t size = 0;
      std::optional<spotfs::Time> modified;
    };
    std::optional<Seen> seen;
  };

  std::shared_ptr<BlobFile> self() { return std::static_pointer_cast<BlobFile>(shared_from_this()); }
  void set_dirty(std::size_t bytes) { tree().dirty->set(self(), bytes); }
  bool is_current(const Version& indexed);
  std::optional<KnownValue> cached();
  static void see(State& state, const Inode& inode, const KnownValue& known);
  void adopt(const InodePtr& inode, Value value);
  void cache(const KnownValue& value);
  void now_stored(Text content, std::uint64_t edits, const Stamp& version);
  Bytes& begin_edit(State& state, bool empty = false);
  void end_edit(State& state);
  asio::awaitable<Result<KeyLocks::Guard>> lock_key();
  asio::awaitable<Result<void>> load();
  asio::awaitable<Result<void>> load_locked();
  asio::awaitable<void> gone();
  asio::awaitable<Result<void>> tell_size();
  asio::awaitable<Result<void>> truncate(std::uint64_t size);
  static asio::awaitable<Result<void>> store_edit(std::shared_ptr<BlobFile> self);

  spot::Synchronized<State> state_;  // held before the lock of the dirty content
};

}  // namespace spotfs::tree
