// A mount: the kernel's requests for one directory, answered by the nodes below `root`.
//
//   auto notifier = Notifier::make();            // before the tree that tells the kernel of changes by it
//   auto session = Session::mount(io, root, notifier, options);
//   if (!session) …                              // session.error().text is the one line for the user
//   (*session)->start();                         // from here on there are threads
//   if (!(*session)->wait_ready(15s)) …          // the kernel's INIT has been answered: the mount works
//   (*session)->wait();                          // until umount(8), fusermount3 -u, or stop()
//
// The reader threads (`readers` of them, made by start()) take requests from the kernel and run each one's coroutine
// up to its first wait; from there it goes on by threads that run `io`. A reader never waits for anything but requests.
//
// The end, whoever brings it about: the mount is taken away (lazily, so that it goes even where programs are in it),
// waiting requests are cancelled and answered ENETDOWN, the release() of every file that is still open is run, all
// nodes are dropped, the threads are joined. All of it happens inside wait(), which needs `io` to run meanwhile.
//
// Thread: mount() and start() before others know of the session; wait() and the destructor on one thread that does not
// run `io`; everything else on any.
// Lifetime: the session before `io`; the destructor stops and waits. The notifier lives as long as anyone has it.
// Errors: Failure.code, and Failure.text as one line for people.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "client/base/failure.hpp"
#include "client/base/histogram.hpp"
#include "fs/fuse/notifier.hpp"
#include "fs/fuse/signals.hpp"
#include "fs/tree/node.hpp"

namespace spotfs {

namespace asio = boost::asio;
using spot::Answer;
using spot::Failure;

struct SessionOptions {
  std::string directory;  // where to mount; absolute
  std::string source;     // shown as the source (fsname) of the mount; its type is fuse.spotfs
  bool read_only = false;
  bool allow_other = false;  // brings default_permissions
  bool default_permissions = false;
  mode_t file_mask = 0, directory_mask = 0;  // bits that no mode shows; who checks modes sees them so, too
  bool allow_suid = false;                   // without it nosuid, and likewise nodev
  bool allow_dev = false;
  std::vector<std::string> kernel_options;  // noexec, noatime, nodiratime, relatime, strictatime, sync, dirsync, and
                                            // what is not of that list goes to the kernel as it is (context=…)
  // The kernel hands requests to the readers in turn, and each wakes where it last ran. With one or two of them on two
  // cores a single caller may find the next one on the other core every time (a read of 4 KiB: 30 to 45 µs). With three
  // it is 14, with five or more 11, as with libfuse's own.
  unsigned readers = 5;
  // Any signal that a caller handles interrupts its request, be it a timer of its own; and few programs expect EINTR of
  // mkdir or close, as a disk never says it. So what ends within this time ends as if there had been no signal, unless
  // a node says otherwise (fs/tree/interrupt.hpp). Who is being killed, or can't be looked at, waits 50 ms.
  std::chrono::milliseconds interrupt_patience{2'000};
  std::function<std::optional<fuse::Signals>(pid_t tid)> pending_signals = fuse::pending_signals;  // on any thread
  std::function<void(std::string_view)> log;  // one line, no newline; any thread. None: nothing is said
};

// How often an operation was asked for, and how it went.
struct OperationCount {
  std::string_view name;  // "lookup"
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;       // answered with an errno, ENOENT of a lookup and the like included
  spot::Histogram::Figures took{};  // of those that were answered, what they waited for included
};

class Session {
 public:
  // Mounts: by mount(2), or through fusermount3 where that is not allowed. No thread is made.
  static Answer<std::unique_ptr<Session>> mount(asio::io_context& io, tree::NodePtr root,
                                                std::shared_ptr<Notifier> notifier, SessionOptions options);
  // Serves on a descriptor that speaks the kernel's protocol, one request for each read: a test's socket. Takes it
  // over.
  static Answer<std::unique_ptr<Session>> attach(asio::io_context& io, tree::NodePtr root,
                                                 std::shared_ptr<Notifier> notifier, SessionOptions options, int fd);

  virtual ~Session() = default;

  virtual void start() = 0;
  // False where the time is over, or the session has ended, before the kernel's INIT was answered.
  virtual bool wait_ready(std::chrono::milliseconds limit) = 0;
  // Asks for the end and returns at once. Not for signal handlers: use asio::signal_set.
  virtual void stop() = 0;
  // Returns when the session has ended and everything of it is released.
  virtual void wait() = 0;

  virtual std::vector<OperationCount> operation_counts() const = 0;
  // Requests that wait for something at the moment; files and directories that are open; nodes that the kernel knows.
  virtual std::size_t waiting() const = 0;
  virtual std::size_t open_handles() const = 0;
  virtual std::size_t known_nodes() const = 0;
};

}  // namespace spotfs
