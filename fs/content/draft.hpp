// A content that can be changed: a base, and what was done to it since.
//
// Chunks that a writer has left behind are stored while it still writes; the others when the draft is saved, or when
// someone needs their memory (shed). A save stores what is in memory and those indexes that change, and gives the new
// reference; once an operation names it, named() makes it the base. Whatever was stored and never named is deleted.
// A content that is small enough to be a value is saved as its bytes, and nothing is stored for it.
//
// Thread: any; coroutines on their caller's executor, and what is being stored goes on without them. One save at a
// time. Calls that overlap happen one after the other, each as a whole. Lifetime: shared; whoever drops it drops
// what was not saved. Errors: those of ContentStore; file_too_large. Memory: what is not stored: dirty().
#pragma once

#include <functional>
#include <set>

#include "fs/content/content_reader.hpp"
#include "fs/content/pieces.hpp"

namespace spotfs {

class Draft : public std::enable_shared_from_this<Draft> {
 public:
  // Told, under the draft's lock, whenever dirty() has changed.
  using Dirty = std::function<void(std::size_t bytes)>;

  Draft(std::shared_ptr<ContentStore> store, const std::optional<Reference>& base, Dirty dirty = {})
      : Draft{store, ContentReader{store, base}, std::move(dirty), std::nullopt} {}
  // Up to `value_limit` bytes are a value.
  Draft(std::shared_ptr<ContentStore> store, ContentReader base, Dirty dirty, std::optional<std::size_t> value_limit);
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft();

  std::uint64_t size() const;
  std::size_t dirty() const;
  bool is_changed() const;
  // At most so many bytes of it are no hole, as far as memory knows.
  std::uint64_t stored_now() const;
  ContentReader base() const;

  // Fewer bytes at the end.
  asio::awaitable<Answer<Bytes>> read(std::uint64_t offset, std::size_t size);
  // The same from memory; nullopt: not all of it is there.
  std::optional<Bytes> read_now(std::uint64_t offset, std::size_t size);
  // Begins to fetch these bytes.
  asio::awaitable<void> want(std::uint64_t offset, std::uint64_t size);
  // Where the next byte of data is, or the next of a hole (whole chunks; the end is one): lseek(2). ENXIO: `offset` is
  // not within the content, or no data follows.
  asio::awaitable<Answer<std::uint64_t>> seek(std::uint64_t offset, bool hole);

  static bool is_end(const Failure& of_seek) noexcept { return of_seek.code == std::errc::no_such_device_or_address; }

  // nullopt: at the end.
  asio::awaitable<Answer<void>> write(std::optional<std::uint64_t> offset, Bytes data);
  Answer<void> resize(std::uint64_t size);
  Answer<void> extend(std::uint64_t size);  // where it is smaller
  // [offset, end) within the content becomes zeros; the size stays.
  asio::awaitable<Answer<void>> punch(std::uint64_t offset, std::uint64_t end);
  // [from_offset, from_offset + size) of `from`, which has so many bytes, to `offset`. Whole chunks are shared where
  // they can be: whether any is now.
  asio::awaitable<Answer<bool>> copy(Reference from, std::uint64_t from_offset, std::uint64_t offset,
                                     std::uint64_t size);

  // What it has in common with other contents is stored again, under ids of its own: for chunks that others may delete,
  // as nothing has named them for long. not_found: that has happened.
  asio::awaitable<Answer<void>> own();

  // Stores some of what is in memory, and returns when less of it is.
  asio::awaitable<Answer<void>> shed();

  struct Saved {
    std::optional<Reference> reference;
    Plaintext value;  // null: it is no value
    Pieces pieces{0};
    std::vector<BlobId> indexes;
  };
  asio::awaitable<Answer<Saved>> save();
  // An operation names what save() gave.
  void named(const Saved& saved);
  // Nobody knows whether one does: what is stored stays stored.
  void maybe_named(const Saved& saved);

 private:
  struct State {
    explicit State(ContentReader reader) : base{std::move(reader)}, pieces{base.size()} {}
    ContentReader base;
    Pieces pieces;
    std::set<BlobId> unnamed;  // stored, and in no reference that an operation names
    std::uint64_t sequential_end = 0;
  };
  // What a read takes from elsewhere than memory.
  struct Part {
    std::uint64_t chunk;
    ChunkSource from;
    std::size_t begin, count;  // bytes of the chunk
    std::size_t to;            // where they go in `out`
  };
  struct Plan {
    Bytes out;
    std::vector<Part> parts;
    ContentReader base;
  };

  static Plan plan_read(const Pieces& pieces, const ContentReader& base, std::uint64_t offset, std::size_t size);
  Plan plan_read(std::uint64_t offset, std::size_t size) const;
  asio::awaitable<Answer<Bytes>> carry_out(Plan plan);
  static void take(Plan& plan, const Part& part, const Bytes& plaintext);
  bool is_value(const State& state) const { return value_limit_ && state.pieces.size() <= *value_limit_; }
  struct Send {
    std::uint64_t chunk;
    std::shared_ptr<Sending> sending;
    Plaintext plaintext;
  };
  static std::shared_ptr<Sending> prepare(State& state, std::uint64_t chunk, std::vector<Send>& sends);
  void prepare_behind(State& state, std::uint64_t offset, std::uint64_t end, std::vector<Send>& sends) const;
  enum class Who { writer, saver };
  void begin(std::vector<Send> sends, Who who);
  static asio::awaitable<Answer<BlobId>> store_chunk(std::shared_ptr<Draft> self, Plaintext plaintext,
                                                     ContentStore::Keep keep);
  void landed(std::uint64_t chunk, const std::shared_ptr<Sending>& sending);
  asio::awaitable<Answer<Plaintext>> fetch(ContentReader base, ChunkSource from, std::uint64_t chunk);
  asio::awaitable<Answer<void>> write_zeros(std::uint64_t offset, std::uint64_t end);
  asio::awaitable<Answer<void>> settle_sent(Saved& saved);
  asio::awaitable<Answer<void>> remake_odd(Saved& saved, const ContentReader& base);
  asio::awaitable<Answer<std::size_t>> share(Reference from, std::uint64_t from_offset, std::uint64_t offset,
                                             std::uint64_t size);
  static std::vector<BlobId> ids_of(const Saved& saved);
  void changed(State& state) const;

  const std::shared_ptr<ContentStore> store_;
  const Dirty tell_dirty_;
  const std::optional<std::size_t> value_limit_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs
