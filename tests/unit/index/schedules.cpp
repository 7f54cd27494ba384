#include "tests/unit/index/schedules.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <sqlite3.h>

#include "tests/unit/index/only_woken.hpp"
#include "tests/unit/index/schedule_world.hpp"

namespace spotfs {

using namespace std::chrono_literals;

namespace {

std::shared_ptr<const spot::Keychain> one_identity() {
  static const std::shared_ptr<const spot::Keychain> keys = [] {
    std::vector<spot::PrivateKey> own{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(own)).value());
  }();
  return keys;
}

constexpr std::uint32_t kFirstChange = 44;  // of the kinds of steps

// A journal is one connection's alone: without locks that others see it takes less time.
void keep_locks_to_ourselves() {
  static const bool once = sqlite3_vfs_register(sqlite3_vfs_find("unix-excl"), 1) == SQLITE_OK;
  static_cast<void>(once);
}

}  // namespace

World::World(std::filesystem::path directory)
    : directory_{std::move(directory)}, removals_{[this](std::size_t writer) -> const DiskIndex* {
        return writers_[writer].index ? &disk(writers_[writer]) : nullptr;
      }} {
  keep_locks_to_ourselves();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directories(directory_);
  for (std::size_t i = 0; i < kWriters; ++i) writers_[i].state = directory_ / std::to_string(i);
  Writer maker;  // of the store
  maker.state = directory_ / "maker";
  maker.only_writer = true;
  if (mount(maker)) static_cast<void>(run(maker, maker.index->close()));
}

std::string World::run(const Schedule& schedule) {
  for (const Step& step : schedule) {
    take(step);
    if (!broken_.empty()) return broken_;
  }
  const auto has_snapshot = [](const Writer& writer) { return writer.index && writer.index->status().snapshot != 0; };
  counts_.snapshots = std::ranges::any_of(writers_, has_snapshot) ? 1 : 0;
  counts_.removals = removals_.count();
  return check();
}

bool World::mount(Writer& writer) {
  if (writer.index) return true;
  if (!writer.line) writer.line = std::make_shared<BadLine>(store_);
  writer.alarm.reset();
  writer.context = std::make_unique<asio::io_context>(1);
  IndexOptions options;
  options.store = writer.line;
  options.keys = one_identity();
  options.state = writer.state;
  options.source = "embedded:schedule";
  options.host = writer.state.filename();
  options.machine_id = writer.state.filename();
  options.refresh = options.commit = 1h;  // when a step says so
  options.snapshot_after = 8;
  options.snapshot_nodes = {600, 450, 150};  // so that there are many, of which a mount reads what is asked for
  options.clock = &writer.clock;
  options.only_writer = writer.only_writer;
  options.alarm = [&writer](const asio::any_io_executor& executor) {
    return writer.alarm = std::make_shared<OnlyWoken>(executor);
  };
  Answer<std::shared_ptr<Index>> opened = run(writer, Index::open(writer.context->get_executor(), std::move(options)));
  if (opened) writer.index = std::move(*opened);
  return opened.has_value();
}
void World::kill(Writer& writer) {
  writer.index.reset();
  writer.alarm.reset();
  writer.context.reset();
  writer.open.clear();
}

// --- What happens ----------------------------------------------------------------------------------------------------

void World::pass(std::chrono::nanoseconds time) {
  for (Writer& writer : writers_) writer.clock.now += time;
}
void World::poll(Writer& writer, std::uint32_t handlers) {
  writer.context->restart();
  while (handlers-- != 0 && writer.context->poll_one() != 0) {
  }
}
// As a backup that is put on a new machine: with what the journal held then.
void World::copy_state(Writer& from) {
  const auto is_new = [](const Writer& writer) { return !std::filesystem::exists(writer.state); };
  const auto to = std::ranges::find_if(writers_, is_new);
  if (to == writers_.end() || !std::filesystem::exists(from.state)) return;
  kill(from);
  removals_.copy(static_cast<std::size_t>(&from - writers_.data()));
  std::filesystem::copy(from.state, to->state, std::filesystem::copy_options::recursive);
}

// Once one is due, until some of its nodes are in the store, and it does not count yet.
void World::kill_within_snapshot(Writer& writer, Random& random) {
  if (!mount(writer)) return;
  const bool is_daily = random() % 2 == 0;
  pass(is_daily ? 25h : std::chrono::nanoseconds{2min});
  had_long_pause_ = had_long_pause_ || is_daily;
  static_cast<void>(run(writer, writer.index->refresh()));
  pass(31s);
  const IndexStatus before = writer.index->status();
  writer.alarm->wake();
  for (int handlers = 0; handlers < 1'000; ++handlers) {
    poll(writer, 1);
    const IndexStatus now = writer.index->status();
    if (now.snapshot != before.snapshot) break;
    if (now.trash == before.trash) continue;
    poll(writer, static_cast<std::uint32_t>(random() % 10));
    if (writer.index->status().snapshot == before.snapshot) ++counts_.cut;
    break;
  }
  kill(writer);
}

void World::retire(Writer& writer, Random& random) {
  const std::vector<WriterStatus> others = writer.index->status().others;
  if (!others.empty()) static_cast<void>(run(writer, writer.index->retire(others[random() % others.size()].id)));
}

void World::take(const Step& step) {
  Random random{step.seed};
  pass(std::chrono::milliseconds{random() % 1'000});
  Writer& writer = writers_[step.writer];
  const std::uint32_t kind = step.kind % 100;
  if (kind < 3) {
    kill(writer);
  } else if (kind < 4) {
    kill_within_snapshot(writer, random);
  } else if (kind < 6) {
    copy_state(writer);
  } else if (kind < 8) {
    writer.clock.skew = std::chrono::minutes{random() % 120} - 1h;
  } else if (kind < 12) {
    pass(std::chrono::seconds{random() % 200});
  } else if (kind < 13) {
    pass(std::chrono::hours{random() % 60});
    had_long_pause_ = true;
  } else if (kind < 15) {
    if (writer.line) writer.line->deliver();
  } else if (mount(writer)) {
    if (kind < kFirstChange)
      act(writer, kind, step.seed, random);
    else
      change(writer, kind, random);
  }
}
// What it hears of others it hears now, not between its look at a name and what it does to it.
void World::look(Writer& writer) {
  static_cast<void>(entries(writer, kRoot));
  poll(writer, 100'000);
}
void World::act(Writer& writer, std::uint32_t kind, std::uint32_t step_seed, Random& random) {
  Index& index = *writer.index;
  if (kind < 25) {
    if (run(writer, index.commit())) removals_.commit(static_cast<std::size_t>(&writer - writers_.data()));
    compute_afresh(writer);
  } else if (kind < 34) {
    static_cast<void>(run(writer, index.refresh()));
    compute_afresh(writer);
  } else if (kind < 35) {
    static_cast<void>(run(writer, index.sweep()));
  } else if (kind < 38) {
    poll(writer, static_cast<std::uint32_t>(random() % 200));
  } else if (kind < 39) {
    retire(writer, random);
  } else if (kind < 41) {
    static_cast<void>(run(writer, index.close()));
    kill(writer);
  } else {
    writer.line->set_quality(random() % 2 == 0 ? 0 : 25, step_seed);
  }
}
void World::change(Writer& writer, std::uint32_t kind, Random& random) {
  look(writer);
  const Ledger& ledger = disk(writer).ledger();
  const Stamp before = ledger.read_history([](const History& history) { return history.last(); });
  if (kind < 60) {
    make(writer, random);
  } else if (kind < 75) {
    open_or_write(writer, random);
  } else if (kind < 84) {
    remove(writer, random);
  } else if (kind < 92) {
    move(writer, random);
  } else if (kind < 95) {
    exchange(writer, random);
  } else if (kind < 97) {
    link(writer, random);
  } else if (kind < 98) {
    copy(writer, random);
  } else {
    set(writer, random);
  }
  std::vector<Operation> done;
  ledger.read_history([&](const History& history) {
    for (std::size_t i = history.size(); i > 0 && history.operation(i - 1).stamp > before; --i)
      done.insert(done.begin(), history.operation(i - 1));
  });
  for (const Operation& operation : done) removals_.add(static_cast<std::size_t>(&writer - writers_.data()), operation);
}

std::string run_schedule(const Schedule& schedule, const std::filesystem::path& directory, ScheduleCounts* counts) {
  World world{directory};
  std::string broken = world.run(schedule);
  if (counts) {
    counts->afresh += world.counts().afresh;
    counts->removals += world.counts().removals;
    counts->snapshots += world.counts().snapshots;
    counts->cut += world.counts().cut;
  }
  return broken;
}

}  // namespace spotfs
