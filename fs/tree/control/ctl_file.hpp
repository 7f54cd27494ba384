// `ctl`: each open is a channel of its own; control.hpp says how it is used.
//
// Thread, lifetime, errors: node.hpp, file.hpp, control.hpp.
#pragma once

#include "fs/tree/control/commands.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

inline constexpr std::size_t kMaxLine = 20'480;  // bytes of a command: a path of 4 KiB, each byte as \xNN

inline constexpr std::size_t kOpensOfPeers = 128;  // of all that the group of peers has open: ENOBUFS beyond that

class CtlFile final : public Node {
 public:
  explicit CtlFile(std::shared_ptr<const ControlOptions> control);

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  // As `echo … > ctl` does: nothing is there to be truncated.
  asio::awaitable<Result<Attributes>> set_attributes(Caller caller, AttributeChanges changes,
                                                     std::shared_ptr<OpenFile> file) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

 private:
  const std::shared_ptr<const ControlOptions> control_;
  const Attributes attributes_;
  const std::shared_ptr<Room> opens_of_peers_ = std::make_shared<Room>(kOpensOfPeers);
};

class OpenCtl final : public OpenFile {
 public:
  // of_peers: nothing but what they may ask.
  OpenCtl(std::shared_ptr<const ControlOptions> control, Caller caller, int flags, bool of_peers, Share share)
      : control_{std::move(control)}, caller_{caller}, flags_{flags}, of_peers_{of_peers}, share_{std::move(share)} {}

  asio::awaitable<Result<std::size_t>> write(Caller caller, Write write) override;
  asio::awaitable<Result<Content>> read(Caller caller, std::uint64_t offset, std::size_t size) override;
  asio::awaitable<Result<void>> flush(Caller caller) override;
  asio::awaitable<void> release(Caller caller) override;

 private:
  struct State {
    std::string line;      // of a command that has no end yet
    ExchangePtr exchange;  // the last command, until its end was read
  };
  bool reads() const noexcept { return (flags_ & O_ACCMODE) != O_WRONLY; }
  void begin(State& state);  // the command of the line
  ExchangePtr current();     // begins what was written; null: nothing was

  const std::shared_ptr<const ControlOptions> control_;
  const Caller caller_;
  const int flags_;
  const bool of_peers_;
  const Share share_;  // of the opens
  spot::Synchronized<State> state_;
};

}  // namespace spotfs::tree
