// Stamps order all operations of all writers; the stamp that made an inode is its id.
//
// A stamp is a hybrid clock (48 bits of ms since 1970, 16 of a counter) and the first four bytes of its writer's run;
// stamps compare as bytes. Thread: values; a HybridClock belongs to its owner's lock. Source: files.md, "Stamp".
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "client/base/bytes.hpp"
#include "client/base/clock.hpp"
#include "client/base/result.hpp"
#include "client/bottle/cbor.hpp"

namespace spotfs {

using spot::ByteArray;
using spot::Bytes;
using spot::BytesView;
using spot::Clock;
using spot::Errc;
using spot::Result;
namespace cbor = spot::cbor;

using RunPrefix = ByteArray<4>;

struct Stamp {
  ByteArray<12> bytes{};

  static Stamp of(std::uint64_t milliseconds, std::uint16_t step, RunPrefix run) noexcept;
  std::uint64_t milliseconds() const noexcept;  // since 1970
  std::uint16_t step() const noexcept;
  RunPrefix run() const noexcept;

  auto operator<=>(const Stamp&) const = default;
};

using InodeId = Stamp;
using Version = std::optional<Stamp>;  // none: a file that never had content, or what is no file

namespace detail {
constexpr InodeId fixed_id(std::uint8_t last) noexcept {
  InodeId id;
  id.bytes[11] = last;
  return id;
}
}  // namespace detail

inline constexpr InodeId kRoot = detail::fixed_id(0);
inline constexpr InodeId kBlobs = detail::fixed_id(1);      // the root of blobs/
inline constexpr InodeId kLostFound = detail::fixed_id(2);  // shown in the root while it is not empty

// A time of a file: seconds since 1970 and nanoseconds.
struct Time {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;  // below 1,000,000,000

  auto operator<=>(const Time&) const = default;
};

// The time that an operation gives: its ms, and 15 ns for each step of the counter.
Time time_of(const Stamp& stamp) noexcept;

std::string to_text(const Stamp& stamp);  // 24 hex digits

void encode(cbor::Writer& to, const Stamp& stamp);
void encode(cbor::Writer& to, const Version& version);  // null for none
void encode(cbor::Writer& to, const Time& time);
Result<Stamp> decode_stamp(cbor::Reader& from);  // refuses times after the year 9999, as nothing can be later than them
Result<Version> decode_version(cbor::Reader& from);
Result<Time> decode_time(cbor::Reader& from);

// Since 1970, as the journal keeps them.
inline std::int64_t unix_seconds(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.wall().time_since_epoch()).count();
}

inline std::int64_t unix_seconds(const Stamp& stamp) noexcept {
  return static_cast<std::int64_t>(stamp.milliseconds() / 1000);
}

// The first one of that time ago: all that is less is older.
Stamp stamp_of(const Clock& clock, std::chrono::nanoseconds ago) noexcept;

// Gives stamps that are later than all that were seen, whatever the machine's clock does.
class HybridClock {
 public:
  HybridClock(const Clock& clock, RunPrefix run) noexcept : clock_{&clock}, run_{run} {}

  Stamp next() noexcept;
  void see(const Stamp& stamp) noexcept;
  RunPrefix run() const noexcept { return run_; }
  void set_run(RunPrefix run) noexcept { run_ = run; }

 private:
  const Clock* clock_;
  RunPrefix run_;
  std::uint64_t last_ = 0;  // milliseconds << 16 | step
};

}  // namespace spotfs
