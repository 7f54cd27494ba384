// fsck and scrub: everything is read again from the store and checked; what can't be had is told by path.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include "client/base/encoding.hpp"
#include "fs/tree/control/commands.hpp"
#include "fs/tree/control/repair.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

constexpr std::chrono::milliseconds kProgress{200};  // from one line of it to the next

struct Run {
  std::shared_ptr<const ControlOptions> control;
  std::shared_ptr<const ControlledDisk> disk;
  ExchangePtr exchange;
  std::shared_ptr<DiskCheck> check;
  bool repairs = false, sweeps = false;
  DiskTotals all;
  struct Counts {
    std::uint64_t faulty = 0, restored = 0;
  };
  spot::Synchronized<Counts> counts;
};
using RunPtr = std::shared_ptr<Run>;

// [offset, size, "missing" or "damaged", key]
json::array fault_json(const Fault& fault, std::uint64_t size) {
  const std::uint64_t begin = fault.first * kChunkSize;
  const std::uint64_t end = std::min(size, (fault.first + fault.count) * kChunkSize);
  json::array out{begin, end - begin, fault.is_missing ? "missing" : "damaged"};
  if (fault.blob != BlobId{}) out.emplace_back(content_key(fault.blob));
  return out;
}

// [offset, size] of what is between the faults.
json::array whole_ranges(const Checked& checked, std::uint64_t size) {
  json::array out;
  std::uint64_t at = 0;
  const auto add = [&](std::uint64_t end) {
    if (at < end) out.push_back(json::array{at, end - at});
  };
  for (const Fault& fault : checked.faults) {
    add(fault.first * kChunkSize);
    at = (fault.first + fault.count) * kChunkSize;
  }
  if (checked.more == 0) add(size);
  return out;
}

asio::awaitable<Answer<void>> tell(RunPtr run, json::object line) {
  const Result<void> said = co_await run->exchange->say(std::move(line));
  if (!said) co_return Failure{said.error()};
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> tell_unlisted(RunPtr run, const Walked& one) {
  run->counts.with([](Run::Counts& counts) { ++counts.faulty; });
  json::object line{{"event", "unlisted"}};
  put_text(line, "path", one.path);
  line["why"] = spot::to_errno(one.unlisted) == EBADMSG ? "damaged" : "missing";
  co_return co_await tell(run, std::move(line));
}

asio::awaitable<Answer<void>> tell_fault(RunPtr run, FindingPtr finding) {
  if (finding->one.unlisted) co_return co_await tell_unlisted(run, finding->one);
  const Walked& one = finding->one;
  const Checked& checked = finding->checked;
  const std::uint64_t size = one.inode->size();
  run->counts.with([&](Run::Counts& counts) {
    counts.restored += checked.restored;
    counts.faulty += checked.is_whole() ? 0U : 1U;
  });
  if (checked.is_whole()) co_return Answer<void>{};
  json::object line{{"event", "fault"}};
  put_text(line, "path", one.path);
  line["size"] = size;
  line["lost_chunks"] = checked.lost;
  json::array lost;
  for (const Fault& fault : checked.faults) lost.push_back(fault_json(fault, size));
  line["lost"] = std::move(lost);
  line["lost_not_listed"] = checked.more;
  line["whole"] = checked.chunks == 0 ? json::array{} : whole_ranges(checked, size);
  const Answer<void> told = co_await tell(run, std::move(line));
  if (!told || !run->repairs) co_return told;

  const Result<Repaired> repaired = co_await repair(run->disk, finding);
  if (!repaired) co_return about(one.path, repaired.error());
  json::object done{{"event", "repair"}};
  put_text(done, "path", one.path);
  done["action"] = name_of(repaired->what);
  if (repaired->what == Repair::moved)
    put_text(done, "to", (run->control->only_files ? "lost+found/" : "files/lost+found/") + repaired->to);
  co_return co_await tell(run, std::move(done));
}

asio::awaitable<Answer<void>> tell_log_faults(RunPtr run) {
  const Answer<std::vector<LogFault>> faults = co_await run->disk->index->check_logs();
  if (!faults) co_return faults.error();
  for (const LogFault& fault : *faults) {
    run->counts.with([&](Run::Counts& counts) { (fault.is_restored ? counts.restored : counts.faulty) += 1; });
    json::object line{{"event", "log_fault"}};
    line["key"] = fault.key;
    if (fault.writer) line["writer"] = spot::base64url(*fault.writer);
    line["why"] = fault.why == make_error_code(Errc::not_found)  ? "missing"
                  : fault.why == make_error_code(Errc::rollback) ? "older"
                                                                 : "damaged";
    line["restored"] = fault.is_restored;
    const Answer<void> told = co_await tell(run, std::move(line));
    if (!told) co_return told;
  }
  // What was lost of ours is stored again now.
  co_return co_await run->disk->index->commit();
}

asio::awaitable<Answer<void>> accept_older(RunPtr run) {
  const Answer<std::vector<WriterId>> accepted = co_await run->disk->index->accept_older();
  if (!accepted) co_return accepted.error();
  for (const WriterId& writer : *accepted) {
    json::object line{{"event", "accepted"}};
    line["writer"] = spot::base64url(writer);
    const Answer<void> told = co_await tell(run, std::move(line));
    if (!told) co_return told;
  }
  co_return Answer<void>{};
}

json::object progress_line(const Run& run) {
  const DiskTotals done = run.check->done();
  return {{"event", "progress"},
          {"files", done.files},
          {"of_files", run.all.files},
          {"bytes", std::min(run.all.bytes, std::max(done.bytes, run.check->bytes_read()))},
          {"of_bytes", run.all.bytes}};
}

// Tells how far it is, until `over`.
asio::awaitable<void> tell_progress(RunPtr run, std::shared_ptr<spot::Event> over) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  while (!over->is_set()) {
    pause.expires_after(kProgress);
    boost::system::error_code ec;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    if (over->is_set()) co_return;
    static_cast<void>(co_await run->exchange->say(progress_line(*run)));
  }
}

asio::awaitable<Answer<void>> check_all(RunPtr run) {
  const Answer<void> logs = co_await tell_log_faults(run);
  if (!logs) co_return logs;
  const Result<DiskTotals> all = co_await run->check->count();
  if (!all) co_return Failure{all.error()};
  run->all = *all;
  const DiskCheck::Found found = [run](FindingPtr finding) { return tell_fault(run, std::move(finding)); };
  struct Ending {
    std::shared_ptr<spot::Event> over = std::make_shared<spot::Event>();
    ~Ending() { over->set(); }
  };
  const Ending ending;
  asio::co_spawn(co_await asio::this_coro::executor, tell_progress(run, ending.over), asio::detached);
  const Answer<void> checked = co_await run->check->run(found);
  if (!checked) co_return checked;
  const Answer<void> told = co_await tell(run, progress_line(*run));
  if (!told) co_return told;
  const Run::Counts counts = run->counts.with([](const Run::Counts& all_counts) { return all_counts; });
  json::object summary{{"event", "summary"}};
  summary["files"] = run->check->done().files;
  summary["bytes"] = run->check->done().bytes;
  summary["faults"] = counts.faulty;
  summary["restored"] = counts.restored;
  if (run->sweeps) {
    const Answer<Swept> swept = co_await run->disk->index->sweep();
    // What a lost index names is not known: that is a fault above, and no other one.
    if (swept) {
      summary["swept"] = swept->blobs;
      summary["trash"] = swept->left;
    } else {
      summary["not_swept"] = swept.error().code.message();
    }
  }
  const Answer<void> summed = co_await tell(run, std::move(summary));
  if (!summed || counts.faulty == 0) co_return summed;
  const std::string what = counts.faulty == 1 ? "1 is not whole" : std::to_string(counts.faulty) + " are not whole";
  co_return Failure{std::make_error_code(std::errc::bad_message), what + ", see above"};
}

struct What {
  bool repairs = false, accepts = false, sweeps = false;
};

asio::awaitable<Answer<void>> start(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, What what) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const auto run = std::make_shared<Run>();
  run->control = control;
  run->disk = *disk;
  run->exchange = exchange;
  run->repairs = what.repairs;
  run->sweeps = what.sweeps;
  run->check = std::make_shared<DiskCheck>(*disk, control->executor, control->only_files);
  // What is not stored yet is no fault.
  const Result<void> stored = co_await (*disk)->flush();
  if (!stored) co_return Failure{stored.error()};
  if (what.accepts) {
    const Answer<void> accepted = co_await accept_older(run);
    if (!accepted) co_return accepted;
  }
  co_return co_await check_all(run);
}

}  // namespace

Outcome run_check(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  What what;
  for (const std::string& word : arguments) {
    if (word == "repair")
      what.repairs = true;
    else if (word == "accept-older")
      what.accepts = true;
    else
      co_return Failure{Errc::bad_argument, "\"" + spot::printable(word) + "\" is neither repair nor accept-older"};
  }
  co_return co_await start(control, exchange, what);
}

Outcome run_scrub(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words) {
  What what;
  what.sweeps = true;
  return start(std::move(control), std::move(exchange), what);
}

}  // namespace spotfs::tree
