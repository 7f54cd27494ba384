// Seals and opens of 45,056 bytes with P-256 keys, on one core and on all of them. run.py sets them beside what
// `openssl speed` gives for the parts.
#include <benchmark/benchmark.h>

#include "client/bottle/sealed.hpp"

namespace spot {
namespace {

constexpr std::size_t kSize = 45'056;

struct Parts {
  Keychain keys = Keychain::of({PrivateKey::generate(KeyType::p256).value()}).value();
  std::vector<PublicKey> recipients{keys.self().public_key()};
  Bytes payload = Bytes(kSize, 0x5A);
  Bytes header{0xA0};
  Bytes sealed = seal(payload, header, recipients, keys.self()).value();
};

const Parts& parts() {
  static const Parts instance;
  return instance;
}

void seal(benchmark::State& state) {
  const Parts& p = parts();
  for (auto _ : state) {
    auto sealed = spot::seal(p.payload, p.header, p.recipients, p.keys.self());
    if (!sealed) state.SkipWithError("not sealed");
    benchmark::DoNotOptimize(sealed);
  }
  state.SetItemsProcessed(state.iterations());
}

void open(benchmark::State& state) {
  const Parts& p = parts();
  for (auto _ : state) {
    auto opened = open_sealed(p.sealed, p.keys, p.recipients);
    if (!opened) state.SkipWithError("not opened");
    benchmark::DoNotOptimize(opened);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(seal)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(open)->ThreadRange(1, 2)->UseRealTime();

}  // namespace
}  // namespace spot
