// Clients whose relay is killed and started again: what was waiting, and that all goes on without a new client.
#include <csignal>

#include <gmock/gmock.h>

#include "client/net/one_shot.hpp"
#include "tests/unit/relay/relay_fixture.hpp"
#include "tests/unit/relay/relay_program.hpp"
#include "tests/unit/spawn.hpp"

namespace spot::relay {
namespace {

using std::chrono::seconds;

class RestartTest : public RelayTest {
 protected:
  void start_relay() {
    const std::string data = (directory_.path / "data").string();
    program_.emplace(std::vector<std::string>{"--data", data, "--self-signed", "--listen", address_});
    address_ = program_->wait_listening();
    ASSERT_NE(address_, "") << program_->log();
  }
  void kill_relay() { ASSERT_EQ(program_->end(SIGKILL), -SIGKILL); }

  std::shared_ptr<Client> connect() {
    ClientOptions options;
    options.hosts = {address_};
    options.ca_file = directory_.path / "data" / "cert.pem";
    options.offline_grace = std::chrono::milliseconds{20'000};
    return online(std::move(options));
  }
  template <class T>
  std::future<T> begin(asio::awaitable<T> work) {
    return spot::test::spawn(context_, std::move(work));
  }
  template <class T>
  T end(std::future<T>& began) {
    run_until([&] { return began.wait_for(seconds{0}) == std::future_status::ready; });
    return began.get();
  }

  std::string address_ = "127.0.0.1:0";  // the same one after a restart
  std::optional<RelayProgram> program_;
};

TEST_F(RestartTest, RepeatsBlobOperationsThatWereWaiting) {
  start_relay();
  const auto client = connect();
  ASSERT_TRUE(run(client->store_blob("before", to_bytes("value"), Bytes{0xA0})));
  program_->freeze();  // so that nothing is answered before the kill
  auto fetched = begin(client->fetch_blob("before"));
  auto stored = begin(client->store_blob("during", to_bytes("other"), Bytes{0xA0}));
  auto missing = begin(client->fetch_blob("nowhere"));
  run_until([&] { return client->queries_in_flight() == 3; });
  kill_relay();
  run_until([&] { return client->connection_count() == 0; });
  auto offline = begin(client->fetch_blob("before"));
  start_relay();

  const auto value = end(fetched);
  ASSERT_TRUE(value) << value.error().code.message();
  EXPECT_EQ(as_text(value->payload), "value");
  EXPECT_TRUE(end(stored));
  EXPECT_EQ(end(missing).error().code, Errc::not_found);
  EXPECT_TRUE(end(offline));
  EXPECT_EQ(as_text(run(client->fetch_blob("during"))->payload), "other");
}

TEST_F(RestartTest, SaysOfAQueryThatItsConnectionWasLost) {
  start_relay();
  const auto a = connect(), b = connect();
  using Never = OneShot<Result<void>>;
  const auto never = std::make_shared<Never>();
  int asked = 0;
  b->set_handler("test", [&asked, never](Incoming) -> asio::awaitable<HandlerResult> {
    ++asked;
    co_await Never::wait(never);
    HandlerResult none{std::optional<Bytes>{}};
    co_return none;
  });
  auto answer = begin(a->query(b->target_id() + "/test", to_bytes("x"), seconds{60}));
  run_until([&] { return asked == 1; });
  kill_relay();
  EXPECT_EQ(end(answer).error().code, Errc::connection_lost);
  start_relay();
  ASSERT_TRUE(run(a->wait_online(seconds{20})));
  EXPECT_EQ(asked, 1);  // sent at most once
  never->give({});
}

TEST_F(RestartTest, GoesOnWithTheSameClients) {
  start_relay();
  const auto a = connect(), b = connect();
  ASSERT_TRUE(run(a->query(b->target_id() + "/ping", to_bytes("before"))));
  const auto packets = b->listen_packet("packets").value();
  std::vector<bool> events;
  const auto event = a->on_online([&](bool online) { events.push_back(online); });
  kill_relay();
  run_until([&] { return a->connection_count() == 0 && b->connection_count() == 0; });
  start_relay();
  ASSERT_TRUE(run(a->wait_online(seconds{20})));
  ASSERT_TRUE(run(b->wait_online(seconds{20})));

  a->remove_event(event);
  EXPECT_EQ(events, (std::vector{false, true}));
  EXPECT_TRUE(run(a->get_time()));
  EXPECT_EQ(as_text(run(a->query(b->target_id() + "/ping", to_bytes("after"))).value()), "after");
  EXPECT_EQ(as_text(run(b->query(a->target_id() + "/ping", to_bytes("back"))).value()), "back");
  ASSERT_TRUE(run(a->send_to(packets->local_addr(), to_bytes("packet"), "/here")));
  EXPECT_EQ(as_text(run(packets->read_from(seconds{20}))->payload), "packet");
}

TEST_F(RestartTest, SyncsWithAnotherRun) {
  start_relay();
  const auto client = connect();
  ASSERT_TRUE(run(client->store_blob("a", to_bytes("x"), Bytes{0xA0})));
  const auto before = run(client->sync_blobs()).value();
  kill_relay();
  start_relay();
  ASSERT_TRUE(run(client->store_blob("b", to_bytes("x"), Bytes{0xA0})));
  const auto after = run(client->sync_blobs()).value();
  ASSERT_EQ(before.size(), 1U);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_NE(before, after);
}

}  // namespace
}  // namespace spot::relay
