#include "fs/index/stamp.hpp"

#include <algorithm>
#include <chrono>

#include "client/base/encoding.hpp"

namespace spotfs {

using spot::fail;

namespace {

constexpr std::uint64_t kLastMillisecond = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

std::uint64_t clock_bits(const Stamp& stamp) noexcept { return stamp.milliseconds() << 16 | stamp.step(); }

}  // namespace

Stamp Stamp::of(std::uint64_t milliseconds, std::uint16_t step, RunPrefix run) noexcept {
  Stamp out;
  for (std::size_t i = 0; i < 6; ++i) out.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
  out.bytes[6] = static_cast<std::uint8_t>(step >> 8);
  out.bytes[7] = static_cast<std::uint8_t>(step);
  std::ranges::copy(run, out.bytes.begin() + 8);
  return out;
}

std::uint64_t Stamp::milliseconds() const noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 6; ++i) out = out << 8 | bytes[i];
  return out;
}

std::uint16_t Stamp::step() const noexcept { return static_cast<std::uint16_t>(bytes[6] << 8 | bytes[7]); }

RunPrefix Stamp::run() const noexcept { return {bytes[8], bytes[9], bytes[10], bytes[11]}; }

Stamp stamp_of(const Clock& clock, std::chrono::nanoseconds ago) noexcept {
  const auto moment = clock.wall().time_since_epoch() - ago;
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(moment).count();
  return Stamp::of(static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds, 0)), 0, {});
}

Time time_of(const Stamp& stamp) noexcept {
  const std::uint64_t ms = stamp.milliseconds();
  return {static_cast<std::int64_t>(ms / 1000), static_cast<std::uint32_t>(ms % 1000 * 1'000'000 + stamp.step() * 15u)};
}

std::string to_text(const Stamp& stamp) { return spot::hex(stamp.bytes); }

void encode(cbor::Writer& to, const Stamp& stamp) { to.put_bytes(stamp.bytes); }

void encode(cbor::Writer& to, const Version& version) {
  if (version)
    encode(to, *version);
  else
    to.put_null();
}

void encode(cbor::Writer& to, const Time& time) { to.put_array(2).put_integer(time.seconds).put(time.nanoseconds); }

Result<Stamp> decode_stamp(cbor::Reader& from) {
  const Result<BytesView> bytes = from.read_bytes();
  Stamp out;
  if (!bytes || bytes->size() != out.bytes.size()) return fail(Errc::malformed);
  std::ranges::copy(*bytes, out.bytes.begin());
  if (out.milliseconds() > kLastMillisecond) return fail(Errc::malformed);
  return out;
}

Result<Version> decode_version(cbor::Reader& from) {
  if (from.take_null()) return Version{};
  const Result<Stamp> stamp = decode_stamp(from);
  if (!stamp) return stamp.error();
  return Version{*stamp};
}

Result<Time> decode_time(cbor::Reader& from) {
  const Result<std::size_t> fields = from.read_array();
  if (!fields || *fields != 2) return fail(Errc::malformed);
  const Result<std::int64_t> seconds = from.read_integer();
  const Result<std::uint64_t> nanoseconds = seconds ? from.read_unsigned() : Result<std::uint64_t>{seconds.error()};
  if (!nanoseconds || *nanoseconds > 999'999'999) return fail(Errc::malformed);
  return Time{*seconds, static_cast<std::uint32_t>(*nanoseconds)};
}

Stamp HybridClock::next() noexcept {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock_->wall()).time_since_epoch().count();
  const auto wall = static_cast<std::uint64_t>(std::clamp<std::int64_t>(now, 0, std::int64_t{kLastMillisecond})) << 16;
  last_ = std::max(wall, last_ + 1);
  return Stamp::of(last_ >> 16, static_cast<std::uint16_t>(last_), run_);
}

void HybridClock::see(const Stamp& stamp) noexcept { last_ = std::max(last_, clock_bits(stamp)); }

}  // namespace spotfs
