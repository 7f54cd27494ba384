#include "tests/unit/index/schedules.hpp"

#include <algorithm>

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

World::World(std::filesystem::path directory) : directory_{std::move(directory)} {
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
  for (const Step& step : schedule) take(step);
  return check();
}

bool World::mount(Writer& writer) {
  if (writer.index) return true;
  if (!writer.line) writer.line = std::make_shared<BadLine>(store_);
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
  options.clock = &writer.clock;
  options.only_writer = writer.only_writer;
  options.alarm = [](const asio::any_io_executor& executor) { return std::make_shared<OnlyWoken>(executor); };
  Answer<std::shared_ptr<Index>> opened = run(writer, Index::open(writer.context->get_executor(), std::move(options)));
  if (opened) writer.index = std::move(*opened);
  return opened.has_value();
}
void World::kill(Writer& writer) {
  writer.index.reset();
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
  std::filesystem::copy(from.state, to->state, std::filesystem::copy_options::recursive);
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
  if (kind < 4) {
    kill(writer);
  } else if (kind < 6) {
    copy_state(writer);
  } else if (kind < 8) {
    writer.clock.skew = std::chrono::minutes{random() % 120} - 1h;
  } else if (kind < 12) {
    pass(std::chrono::seconds{random() % 200});
  } else if (kind < 13) {
    pass(std::chrono::hours{random() % 60});
  } else if (kind < 15) {
    if (writer.line) writer.line->deliver();
  } else if (mount(writer)) {
    if (kind >= kFirstChange) look(writer);
    act(writer, kind, step.seed, random);
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
    static_cast<void>(run(writer, index.commit()));
  } else if (kind < 34) {
    static_cast<void>(run(writer, index.refresh()));
  } else if (kind < 35) {
    static_cast<void>(run(writer, index.sweep()));
  } else if (kind < 38) {
    poll(writer, static_cast<std::uint32_t>(random() % 200));
  } else if (kind < 39) {
    retire(writer, random);
  } else if (kind < 41) {
    static_cast<void>(run(writer, index.close()));
    kill(writer);
  } else if (kind < kFirstChange) {
    writer.line->set_quality(random() % 2 == 0 ? 0 : 25, step_seed);
  } else if (kind < 60) {
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
}

std::string run_schedule(const Schedule& schedule, const std::filesystem::path& directory) {
  World world{directory};
  return world.run(schedule);
}

}  // namespace spotfs
