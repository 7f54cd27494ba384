// `request`: what is written between open and close is one query. When it goes out:
//
// A flush by the process that opened it *before its first write* marks a shell's redirect: a shell flushes again at
// each builtin of a group, so the query goes out when the file is released (or when its user opens `reply` or `error`
// after such a flush). Without one (cp, tee, python, curl): at the first flush after a write by the process that opened
// it, whose close returns the outcome, or at fsync. Flushes of others send nothing. Where the process can't be known it
// is taken for a redirect.
//
// Nothing written sends nothing; the empty query is truncate(2) to size 0.
//
// Thread, lifetime: file.hpp. Errors: EPIPE for a write after the query went out, ESPIPE for one elsewhere than at the
// end, EMSGSIZE for the one that crosses 65,000 bytes (nothing is sent then), EACCES for reading.
// Source: filesystem.md, "Endpoints".
#pragma once

#include "fs/tree/endpoints/asker.hpp"

namespace spotfs::tree {

class Request final : public Node {
 public:
  Request(HubPtr hub, std::string address);
  ~Request() override;

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  // A size of 0 asks the empty query; all else is as it is, and no error.
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

 private:
  const HubPtr hub_;
  const std::string address_;
  const Attributes attributes_;
};

class OpenRequest final : public OpenFile, public std::enable_shared_from_this<OpenRequest> {
 public:
  // opener: its process.
  OpenRequest(std::shared_ptr<Asker> asker, std::optional<pid_t> opener)
      : asker_{std::move(asker)}, opener_{opener}, state_{!opener} {}

  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<void>> flush(Caller caller) override;
  asio::awaitable<Result<void>> fsync(Caller caller, bool data_only) override;
  asio::awaitable<void> release(Caller caller) override;

  // Asks the empty query, when it goes out. EPIPE.
  Result<void> empty();

  // A redirect that has something to send.
  bool is_held() const;
  bool is_flushed() const;  // and the last that happened was a flush of the opener
  static asio::awaitable<Result<void>> send(std::shared_ptr<OpenRequest> self);
  const std::shared_ptr<spot::Event>& over() const noexcept { return over_; }  // it was sent, or was closed

 private:
  struct State {
    explicit State(bool is_redirect) : redirect{is_redirect} {}
    Bytes body;
    bool asks = false;  // there is something to be sent
    bool redirect;
    bool sent = false;
    bool refused = false;  // too large
    bool flushed = false;  // the last event was a flush of the opener
  };

  const std::shared_ptr<Asker> asker_;
  const std::optional<pid_t> opener_;
  const std::shared_ptr<spot::Event> over_ = std::make_shared<spot::Event>();
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
