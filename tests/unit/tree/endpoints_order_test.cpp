// Several queries of a user under way at once: what was asked last counts.
#include "tests/unit/tree/endpoints_fixture.hpp"

namespace spotfs::tree {
namespace {

using testing::HasSubstr;

class EndpointsOrderTest : public EndpointsTest {
 protected:
  using Gate = std::shared_ptr<asio::steady_timer>;

  // Asks, as cp does, and is left waiting at gate_.
  Pending<Result<void>> ask_held(std::string_view body, const NodePtr& in) {
    hold();
    const auto file = request(in);
    write(*file, 0, body);
    auto closing = begin(file->flush(user()));
    settle();
    held_ = false;
    return closing;
  }
  Pending<Result<void>> ask_held(std::string_view body) { return ask_held(body, endpoint()); }
  // What an open by name gives that does not wait.
  Result<std::string> shown(const NodePtr& in, const std::string& name) {
    const auto opened = open_name(in, name, O_RDONLY | O_NONBLOCK);
    if (!opened) return opened.error();
    return read(**opened);
  }
  Result<std::string> shown(const std::string& name) { return shown(endpoint(), name); }
  int end(Pending<Result<void>>& query, const Gate& gate, const std::string& answer) {
    answers_ = {answer};
    gate->cancel();
    return errno_of(finish(query));
  }
};

TEST_F(EndpointsOrderTest, AnAnswerThatComesAfterThatOfALaterQueryIsNotShown) {
  auto slow = ask_held("slow");
  EXPECT_EQ(ask(endpoint(), "fast"), 0);
  EXPECT_EQ(shown("reply").value(), "answer to fast");
  EXPECT_EQ(end(slow, gate_, "late"), 0);
  EXPECT_EQ(shown("reply").value(), "answer to fast");
}

TEST_F(EndpointsOrderTest, AFailureThatComesAfterTheAnswerToALaterQueryIsNotShown) {
  auto slow = ask_held("slow");
  EXPECT_EQ(ask(endpoint(), "fast"), 0);
  failure_ = spot::Failure{Errc::remote_error, "bad"};
  EXPECT_EQ(end(slow, gate_, ""), EREMOTEIO);  // to who waits for it
  EXPECT_EQ(shown("reply").value(), "answer to fast");
  EXPECT_EQ(shown("error").value(), "");
}

TEST_F(EndpointsOrderTest, AFailureOfALaterQueryStaysThoughAnEarlierOneIsAnsweredThen) {
  auto slow = ask_held("slow");
  failure_ = spot::Failure{Errc::remote_error, "bad"};
  EXPECT_EQ(ask(endpoint(), "fast"), EREMOTEIO);
  failure_.reset();
  EXPECT_EQ(end(slow, gate_, "late"), 0);
  EXPECT_EQ(errno_of(shown("reply")), EREMOTEIO);
  EXPECT_THAT(shown("error").value(), HasSubstr("bad"));
}

TEST_F(EndpointsOrderTest, AnOpenWaitsForWhatWasAskedLastAndForNothingEarlier) {
  auto slow = ask_held("slow");
  const Gate slow_gate = gate_;
  auto last = ask_held("last");
  for (const char* const name : {"reply", "error"}) {
    const NodePtr file = node(endpoint(), name);
    auto opening = begin(file->open(user(), O_RDONLY));
    settle();
    EXPECT_FALSE(opening.done());
    opening.interrupt();
    EXPECT_EQ(errno_of(finish(opening)), EINTR);
  }
  EXPECT_EQ(end(last, gate_, "of the last"), 0);
  EXPECT_EQ(shown("reply").value(), "of the last");
  EXPECT_EQ(shown("error").value(), "");
  EXPECT_FALSE(slow.done());
  EXPECT_EQ(end(slow, slow_gate, "late"), 0);
}

TEST_F(EndpointsOrderTest, AnEarlierAnswerIsForWhoWaitsForItUntilThatToALaterQueryComes) {
  auto first = ask_held("first");
  const Gate gate = gate_;
  const NodePtr none = node(endpoint(), "reply");
  auto opening = begin(none->open(user(), O_RDONLY));
  settle();
  auto last = ask_held("last");
  EXPECT_EQ(end(first, gate, "of the first"), 0);
  settle();
  ASSERT_TRUE(opening.done());
  EXPECT_EQ(errno_of(finish(opening)), ESTALE);
  EXPECT_EQ(read(node(endpoint(), "reply")).value(), "of the first");
  EXPECT_EQ(errno_of(shown("reply")), EAGAIN);
  EXPECT_EQ(end(last, gate_, "of the last"), 0);
  EXPECT_EQ(shown("reply").value(), "of the last");
}

TEST_F(EndpointsOrderTest, ARedirectIsNotHeldUpByAnEarlierOneThatIsUnderWay) {
  const auto redirect = [this](std::string_view body) {
    const auto file = request(endpoint());
    flush(*file);
    write(*file, 0, body);
    flush(*file);
    release(*file);
    settle();
  };
  hold();
  redirect("slow");
  held_ = false;
  redirect("fast");
  EXPECT_EQ(shown("reply").value(), "answer to fast");
  answers_ = {"late"};
  gate_->cancel();
  settle();
  EXPECT_EQ(shown("reply").value(), "answer to fast");
}

TEST_F(EndpointsOrderTest, SlotsHaveAnOrderOfTheirOwn) {
  const NodePtr slot = run(endpoint()->make_directory(user(), "x", 0700))->node;
  auto slow = ask_held("slow", slot);
  EXPECT_EQ(ask(endpoint(), "other"), 0);
  EXPECT_EQ(ask(slot, "fast"), 0);
  EXPECT_EQ(end(slow, gate_, "late"), 0);
  EXPECT_EQ(shown(slot, "reply").value(), "answer to fast");
  EXPECT_EQ(shown("reply").value(), "answer to other");
}

TEST_F(EndpointsOrderTest, AQueryThatCouldNotBeSentCountsAsAsked) {
  auto slow = ask_held("slow");
  EXPECT_EQ(ask(endpoint(), std::string(65'001, 'x')), EMSGSIZE);
  EXPECT_EQ(errno_of(shown("reply")), EMSGSIZE);
  EXPECT_EQ(end(slow, gate_, "late"), 0);
  EXPECT_EQ(errno_of(shown("reply")), EMSGSIZE);
}

TEST_F(EndpointsOrderTest, StatShowsTheNumberOfTheAnswerToTheLastQuery) {
  auto slow = ask_held("slow");
  const Gate slow_gate = gate_;
  auto last = ask_held("last");
  const std::uint64_t shown = stat(node(endpoint(), "reply")).inode;
  EXPECT_EQ(end(last, gate_, "of the last"), 0);
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, shown);
  EXPECT_EQ(end(slow, slow_gate, "late"), 0);
  EXPECT_EQ(stat(node(endpoint(), "reply")).inode, shown);
}

TEST_F(EndpointsOrderTest, TheErrorOfAQueryGoesWithItsReplyThoughAMessageWasSentMeanwhile) {
  auto slow = ask_held("slow");
  const auto message = open(node(endpoint(), "send"), O_WRONLY).value();
  write(*message, 0, "a");
  EXPECT_EQ(errno_of(flush(*message)), 0);
  failure_ = spot::Failure{Errc::remote_error, "bad"};
  EXPECT_EQ(end(slow, gate_, ""), EREMOTEIO);
  EXPECT_EQ(errno_of(shown("reply")), EREMOTEIO);
  EXPECT_THAT(shown("error").value(), HasSubstr("bad"));
}

TEST_F(EndpointsOrderTest, AMessageThatIsUnderWayHoldsUpNoReplyAndHidesNoErrorOfALaterQuery) {
  const auto sending = std::make_shared<asio::steady_timer>(context_, asio::steady_timer::time_point::max());
  options_.send = [sending](std::string, Bytes, std::string,
                            std::chrono::milliseconds) -> asio::awaitable<spot::Answer<void>> {
    boost::system::error_code ec;
    const auto gate = sending;
    co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ec));
    co_return spot::Answer<void>{};
  };
  const auto message = open(node(endpoint(), "send"), O_WRONLY).value();
  write(*message, 0, "a");
  auto closing = begin(message->flush(user()));
  settle();
  failure_ = spot::Failure{Errc::remote_error, "bad"};
  EXPECT_EQ(ask(endpoint(), "hi"), EREMOTEIO);
  EXPECT_EQ(errno_of(shown("reply")), EREMOTEIO);
  EXPECT_FALSE(closing.done());
  sending->cancel();
  EXPECT_EQ(errno_of(finish(closing)), 0);
  EXPECT_THAT(shown("error").value(), HasSubstr("bad"));
}

}  // namespace
}  // namespace spotfs::tree
