#include "client/proto/packet.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "client/base/encoding.hpp"

namespace spot {
namespace {

Message message() {
  Message out;
  std::iota(out.id.begin(), out.id.end(), std::uint8_t{1});
  out.flags = flag::response | flag::not_bottle;
  out.recipient = "@/time";
  out.sender = "/0";
  out.body = to_bytes("body");
  return out;
}

// The id, then what the caller appends.
Bytes after_id(std::string_view rest_in_hex) {
  Bytes out(16);
  append(out, from_hex(rest_in_hex).value());
  return out;
}

TEST(Packet, KeepsTypeAndBody) {
  const Bytes encoded = encode_packet(PacketType::message, view("x"));
  const Packet packet = decode_packet(encoded).value();
  EXPECT_EQ(packet.type, PacketType::message);
  EXPECT_EQ(to_string(packet.body), "x");
}

TEST(Packet, MayBeWithoutBody) { EXPECT_TRUE(decode_packet(Bytes{0})->body.empty()); }

TEST(Packet, RefusesNothingAnotherTypeAndAnotherVersion) {
  EXPECT_EQ(decode_packet({}).error(), Errc::malformed);
  for (const auto* first : {"03", "0f", "10", "12", "ff"})
    EXPECT_EQ(decode_packet(from_hex(first).value()).error(), Errc::malformed) << first;
}

TEST(Packet, HasAtMostOneMebibyte) {
  Bytes bytes(kMaxPacketSize);
  EXPECT_TRUE(decode_packet(bytes));
  bytes.push_back(0);
  EXPECT_EQ(decode_packet(bytes).error(), Errc::too_large);
}

TEST(Message, HasTheLayoutOfTheOtherClients) {
  EXPECT_EQ(hex(encode_message(message()).value()),
            "0102030405060708090a0b0c0d0e0f1005"
            "06402f74696d65"
            "022f30"
            "626f6479");
}

TEST(Message, ComesBackFromItsBytes) {
  const Bytes encoded = encode_message(message()).value();
  const Message decoded = decode_message(encoded).value();
  EXPECT_EQ(decoded.id, message().id);
  EXPECT_EQ(decoded.flags, 5U);
  EXPECT_TRUE(decoded.has(flag::not_bottle));
  EXPECT_FALSE(decoded.has(flag::error));
  EXPECT_EQ(decoded.recipient, "@/time");
  EXPECT_EQ(decoded.sender, "/0");
  EXPECT_EQ(to_string(decoded.body), "body");
}

TEST(Message, RefusesTruncatedBytes) {
  const Bytes encoded = encode_message(message()).value();
  for (std::size_t size = 0; size < encoded.size() - 4; ++size)
    EXPECT_EQ(decode_message(BytesView{encoded}.first(size)).error(), Errc::malformed) << size;
}

TEST(Message, RefusesNamesBeyond256Bytes) {
  Message long_name = message();
  long_name.recipient.assign(256, 'x');
  EXPECT_TRUE(decode_message(encode_message(long_name).value()));
  long_name.recipient.push_back('x');
  EXPECT_EQ(encode_message(long_name).error(), Errc::too_large);
  EXPECT_EQ(decode_message(after_id("00"
                                    "8102"))
                .error(),
            Errc::too_large);
}

// A length that would wrap around when it is added to a position.
TEST(Message, RefusesLengthsNearTheEndOf64Bits) {
  EXPECT_EQ(decode_message(after_id("00"
                                    "ffffffffffffffffff01"))
                .error(),
            Errc::too_large);
  EXPECT_EQ(decode_message(after_id("00"
                                    "00"
                                    "ffffffffffffffffff01"))
                .error(),
            Errc::too_large);
}

TEST(Message, RefusesLengthsBeyondTheEnd) {
  EXPECT_EQ(decode_message(after_id("00"
                                    "0161"
                                    "0261"))
                .error(),
            Errc::malformed);
}

TEST(Message, RefusesVarintsThatAreOverlongOrTooBig) {
  EXPECT_EQ(decode_message(after_id("8000"
                                    "00"
                                    "00"))
                .error(),
            Errc::malformed);
  EXPECT_EQ(decode_message(after_id("ffffffffffffffffff02"
                                    "00"
                                    "00"))
                .error(),
            Errc::malformed);
  EXPECT_EQ(decode_message(after_id("ffffffffffffffffffff01"
                                    "00"
                                    "00"))
                .error(),
            Errc::malformed);
  EXPECT_TRUE(
      decode_message(after_id("ffffffffffffffffff01"
                              "00"
                              "00")));
}

TEST(Message, RefusesNamesThatAreNotUtf8) {
  EXPECT_EQ(decode_message(after_id("00"
                                    "01ff"
                                    "00"))
                .error(),
            Errc::malformed);
  EXPECT_EQ(decode_message(after_id("00"
                                    "00"
                                    "02c080"))
                .error(),
            Errc::malformed);
}

TEST(Message, HasABodyOfAtMost65535Bytes) {
  Message big = message();
  big.body.resize(kMaxBodySize);
  Bytes encoded = encode_message(big).value();
  EXPECT_TRUE(decode_message(encoded));
  encoded.push_back(0);
  EXPECT_EQ(decode_message(encoded).error(), Errc::too_large);
  big.body.push_back(0);
  EXPECT_EQ(encode_message(big).error(), Errc::too_large);
}

}  // namespace
}  // namespace spot
