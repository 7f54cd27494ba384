#include "client/base/encoding.hpp"

#include <gtest/gtest.h>

#include "client/base/base64.hpp"

namespace spot {
namespace {

TEST(Base64Url, RoundTripsEveryLength) {
  Bytes bytes;
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(from_base64url(base64url(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::uint8_t>(i * 37));
  }
}

TEST(Base64Url, HasTheTextsOfRfc4648) {
  EXPECT_EQ(base64url(view("")), "");
  EXPECT_EQ(base64url(view("f")), "Zg");
  EXPECT_EQ(base64url(view("fo")), "Zm8");
  EXPECT_EQ(base64url(view("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64url(Bytes{0xFB, 0xFF}), "-_8");
}

TEST(Base64Url, RefusesWhatIsNotCanonical) {
  for (const char* text : {"Zg==", "Zh", "Z", "Zm9v\n", "Zm+v", "Zm/v", "Zm9vYmFyZ"})
    EXPECT_FALSE(from_base64url(text)) << text;
}

TEST(Base64, HasTheTextsOfRfc4648) {
  for (const auto& [bytes, text] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}})
    EXPECT_EQ(base64(view(bytes)), text);
  EXPECT_EQ(base64(Bytes{0xFB, 0xFF}), "+/8=");
}

TEST(AnyBase64, ReadsBothForms) {
  for (const char* text : {"-_8", "+/8=", "+/8"}) EXPECT_EQ(from_any_base64(text).value(), (Bytes{0xFB, 0xFF})) << text;
  EXPECT_FALSE(from_any_base64("+/8=="));
  EXPECT_FALSE(from_any_base64("===="));
}

TEST(Base32, ReadsAnyCaseWithoutPadding) {
  EXPECT_EQ(from_base32("MZXW6YTBOI").value(), to_bytes("foobar"));
  EXPECT_EQ(from_base32("mzxw6ytboi").value(), to_bytes("foobar"));
  for (const char* text : {"MZ======", "M", "M1", "MZ8"}) EXPECT_FALSE(from_base32(text)) << text;
}

TEST(Hex, RoundTripsAndRefusesOddText) {
  EXPECT_EQ(hex(Bytes{0, 0xAB}), "00ab");
  EXPECT_EQ(from_hex("00ab").value(), (Bytes{0, 0xAB}));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Uvarint, RoundTripsTheEdges) {
  for (const std::uint64_t value : {0ULL, 1ULL, 127ULL, 128ULL, 16384ULL, ~0ULL}) {
    Bytes bytes;
    append_uvarint(bytes, value);
    BytesView left{bytes};
    EXPECT_EQ(take_uvarint(left).value(), value);
    EXPECT_TRUE(left.empty());
  }
}

TEST(Uvarint, RefusesTruncatedOverlongAndTooLarge) {
  for (const Bytes& bytes : {Bytes{}, Bytes{0x80}, Bytes{0x80, 0x00}, Bytes(10, 0xFF), Bytes(11, 0x80)}) {
    BytesView left{bytes};
    EXPECT_FALSE(take_uvarint(left));
  }
}

TEST(Utf8, RefusesOverlongFormsAndSurrogates) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const char* text : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\xFF", "\x80"})
    EXPECT_FALSE(is_utf8(text));
}

TEST(Printable, LeavesNoControlCharacter) {
  EXPECT_EQ(printable("a\x1b[31m\n\\é"), "a\\x1b[31m\\x0a\\x5cé");
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");
  EXPECT_EQ(printable("\xE2\x80\xAE"), "\\xe2\\x80\\xae");
}

TEST(Printable, StopsAtItsLimit) {
  EXPECT_EQ(printable(std::string(100'000, 'x'), 3), "xxx…");
  EXPECT_LE(printable(std::string(100'000, '\x01')).size(), 1024 + 3U);
}

}  // namespace
}  // namespace spot
