#include "mount/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spotfs::mount {
namespace {

using spot::Answer;
using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<const char*>;

Answer<CommandLine> parse(const Words& words) { return parse_command_line(words, 0); }

std::string error_of(const Words& words) {
  const auto line = parse(words);
  return line ? "no error" : line.error().text;
}

TEST(MountCommandLine, TakesOptionsInAnyPlace) {
  const auto line = parse({"embedded:/data", "-oro", "/mnt", "-f", "-o", "timeout=7"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->options.directory, "/mnt");
  EXPECT_TRUE(line->options.foreground);
  EXPECT_TRUE(line->options.read_only);
  EXPECT_EQ(line->options.timeout, 7s);
}

TEST(MountCommandLine, SaysMoreInTheForegroundWithD) {
  const auto line = parse({"-d", "spot:", "/mnt"});
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->options.foreground);
  EXPECT_EQ(line->options.log, spot::LogLevel::debug);
}

TEST(MountCommandLine, TakesADirectoryThatBeginsWithADash) {
  const auto line = parse({"spot:", "--", "-dir"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->options.directory, "-dir");
}

TEST(MountCommandLine, ShowsHelpAndVersionWithoutASource) {
  EXPECT_EQ(parse({"--help"})->what, CommandLine::What::help);
  EXPECT_EQ(parse({"-V"})->what, CommandLine::What::version);
}

TEST(MountCommandLine, SaysWhatIsMissingOrTooMuch) {
  EXPECT_THAT(error_of({}), HasSubstr("spotfs [options] SOURCE DIR"));
  EXPECT_THAT(error_of({"spot:"}), HasSubstr("spotfs [options] SOURCE DIR"));
  EXPECT_THAT(error_of({"spot:", "/a", "/b"}), HasSubstr("unexpected \"/b\""));
  EXPECT_THAT(error_of({"spot:", ""}), HasSubstr("is empty"));
  EXPECT_THAT(error_of({"spot:", "/a", "-o"}), HasSubstr("-o needs"));
  EXPECT_THAT(error_of({"spot:", "/a", "-x"}), HasSubstr("unknown option -x"));
}

TEST(MountCommandLine, NamesEveryOptionInItsHelp) {
  for (const char* const name : {"identity=",
                                 "state=",
                                 "ca=",
                                 "listen=",
                                 "allow=",
                                 "timeout=",
                                 "query_timeout=",
                                 "mount_timeout=",
                                 "offline_grace=",
                                 "keepalive=",
                                 "drain=",
                                 "commit=",
                                 "refresh=",
                                 "delay_connect",
                                 "plain=",
                                 "bind=",
                                 "conflicts=",
                                 "accept_store",
                                 "expect=",
                                 "peers=",
                                 "groups=",
                                 "threads=",
                                 "log="})
    EXPECT_THAT(help_text(), HasSubstr(name));
}

TEST(MountSource, IsADirectoryForARelayWithinTheProgram) {
  const auto source = Source::parse("embedded:/var/../var/data");
  ASSERT_TRUE(source);
  EXPECT_EQ(source->kind, Source::Kind::embedded);
  EXPECT_EQ(source->directory, "/var/data");
  EXPECT_TRUE(Source::parse("embedded:data")->directory.is_absolute());
  EXPECT_EQ(Source::parse("embedded:data")->text, "embedded:" + Source::parse("embedded:data")->directory.string());
}

TEST(MountSource, IsOneOrMoreRelays) {
  const auto source = Source::parse("wss://a.example:8443,[::1]:9,wss://b.example/");
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_EQ(source->kind, Source::Kind::relays);
  EXPECT_THAT(source->hosts, ElementsAre("a.example:8443", "[::1]:9", "b.example"));
}

TEST(MountSource, NamesEachRelayOnce) {
  const auto source = Source::parse("wss://a.example,b.example,wss://a.example/,a.example:443,a.example:8443");
  ASSERT_TRUE(source) << source.error().text;
  EXPECT_THAT(source->hosts, ElementsAre("a.example", "b.example", "a.example:8443"));
}

TEST(MountSource, IsThePublicNetwork) { EXPECT_EQ(Source::parse("spot:")->kind, Source::Kind::discovery); }

TEST(MountSource, SaysWhatThereIsOtherwise) {
  for (const char* const text : {"", "/dev/sda1", "ws://host", "https://host", "embedded", "spot"})
    EXPECT_THAT(Source::parse(text).error().text, HasSubstr("give embedded:DIR, wss://HOST[:PORT][,…] or spot:"))
        << text;
  EXPECT_THAT(Source::parse("embedded:").error().text, HasSubstr("give the directory"));
  EXPECT_THAT(Source::parse("spot:host").error().text, HasSubstr("nothing follows spot:"));
  EXPECT_THAT(Source::parse("wss://").error().text, HasSubstr("is no host"));
  EXPECT_THAT(Source::parse("wss://a,,b").error().text, HasSubstr("is no host"));
  EXPECT_THAT(Source::parse("wss://a/path").error().text, HasSubstr("\"a/path\" is no host"));
  EXPECT_THAT(Source::parse("wss://a:99999").error().text, HasSubstr("is no host"));
  EXPECT_THAT(Source::parse("wss://a,b,c,d,e,f,g,h,i,j,k").error().text, HasSubstr("at most 10"));
}

}  // namespace
}  // namespace spotfs::mount
