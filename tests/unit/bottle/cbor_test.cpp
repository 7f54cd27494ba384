#include "client/bottle/cbor.hpp"

#include <gtest/gtest.h>

#include "client/base/encoding.hpp"

namespace spot::cbor {
namespace {

Result<BytesView> read_item(const Bytes& bytes) { return Reader{bytes}.read_item(); }

TEST(Cbor, WritesTheShortestForm) {
  for (const auto& [value, text] : {std::pair{std::int64_t{0}, "00"},
                                    {23, "17"},
                                    {24, "1818"},
                                    {256, "190100"},
                                    {65536, "1a00010000"},
                                    {-1, "20"},
                                    {-257, "390100"}})
    EXPECT_EQ(hex(Writer{}.put_integer(value).bytes()), text);
}

TEST(Cbor, ReadsIntegersToTheirEdges) {
  for (const std::int64_t value : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
    const Bytes bytes = Writer{}.put_integer(value).take();
    EXPECT_EQ(Reader{bytes}.read_integer().value(), value);
  }
  const Bytes beyond = from_hex("1b8000000000000000").value();
  EXPECT_FALSE(Reader{beyond}.read_integer());
}

TEST(Cbor, RefusesLongFormsAndIndefiniteLengths) {
  for (const char* text : {"1800", "190001", "5800", "9f00ff", "bf0000ff", "5f4100ff", "7f6161ff"})
    EXPECT_FALSE(read_item(from_hex(text).value())) << text;
}

TEST(Cbor, RefusesLengthsBeyondTheEndWithoutAllocating) {
  for (const char* text : {"9a08000000", "5b7fffffffffffffff", "bbffffffffffffffff", "9bffffffffffffffff", "42aa"})
    EXPECT_FALSE(read_item(from_hex(text).value())) << text;
}

TEST(Cbor, RefusesDuplicateKeysAtAnyDepth) {
  EXPECT_FALSE(read_item(from_hex("a201000100").value()));
  EXPECT_FALSE(read_item(from_hex("81a2616100616100").value()));
}

TEST(Cbor, RefusesNestingBeyondSixteen) {
  Bytes deep(16, 0x81);
  deep.push_back(0);
  EXPECT_TRUE(read_item(deep));
  deep.insert(deep.begin(), 0x81);
  EXPECT_FALSE(read_item(deep));
}

TEST(Cbor, RefusesTextThatIsNotUtf8) { EXPECT_FALSE(read_item(from_hex("61ff").value())); }

TEST(Cbor, RefusesAnotherType) {
  const Bytes text = from_hex("6161").value();
  EXPECT_FALSE(Reader{text}.read_bytes());
  EXPECT_FALSE(Reader{text}.read_unsigned());
  EXPECT_FALSE(Reader{text}.read_array());
  EXPECT_FALSE(Reader{text}.read_map());
  EXPECT_FALSE(Reader{text}.read_bool());
}

}  // namespace
}  // namespace spot::cbor
