#include "client/base/json.hpp"

#include <gtest/gtest.h>

namespace spot {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJson, ReadsOneValue) {
  const auto value = parse_json(R"({"a": [1, {"a": "x"}], "b": null})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->at("a").as_array().size(), 2U);
}

TEST(ParseJson, RefusesAKeyThatComesTwice) {
  EXPECT_EQ(parse_json(R"({"a": 1, "a": 1})").error(), Errc::malformed);
  EXPECT_EQ(parse_json(R"([{"b": {"a": 1, "a": 2}}])").error(), Errc::malformed);
}

TEST(ParseJson, SeesThroughEscapesInAKey) {
  EXPECT_EQ(parse_json(R"({"ab": 1, "a\u0062": 1})").error(), Errc::malformed);
  EXPECT_TRUE(parse_json(R"({"ab": 1, "a\u0063": 1})"));
}

TEST(ParseJson, AllowsOneKeyInSeveralObjects) { EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": {"a": 1}}])")); }

TEST(ParseJson, BoundsTheDepth) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_EQ(parse_json(nested(kMaxJsonDepth + 1)).error(), Errc::malformed);
  EXPECT_EQ(parse_json(nested(100'000)).error(), Errc::malformed);
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,]", "{} {}", "nul", "{'a': 1}", "\"\xFF\"", "// note\n1", "NaN"})
    EXPECT_EQ(parse_json(text).error(), Errc::malformed) << text;
}

}  // namespace
}  // namespace spot
