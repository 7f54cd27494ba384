// `call`: each open is a private channel. Write a query, then read: the first read sends it and waits for the reply,
// which is read to its end; the next write starts the next exchange.
//
//   exec 3<>call; echo hi >&3; cat <&3
//
// A poll after a write sends, too, and says when the reply is there, as does a read with O_NONBLOCK (EAGAIN until
// then). A wait that is interrupted may be repeated: the query goes on until its file is closed, or the next is
// written.
//
// Thread, lifetime: node.hpp, file.hpp. Errors: EACCES unless it is opened to be read and written; EMSGSIZE for the
// write that crosses 65,000 bytes, ENOBUFS where there is no room: nothing is sent then, the next read says so, too,
// and ends the exchange; EBUSY for a write while somebody waits for the reply. A read: that of the query, once; its
// text is in `error`. Source: filesystem.md, "Endpoints".
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/strand.hpp>

#include "fs/tree/endpoints/hub.hpp"

namespace spotfs::tree {

class CallFile final : public Node {
 public:
  // path: below endpoints/.
  CallFile(HubPtr hub, std::string path, std::string address);
  ~CallFile() override { hub_->nodes.forget(path_); }

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  // A size of 0, by a descriptor, writes the empty query; all else is as it is, and no error.
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

 private:
  const HubPtr hub_;
  const std::string path_;
  const std::string address_;
  const Attributes attributes_;
};

class OpenCall final : public OpenFile, public std::enable_shared_from_this<OpenCall> {
 public:
  OpenCall(HubPtr hub, AskerKey key, bool nonblocking)
      : hub_{std::move(hub)}, key_{std::move(key)}, nonblocking_{nonblocking}, state_{hub_->room} {}

  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<Content>> read(Caller caller, std::uint64_t offset, std::size_t size) override;
  asio::awaitable<Result<unsigned>> poll(Caller caller, std::unique_ptr<Poller> poller) override;
  asio::awaitable<void> release(Caller caller) override;

  Result<void> empty();

 private:
  struct Exchange;
  using ExchangePtr = std::shared_ptr<Exchange>;
  struct State {
    explicit State(std::shared_ptr<Room> room) : share{std::move(room)} {}
    Bytes body;
    bool asks = false;        // there is something to be sent
    std::error_code refusal;  // it will not be
    ExchangePtr exchange;     // under way, or its answer is not read to the end
    Share share;
    std::unique_ptr<Poller> poller;
  };
  enum class Add { more, first };

  Result<void> add(BytesView data, Add how);
  // What was written, if it is to go out now: its exchange is begun. Who waits for that is counted before the lock is
  // given up, and then starts it: a write in between would take its place.
  std::optional<Bytes> take_query(State& state) const;
  void start(const ExchangePtr& exchange, Bytes body);
  void finish(const ExchangePtr& exchange, spot::Answer<Bytes> answer);
  Result<Content> take(const ExchangePtr& exchange, std::size_t size);

  const HubPtr hub_;
  const AskerKey key_;
  const bool nonblocking_;
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
