// Packets of the WebSocket connection, and the instant messages inside (protocol.md, section 4).
//
// Thread: values. Lifetime: decoded views borrow the packet. Errors: malformed, too_large.
#pragma once

#include <string>
#include <string_view>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"
#include "client/crypto/hash.hpp"

namespace spot {

inline constexpr std::size_t kMaxPacketSize = 1 << 20;
inline constexpr std::size_t kMaxBodySize = 65535;

enum class PacketType : std::uint8_t { ping = 0, handshake = 1, message = 2 };

struct Packet {
  PacketType type;
  BytesView body;
};

Result<Packet> decode_packet(BytesView bytes);  // version 0 and the three types alone
Bytes encode_packet(PacketType type, BytesView body);

namespace flag {
inline constexpr std::uint64_t response = 1, error = 2, not_bottle = 4;
}

struct Message {
  Uuid id{};
  std::uint64_t flags = 0;
  std::string recipient;
  std::string sender;
  Bytes body;

  bool has(std::uint64_t f) const noexcept { return (flags & f) != 0; }
};

Result<Message> decode_message(BytesView body);
Result<Bytes> encode_message(const Message& message);  // the body of a packet of type message

}  // namespace spot
