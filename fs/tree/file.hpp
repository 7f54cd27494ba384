// An open file: the state between open and the last close of a descriptor.
//
// Thread: any, several calls at once; each call runs as node.hpp says of nodes. Lifetime: kept by the session from the
// answered open to the end of release(), which is called exactly once, also for files that are open when the mount
// ends. Errors: what is left out does what a plain file without that ability does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <poll.h>

#include "client/base/bytes.hpp"
#include "fs/tree/attributes.hpp"

namespace spotfs::tree {

namespace asio = boost::asio;
using spot::Bytes;
using spot::BytesView;

// Bytes to be read, with whatever keeps them alive: a cached chunk is answered without a copy.
class Content {
 public:
  Content() = default;
  Content(Bytes bytes) : Content{std::make_shared<const Bytes>(std::move(bytes))} {}  // NOLINT: converts
  explicit Content(std::shared_ptr<const Bytes> bytes) : view_{*bytes}, owner_{std::move(bytes)} {}
  Content(BytesView part, std::shared_ptr<const void> owner) : view_{part}, owner_{std::move(owner)} {}

  BytesView bytes() const noexcept { return view_; }
  // At most `size` bytes from `offset` on; empty beyond the end.
  Content part(std::uint64_t offset, std::size_t size) const;

 private:
  BytesView view_;
  std::shared_ptr<const void> owner_;
};

struct Write {
  std::uint64_t offset = 0;  // the kernel's idea; with `append` it is the node's own end that counts
  Bytes data;
  bool append = false;       // O_APPEND
  bool clear_setid = false;  // setuid and setgid bits go
  bool from_cache = false;   // written back from the kernel's page cache (mmap): the caller is unknown

  Write() = default;
  Write(std::uint64_t o, Bytes d) : offset{o}, data{std::move(d)} {}
};

// One poller that wants to be told. notify() once something has changed; it will poll again. Any thread, any time.
class Poller {
 public:
  virtual ~Poller() = default;
  virtual void notify() = 0;
};

class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  virtual ~OpenFile();

  // Fewer bytes than asked for mean end of file. What read_now() has, or EINVAL.
  virtual asio::awaitable<Result<Content>> read(Caller caller, std::uint64_t offset, std::size_t size);
  // The same where memory has it, which spares a frequent request a coroutine. nullopt: ask read().
  virtual std::optional<Content> read_now(std::uint64_t offset, std::size_t size);
  // Bytes taken. EBADF.
  virtual asio::awaitable<Result<std::size_t>> write(Caller caller, Write write);
  // At each close of a descriptor, by whoever closes it (a file may see none or many). Its error is close's.
  virtual asio::awaitable<Result<void>> flush(Caller caller);
  virtual asio::awaitable<Result<void>> fsync(Caller caller, bool data_only);
  // The last one; no one is there to see an error. Not cancelled: what it waits for must have deadlines.
  virtual asio::awaitable<void> release(Caller caller);
  // FALLOC_FL_* in mode. EOPNOTSUPP.
  virtual asio::awaitable<Result<void>> allocate(Caller caller, int mode, std::uint64_t offset, std::uint64_t size);
  // SEEK_DATA or SEEK_HOLE. EOPNOTSUPP.
  virtual asio::awaitable<Result<std::uint64_t>> seek(Caller caller, std::uint64_t offset, int whence);
  // Into this file. EOPNOTSUPP: the kernel reads and writes instead.
  virtual asio::awaitable<Result<std::size_t>> copy_range(Caller caller, std::shared_ptr<OpenFile> from,
                                                          std::uint64_t from_offset, std::uint64_t offset,
                                                          std::size_t size);
  // The POLL* events that are true now. Keep `poller`, where there is one, until one of the others may have become
  // true. Always readable and writable.
  virtual asio::awaitable<Result<unsigned>> poll(Caller caller, std::unique_ptr<Poller> poller);
};

// The answer to an open.
struct Opened {
  std::shared_ptr<OpenFile> file;
  bool direct_io = false;    // each read and write comes through, whatever the size says
  bool keep_cache = false;   // what the kernel has cached of the node is still right
  bool nonseekable = false;  // ESPIPE for lseek and pread
  bool no_flush = false;     // flush() does nothing: the kernel need not ask

  Opened() = default;
  explicit Opened(std::shared_ptr<OpenFile> f) : file{std::move(f)} {}
};

// The answer to a create.
struct Created {
  Entry entry;
  Opened opened;

  Created() = default;
  Created(Entry e, Opened o) : entry{std::move(e)}, opened{std::move(o)} {}
};

}  // namespace spotfs::tree
