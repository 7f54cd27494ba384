// Nodes, called as the session calls them, on one thread: a test runs until its coroutine has an answer.
#pragma once

#include <future>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/base/clock.hpp"
#include "fs/tree/access.hpp"
#include "fs/tree/interrupt.hpp"
#include "fs/tree/node.hpp"
#include "fs/tree/notifier.hpp"
#include "tests/unit/spawn.hpp"

namespace spotfs::tree {

class FakeClock final : public spot::Clock {
 public:
  Wall wall() const override { return now_; }
  Steady steady() const override { return now_.time_since_epoch(); }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  Wall now_ = std::chrono::sys_days{std::chrono::year{2026} / 11 / 24};
};

// What the kernel was told.
class FakeNotifier final : public KernelNotifier {
 public:
  void attributes_changed(const NodePtr& node) override { attributes.push_back(node.get()); }
  void content_changed(const NodePtr& node) override { contents.push_back(node.get()); }
  void name_changed(const NodePtr&, std::string name) override { names.push_back(std::move(name)); }
  asio::awaitable<void> sent() override {
    ++waits;
    co_return;
  }
  asio::awaitable<void> all_sent(std::chrono::milliseconds) override {
    ++waits_for_all;
    names_at_wait = names;
    co_return;
  }

  std::vector<const Node*> attributes, contents;
  std::vector<std::string> names, names_at_wait;
  int waits = 0, waits_for_all = 0;
};

// A call that is under way.
template <class T>
class Pending {
 public:
  Pending(asio::io_context& context, asio::awaitable<T> work)
      : signal_{std::make_unique<asio::cancellation_signal>()},
        result_{spot::test::spawn(context, std::move(work), signal_->slot())} {}
  bool done() const { return result_.wait_for(std::chrono::seconds{0}) == std::future_status::ready; }
  T get() { return result_.get(); }
  void interrupt() { signal_->emit(asio::cancellation_type::all); }
  // One that the caller handles: the rest of the mount's patience is still to come.
  void signal() { signal_->emit(kSignalled); }

 private:
  std::unique_ptr<asio::cancellation_signal> signal_;
  std::future<T> result_;
};

class TreeTest : public testing::Test {
 protected:
  template <class T>
  Pending<T> begin(asio::awaitable<T> work) {
    return Pending<T>{context_, std::move(work)};
  }
  template <class T>
  T finish(Pending<T>& pending) {
    while (!pending.done()) {
      context_.restart();
      context_.run_one();
    }
    return pending.get();
  }
  template <class T>
  T run(asio::awaitable<T> work) {
    Pending<T> pending = begin(std::move(work));
    return finish(pending);
  }
  // Runs what is ready, until nothing is.
  void settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
  }

  template <class T>
  static int errno_of(const Result<T>& result) {
    return result ? 0 : spot::to_errno(result.error());
  }
  static Caller user(uid_t uid = 1000, pid_t tid = 7) { return {uid, uid, tid, 022}; }
  static Access access() {
    Access out;
    out.uid = out.gid = 1000;
    return out;
  }

  Result<Entry> lookup(const NodePtr& in, const std::string& name, Caller caller = user()) {
    Result<Entry> found = run(in->lookup(caller, name));
    if (found && !found->node) return fail(ENOENT);
    return found;
  }
  NodePtr node(const NodePtr& in, const std::string& name, Caller caller = user()) {
    const Result<Entry> found = lookup(in, name, caller);
    EXPECT_TRUE(found) << name << ": " << (found ? "" : found.error().message());
    return found ? found->node : nullptr;
  }
  std::vector<std::string> names(const NodePtr& in, Caller caller = user()) {
    std::vector<std::string> out;
    const auto listed = run(in->list(caller, "", 1'000));
    if (listed) {
      for (const Listed& one : *listed) out.push_back(one.name);
    }
    return out;
  }
  Result<std::shared_ptr<OpenFile>> open(const NodePtr& file, int flags, Caller caller = user()) {
    Result<Opened> opened = run(file->open(caller, flags));
    if (!opened) return opened.error();
    return opened->file;
  }
  Result<std::string> read(OpenFile& file) {
    const Result<Content> content = run(file.read(user(), 0, 1 << 20));
    if (!content) return content.error();
    return spot::to_string(content->bytes());
  }
  Result<std::string> read(const NodePtr& file, Caller caller = user()) {
    const auto opened = open(file, O_RDONLY, caller);
    if (!opened) return opened.error();
    Result<std::string> text = read(**opened);
    run((*opened)->release(caller));
    return text;
  }
  Result<std::size_t> write(OpenFile& file, std::uint64_t offset, std::string_view text, Caller caller = user()) {
    return run(file.write(caller, Write{offset, spot::to_bytes(text)}));
  }
  Result<void> flush(OpenFile& file, Caller caller = user()) { return run(file.flush(caller)); }
  void release(OpenFile& file, Caller caller = user()) { run(file.release(caller)); }
  Attributes stat(const NodePtr& file, Caller caller = user()) { return run(file->attributes(caller)).value(); }

  asio::io_context context_{1};
  FakeClock clock_;
};

}  // namespace spotfs::tree
