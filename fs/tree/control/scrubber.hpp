// The scrub that a mount does by itself: all that the disk names is read again from the store within each period and
// checked; what is missing and in the cache is stored again, and what is lost is told by path.
//
// It reads one blob at a time, one file after the other, and spreads them over the period; where it is late, because
// the mount was not there or offline, it rests for three times as long as each file took. How far it is is in the state
// directory: the next mount goes on there.
//
// Thread: any; run() is one coroutine, which ends when it is cancelled. Lifetime: shared; keeps the disk. Errors: told
// in the status. Source: files.md, "Keeping".
#pragma once

#include "fs/tree/control/check_disk.hpp"

namespace spotfs::tree {

class Scrubber : public std::enable_shared_from_this<Scrubber> {
 public:
  struct Options {
    std::shared_ptr<const ControlledDisk> disk;  // with `scrub`
    asio::any_io_executor executor;
    bool only_files = false;  // as of ControlOptions
    std::chrono::milliseconds period{};
    std::function<bool()> online;  // nothing is read while it is not so
    std::function<bool()> busy;    // others wait for the store now; none: nobody does
    std::function<void(std::string)> log;
    const spot::Clock* clock = &spot::Clock::system();
    // Throws when the coroutine is cancelled. None: a timer.
    std::function<asio::awaitable<void>(std::chrono::nanoseconds)> pause;
  };
  static std::shared_ptr<Scrubber> make(Options options);

  static asio::awaitable<spot::Answer<void>> run(std::shared_ptr<Scrubber> self);

 private:
  explicit Scrubber(Options options) : options_{std::move(options)} {}

  asio::awaitable<spot::Answer<void>> scrub(ScrubMark mark);
  asio::awaitable<spot::Answer<void>> check_logs();
  asio::awaitable<spot::Answer<void>> tell(FindingPtr finding);
  asio::awaitable<void> wait_turn(const ScrubMark& mark, double part);
  asio::awaitable<void> wait_online();
  void keep(const ScrubMark& mark);
  void show(const ScrubMark& mark);
  void log(const std::string& line) const;
  std::int64_t now() const;  // ms since 1970

  const Options options_;
};

}  // namespace spotfs::tree
