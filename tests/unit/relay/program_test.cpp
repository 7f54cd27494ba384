// The program itself: its options, its end, and what a kill in the middle leaves.
#include <csignal>
#include <fstream>

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>

#include "mount/relay/certificate.hpp"
#include "tests/unit/relay/relay_fixture.hpp"
#include "tests/unit/relay/relay_program.hpp"

namespace spot::relay {
namespace {

using testing::HasSubstr;

class ProgramTest : public RelayTest {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more, std::string listen = "127.0.0.1:0") const {
    std::vector<std::string> all{"--data", data_, "--listen", std::move(listen)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ClientOptions over_tls(std::string host) const {
    ClientOptions options;
    options.hosts = {std::move(host)};
    options.ca_file = data_ + "/cert.pem";
    return options;
  }
  // A mistake of the user's: an exit code, and one line that names it.
  static void expect_mistake(std::vector<std::string> words, int code, const std::string& text) {
    RelayProgram program{std::move(words)};
    EXPECT_EQ(program.wait(), code);
    EXPECT_THAT(program.log(), testing::StartsWith("spot-relay: "));
    EXPECT_THAT(program.log(), HasSubstr(text));
    EXPECT_EQ(std::ranges::count(program.log(), '\n'), 1) << program.log();
  }

  const std::string data_ = (directory_.path / "data").string();
};

TEST_F(ProgramTest, EndsOnSigtermWhileClientsAreConnected) {
  RelayProgram program{arguments({"--self-signed"})};
  const auto client = online(over_tls(program.wait_listening()));
  ASSERT_TRUE(run(client->store_blob("key", to_bytes("value"), Bytes{0xA0})));
  EXPECT_EQ(program.end(SIGTERM), 0);
  EXPECT_THAT(program.log(), HasSubstr("spot-relay ends"));
}

TEST_F(ProgramTest, EndsOnSigint) {
  RelayProgram program{arguments({"--self-signed"})};
  ASSERT_NE(program.wait_listening(), "");
  EXPECT_EQ(program.end(SIGINT), 0);
}

TEST_F(ProgramTest, KeepsItsCertificateAndItsBlobsAcrossAStop) {
  const auto keys = new_keys();
  std::string digest;
  for (const char* const value : {"first", "second"}) {
    RelayProgram program{arguments({"--self-signed"})};
    ClientOptions options = over_tls(program.wait_listening());
    options.keys = keys;
    const auto client = online(std::move(options));
    const auto held = run(client->fetch_blob("key"));
    EXPECT_EQ(held ? to_string(held->payload) : "nothing", std::string_view{value} == "first" ? "nothing" : "first");
    ASSERT_TRUE(run(client->store_blob("key", to_bytes(value), Bytes{0xA0})));
    ASSERT_EQ(program.end(SIGTERM), 0);
    const std::string line = program.log().substr(program.log().find("SHA-256"), 72);
    if (digest.empty()) digest = line;
    EXPECT_EQ(line, digest);
  }
}

TEST_F(ProgramTest, KeepsItsCertificateWhereItIsRefused) {
  std::filesystem::create_directories(data_);
  const std::filesystem::path file = self_signed(data_, {"127.0.0.1"}).value().files.certificate;
  const Sha256 before = certificate_digest(file).value();
  expect_mistake(arguments({"--self-signed", "--host", "a.test"}, "192.0.2.1:0"), 1, "192.0.2.1:0: ");
  expect_mistake(arguments({"--self-signed", "--host", "not a name"}), 1, "not a host name");
  EXPECT_EQ(certificate_digest(file).value(), before);
}

TEST_F(ProgramTest, ANewCertificateCoversWhatTheOneBeforeDid) {
  EXPECT_EQ(self_signed(directory_.path, {"a.test", "::1"}).value().news, "there was none");
  EXPECT_EQ(self_signed(directory_.path, {"b.test", "192.0.2.1"}).value().news, "the one before does not cover b.test");
  EXPECT_EQ(self_signed(directory_.path, {"a.test", "::1", "b.test", "192.0.2.1"}).value().news, "");
}

TEST_F(ProgramTest, TakesACertificateAndItsKey) {
  ASSERT_TRUE(self_signed(directory_.path, {"127.0.0.1"}));
  const std::string certificate = directory_.path / "cert.pem", key = directory_.path / "key.pem";
  RelayProgram program{arguments({"--cert", certificate, "--key", key})};
  ClientOptions options = over_tls(program.wait_listening());
  options.ca_file = certificate;
  EXPECT_TRUE(run(online(std::move(options))->get_time()));
}

TEST_F(ProgramTest, LosesNoAcknowledgedBlobWhenItIsKilled) {
  const auto keys = new_keys();
  std::map<std::string, Bytes> acknowledged;
  for (int round = 0; round < 4; ++round) {
    RelayProgram program{arguments({"--self-signed"})};
    ClientOptions options = over_tls(program.wait_listening());
    options.keys = keys;
    options.offline_grace = std::chrono::milliseconds{0};
    const auto client = online(std::move(options));
    for (const auto& [key, value] : acknowledged) ASSERT_EQ(run(client->fetch_bottle(key)).value(), value) << key;

    int writing = 32;
    const auto write = [&](int writer) -> asio::awaitable<void> {
      for (int i = 0;; ++i) {  // until the relay is gone
        const std::string key = std::to_string(round) + "." + std::to_string(writer) + "." + std::to_string(i);
        Bytes value = to_bytes(key);
        value.resize(20'000, static_cast<std::uint8_t>(i));
        const auto stored = co_await client->store_bottle(key, value);
        if (!stored) break;
        acknowledged.emplace(key, std::move(value));
      }
      --writing;
    };
    for (int writer = 0; writer < 32; ++writer) asio::co_spawn(context_, write(writer), asio::detached);
    const std::size_t enough = acknowledged.size() + 100 + random_array<1>()[0];
    run_until([&] { return acknowledged.size() >= enough; });
    EXPECT_EQ(program.end(SIGKILL), -SIGKILL);
    run_until([&] { return writing == 0; });
    run(client->close());
  }
  EXPECT_GE(acknowledged.size(), 400U);
}

TEST_F(ProgramTest, RefusesADirectoryInUse) {
  RelayProgram first{arguments({"--self-signed"})};
  ASSERT_NE(first.wait_listening(), "");
  expect_mistake(arguments({"--self-signed"}), 1, data_ + ": another relay uses this directory");
}

TEST_F(ProgramTest, RefusesAnAddressInUse) {
  RelayProgram first{arguments({"--self-signed"})};
  const std::string taken = first.wait_listening();
  const std::string other = directory_.path / "other";
  expect_mistake({"--data", other, "--self-signed", "--listen", taken}, 1, taken + ": Address already in use");
}

TEST_F(ProgramTest, RefusesOptionsThatDoNotFit) {
  expect_mistake({}, 2, "--data is required");
  expect_mistake(arguments({}), 2, "--cert and --key, or --self-signed, must be given");
  expect_mistake(arguments({"--self-signed", "--nonsense"}), 2, "--nonsense");
  expect_mistake(arguments({"--cert", "x.pem"}), 2, "--key");
  expect_mistake(arguments({"--self-signed", "--cert", "x.pem", "--key", "x.key"}), 2, "--cert");
  expect_mistake(arguments({"--self-signed", "--quota", "many"}), 2, "--quota");
  expect_mistake(arguments({"--self-signed", "--quota", "-5"}), 2, "--quota");
  expect_mistake(arguments({"--self-signed", "--total-quota", "-1GiB"}), 2, "--total-quota");
  expect_mistake(arguments({"--self-signed", "--max-connections", "-1"}), 2, "--max-connections");
  expect_mistake(arguments({"--self-signed", "--max-connections", "0"}), 2, "--max-connections");
  expect_mistake({"--data", "", "--self-signed"}, 2, "--data: the name of the directory is empty");
  expect_mistake(arguments({"--self-signed"}, "8443"), 1, "8443: not an address and a port");
  expect_mistake(arguments({"--self-signed"}, "127.0.0.1:99999"), 1, "127.0.0.1:99999: not an address and a port");
  expect_mistake(arguments({"--self-signed"}, "nowhere:1"), 1, "nowhere: not an address of this machine");
  expect_mistake(arguments({"--self-signed", "--host", "a\"b"}), 1, "a\"b: not a host name");
  expect_mistake(arguments({"--self-signed", "--host", "a.test:99999"}), 1, "a.test:99999: not a host name");
  expect_mistake(arguments({"--self-signed", "--host", "a.test:0"}), 1, "a.test:0: not a host name");
  expect_mistake(arguments({"--self-signed", "--host", "a\x1b[31m\nb"}), 1, "a\\x1b[31m\\x0ab: not a host name");
  expect_mistake(arguments({"--self-signed", "--name", "a.b"}), 1, "a.b: the name of a relay");
}

TEST_F(ProgramTest, NamesTheFileThatCannotBeUsed) {
  const auto files = self_signed(directory_.path, {"127.0.0.1"}).value().files;
  std::filesystem::create_directories(directory_.path / "second");
  const auto others = self_signed(directory_.path / "second", {"127.0.0.1"}).value().files;
  const std::string missing = directory_.path / "missing.pem", nonsense = directory_.path / "nonsense.pem";
  std::ofstream{nonsense} << "nonsense";
  expect_mistake(arguments({"--cert", missing, "--key", files.key}), 1, missing + ": ");
  expect_mistake(arguments({"--cert", nonsense, "--key", files.key}), 1, nonsense + ": ");
  expect_mistake(arguments({"--cert", files.certificate, "--key", nonsense}), 1, nonsense + ": ");
  expect_mistake(arguments({"--cert", files.certificate, "--key", others.key}), 1, others.key.string() + ": ");
  expect_mistake({"--data", nonsense, "--self-signed"}, 1, nonsense + ": ");
}

TEST_F(ProgramTest, SaysWhatItIs) {
  RelayProgram program{{"--version"}};
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace spot::relay
