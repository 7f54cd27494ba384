// What the decoders of this layer do with bad input of every kind.
#include "tests/unit/bad_input.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "client/proto/binding.hpp"
#include "client/proto/handshake.hpp"
#include "client/proto/packet.hpp"

namespace spot {
namespace {

using cbor::Writer;
using Names = std::vector<std::string>;

Bytes handshake() {
  Writer out;
  out.put_map(6).put_text("rdy").put_bool(false).put_text("srv").put_text("s1").put_text("cid").put_text("s1.7");
  out.put_text("rnd").put_bytes(Bytes(32, 7)).put_text("grp").put_array(1).put_bytes(view("membership"));
  return out.put_text("tls").put_bytes(Bytes(32, 9)).take();
}

Message message() {
  Message out;
  out.recipient = "k.abc/x";
  out.sender = "/y";
  out.body = to_bytes("body");
  return out;
}

const auto decode_a_handshake = [](BytesView bytes) { return decode_handshake(bytes).has_value(); };
const auto decode_a_message = [](BytesView bytes) { return decode_message(bytes).has_value(); };
const auto decode_a_packet = [](BytesView bytes) { return decode_packet(bytes).has_value(); };
const auto parse_an_address = [](BytesView bytes) { return Address::parse(as_text(bytes)).has_value(); };

TEST(BadHandshake, IsRefused) { expect_refusals(handshake(), decode_a_handshake); }

TEST(BadHandshake, WithAFieldOfAnotherTypeIsRefused) {
  EXPECT_EQ(taken(wrong_types(handshake()), decode_a_handshake), (Names{"0 as true", "4 as null"}));
}

TEST(BadHandshake, IsRefusedWhateverByteIsChangedUnlessItStillIsOne) {
  const Bytes good = handshake();
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes changed = good;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
      // What is signed is a map of texts, which is neither a bottle (an array) nor a card (a map of integers).
      if (decode_a_handshake(changed)) {
        EXPECT_EQ(changed[0] >> 5, 5);
        EXPECT_EQ(changed[1] >> 5, 3);
      }
    }
  }
}

TEST(BadMessage, IsRefusedUpToItsBody) {
  const Bytes good = encode_message(message()).value();
  std::vector<BadInput> cut = truncated(good);
  std::erase_if(cut, [&](const BadInput& input) { return input.bytes.size() >= good.size() - 4; });
  EXPECT_EQ(taken(cut, decode_a_message), Names{});
}

// Each varint as one that promises more than there is.
TEST(BadMessage, IsRefusedWhereALengthPromisesTooMuch) {
  const Bytes good = encode_message(message()).value();
  const std::size_t recipient = 17, sender = recipient + 1 + message().recipient.size();
  std::vector<BadInput> inputs;
  for (const std::size_t at : {recipient, sender}) {
    for (const char* length : {"7f", "8002", "8102", "ffff03", "ffffffff0f", "ffffffffffffffffff01", "8000", "80"}) {
      Bytes bytes{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(at)};
      append(bytes, from_hex(length).value());
      append(bytes, BytesView{good}.subspan(at + 1));
      inputs.push_back({std::to_string(at) + " as " + length, bytes});
    }
  }
  EXPECT_EQ(taken(inputs, decode_a_message), Names{});
}

TEST(BadMessage, ThatIsTooLargeIsRefusedWithoutACopy) {
  Bytes large = encode_message(message()).value();
  large.resize(10 << 20);
  const std::size_t before = allocated_bytes();
  EXPECT_FALSE(decode_a_message(large));
  EXPECT_FALSE(decode_a_packet(large));
  EXPECT_LT(allocated_bytes() - before, 1'000U);
}

TEST(BadPacket, OfAnotherTypeOrVersionIsRefused) {
  std::vector<BadInput> inputs;
  for (int first = 3; first < 256; ++first)
    inputs.push_back({std::to_string(first), {static_cast<std::uint8_t>(first), 0xA0}});
  inputs.push_back({"nothing", {}});
  EXPECT_EQ(taken(inputs, decode_a_packet), Names{});
}

TEST(BadAddress, IsRefusedWhenItsTargetIsTruncated) {
  const std::string hash = "WbGGmxhIVIK1b5J2VvrqDQLAW1YzKAID7hIOlxQkPvA";
  for (const std::string& target : {"k." + hash, "k.srv." + hash, "g." + hash}) {
    const Bytes good = to_bytes(target);
    ASSERT_TRUE(parse_an_address(good));
    EXPECT_EQ(taken(truncated(good), parse_an_address), Names{}) << target;
  }
}

TEST(BadAddress, ThatIsTooLongIsRefused) {
  std::vector<BadInput> inputs;
  for (const char fill : {'k', '.', '/', '@', '\0'})
    inputs.push_back({std::string(1, fill), Bytes(1 << 20, static_cast<std::uint8_t>(fill))});
  EXPECT_EQ(taken(inputs, parse_an_address), Names{});
}

TEST(BadBinding, IsRefused) {
  Message packet = message();
  const Clock::Wall now{std::chrono::seconds{1'790'000'000}};
  const Bytes good = binding_header(packet, packet.recipient, packet.sender, now);
  const auto holds = [&](BytesView bytes) {
    const Result<Header> header = Header::parse(bytes);
    return header && check_binding(*header, packet, now, true);
  };
  expect_refusals(good, holds);
  EXPECT_EQ(taken(wrong_types(good), holds), Names{});
}

}  // namespace
}  // namespace spot
