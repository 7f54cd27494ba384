#include "client/proto/binding.hpp"

#include <algorithm>

#include "client/proto/address.hpp"

namespace spot {
namespace {

// The same place, whatever server the addresses name.
bool same_address(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto left = Address::parse(a);
  const auto right = Address::parse(b);
  return left && right && left->kind == AddressKind::identity &&
         left->canonical_target() == right->canonical_target() && left->endpoint == right->endpoint &&
         left->rest == right->rest;
}

std::uint64_t milliseconds(Clock::Wall time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return since < 0 ? 0 : static_cast<std::uint64_t>(since);
}

// A field that is there must have the right type and value.
template <class Matches>
bool agrees(const Header& header, std::string_view key, Matches matches) {
  return !header.contains(key) || matches();
}

bool is_in_time(const Header& header, Clock::Wall now) {
  const auto sent = header.number("t");
  if (!sent) return false;
  const std::uint64_t present = milliseconds(now);
  const std::uint64_t apart = *sent > present ? *sent - present : present - *sent;
  return apart <= static_cast<std::uint64_t>(std::chrono::milliseconds{kBindingWindow}.count());
}

}  // namespace

Bytes binding_header(const Message& packet, std::string_view recipient, std::string_view sender, Clock::Wall now) {
  cbor::Writer writer;
  writer.put_map(6);
  writer.put_text("ct").put_text(kMessageType);
  writer.put_text("mid").put_bytes(packet.id);
  writer.put_text("flg").put(packet.flags);
  writer.put_text("dst").put_text(recipient);
  writer.put_text("rto").put_text(sender);
  writer.put_text("t").put(milliseconds(now));
  return writer.take();
}

bool is_message_header(const Header& header) { return header.text("ct") == kMessageType; }

Result<void> check_binding(const Header& header, const Message& packet, Clock::Wall now, bool required) {
  if (const auto type = header.text("ct"); type ? type->starts_with("spotfs/") : header.contains("ct"))
    return fail(Errc::refused);
  if (required) {
    for (const auto* key : {"mid", "flg", "dst", "rto", "t"}) {
      if (!header.contains(key)) return fail(Errc::refused);
    }
    if (!is_message_header(header)) return fail(Errc::refused);
  }
  const bool bound = agrees(header, "mid",
                            [&] {
                              const auto id = header.bytes("mid");
                              return id && equal(*id, packet.id);
                            }) &&
                     agrees(header, "flg", [&] { return header.number("flg") == packet.flags; }) &&
                     agrees(header, "dst",
                            [&] {
                              const auto to = header.text("dst");
                              return to && same_address(*to, packet.recipient);
                            }) &&
                     agrees(header, "rto", [&] {
                       const auto from = header.text("rto");
                       return from && same_address(*from, packet.sender);
                     });
  if (!bound) return fail(Errc::wrong_name);
  if (header.contains("t") && !is_in_time(header, now)) return fail(Errc::replay);
  return {};
}

}  // namespace spot
