// A message that is written to an open file. When it goes out:
//
// A flush by the process that opened it *before its first write* marks a shell's redirect: a shell flushes again at
// each builtin of a group, so the message goes out when the file is released (or when someone who waits for it sends
// it, after such a flush). Without one (cp, tee, python, curl): at the first flush after a write by the process that
// opened it, whose close returns the outcome, or at fsync. Flushes of others send nothing. Where the process can't be
// known it is taken for a redirect, and so is one that exits, as nobody hears then what its close says.
//
// Nothing written sends nothing; the empty message is truncate(2) to size 0. A message that could not be taken whole is
// never sent in part. A release is answered at once, and the delivery goes on: the kernel has few of them under way,
// and what waits behind them is reading ahead.
//
// Thread: any. Lifetime: shared; kept by its delivery. Errors: those of `deliver`; of a write: EPIPE after the message
// went out, ESPIPE elsewhere than at its end, too_large beyond the limit, ENOBUFS where there is no room; after one of
// the last three nothing is sent, and each later write, flush and fsync says the same.
// Source: filesystem.md, "Endpoints".
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "client/base/sync.hpp"
#include "client/net/event.hpp"
#include "fs/tree/asking.hpp"
#include "fs/tree/file.hpp"
#include "fs/tree/outgoing/room.hpp"
#include "fs/tree/outgoing/thread.hpp"

namespace spotfs::tree {

struct OutgoingOptions {
  std::function<asio::awaitable<Result<void>>(Bytes message)> deliver;  // required; called at most once
  std::function<void(std::error_code)>
      refused;                             // may be empty; told of the first write that is refused, and of each EPIPE
  std::function<std::error_code()> check;  // may be empty; asked at each write, whose error it is then
  asio::any_io_executor executor;          // required; for deliveries that nobody waits for
  std::optional<pid_t> opener;             // its process; nullopt: can't be known
  FindThread find_thread = tree::find_thread;
  std::shared_ptr<Room> room;  // may be null: bounded by the limit and the number of open files alone
  std::size_t limit = kMaxMessage;
};

class Outgoing final : public OpenFile, public std::enable_shared_from_this<Outgoing> {
 public:
  explicit Outgoing(OutgoingOptions options);

  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<void>> flush(Caller caller) override;
  asio::awaitable<Result<void>> fsync(Caller caller, bool data_only) override;
  asio::awaitable<void> release(Caller caller) override;

  // Makes it the empty message. EPIPE.
  Result<void> empty();
  // To 0: the same. To what it has (rsync): nothing. EINVAL for any other size.
  Result<void> truncate(std::uint64_t size);
  // Sends it now, if there is something to be sent; returns when that is over.
  static asio::awaitable<Result<void>> send(std::shared_ptr<Outgoing> self);

  // A redirect that has something to send.
  bool is_held() const;
  bool is_flushed() const;  // and the last that happened was a flush of the opener
  const std::shared_ptr<spot::Event>& over() const noexcept { return over_; }  // it was sent, or was closed

 private:
  struct State {
    State(bool is_redirect, std::shared_ptr<Room> room) : redirect{is_redirect}, share{std::move(room)} {}
    Bytes body;
    bool asks = false;  // there is something to be sent
    bool redirect;
    bool sent = false;
    bool flushed = false;     // the last event was a flush of the opener
    std::error_code refusal;  // nothing will be sent
    Share share;
  };
  std::error_code take(State& state, const Write& write, std::error_code why_not) const;

  const OutgoingOptions options_;
  const std::shared_ptr<spot::Event> over_ = std::make_shared<spot::Event>();
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
