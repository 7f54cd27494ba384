#include "client/proto/packet.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"

namespace spot {
namespace {

Result<std::string> take_name(BytesView& from) {
  const auto size = take_uvarint(from);
  if (!size) return size.error();
  if (*size > kMaxNameSize) return fail(Errc::too_large);
  if (*size > from.size()) return fail(Errc::malformed);
  const std::string_view name = as_text(from.first(*size));
  if (!is_utf8(name)) return fail(Errc::malformed);
  from = from.subspan(*size);
  return std::string{name};
}

void append_name(Bytes& to, std::string_view name) {
  append_uvarint(to, name.size());
  append(to, view(name));
}

}  // namespace

Result<Packet> decode_packet(BytesView bytes) {
  if (bytes.size() > kMaxPacketSize) return fail(Errc::too_large);
  // The version is the high half of the first byte, and 0.
  if (bytes.empty() || bytes[0] > static_cast<std::uint8_t>(PacketType::message)) return fail(Errc::malformed);
  return Packet{static_cast<PacketType>(bytes[0]), bytes.subspan(1)};
}

Bytes encode_packet(PacketType type, BytesView body) {
  Bytes packet;
  packet.reserve(1 + body.size());
  packet.push_back(static_cast<std::uint8_t>(type));
  append(packet, body);
  return packet;
}

Result<Message> decode_message(BytesView body) {
  Message message;
  if (body.size() < message.id.size()) return fail(Errc::malformed);
  std::ranges::copy(body.first(message.id.size()), message.id.begin());
  body = body.subspan(message.id.size());
  const auto flags = take_uvarint(body);
  if (!flags) return flags.error();
  message.flags = *flags;
  auto recipient = take_name(body);
  if (!recipient) return recipient.error();
  auto sender = take_name(body);
  if (!sender) return sender.error();
  if (body.size() > kMaxBodySize) return fail(Errc::too_large);
  message.recipient = std::move(*recipient);
  message.sender = std::move(*sender);
  message.body = to_bytes(body);
  return message;
}

Result<Bytes> encode_message(const Message& message) {
  if (message.recipient.size() > kMaxNameSize || message.sender.size() > kMaxNameSize ||
      message.body.size() > kMaxBodySize) {
    return fail(Errc::too_large);
  }
  Bytes out;
  out.reserve(message.id.size() + message.recipient.size() + message.sender.size() + message.body.size() + 16);
  append(out, message.id);
  append_uvarint(out, message.flags);
  append_name(out, message.recipient);
  append_name(out, message.sender);
  append(out, message.body);
  return out;
}

}  // namespace spot
