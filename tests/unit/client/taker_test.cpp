// Messages that are answered later.
#include <gmock/gmock.h>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spot {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

class TakerTest : public ClientTest {
 protected:
  using Asked = std::future<Answer<Bytes>>;

  Taker taker() {
    return [this](std::shared_ptr<Question> question) -> Answer<void> {
      if (refusal_) return *refusal_;
      taken_.push_back(std::move(question));
      return {};
    };
  }
  Asked ask(const std::shared_ptr<Client>& from, const std::shared_ptr<Client>& to, std::string_view body) {
    Asked out = asio::co_spawn(context_, from->query(to->target_id() + "/test", to_bytes(body), 20s), asio::use_future);
    settle();
    return out;
  }
  Answer<Bytes> finish(Asked& asked) {
    while (asked.wait_for(0s) != std::future_status::ready) {
      context_.restart();
      context_.run_one();
    }
    return asked.get();
  }
  Answer<void> answer(Question& question, Bytes body) {
    HandlerResult result{std::optional{std::move(body)}};
    return run(question.answer(std::move(result)));
  }

  std::vector<std::shared_ptr<Question>> taken_;
  std::optional<Failure> refusal_;
};

TEST_F(TakerTest, AMessageIsTakenAndAnsweredLater) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  Asked asked = ask(a, b, "hi");
  ASSERT_THAT(taken_, SizeIs(1));
  EXPECT_EQ(as_text(taken_[0]->message().body), "hi");
  EXPECT_TRUE(taken_[0]->message().verified);
  EXPECT_TRUE(taken_[0]->is_query());
  EXPECT_TRUE(answer(*taken_[0], to_bytes("hello")));
  EXPECT_EQ(as_text(*finish(asked)), "hello");
}

TEST_F(TakerTest, AnAnswerThatNoMessageHoldsIsAnErrorAndAnotherCanBeGiven) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  Asked asked = ask(a, b, "hi");
  const std::size_t before = relay_->messages.size();
  EXPECT_EQ(answer(*taken_[0], Bytes(65'400, 'x')).error().code, Errc::too_large);
  settle();
  EXPECT_EQ(relay_->messages.size(), before);
  EXPECT_TRUE(answer(*taken_[0], to_bytes("smaller")));
  EXPECT_EQ(as_text(*finish(asked)), "smaller");
}

TEST_F(TakerTest, ATakersFailureIsAnsweredAtOnce) {
  const auto a = online(), b = online();
  refusal_ = Failure{Errc::rate_exceeded, "too many"};
  ASSERT_TRUE(b->set_taker("test", taker()));
  Asked asked = ask(a, b, "hi");
  EXPECT_EQ(finish(asked).error().text, "too many");
}

TEST_F(TakerTest, AnAnswerGoesByAnotherConnectionWhereItsOwnIsGone) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  Asked asked = ask(a, b, "hi");
  relay_->refuses_connections = true;
  relay_->drop_connections();
  while (b->connection_count() != 0) {
    context_.restart();
    context_.run_one();
  }
  EXPECT_EQ(answer(*taken_[0], to_bytes("lost")).error().code, Errc::offline);
  relay_->refuses_connections = false;
  b->reconnect();
  ASSERT_TRUE(run(b->wait_online(5s)));
  EXPECT_TRUE(answer(*taken_[0], to_bytes("hello")));
  settle();
  const auto sent = std::ranges::find_if(relay_->messages, [&](const Message& message) {
    return message.id == taken_[0]->message().id && message.has(flag::response);
  });
  EXPECT_NE(sent, relay_->messages.end());
  EXPECT_EQ(finish(asked).error().code, Errc::connection_lost);
}

TEST_F(TakerTest, APacketIsNoQuery) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  EXPECT_TRUE(run(a->send_to(b->target_id() + "/test", to_bytes("packet"), "/data")));
  settle();
  ASSERT_THAT(taken_, SizeIs(1));
  EXPECT_FALSE(taken_[0]->is_query());
  EXPECT_EQ(taken_[0]->message().sender, a->target_id() + "/data");
}

TEST_F(TakerTest, UnsealedMessagesAreTakenOnlyWhereThatIsAskedFor) {
  const auto a = online(), b = online();
  Message message;
  message.id = random_uuid();
  message.flags = flag::not_bottle;
  message.sender = a->target_id() + "/" + to_text(message.id);
  message.recipient = b->target_id() + "/test";
  message.body = to_bytes("anyone");
  ASSERT_TRUE(b->set_taker("test", taker()));
  relay_->send(hash_of(*b), message);
  settle();
  EXPECT_THAT(taken_, SizeIs(0));
  ASSERT_TRUE(b->set_taker("test", taker(), HandlerOptions{true}));
  relay_->send(hash_of(*b), message);
  settle();
  ASSERT_THAT(taken_, SizeIs(1));
  EXPECT_FALSE(taken_[0]->message().verified);
  EXPECT_EQ(answer(*taken_[0], Bytes(70'000, 'x')).error().code, Errc::too_large);
  EXPECT_TRUE(answer(*taken_[0], to_bytes("yes")));
  settle();
  EXPECT_EQ(as_text(relay_->messages.back().body), "yes");
  EXPECT_TRUE(relay_->messages.back().has(flag::not_bottle));
}

TEST_F(TakerTest, AnEndpointOfAHandlerIsNotTaken) {
  const auto a = online(), b = online();
  EXPECT_EQ(b->set_taker("ping", taker()).error(), make_error_code(Errc::bad_argument));
  EXPECT_EQ(b->set_taker("ping", {}).error(), make_error_code(Errc::bad_argument));
  EXPECT_TRUE(run(a->query(b->target_id() + "/ping", {}, 5s)));
}

TEST_F(TakerTest, NobodyTakesMessagesWhenItIsRemoved) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  ASSERT_TRUE(b->set_taker("test", {}));
  Asked asked = ask(a, b, "hi");
  EXPECT_EQ(finish(asked).error().code, Errc::no_such_endpoint);
}

TEST_F(TakerTest, AnAnswerAfterTheEndOfTheClientIsAnError) {
  const auto a = online(), b = online();
  ASSERT_TRUE(b->set_taker("test", taker()));
  Asked asked = ask(a, b, "hi");
  run(b->close());
  EXPECT_FALSE(answer(*taken_[0], to_bytes("late")));
}

}  // namespace
}  // namespace spot
