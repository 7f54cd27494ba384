// spotfsctl listen: what it makes and takes away, and what a command's outcome is to the sender.
#include <csignal>
#include <filesystem>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mount/ctl/answer.hpp"
#include "mount/ctl/shared_endpoint.hpp"

namespace spotfs::ctl {
namespace {

using testing::HasSubstr;

class SharedEndpointTest : public testing::Test {
 protected:
  SharedEndpointTest() {
    std::string path = (std::filesystem::temp_directory_path() / "spotfs-listen-XXXXXX").string();
    mount_ = ::mkdtemp(path.data());
    std::filesystem::create_directory(mount_ / "listen");
  }
  ~SharedEndpointTest() override { std::filesystem::remove_all(mount_); }

  std::optional<SharedEndpoint> listen() {
    auto made = SharedEndpoint::open(mount_.string(), "two");
    EXPECT_TRUE(made);
    return made ? std::optional{*std::move(made)} : std::nullopt;
  }

  std::filesystem::path mount_;
  const std::filesystem::path& endpoint() { return endpoint_ = mount_ / "listen/two"; }

 private:
  std::filesystem::path endpoint_;
};

TEST_F(SharedEndpointTest, TheLastListenerThatEndsTakesItAway) {
  for (const bool is_first_the_first_to_end : {true, false}) {
    auto first = listen(), second = listen();
    EXPECT_EQ(first->path(), endpoint());
    (is_first_the_first_to_end ? first : second).reset();
    EXPECT_TRUE(std::filesystem::exists(endpoint()));
    auto third = listen();
    (is_first_the_first_to_end ? second : first).reset();
    EXPECT_TRUE(std::filesystem::exists(endpoint()));
    third.reset();
    EXPECT_FALSE(std::filesystem::exists(endpoint()));
  }
}

TEST_F(SharedEndpointTest, WhatSomebodyElseHasMadeStays) {
  std::filesystem::create_directory(endpoint());
  auto first = listen(), second = listen();
  first.reset();
  second.reset();
  EXPECT_TRUE(std::filesystem::exists(endpoint()));
}

TEST_F(SharedEndpointTest, WhatSomebodyElseHasMadeAnewStays) {
  auto listener = listen();
  std::filesystem::remove(endpoint());
  std::filesystem::create_directory(mount_ / "other");  // another inode
  std::filesystem::rename(mount_ / "other", endpoint());
  listener.reset();
  EXPECT_TRUE(std::filesystem::exists(endpoint()));
}

TEST_F(SharedEndpointTest, WhereThereIsNoListenItSaysWhy) {
  std::filesystem::remove(mount_ / "listen");
  const auto made = SharedEndpoint::open(mount_.string(), "two");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text, HasSubstr("has no listen/: it shows the disk alone"));
}

TEST(CtlAnswer, ErrorsOfACommandEndWithoutANewline) {
  std::signal(SIGPIPE, SIG_IGN);  // as the listener has it: not each command reads its input
  Invocation line;
  line.what = What::listen;
  line.endpoint = "test";
  Output output{false};
  const auto answered = [&](const char* command) {
    line.command = command;
    return reply_to({"k.x/y", true, "body"}, line, -1, output);
  };
  const Reply failed = answered("echo oops >&2; exit 1");
  EXPECT_EQ(failed.kind, Reply::Kind::error);
  EXPECT_EQ(failed.text, "oops");
  EXPECT_EQ(answered("printf '\\n' >&2; exit 3").text, "exit code 3");
  EXPECT_EQ(answered("cat; echo").text, "body\n");
}

}  // namespace
}  // namespace spotfs::ctl
