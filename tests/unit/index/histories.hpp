// Histories to test with: those of tests/vectors/apply.json, and random ones.
#pragma once

#include <random>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "fs/index/op.hpp"
#include "fs/index/state.hpp"

namespace spotfs {

struct VectorRow {
  std::vector<Operation> operations;  // in the order of their stamps
  boost::json::value state;           // after them, as apply.py prints it
};
const std::vector<VectorRow>& vector_rows();

// A state as apply.py prints it: what it does not have is left out.
boost::json::value to_json(const State& state);

// Every field of every inode, and every name: for comparing two states. Without times if `times` is false; inodes that
// are removed are left out if `removed` is false.
std::string describe(const State& state, bool times = true, bool removed = true);

// What must never be: names of nothing, wrong link counts, directories that are not exactly once below a fixed one.
// Empty: all is well.
std::string broken(const State& state);

inline State fresh_state() { return State{{}}; }

Stamp stamp_at(std::uint64_t milliseconds, std::uint16_t step = 0, std::uint8_t run = 1);
Reference reference_of(std::uint64_t number);  // each number another one

// Makes operations as one writer would that sees `state`. Applying them is the caller's.
class RandomWriter {
 public:
  RandomWriter(std::uint32_t seed, std::uint8_t run, std::uint64_t milliseconds = 1'790'000'000'000);

  Operation next(const State& state);
  void see(const Stamp& stamp) { last_ = std::max(last_, stamp.milliseconds()); }

 private:
  std::uint32_t below(std::uint32_t limit) {
    return std::uniform_int_distribution<std::uint32_t>{0, limit - 1}(random_);
  }
  std::optional<Action> plan(const State& state, const Stamp& stamp);

  std::mt19937 random_;
  std::uint8_t run_;
  std::uint64_t last_;
  std::uint64_t contents_ = 0;
};

}  // namespace spotfs
