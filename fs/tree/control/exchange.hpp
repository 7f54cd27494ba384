// A command that runs: what goes into it after its line, and the lines that come out, until it ends.
//
// Whoever reads slowly makes the command wait, and so does a command that takes its input slowly. Where nobody will
// read, the lines are dropped.
//
// Thread: any. Lifetime: shared by the open file and the command, which goes on until it has seen that it is cancelled.
// Errors: those of the command; cancelled. Memory: kMostUnread in each direction.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "fs/tree/control/lines.hpp"
#include "fs/tree/file.hpp"

namespace spotfs::tree {

inline constexpr std::size_t kMostUnread = std::size_t{256} << 10;  // bytes; one line may cross it

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  // `input`: bytes that belong to the command, after its line. `read`: somebody will read the lines.
  Exchange(asio::any_io_executor executor, Caller caller, std::uint64_t input, bool read)
      : strand_{asio::make_strand(executor)}, caller_{caller}, read_{read}, state_{input} {}

  // --- For the command -----------------------------------------------------------------------------------------------
  const Caller& caller() const noexcept { return caller_; }
  // cancelled: nobody waits for it any more.
  asio::awaitable<Result<void>> say(json::object line);
  // The next bytes of the input; empty: that was all. bad_argument where it ends too early.
  asio::awaitable<Result<Bytes>> take();

  // --- For the open file ---------------------------------------------------------------------------------------------
  // Runs the command; its last line is {"done":true}, or the error.
  void start(asio::awaitable<spot::Answer<void>> command);
  void cancel();
  bool wants_input() const;
  // Bytes taken, in pieces that the command has room for: fewer where the wait for room is cancelled. EINVAL for more
  // than belongs to it.
  asio::awaitable<Result<std::size_t>> give(Bytes input);
  // Some of what is said; empty: the end.
  asio::awaitable<Result<Bytes>> read(std::size_t size, bool nonblocking);
  // Returns when the command has ended: how.
  asio::awaitable<Result<void>> wait();
  bool is_over() const;

 private:
  struct State {
    explicit State(std::uint64_t size) : missing{size} {}
    Bytes input;
    std::uint64_t missing;  // of the input, not given yet
    bool cut = false;       // no more will be given
    std::string said;
    bool over = false, abandoned = false;
    std::error_code outcome;
    bool touched = false;  // by the change in progress
    std::shared_ptr<spot::Event> changed = std::make_shared<spot::Event>();
  };
  template <class Change>
  auto change(Change&& change);
  void finish(const spot::Answer<void>& outcome);

  const asio::strand<asio::any_io_executor> strand_;
  const Caller caller_;
  const bool read_;
  asio::cancellation_signal cancel_;  // on the strand
  spot::Synchronized<State> state_;
};

using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace spotfs::tree
