#include "client/base/encoding.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spot {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(ClientTest, ComesOnlineWithASignedCard) {
  const auto client = online();
  EXPECT_EQ(client->connection_count(), 1U);
  EXPECT_EQ(relay_->cards.count(hash_of(*client)), 1U);
  EXPECT_EQ(client->target_id(), "k." + base64url(hash_of(*client)));
}

TEST_F(ClientTest, AsksTheServerForTheTime) {
  const auto client = online();
  EXPECT_TRUE(run(client->get_time()));
}

TEST_F(ClientTest, AnswersTheQueriesOfAPeer) {
  const auto a = online(), b = online();
  Recorder recorder;
  b->set_handler("test", recorder.handler("hello"));
  const auto answer = run(a->query(b->target_id() + "/test", to_bytes("hi"), seconds{5}));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(as_text(*answer), "hello");
  ASSERT_EQ(recorder.received.size(), 1U);
  EXPECT_EQ(as_text(recorder.received[0].body), "hi");
  EXPECT_TRUE(recorder.received[0].verified);
  EXPECT_TRUE(recorder.received[0].sender.starts_with(a->target_id()));
}

TEST_F(ClientTest, AnswersAQueryToItself) {
  const auto client = online();
  const auto answer = run(client->query(client->target_id() + "/ping", to_bytes("echo"), seconds{5}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(as_text(*answer), "echo");
}

TEST_F(ClientTest, HasTheHandlersOfEveryClient) {
  const auto a = online(), b = online();
  EXPECT_EQ(run(a->query(b->target_id() + "/ping", Bytes(200, 'x'), seconds{5}))->size(), 128U);
  EXPECT_TRUE(as_text(*run(a->query(b->target_id() + "/version", {}, seconds{5}))).starts_with("spotfs/"));
  EXPECT_EQ(*run(a->query(b->target_id() + "/finger", {}, seconds{5})), b->id_card_bin());
}

TEST_F(ClientTest, PassesOnTheErrorOfAHandler) {
  const auto a = online(), b = online();
  b->set_handler("bad", [](Incoming) -> asio::awaitable<HandlerResult> {
    HandlerResult result{Failure{Errc::remote_error, "out of tea"}};
    co_return result;
  });
  const auto answer = run(a->query(b->target_id() + "/bad", {}, seconds{5}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::remote_error);
  EXPECT_EQ(answer.error().text, "out of tea");
}

TEST_F(ClientTest, AnswersWithAnErrorWhenAHandlerThrows) {
  const auto a = online(), b = online();
  b->set_handler("throws", [](Incoming) -> asio::awaitable<HandlerResult> {
    throw std::runtime_error{"broken"};
    co_return HandlerResult{std::optional<Bytes>{}};
  });
  EXPECT_EQ(run(a->query(b->target_id() + "/throws", {}, seconds{5})).error().text, "broken");
}

TEST_F(ClientTest, SaysThatThereIsNoSuchEndpoint) {
  const auto a = online(), b = online();
  EXPECT_EQ(run(a->query(b->target_id() + "/none", {}, seconds{5})).error().code, Errc::no_such_endpoint);
}

TEST_F(ClientTest, EndsAQueryAtItsDeadline) {
  const auto a = online(), b = online();
  relay_->route = [](Message) { return std::nullopt; };
  EXPECT_EQ(run(a->query(b->target_id() + "/test", {}, milliseconds{20})).error().code, Errc::timed_out);
  EXPECT_EQ(a->queries_in_flight(), 0U);
}

TEST_F(ClientTest, SaysThatTheOutcomeIsUnknownWhenTheConnectionIsLost) {
  const auto a = online(), b = online();
  std::size_t sent = 0;
  relay_->route = [&](Message) {
    ++sent;
    relay_->drop_connections();
    return std::nullopt;
  };
  EXPECT_EQ(run(a->query(b->target_id() + "/test", {}, seconds{5})).error().code, Errc::connection_lost);
  EXPECT_EQ(sent, 1U);
}

TEST_F(ClientTest, IsOfflineAfterTheGrace) {
  relay_->refuses_connections = true;
  const auto client = start();
  EXPECT_EQ(run(client->query("@/time", {}, seconds{5})).error().code, Errc::offline);
}

TEST_F(ClientTest, ComesBackAfterTheRelayWasGone) {
  const auto client = online();
  std::vector<bool> events;
  const auto event = client->on_online([&](bool is_online) { events.push_back(is_online); });
  relay_->drop_connections();
  while (events.empty()) context_.run_one();
  client->reconnect();
  ASSERT_TRUE(run(client->wait_online(seconds{5})));
  EXPECT_TRUE(run(client->get_time()));
  EXPECT_EQ(events, (std::vector{false, true}));
  client->remove_event(event);
}

TEST_F(ClientTest, RepeatsAFetchWhoseConnectionWasLost) {
  const auto client = online();
  ASSERT_TRUE(run(client->store_blob("key", to_bytes("value"), Bytes{0xA0})));
  bool dropped = false;
  relay_->answer = [&](const Message& question, Message answer) -> std::optional<Message> {
    if (question.recipient != "@/fetch_blob" || dropped) return answer;
    dropped = true;
    relay_->drop_connections();
    client->reconnect();
    return std::nullopt;
  };
  const auto blob = run(client->fetch_blob("key"));
  ASSERT_TRUE(blob) << blob.error().code.message();
  EXPECT_EQ(as_text(blob->payload), "value");
}

TEST_F(ClientTest, WaitsForAConnectionFromTheMomentThatTheLastOneIsLost) {
  const auto client = online();
  std::optional<Answer<Clock::Wall>> time;
  bool lost = false;
  // The connection says so before it tells anyone else.
  on_log_ = [&](const std::string& line) {
    if (lost || line.find("the connection was lost") == line.npos) return;
    lost = true;
    asio::co_spawn(context_, client->get_time(),
                   [&](const std::exception_ptr&, Answer<Clock::Wall> answer) { time = std::move(answer); });
    context_.poll();
    EXPECT_FALSE(time);
    client->reconnect();
  };
  relay_->drop_connections();
  while (!time) context_.run_one();
  on_log_ = nullptr;
  EXPECT_TRUE(*time) << time->error().code.message();
}

TEST_F(ClientTest, HasHundredsOfQueriesInFlight) {
  const auto a = online(), b = online();
  std::vector<Message> held;
  relay_->route = [&](Message message) -> std::optional<Message> {
    if (message.has(flag::response)) return message;
    held.push_back(std::move(message));
    return std::nullopt;
  };
  Recorder recorder;
  b->set_handler("test", recorder.handler("yes"));
  std::size_t answered = 0;
  constexpr std::size_t kQueries = 500;
  for (std::size_t i = 0; i < kQueries; ++i) {
    asio::co_spawn(context_, a->query(b->target_id() + "/test", to_bytes("x"), seconds{30}),
                   [&](std::exception_ptr, const Answer<Bytes>& answer) { answered += answer ? 1U : 0U; });
  }
  while (held.size() < kQueries) context_.run_one();
  EXPECT_EQ(a->queries_in_flight(), kQueries);
  for (const Message& message : held) relay_->send(hash_of(*b), message);
  while (answered < kQueries) context_.run_one();
  EXPECT_EQ(a->queries_in_flight(), 0U);
}

TEST_F(ClientTest, StoresFetchesAndDeletesBlobs) {
  const auto client = online();
  ASSERT_TRUE(run(client->store_blob("dir/key", to_bytes("value"), Bytes{0xA0})));
  EXPECT_EQ(as_text(run(client->fetch_blob("dir/key"))->payload), "value");
  ASSERT_TRUE(run(client->delete_blob("dir/key")));
  EXPECT_EQ(run(client->fetch_blob("dir/key")).error().code, Errc::not_found);
}

TEST_F(ClientTest, KeepsAnEmptyBlobApartFromADelete) {
  const auto client = online();
  ASSERT_TRUE(run(client->store_blob("empty", {}, Bytes{0xA0})));
  EXPECT_EQ(run(client->fetch_blob("empty"))->payload.size(), 0U);
}

TEST_F(ClientTest, TakesAnUnknownSyncAsDone) {
  const auto client = online();
  ASSERT_TRUE(run(client->store_blob("key", to_bytes("value"), Bytes{0xA0})));
  const auto runs = run(client->sync_blobs());
  ASSERT_TRUE(runs);
  EXPECT_EQ(*runs, std::vector<Bytes>{Bytes{}});
}

TEST_F(ClientTest, SyncsAlsoWhereNothingWasStored) {
  const auto client = online();
  std::size_t asked = 0;
  relay_->answer = [&](const Message& question, Message answer) -> std::optional<Message> {
    if (question.recipient == "@/blob_sync") ++asked;
    return answer;
  };
  EXPECT_EQ(run(client->sync_blobs()).value(), std::vector<Bytes>{Bytes{}});
  EXPECT_EQ(asked, 1U);
}

TEST_F(ClientTest, ExchangesPackets) {
  const auto a = online(), b = online();
  const auto from = a->listen_packet("chat").value(), to = b->listen_packet("room").value();
  ASSERT_TRUE(run(from->write_to(to->local_addr(), to_bytes("hi"))));
  const auto packet = run(to->read_from(seconds{5}));
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->from, from->local_addr());
  EXPECT_EQ(as_text(packet->payload), "hi");
  ASSERT_TRUE(run(to->write_to(packet->from, to_bytes("ho"))));
  EXPECT_EQ(as_text(run(from->read_from(seconds{5}))->payload), "ho");
}

TEST_F(ClientTest, GivesAnEndpointToOnePacketConnection) {
  const auto client = online();
  const auto first = client->listen_packet("chat").value();
  EXPECT_EQ(client->listen_packet("chat").error(), Errc::bad_argument);
  first->close();
  EXPECT_TRUE(client->listen_packet("chat"));
}

TEST_F(ClientTest, EndsAReadOfPacketsAtItsDeadline) {
  const auto client = online();
  const auto packets = client->listen_packet("chat").value();
  EXPECT_EQ(run(packets->read_from(milliseconds{10})).error().code, Errc::timed_out);
}

TEST_F(ClientTest, EndsEveryWaitWhenItCloses) {
  const auto a = online(), b = online();
  relay_->route = [](Message) { return std::nullopt; };
  auto query = asio::co_spawn(context_, a->query(b->target_id() + "/test", {}, seconds{30}), asio::use_future);
  while (a->queries_in_flight() == 0) context_.run_one();
  run(a->close());
  settle();
  EXPECT_EQ(query.get().error().code, Errc::stopping);
}

TEST_F(ClientTest, EndsAWaitOnCancellation) {
  const auto a = online(), b = online();
  relay_->route = [](Message) { return std::nullopt; };
  asio::cancellation_signal cancel;
  std::optional<Answer<Bytes>> result;
  asio::co_spawn(context_, a->query(b->target_id() + "/test", {}, seconds{30}),
                 asio::bind_cancellation_slot(
                     cancel.slot(), [&](std::exception_ptr, Answer<Bytes> answer) { result = std::move(answer); }));
  while (a->queries_in_flight() == 0) context_.run_one();
  cancel.emit(asio::cancellation_type::terminal);
  while (!result) context_.run_one();
  EXPECT_EQ(a->queries_in_flight(), 0U);
}

TEST_F(ClientTest, AnswersAHandshakeThatComesLater) {
  const auto client = online();
  relay_->send_packet(hash_of(*client), PacketType::handshake, fake::Relay::handshake_request(false));
  while (relay_->handshakes.size() < 2) context_.run_one();
  EXPECT_EQ(client->connection_count(), 1U);
}

TEST_F(ClientTest, ClosesAConnectionThatDoesNotAnswerPings) {
  ClientOptions options;
  options.keepalive = milliseconds{10};
  options.pong_timeout = milliseconds{10};
  const auto client = online(std::move(options));
  while (!client->connections()[0].round_trip) context_.run_one();
  EXPECT_EQ(client->connection_count(), 1U);
}

TEST_F(ClientTest, NeverSendsAMessageThatIsTooLarge) {
  const auto a = online(), b = online();
  EXPECT_EQ(run(a->query(b->target_id() + "/test", Bytes(65'536), seconds{5})).error().code, Errc::too_large);
}

TEST_F(ClientTest, TakesUnverifiedMessagesOnlyWhereTheEndpointIsOpenedForThem) {
  const auto client = online();
  Recorder strict, open;
  client->set_handler("strict", strict.handler("no"));
  client->set_handler("open", open.handler("yes"), HandlerOptions{true});
  Message message;
  message.flags = flag::not_bottle;
  message.sender = "c.fake.9/x";
  message.body = to_bytes("plain");
  message.recipient = client->target_id() + "/strict";
  relay_->send(hash_of(*client), message);
  message.recipient = client->target_id() + "/open";
  relay_->send(hash_of(*client), message);
  while (open.received.empty()) context_.run_one();
  settle();
  EXPECT_TRUE(strict.received.empty());
  EXPECT_FALSE(open.received[0].verified);
}

TEST_F(ClientTest, RefreshesACardThatTheRelayPushes) {
  const auto a = online(), b = online();
  ASSERT_TRUE(run(a->get_id_card(hash_of(*b))));
  IdCard newer = b->id_card();
  newer.set_issued(newer.issued() + 60);
  newer.meta()["name"] = "new";
  Message push;
  push.flags = flag::not_bottle;
  push.sender = "@/idcard_find";
  push.recipient = a->target_id() + "/idcard_update";
  push.body = newer.sign(b->keys().self()).value();
  relay_->send(hash_of(*a), push);
  settle();
  EXPECT_EQ(run(a->get_id_card(hash_of(*b)))->meta().at("name"), "new");
}

}  // namespace
}  // namespace spot
