// A process that stores is killed; whatever it said to be stored must be there.
#include <csignal>

#include <boost/asio/detached.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/relay/database_fixture.hpp"

namespace spot::relay {
namespace {

constexpr std::uint32_t kWriters = 32;
constexpr std::size_t kValueSize = 20'000;

Bytes key_of(std::uint32_t writer) { return to_bytes("writer " + std::to_string(writer)); }

Bytes value_of(std::uint32_t writer, std::uint32_t round) {
  Bytes value;
  append_be(value, round);
  value.resize(kValueSize, static_cast<std::uint8_t>(writer + round));
  return value;
}

struct Acknowledged {
  std::uint32_t writer;
  std::uint32_t round;
};

bool report(int to, const Acknowledged& record) { return ::write(to, &record, sizeof record) == sizeof record; }

// Overwrites its key for ever, and reports each value that is stored.
asio::awaitable<void> store_for_ever(SqliteDatabase& database, std::uint32_t writer, std::uint32_t first, int reports) {
  for (std::uint32_t round = first;; ++round) {
    BlobName name{identity(1), key_of(writer)};
    const auto stored = co_await database.store_blob(std::move(name), value_of(writer, round));
    if (!stored || !report(reports, {writer, round})) ::_exit(1);
  }
}

[[noreturn]] void child(const std::filesystem::path& file, const std::vector<std::uint32_t>& rounds, int reports) {
  auto database = SqliteDatabase::open(file, Quota{});
  if (!database) ::_exit(1);
  asio::io_context context;
  for (std::uint32_t i = 0; i < kWriters; ++i)
    asio::co_spawn(context, store_for_ever(**database, i, rounds[i] + 1, reports), asio::detached);
  context.run();
  ::_exit(1);
}

TEST(Crash, LosesNothingThatWasAcknowledged) {
  const TemporaryDirectory directory;
  const auto file = directory.path / "relay.db";
  std::vector<std::uint32_t> rounds(kWriters, 0);
  for (int run = 0; run < 20; ++run) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) child(file, rounds, ends[1]);
    ::close(ends[1]);

    // Killed after a random number of acknowledgements; those on the way count too.
    const int kill_after = 1 + random_array<1>()[0] * 8;
    Acknowledged record{};
    for (int seen = 0; ::read(ends[0], &record, sizeof record) == sizeof record; ++seen) {
      rounds[record.writer] = record.round;
      if (seen == kill_after) ::kill(pid, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";

    const auto database = SqliteDatabase::open(file, Quota{});
    ASSERT_TRUE(database);
    asio::io_context context;
    for (std::uint32_t i = 0; i < kWriters; ++i) {
      if (rounds[i] == 0) continue;
      const auto value = wait_for(context, (*database)->fetch_blob({identity(1), key_of(i)}));
      ASSERT_TRUE(value) << "writer " << i << " in run " << run;
      BytesView front = *value;
      const auto round = take_be<std::uint32_t>(front);
      ASSERT_TRUE(round);
      EXPECT_GE(*round, rounds[i]);  // one that was stored and not reported yet may be there
      EXPECT_EQ(*value, value_of(i, *round));
      rounds[i] = *round;
    }
  }
}

}  // namespace
}  // namespace spot::relay
