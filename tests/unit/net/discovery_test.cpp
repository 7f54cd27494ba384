#include "client/net/discovery.hpp"

#include "tests/unit/bad_input.hpp"

namespace spot {
namespace {

using Names = std::vector<std::string>;

const std::string kGood = R"({"result":"success","data":{"hosts":["a.example","b.example:8443"],"min_conn":1}})";

const auto parse = [](BytesView bytes) { return parse_discovery(as_text(bytes)).has_value(); };

std::vector<BadInput> inputs(const std::vector<std::string>& texts) {
  std::vector<BadInput> out;
  for (const std::string& text : texts) out.push_back({text.substr(0, 80), to_bytes(text)});
  return out;
}

std::string with_data(const std::string& data) { return R"({"result":"success","data":)" + data + "}"; }
std::string with_hosts(const std::string& hosts) { return with_data(R"({"hosts":)" + hosts + "}"); }

std::string host_list(std::size_t count) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "\"h" : ",\"h") + std::to_string(i) + '"';
  return out + "]";
}

TEST(Discovery, NamesHostsAndHowManyAreWanted) {
  const Discovery found = parse_discovery(kGood).value();
  EXPECT_EQ(found.hosts, (Names{"a.example", "b.example:8443"}));
  EXPECT_EQ(found.wanted, 1U);
}

TEST(Discovery, WantsNeverMoreThanThereAre) {
  const auto wanted = [](const std::string& number) {
    return parse_discovery(with_data(R"({"hosts":["a"],"min_conn":)" + number + "}")).value().wanted;
  };
  EXPECT_EQ(wanted("0"), 0U);
  EXPECT_EQ(wanted("null"), 0U);
  EXPECT_EQ(wanted("4294967295"), 1U);
}

TEST(Discovery, OfAnErrorIsAnErrorWithAText) {
  const auto answer = parse_discovery(R"({"result":"error","error":"down"})");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::discovery_failed);
  EXPECT_EQ(answer.error().text, "the answer is an error");
}

TEST(Discovery, RefusesTruncatedText) {
  ASSERT_TRUE(parse(view(kGood)));
  EXPECT_EQ(taken(truncated(to_bytes(kGood)), parse), Names{});
}

TEST(Discovery, RefusesAnotherTypeOfEachField) {
  std::vector<std::string> texts;
  for (const char* value : {"null", "1", "-1", "1.5", "true", "\"\"", "[]", "{}", "[null]", "[1]", "[[]]", "[{}]"}) {
    texts.push_back(value);
    texts.push_back(R"({"data":{"hosts":["a"]},"result":)" + std::string{value} + "}");
    texts.push_back(with_data(value));
    texts.push_back(with_hosts(value));
  }
  for (const char* value : {"-1", "1.5", "true", "\"1\"", "[]", "{}", "4294967296", "1e999"})
    texts.push_back(with_data(R"({"hosts":["a"],"min_conn":)" + std::string{value} + "}"));
  EXPECT_EQ(taken(inputs(texts), parse), Names{});
}

TEST(Discovery, RefusesWhatIsNoHost) {
  for (const char* host : {"", " ", "a b", "a/b", "a@b", "a\\r\\nX: y", "a:0", "a:65536", "a:b", "a:", "[::1",
                           "\\u0000", "\\u00e9", "http://a"})
    EXPECT_FALSE(parse(view(with_hosts("[\"a\",\"" + std::string{host} + "\"]")))) << host;
}

TEST(Discovery, RefusesKeysThatComeTwice) {
  EXPECT_EQ(taken(inputs({R"({"result":"error","result":"success","data":{"hosts":["a"]}})",
                          R"({"result":"success","data":{"hosts":["a"],"hosts":["b"]}})",
                          R"({"result":"success","data":{"hosts":["a"],"h\u006fsts":["b"]}})"}),
                  parse),
            Names{});
}

TEST(Discovery, RefusesDeepNesting) {
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  EXPECT_EQ(taken(inputs({deep, with_data(deep), with_hosts(deep), std::string(60'000, '{'),
                          R"({"result":"success","data":{"hosts":["a"]},"more":)" + deep + "}"}),
                  parse),
            Names{});
}

TEST(Discovery, RefusesMoreThan64HostsAnd64Kib) {
  EXPECT_TRUE(parse(view(with_hosts(host_list(64)))));
  EXPECT_FALSE(parse(view(with_hosts(host_list(65)))));
  EXPECT_FALSE(parse(view(with_hosts(host_list(100'000)))));
  EXPECT_FALSE(parse(view(kGood + std::string(kMaxDiscoverySize, ' '))));
}

}  // namespace
}  // namespace spot
