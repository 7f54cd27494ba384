#include "fs/tree/control/scrubber.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::tree {
namespace {

using namespace std::chrono_literals;
using spot::Answer;
using spot::Failure;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr double kUsed = 0.9;             // of the period; the rest is for what takes longer than thought
constexpr int kRest = 3;                  // times as long as a file took
constexpr std::uint64_t kPerFile = 4096;  // bytes that a file counts for beside its content
constexpr nanoseconds kLongest = 1h;      // of one pause: a timer does not count while the machine sleeps
constexpr nanoseconds kShortest = 10ms;
constexpr milliseconds kBusy = 100ms, kMostBusy = 3s;
constexpr milliseconds kKeepAfter = 1s;
constexpr nanoseconds kOffline = 10s, kFailed = 60s;

asio::awaitable<void> sleep(nanoseconds time) {
  asio::steady_timer timer{co_await asio::this_coro::executor};
  timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(time));
  co_await timer.async_wait(asio::use_awaitable);
}

double weight(const DiskTotals& totals) { return static_cast<double>(totals.bytes + totals.files * kPerFile); }

std::string encode(const DiskCheck::Position& position) { return std::to_string(position.top) + ":" + position.path; }

std::optional<DiskCheck::Position> decode(const std::string& text) {
  if (text.size() < 2 || text[0] < '0' || text[0] > '9' || text[1] != ':') return std::nullopt;
  return DiskCheck::Position{static_cast<std::size_t>(text[0] - '0'), text.substr(2)};
}

}  // namespace

std::shared_ptr<Scrubber> Scrubber::make(Options options) {
  if (!options.pause) options.pause = sleep;
  return std::shared_ptr<Scrubber>{new Scrubber{std::move(options)}};
}

std::int64_t Scrubber::now() const {
  return std::chrono::duration_cast<milliseconds>(options_.clock->wall().time_since_epoch()).count();
}

void Scrubber::log(const std::string& line) const {
  if (options_.log) options_.log("scrub: " + line);
}

void Scrubber::show(const ScrubMark& mark) {
  options_.disk->scrub->with([&](ScrubStatus& status) {
    status.period = options_.period;
    status.begun = mark.begun / 1000;
    status.ended = mark.ended / 1000;
  });
}

void Scrubber::keep(const ScrubMark& mark) {
  const Answer<void> kept = options_.disk->index->set_scrub_mark(mark);
  if (!kept) log(sentence_of(kept.error()));
  show(mark);
}

// --- When ------------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Scrubber::run(std::shared_ptr<Scrubber> self) {
  const nanoseconds period = self->options_.period;
  for (;;) {
    ScrubMark mark = self->options_.disk->index->scrub_mark();
    const std::int64_t present = self->now();
    if (mark.begun > present) mark = {};  // the clock was set back
    self->show(mark);
    const nanoseconds left = milliseconds{mark.begun - present} + period;
    if (!mark.is_under_way() && mark.begun != 0 && left.count() > 0) {
      co_await self->options_.pause(std::clamp(left, kShortest, kLongest));
      continue;
    }
    if (!mark.is_under_way()) {
      mark.begun = present;
      mark.at.clear();
    }
    co_await self->wait_online();
    const Answer<void> done = co_await self->scrub(mark);
    self->options_.disk->scrub->with(
        [&](ScrubStatus& status) { status.last_error = done ? std::string{} : sentence_of(done.error()); });
    if (!done && done.error().code == Errc::stopping) co_return done;
    if (!done) co_await self->options_.pause(std::clamp(period / 10, kShortest, kFailed));
  }
}

asio::awaitable<void> Scrubber::wait_online() {
  while (!options_.online())
    co_await options_.pause(std::clamp<nanoseconds>(options_.period / 10, kShortest, kOffline));
}

// `part`: of all that there is, what is done.
asio::awaitable<void> Scrubber::wait_turn(const ScrubMark& mark, double part) {
  const auto used = static_cast<std::int64_t>(kUsed * part * static_cast<double>(options_.period.count()));
  for (;;) {
    const nanoseconds left = milliseconds{mark.begun + used - now()};
    if (left.count() <= 0) break;
    co_await options_.pause(std::clamp(left, kShortest, kLongest));
  }
  co_await wait_online();
  for (milliseconds waited{0}; options_.busy && options_.busy() && waited < kMostBusy; waited += kBusy)
    co_await options_.pause(kBusy);
}

// --- What ------------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Scrubber::tell(FindingPtr finding) {
  const Checked& checked = finding->checked;
  const std::string path = spot::printable(finding->one.path, finding->one.path.size() * 4);
  if (const std::error_code why = finding->one.unlisted) {
    options_.disk->scrub->with([](ScrubStatus& status) { ++status.faults; });
    log((path.empty() ? "the top directory" : path) + ": can't be listed: " + why.message());
    co_return Answer<void>{};
  }
  options_.disk->scrub->with([&](ScrubStatus& status) {
    status.restored += checked.restored;
    status.faults += checked.is_whole() ? 0U : 1U;
  });
  if (checked.restored != 0)
    log(path + ": the relay had lost some of it, stored again from the cache: " + std::to_string(checked.restored) +
        (checked.restored == 1 ? " blob" : " blobs"));
  if (!checked.is_whole()) {
    const bool is_missing = checked.faults.front().is_missing;
    log(path + ": " + std::to_string(checked.lost) + " of " + std::to_string(checked.lost + checked.chunks) +
        " chunks are " + (is_missing ? "lost" : "damaged") + " (spotfsctl fsck shows which)");
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> Scrubber::check_logs() {
  const Answer<std::vector<LogFault>> faults = co_await options_.disk->index->check_logs();
  if (!faults) co_return faults.error();
  for (const LogFault& fault : *faults) {
    options_.disk->scrub->with(
        [&](ScrubStatus& status) { (fault.is_restored ? status.restored : status.faults) += 1; });
    log(fault.key + ": " + fault.why.message() + (fault.is_restored ? ", stored again" : ""));
  }
  co_return co_await options_.disk->index->commit();
}

asio::awaitable<Answer<void>> Scrubber::scrub(ScrubMark mark) {
  const auto check = std::make_shared<DiskCheck>(options_.disk, options_.executor, options_.only_files, std::size_t{1});
  struct Stop {
    std::shared_ptr<DiskCheck> check;
    ~Stop() { check->stop(); }
  };
  const Stop stop{check};
  const std::optional<DiskCheck::Position> at = decode(mark.at);
  if (at) {
    check->go_on_after(*at);
  } else {
    options_.disk->scrub->with([](ScrubStatus& status) { status.faults = 0; });
    keep(mark);
    if (const Answer<void> logs = co_await check_logs(); !logs) co_return logs;
  }
  const Result<DiskTotals> all = co_await check->count();
  if (!all) co_return Failure{all.error()};
  const DiskCheck::Found found = [self = shared_from_this()](FindingPtr finding) {
    return self->tell(std::move(finding));
  };
  std::int64_t kept = now();
  for (;;) {
    const DiskTotals done = check->done();
    options_.disk->scrub->with([&](ScrubStatus& status) {
      status.files = done.files;
      status.of_files = std::max(all->files, done.files);
    });
    co_await wait_turn(mark, std::min(1.0, weight(done) / std::max(1.0, weight(*all))));
    const auto begun = options_.clock->steady();
    const Answer<std::optional<DiskCheck::Position>> next = co_await check->check_next(found);
    if (!next) {
      keep(mark);
      co_return next.error();
    }
    if (!*next) break;
    mark.at = encode(**next);
    if (milliseconds{now() - kept} >= kKeepAfter) {
      keep(mark);
      kept = now();
    }
    co_await options_.pause(std::max<nanoseconds>((options_.clock->steady() - begun) * kRest, kShortest / 100));
  }
  mark.at.clear();
  mark.ended = std::max(now(), mark.begun + 1);
  options_.disk->scrub->with([](ScrubStatus& status) { status.last_faults = status.faults; });
  keep(mark);
  co_return Answer<void>{};
}

}  // namespace spotfs::tree
