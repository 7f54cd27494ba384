// listen/ with messages that the test sends, and sees answered.
#pragma once

#include <boost/asio/redirect_error.hpp>

#include "client/proto/address.hpp"
#include "fs/tree/listen/listen.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {

class FakeQuestion final : public spot::Question {
 public:
  explicit FakeQuestion(asio::io_context& context) : gate_{context, asio::steady_timer::time_point::max()} {}

  const spot::Incoming& message() const override { return incoming; }
  bool is_query() const override { return awaited; }
  asio::awaitable<spot::Answer<void>> answer(spot::HandlerResult result) override {
    if (held) {
      boost::system::error_code ec;
      co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      if (held) co_return spot::Failure{Errc::cancelled};
    }
    const bool fits = !result && failure && failure->code == Errc::too_large;  // an error is short
    if (failure && !fits) co_return *failure;
    if (result) {
      answers.push_back(spot::to_string(**result));
    } else {
      errors.push_back(result.error().text);
    }
    co_return spot::Answer<void>{};
  }
  void let_go() {
    held = false;
    gate_.cancel();
  }

  spot::Incoming incoming;
  bool awaited = true;
  bool held = false;  // an answer waits for let_go()
  std::optional<spot::Failure> failure;
  std::vector<std::string> answers, errors;  // what the sender got

 private:
  asio::steady_timer gate_;
};

class ListenTest : public TreeTest {
 protected:
  using QuestionPtr = std::shared_ptr<FakeQuestion>;
  struct Packet {
    std::string target, body, sender;
  };

  ListenTest() {
    options_.serve = [this](std::string endpoint, spot::Taker taker, spot::HandlerOptions settings) -> Result<void> {
      if (endpoint == "ping") return fail(Errc::bad_argument);
      unverified_[endpoint] = settings.unverified;
      if (taker) {
        takers_[endpoint] = std::move(taker);
      } else {
        takers_.erase(endpoint);
      }
      return {};
    };
    options_.send = [this](std::string target, Bytes body, std::string sender) -> asio::awaitable<spot::Answer<void>> {
      packets_.push_back({std::move(target), spot::to_string(body), std::move(sender)});
      if (failure_) co_return *failure_;
      co_return spot::Answer<void>{};
    };
    options_.executor = context_.get_executor();
    options_.self = me_;
    options_.access = access();
    options_.clock = &clock_;
    options_.notifier = notifier_;
    options_.find_thread = [](pid_t tid) { return std::optional{Thread{tid == 8 ? 7 : tid}}; };
  }
  ~ListenTest() override {
    root_.reset();
    settle();
  }

  NodePtr serve(const std::string& name = "test") {
    if (!root_) root_ = make_listen(options_);
    return run(root_->make_directory(user(), name, 0755)).value().node;
  }
  QuestionPtr question(std::string_view body) {
    auto out = std::make_shared<FakeQuestion>(context_);
    out->incoming.id = spot::random_uuid();
    out->incoming.sender = peer_ + "/" + spot::to_text(out->incoming.id);
    out->incoming.body = spot::to_bytes(body);
    out->incoming.verified = true;
    return out;
  }
  spot::Answer<void> put(const QuestionPtr& question, const std::string& name = "test") {
    spot::Answer<void> taken = takers_.at(name)(question);
    settle();
    return taken;
  }
  QuestionPtr arrive(std::string_view body, const std::string& name = "test") {
    QuestionPtr out = question(body);
    EXPECT_TRUE(put(out, name)) << body;
    return out;
  }

  std::shared_ptr<OpenFile> next(const NodePtr& endpoint, int flags = O_RDONLY) {
    return open(node(endpoint, "next"), flags).value();
  }
  // Reads `next` to its end, and gives the message's directory.
  NodePtr take(const NodePtr& endpoint) {
    const std::string line = read(*next(endpoint)).value();
    EXPECT_TRUE(line.starts_with("inbox/") && line.ends_with("\n")) << line;
    return node(node(endpoint, "inbox"), line.substr(6, line.size() - 7));
  }
  // As tee does. The errno of the write, or of the close.
  int say(const NodePtr& file, std::string_view text) {
    const auto opened = open(file, O_WRONLY);
    if (!opened) return errno_of(opened);
    const int wrong = text.empty() ? 0 : errno_of(write(**opened, 0, text));
    const int closed = errno_of(flush(**opened));
    release(**opened);
    settle();
    return wrong != 0 ? wrong : closed;
  }

  const std::string peer_ = spot::identity_target(spot::Sha256{1});
  const std::string me_ = spot::identity_target(spot::Sha256{2});
  const std::shared_ptr<FakeNotifier> notifier_ = std::make_shared<FakeNotifier>();
  ListenOptions options_;
  NodePtr root_;
  std::map<std::string, spot::Taker> takers_;
  std::map<std::string, bool> unverified_;
  std::vector<Packet> packets_;
  std::optional<spot::Failure> failure_;  // of packets
};

}  // namespace spotfs::tree
