// Stores and fetches a second of the relay's database, with 45 kB values and so many callers at once.
#include <filesystem>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "client/base/encoding.hpp"
#include "mount/relay/sqlite_database.hpp"

namespace spot::relay {
namespace {

constexpr std::size_t kValueSize = 45'525;  // a sealed chunk of 45,056 bytes
constexpr int kRound = 2'048;

struct Fixture {
  std::filesystem::path directory = std::filesystem::path{"relay_store_bench.data"};
  std::unique_ptr<SqliteDatabase> database;
  asio::io_context context;
  Bytes value = Bytes(kValueSize, 0x5A);
  std::vector<BlobName> stored;
  int left = 0;

  Fixture() {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    database = std::move(SqliteDatabase::open(directory / "relay.db", Quota{}).value());
  }
  ~Fixture() {
    database.reset();
    std::filesystem::remove_all(directory);
  }
};

BlobName fresh_name() { return {Sha256{}, to_bytes(".spotfs/c/" + base64url(random_array<16>()))}; }

asio::awaitable<void> store(Fixture& fixture) {
  while (fixture.left > 0) {
    --fixture.left;
    BlobName name = fresh_name();
    fixture.stored.push_back(name);
    const auto done = co_await fixture.database->store_blob(std::move(name), fixture.value);
    if (!done) std::abort();
  }
}

asio::awaitable<void> fetch(Fixture& fixture) {
  while (fixture.left > 0) {
    --fixture.left;
    const auto& name = fixture.stored[static_cast<std::size_t>(fixture.left) * 7919 % fixture.stored.size()];
    const auto found = co_await fixture.database->fetch_blob(name);
    if (!found || found->size() != kValueSize) std::abort();
  }
}

void run(Fixture& fixture, benchmark::State& state, asio::awaitable<void> (*work)(Fixture&)) {
  for (auto _ : state) {
    fixture.left = kRound;
    for (int i = 0; i < state.range(0); ++i) asio::co_spawn(fixture.context, work(fixture), asio::detached);
    fixture.context.restart();
    fixture.context.run();
  }
  state.SetItemsProcessed(state.iterations() * kRound);
}

void stores(benchmark::State& state) {
  Fixture fixture;
  run(fixture, state, store);
}

void fetches(benchmark::State& state) {
  Fixture fixture;
  fixture.left = kRound;
  for (int i = 0; i < 64; ++i) asio::co_spawn(fixture.context, store(fixture), asio::detached);
  fixture.context.run();
  run(fixture, state, fetch);
}

BENCHMARK(stores)->Arg(1)->Arg(16)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(fetches)->Arg(1)->Arg(64)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spot::relay
