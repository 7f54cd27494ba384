// A check of a whole disk: every name, and the content of every file once, kReadsAtOnce reads at a time.
//
// What is changed while it runs is checked as it is when its turn comes: a fault that is no longer true is none.
//
// Thread: any; `found` from several threads at once, and the walk waits for it. Lifetime: shared; keeps the disk.
// Errors: the store could not be asked; those of `found`; cancelled. Memory: a part of each directory on the way down,
// kReadsAtOnce contents, and what is known of files with several names.
#pragma once

#include <map>

#include "client/net/event.hpp"
#include "fs/index/walk.hpp"
#include "fs/tree/blobs/value.hpp"
#include "fs/tree/control/control.hpp"

namespace spotfs::tree {

struct DiskTotals {
  std::uint64_t files = 0, bytes = 0;
};

inline constexpr std::string_view kBlobsPath = "blobs/";

// A name of a file that is not whole, or was not; or of a directory that can't be listed.
struct Finding {
  Finding(Walked w, Checked c) : one{std::move(w)}, checked{std::move(c)} {}
  const Walked one;
  const Checked checked;
};
using FindingPtr = std::shared_ptr<const Finding>;

class DiskCheck : public std::enable_shared_from_this<DiskCheck> {
 public:
  using Found = std::function<asio::awaitable<spot::Answer<void>>(FindingPtr)>;

  // How far a check is: all names up to this one are done.
  struct Position {
    std::size_t top = 0;
    std::string path;
  };

  DiskCheck(std::shared_ptr<const ControlledDisk> disk, asio::any_io_executor executor, bool only_files,
            std::size_t reads_at_once = kReadsAtOnce);

  // How much there is to be done; nothing is read for it.
  asio::awaitable<Result<DiskTotals>> count();
  // Calls `found` for each name of a file that is not whole, and of a directory that can't be listed.
  asio::awaitable<spot::Answer<void>> run(Found found);
  // The same for one name alone, the next one. None: that was all.
  asio::awaitable<spot::Answer<std::optional<Position>>> check_next(Found found);
  // Before anything is checked: what is up to there counts as done.
  void go_on_after(Position position) { after_ = std::move(position); }
  // No read that is under way or comes is for anybody.
  void stop() noexcept { checker_->stop(); }

  DiskTotals done() const;  // files that are checked, with all of their bytes
  std::uint64_t bytes_read() const noexcept { return checker_->bytes_read(); }

 private:
  struct Known {  // of a file with several names
    std::shared_ptr<spot::Event> landed = std::make_shared<spot::Event>();
    spot::Answer<Checked> result{spot::Failure{Errc::cancelled}};  // valid once it has landed
    std::uint64_t names = 1;                                       // met
  };
  using Tops = std::vector<std::pair<InodeId, std::string>>;

  struct Next {
    std::size_t top = 0;
    Walked one;
  };
  asio::awaitable<Result<std::optional<Next>>> next();
  bool is_done(const Next& next) const;
  void count_done(const Walked& one);
  static asio::awaitable<spot::Answer<void>> check_some(std::shared_ptr<DiskCheck> self, Found found);
  asio::awaitable<spot::Answer<Checked>> check(Walked& one);
  asio::awaitable<spot::Answer<Checked>> check_once(Walked& one);
  asio::awaitable<spot::Answer<Checked>> check_content(Walked& one);
  asio::awaitable<spot::Answer<Checked>> check_value(const Walked& one);

  const std::shared_ptr<const ControlledDisk> disk_;
  const asio::any_io_executor executor_;
  const ValueSealer sealer_;
  const std::shared_ptr<ContentChecker> checker_;
  const Tops tops_;                                                   // what is walked, and under which path
  const std::shared_ptr<Window> turn_ = std::make_shared<Window>(1);  // to use the walk
  std::size_t top_ = 0;
  std::optional<Walk> walk_;
  std::optional<Position> after_;
  spot::Synchronized<std::map<InodeId, std::shared_ptr<Known>>> several_;
  spot::Synchronized<DiskTotals> done_;
};

}  // namespace spotfs::tree
