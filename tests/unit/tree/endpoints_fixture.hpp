// endpoints/ with queries that the test answers.
#pragma once

#include <deque>

#include <boost/asio/redirect_error.hpp>

#include "client/proto/address.hpp"
#include "fs/tree/endpoints/endpoints.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {

class EndpointsTest : public TreeTest {
 protected:
  struct Asked {
    std::string target;
    std::string body;
    std::chrono::milliseconds timeout{};
  };

  struct Sent {
    std::string target;
    std::string body;
    std::string sender;
    std::chrono::milliseconds timeout{};
  };

  EndpointsTest() {
    options_.query = [this](std::string target, Bytes body,
                            std::chrono::milliseconds timeout) -> asio::awaitable<spot::Answer<Bytes>> {
      asked_.push_back({std::move(target), spot::to_string(body), timeout});
      if (held_) {
        boost::system::error_code ec;
        const auto gate = gate_;
        co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ec));
        if (held_) {
          cancelled_ = true;
          co_return spot::Failure{Errc::cancelled};
        }
      }
      if (failure_) co_return *failure_;
      if (!answers_.empty()) {
        Bytes next = spot::to_bytes(answers_.front());
        answers_.pop_front();
        co_return next;
      }
      co_return spot::to_bytes("answer to " + asked_.back().body);
    };
    options_.send = [this](std::string target, Bytes body, std::string sender,
                           std::chrono::milliseconds timeout) -> asio::awaitable<spot::Answer<void>> {
      sent_.push_back({std::move(target), spot::to_string(body), std::move(sender), timeout});
      if (failure_) co_return *failure_;
      co_return spot::Answer<void>{};
    };
    options_.executor = context_.get_executor();
    options_.self = me_;
    options_.access = access();
    options_.clock = &clock_;
    options_.find_thread = [this](pid_t tid) -> std::optional<Thread> {
      const auto known = processes_.find(tid);
      return known == processes_.end() ? std::nullopt : std::optional{Thread{known->second}};
    };
  }

  void make() { root_ = make_endpoints(options_); }
  NodePtr endpoint(const std::string& target, const std::string& name) {
    if (!root_) make();
    return node(node(root_, target), name);
  }
  NodePtr endpoint() { return endpoint(peer_, "test"); }

  // Queries wait until answer().
  void hold() {
    held_ = true;
    gate_ = std::make_shared<asio::steady_timer>(context_, asio::steady_timer::time_point::max());
  }
  void answer() {
    held_ = false;
    gate_->cancel();
  }

  // What the kernel does at an open by name: after ESTALE it looks once more.
  Result<std::shared_ptr<OpenFile>> open_name(const NodePtr& in, const std::string& name, int flags = O_RDONLY,
                                              Caller caller = user()) {
    auto opened = open(node(in, name, caller), flags, caller);
    if (!opened && errno_of(opened) == ESTALE) opened = open(node(in, name, caller), flags, caller);
    return opened;
  }
  Result<std::string> cat(const NodePtr& in, const std::string& name, Caller caller = user()) {
    const auto opened = open_name(in, name, O_RDONLY, caller);
    if (!opened) return opened.error();
    return read(**opened);
  }
  std::shared_ptr<OpenFile> request(const NodePtr& in, Caller caller = user(), int flags = O_WRONLY) {
    return open(node(in, "request", caller), flags, caller).value();
  }
  // As cp and tee do. The errno of the close.
  int ask(const NodePtr& in, std::string_view body, Caller caller = user()) {
    const auto file = request(in, caller);
    const int wrong = errno_of(write(*file, 0, body, caller));
    const int closed = errno_of(flush(*file, caller));
    release(*file, caller);
    return wrong != 0 ? wrong : closed;
  }

  const std::string peer_ = spot::identity_target(spot::Sha256{1});
  const std::string me_ = spot::identity_target(spot::Sha256{2});
  EndpointsOptions options_;
  NodePtr root_;
  std::map<pid_t, pid_t> processes_{{7, 7}, {8, 7}, {9, 9}, {10, 10}};  // thread to process
  std::vector<Asked> asked_;
  std::vector<Sent> sent_;
  std::deque<std::string> answers_;
  std::optional<spot::Failure> failure_;
  bool held_ = false;
  bool cancelled_ = false;  // one that was held
  std::shared_ptr<asio::steady_timer> gate_;
};

}  // namespace spotfs::tree
