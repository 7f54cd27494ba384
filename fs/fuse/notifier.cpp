#include "fs/fuse/notifier.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "client/base/sync.hpp"
#include "client/net/one_shot.hpp"
#include "fs/fuse/inodes.hpp"
#include "fs/fuse/libfuse.hpp"

namespace spotfs {
namespace {

using fuse::Inodes;
using tree::NodePtr;
using tree::Result;
namespace asio = boost::asio;

// A thread that does what it is given, in order.
class Lane {
 public:
  ~Lane() { stop(); }
  void start() {
    thread_ = std::thread{[this] { run(); }};
  }
  void add(std::function<void()> work) {
    {
      const std::lock_guard lock{mutex_};
      work_.push_back(std::move(work));
    }
    more_.notify_one();
  }
  // What is still queued is dropped.
  void stop() {
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      work_.clear();
    }
    more_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock{mutex_};
    while (true) {
      more_.wait(lock, [this] { return stopping_ || !work_.empty(); });
      if (stopping_) return;
      const std::function<void()> next = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      next();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::thread thread_;
};

// The thread of what is told at once, and the one of what may have to wait.
struct Lanes {
  Lane quick;
  Lane slow;
};

class SessionNotifier final : public Notifier {
 public:
  void start(fuse_session* session, const Inodes& inodes) override {
    target_.with([&](Target& t) {
      t.session = session;
      t.inodes = &inodes;
      t.lanes = std::make_shared<Lanes>();
      t.lanes->quick.start();
      t.lanes->slow.start();
    });
  }

  void stop() override {
    std::shared_ptr<Lanes> lanes;
    target_.with([&](Target& t) {
      lanes = std::move(t.lanes);
      t = Target{};
    });
    if (!lanes) return;
    lanes->quick.stop();
    lanes->slow.stop();
  }

  void attributes_changed(const NodePtr& node) override {
    tell(node.get(), [](Lanes& lanes, fuse_session* session, fuse_ino_t id) {
      lanes.quick.add([=] { fuse_lowlevel_notify_inval_inode(session, id, -1, 0); });
    });
  }

  void content_changed(const NodePtr& node) override {
    tell(node.get(), [](Lanes& lanes, fuse_session* session, fuse_ino_t id) {
      lanes.quick.add([=] { fuse_lowlevel_notify_inval_inode(session, id, -1, 0); });
      lanes.slow.add([=] { fuse_lowlevel_notify_inval_inode(session, id, 0, 0); });
    });
  }

  void name_changed(const NodePtr& directory, std::string name) override {
    tell(directory.get(), [&](Lanes& lanes, fuse_session* session, fuse_ino_t id) {
      lanes.slow.add([session, id, name = std::move(name)] {
        fuse_lowlevel_notify_inval_entry(session, id, name.c_str(), name.size());
      });
    });
  }

  asio::awaitable<void> sent() override {
    auto told = std::make_shared<Told>();
    const bool queued = target_.with([&](Target& t) {
      if (t.lanes) t.lanes->quick.add([turn = std::make_shared<Turn>(told)] {});
      return t.lanes != nullptr;
    });
    if (queued) co_await Told::wait(told);
  }

  asio::awaitable<void> all_sent(std::chrono::milliseconds limit) override {
    auto told = std::make_shared<Told>();
    const bool queued = target_.with([&](Target& t) {
      if (!t.lanes) return false;
      const auto turn = std::make_shared<Turn>(told);  // of both lanes
      t.lanes->quick.add([turn] {});
      t.lanes->slow.add([turn] {});
      return true;
    });
    if (!queued) co_return;
    asio::steady_timer timer{co_await asio::this_coro::executor, limit};
    timer.async_wait([told](boost::system::error_code ec) {
      if (!ec) told->expire();
    });
    co_await Told::wait(told);
  }

 private:
  using Told = spot::OneShot<Result<void>>;

  // Gone when the lanes that have it have come to it, or are stopped.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<Told> told) : told_{std::move(told)} {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { told_->give(Result<void>{}); }

   private:
    std::shared_ptr<Told> told_;
  };

  struct Target {
    fuse_session* session = nullptr;
    const Inodes* inodes = nullptr;
    std::shared_ptr<Lanes> lanes;  // none: there is nobody to tell
  };

  template <class How>
  void tell(const tree::Node* node, How&& how) {
    target_.with([&](Target& t) {
      if (!t.lanes) return;
      if (const auto id = t.inodes->id_of(node)) how(*t.lanes, t.session, *id);
    });
  }

  // Held before the locks of Inodes and of a lane.
  spot::Synchronized<Target> target_;
};

}  // namespace

std::shared_ptr<Notifier> Notifier::make() { return std::make_shared<SessionNotifier>(); }

}  // namespace spotfs
