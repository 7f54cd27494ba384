// A file of blobs/: its content is the value of its key, or what that refers to.
//
// What this mount knows of the content is `value_`, as it was stored or last fetched; its draft lies over that. A save
// stores the value under the key's lock, and what is beyond the inline limit before it.
//
// Thread, lifetime: node.hpp. Errors: blobs.hpp.
#pragma once

#include "fs/tree/blobs/tree.hpp"
#include "fs/tree/disk/content_file.hpp"

namespace spotfs::tree {

class BlobFile final : public NodeOf<BlobTree, ContentFile> {
 public:
  // Where the file is. Moves change it.
  struct Location {
    InodeId directory;
    std::string name;
    std::string key;
  };

  BlobFile(std::shared_ptr<BlobTree> tree, const InodeId& id, InodePtr inode, Location at);

  Attributes shown(const InodePtr& inode) override;

  // --- For its directory -------------------------------------------------------------------------------------------
  Location location() const;
  std::optional<KnownValue> known();
  // The content as it is now, to be stored elsewhere, with the key locked and the file in use. What is referred to is
  // stored at its own key first, marked as shared: two keys may name it for a while, and a crash makes that longer.
  struct Settled {
    Content content;
    Draft::Saved saved;
    std::uint64_t edits = 0;
    spotfs::Time modified;
    InodePtr inode;

    Value value(const Stamp& version) const {
      return {saved.value ? saved.value : std::make_shared<const Bytes>(), version, saved.reference};
    }
  };
  asio::awaitable<Result<Settled>> settle();
  // It has another name, under which that was stored.
  void moved(Location to, const Settled& settled, const Stamp& version);
  void moved(Location to);  // by another writer
  // Its name is gone by an act of this mount: who has it open goes on, nothing is stored any more.
  void detach();
  // Just made with this value.
  void made(Value value);

 private:
  // What is known beside the index: of a value that it does not know (yet).
  struct Seen {
    Version indexed;
    std::uint64_t size = 0;
    std::optional<spotfs::Time> modified;
  };

  asio::awaitable<Result<Content>> current(bool emptied) override;
  asio::awaitable<Result<void>> store_edit() override;
  void say_dropped(std::error_code why) override;
  Content original(const State& state) override;
  void unused() override { value_.reset(); }  // the cache has it
  asio::awaitable<Answer<std::optional<std::string>>> find_lost() override;

  std::shared_ptr<BlobFile> self() { return std::static_pointer_cast<BlobFile>(shared_from_this()); }
  Content content_of(const Value& value);
  bool is_current(const Version& indexed);
  std::optional<KnownValue> cached();
  void see(const Inode& inode, const KnownValue& known);
  void adopt(const InodePtr& inode, Value value);
  void cache(const KnownValue& value);
  void now_stored(Value value, std::uint64_t edits);
  asio::awaitable<Result<KeyLocks::Guard>> lock_key();
  asio::awaitable<Result<void>> load();
  asio::awaitable<Result<void>> load_locked();
  asio::awaitable<void> gone();
  asio::awaitable<Result<void>> store_saved(Settled settled, std::uint64_t flags);
  asio::awaitable<Result<void>> own_what_may_go(Content content);

  // Under the state's lock.
  Location at_;
  std::optional<KnownValue> value_;
  std::optional<Seen> seen_;
};

}  // namespace spotfs::tree
