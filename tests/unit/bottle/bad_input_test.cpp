// What a decoder of this layer does with bad input of every kind.
#include "tests/unit/bad_input.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"
#include "client/bottle/id_card.hpp"
#include "client/bottle/sealed.hpp"
#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

using cbor::Writer;
using Names = std::vector<std::string>;

constexpr UnixSeconds kNow = 1'790'000'000;

Bytes header() {
  return Writer{}.put_map(3).put_text("a").put_text("x").put_text("b").put_bytes(view("y")).put_text("c").put(7).take();
}

Bottle full_bottle() {
  Bottle out;
  out.header = header();
  out.message = to_bytes("message");
  out.format = Format::aes;
  out.recipients = {{to_bytes("key"), to_bytes("wrapped")}, {to_bytes("key2"), to_bytes("wrapped2")}};
  out.signatures = {{to_bytes("key"), to_bytes("signature")}};
  return out;
}

Bytes membership() {
  return encode_membership(
      make_membership(key_of(KeyType::ed25519).public_key().pkix(), key_of(KeyType::p384), "valid", 5).value());
}

// A card with all that a card can have.
Bytes card() {
  const auto put_subkey = [](Writer& to, BytesView key) {
    to.put_map(4).put(1).put_bytes(key).put(2).put(5).put(3).put(kNow + 5).put(4).put_array(2);
    to.put_text("decrypt").put_text("sign");
  };
  Writer out;
  out.put_map(6).put(1).put_bytes(view("self")).put(2).put(kNow);
  put_subkey(out.put(3).put_array(1), view("subkey"));
  put_subkey(out.put(4).put_array(1), view("revoked"));
  out.put(5).put_array(1).put_item(membership());
  out.put(6).put_map(1).put_text("name").put_text("value");
  return out.take();
}

const auto decode_a_bottle = [](BytesView bytes) { return decode_bottle(bytes).has_value(); };
const auto parse_a_header = [](BytesView bytes) { return Header::parse(bytes).has_value(); };
const auto decode_a_card = [](BytesView bytes) { return IdCard::decode(bytes).has_value(); };
const auto decode_a_membership = [](BytesView bytes) { return decode_membership(bytes).has_value(); };
const auto decode_json = [](BytesView bytes) { return decode_json_bottle(as_text(bytes)).has_value(); };

TEST(BadBottle, IsRefused) { expect_refusals(encode_bottle(full_bottle()), decode_a_bottle); }

TEST(BadBottle, WithAFieldOfAnotherTypeIsRefused) {
  Names found = taken(wrong_types(encode_bottle(full_bottle())), decode_a_bottle);
  std::erase_if(found, [](const std::string& name) { return name.starts_with("0."); });  // of the header
  EXPECT_EQ(found, (Names{"0 as null", "1 as null", "3 as null", "4 as null"}));
}

TEST(BadBottle, WithTooManyEntriesIsRefused) {
  Bottle bottle = full_bottle();
  bottle.recipients.resize(kMaxRecipients);
  bottle.signatures.resize(kMaxSignatures);
  EXPECT_TRUE(decode_a_bottle(encode_bottle(bottle)));
  bottle.recipients.resize(kMaxRecipients + 1);
  EXPECT_FALSE(decode_a_bottle(encode_bottle(bottle)));
  bottle = full_bottle();
  bottle.signatures.resize(kMaxSignatures + 1);
  EXPECT_FALSE(decode_a_bottle(encode_bottle(bottle)));
}

TEST(BadBottle, OfAnUnknownFormatOrTypeIsRefused) {
  const auto of_format = [](std::uint64_t format) {
    return Writer{}.put_array(5).put_map(0).put_bytes({}).put(format).put_null().put_null().take();
  };
  EXPECT_TRUE(decode_a_bottle(of_format(3)));
  EXPECT_FALSE(decode_a_bottle(of_format(4)));
  const auto of_type = [](std::uint64_t type) {
    Writer out;
    out.put_array(5).put_map(0).put_bytes({}).put(2).put_array(1).put_array(3).put(type);
    return out.put_bytes({}).put_bytes({}).put_null().take();
  };
  EXPECT_TRUE(decode_a_bottle(of_type(0)));
  EXPECT_FALSE(decode_a_bottle(of_type(1)));
}

// Bottles in each other: what opens them goes down one level after the other.
TEST(BadBottle, SixteenLevelsAreOpenedAndNoMore) {
  Bottle bottle = clear_bottle(view("x"));
  for (std::size_t level = 1; level < kMaxBottleDepth; ++level) bottle = bottle_up(bottle);
  EXPECT_TRUE(open_bottle(encode_bottle(bottle), nullptr));
  EXPECT_EQ(open_bottle(encode_bottle(bottle_up(bottle)), nullptr).error(), Errc::malformed);
  for (int level = 0; level < 2'000; ++level) bottle = bottle_up(bottle);
  const Bytes deep = encode_bottle(bottle);
  EXPECT_EQ(taken({{"deep", deep}}, [](BytesView b) { return open_bottle(b, nullptr).has_value(); }), Names{});
}

TEST(BadHeader, IsRefused) { expect_refusals(header(), parse_a_header); }

TEST(BadHeader, WithAKeyThatIsNoTextIsRefused) {
  for (const std::string& name : taken(wrong_types(header()), parse_a_header))
    EXPECT_FALSE(name.starts_with("key") || name.starts_with("as")) << name;
}

TEST(BadHeader, GivesNoFieldOfAnotherType) {
  const Header parsed = Header::parse(header()).value();
  EXPECT_EQ(parsed.text("a"), "x");
  EXPECT_FALSE(parsed.bytes("a") || parsed.number("a"));
  EXPECT_FALSE(parsed.text("b") || parsed.number("b"));
  EXPECT_FALSE(parsed.text("c") || parsed.bytes("c"));
  EXPECT_FALSE(parsed.text("d") || parsed.bytes("d") || parsed.number("d") || parsed.contains("d"));
}

TEST(BadCard, IsRefused) { expect_refusals(card(), decode_a_card); }

TEST(BadCard, WithAFieldOfAnotherTypeIsRefused) {
  Names found = taken(wrong_types(card()), decode_a_card);
  // Times before 1970, and what may be null: an expiry, lists, and what a membership may leave out or hold.
  std::erase_if(found, [](const std::string& name) { return name.starts_with("4.0."); });
  EXPECT_EQ(found, (Names{"1 as negative", "2 as null", "2.0.1 as negative", "2.0.2 as negative", "2.0.2 as null",
                          "2.0.3 as null", "3 as null", "3.0.1 as negative", "3.0.2 as negative", "3.0.2 as null",
                          "3.0.3 as null", "4 as null", "5 as null"}));
}

TEST(BadCard, OfMoreThan64KibIsRefused) {
  const auto with_name = [](std::size_t size) {
    Writer out;
    out.put_map(3).put(1).put_bytes(view("self")).put(2).put(kNow);
    return out.put(6).put_map(1).put_text("name").put_text(std::string(size, 'x')).take();
  };
  EXPECT_TRUE(decode_a_card(with_name(65'000)));
  EXPECT_FALSE(decode_a_card(with_name(65'600)));
}

TEST(BadCard, WithTooManySubkeysIsRefused) {
  const auto with = [](std::size_t count) {
    Writer out;
    out.put_map(3).put(1).put_bytes(view("self")).put(2).put(kNow).put(3).put_array(count);
    for (std::size_t i = 0; i < count; ++i) out.put_map(1).put(1).put_bytes(view("key"));
    return out.take();
  };
  EXPECT_TRUE(decode_a_card(with(256)));
  EXPECT_FALSE(decode_a_card(with(257)));
}

TEST(BadCard, SignedAsItIsIsRefused) {
  const IdCard ours = IdCard::of(Keychain::of({key_of(KeyType::p256)}).value(), kNow);
  expect_refusals(ours.sign(key_of(KeyType::p256)).value(),
                  [](BytesView bytes) { return IdCard::load(bytes, kNow).has_value(); });
}

TEST(BadMembership, IsRefused) { expect_refusals(membership(), decode_a_membership); }

TEST(BadMembership, WithAFieldOfAnotherTypeIsRefused) {
  Names found = taken(wrong_types(membership()), decode_a_membership);
  std::erase_if(found, [](const std::string& name) { return name.starts_with("4 "); });  // info: any item
  EXPECT_EQ(found, (Names{"0 as null", "3 as negative"}));
}

TEST(BadMembership, OfMoreThan16KibIsRefused) {
  const auto with_info = [](std::size_t size) {
    Membership out = decode_membership(membership()).value();
    out.info = Writer{}.put_bytes(Bytes(size)).take();
    return encode_membership(out);
  };
  EXPECT_TRUE(decode_a_membership(with_info(15'000)));
  EXPECT_FALSE(decode_a_membership(with_info(16'384)));
}

std::vector<BadInput> bad_json(const std::vector<std::string>& texts) {
  std::vector<BadInput> out;
  for (const std::string& text : texts) out.push_back({text.substr(0, 80), to_bytes(text)});
  return out;
}

TEST(BadJsonBottle, IsRefusedWhenTruncatedOrContinued) {
  const Bytes json = to_bytes(encode_json_bottle(full_bottle()).value());
  ASSERT_TRUE(decode_json(json));
  std::vector<BadInput> inputs = truncated(json);
  inputs.push_back({"twice", json});
  append(inputs.back().bytes, json);
  EXPECT_EQ(taken(inputs, decode_json), Names{});
}

TEST(BadJsonBottle, WithAFieldOfAnotherTypeIsRefused) {
  std::vector<std::string> texts;
  for (const char* key : {"hdr", "msg", "fmt", "dst", "sig"}) {
    for (const char* value : {"1.5", "-1", "4", "true", "\"!\"", "[1]", "[null]", "[[]]", "[{\"key\":1}]",
                              "[{\"typ\":1}]", "[{\"dat\":{}}]"}) {
      if (std::string_view{key} == "hdr" && *value == '{') continue;
      texts.push_back(std::string{"{\""} + key + "\":" + value + "}");
    }
  }
  for (const char* whole : {"null", "1", "\"\"", "[]", "true", ""}) texts.push_back(whole);
  EXPECT_EQ(taken(bad_json(texts), decode_json), Names{});
  EXPECT_TRUE(decode_json(view("{}")));
}

TEST(BadJsonBottle, WithAKeyTwiceIsRefused) {
  EXPECT_EQ(taken(bad_json({R"({"fmt":0,"fmt":0})", R"({"hdr":{"a":1,"a":2}})", R"({"dst":[{"key":"","key":""}]})",
                            R"({"m\u0073g":"","msg":""})"}),
                  decode_json),
            Names{});
}

TEST(BadJsonBottle, ThatIsDeeplyNestedIsRefused) {
  const auto deep = [](const std::string& open, const std::string& close) {
    std::string out = R"({"hdr":{"a":)";
    for (int i = 0; i < 10'000; ++i) out += open;
    out += "1";
    for (int i = 0; i < 10'000; ++i) out += close;
    return out + "}}";
  };
  EXPECT_EQ(
      taken(bad_json({deep("[", "]"), deep("{\"a\":", "}"), std::string(100'000, '['), std::string(100'000, '{')}),
            decode_json),
      Names{});
}

TEST(BadJsonBottle, ThatIsTooLargeIsRefused) {
  const auto of_size = [](std::size_t size) { return "{\"msg\":\"" + std::string(size, 'A') + "\"}"; };
  EXPECT_TRUE(decode_json_bottle(of_size(4'000'000)));
  EXPECT_FALSE(decode_json_bottle(of_size(4 << 20)));
}

TEST(BadJsonBottle, WithTooManyEntriesIsRefused) {
  const auto with = [](const std::string& field, std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i) list += i == 0 ? "{}" : ",{}";
    return decode_json_bottle("{\"" + field + "\":[" + list + "]}").has_value();
  };
  EXPECT_TRUE(with("dst", kMaxRecipients) && with("sig", kMaxSignatures));
  EXPECT_FALSE(with("dst", kMaxRecipients + 1) || with("sig", kMaxSignatures + 1));
}

// The largest number that a header can hold in CBOR.
TEST(JsonBottle, KeepsTheNumbersOfItsHeader) {
  const std::string json = R"({"hdr":{"n":[18446744073709551615,-9223372036854775808]}})";
  const Bottle bottle = decode_json_bottle(json).value();
  EXPECT_EQ(encode_json_bottle(bottle).value(), json);
}

// Before anything is decrypted, with keys that are good.
TEST(BadSealed, IsRefused) {
  const Keychain keys = Keychain::of({key_of(KeyType::p256)}).value();
  const std::vector<PublicKey> signers{keys.self().public_key()};
  const Bytes sealed = seal(view("payload"), header(), signers, keys.self()).value();
  const auto open = [&](BytesView bytes) { return open_sealed(bytes, keys, signers).has_value(); };
  expect_refusals(sealed, open);
  EXPECT_EQ(taken(wrong_types(sealed), open), (Names{"3 as array"}));
}

}  // namespace
}  // namespace spot
