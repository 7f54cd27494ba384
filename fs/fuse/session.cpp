#include "fs/fuse/session.hpp"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "client/base/handle.hpp"
#include "fs/fuse/core.hpp"
#include "fs/fuse/device_io.hpp"
#include "fs/fuse/kernel_mount.hpp"
#include "fs/fuse/readers.hpp"

namespace spotfs {
namespace {

using fuse::Core;
using fuse::Descriptor;
using fuse::Op;
using LibfuseSession = spot::Handle<fuse_session, &fuse_session_destroy>;

class FuseSession final : public Session {
 public:
  FuseSession(asio::io_context& io, tree::NodePtr root, std::shared_ptr<Notifier> notifier, SessionOptions options)
      : options_{std::move(options)}, notifier_{std::move(notifier)}, core_{io, std::move(root)} {
    core_.log = options_.log;
    core_.file_mask = options_.file_mask;
    core_.directory_mask = options_.directory_mask;
    core_.interrupt_patience = options_.interrupt_patience;
    core_.pending_signals = options_.pending_signals;
  }
  ~FuseSession() override {
    stop();
    wait();
  }

  // Takes the descriptor over if it succeeds.
  Answer<void> open(Descriptor& device, bool kernel);
  void mounted(dev_t id) { mount_id_ = id; }

  void start() override;
  bool wait_ready(std::chrono::milliseconds limit) override;
  void stop() override;
  void wait() override;

  std::vector<OperationCount> operation_counts() const override;
  std::size_t waiting() const override { return core_.waiting.size(); }
  std::size_t open_handles() const override { return core_.files.size() + core_.directories.size(); }
  std::size_t known_nodes() const override { return core_.inodes.size(); }

 private:
  void served();
  void ended(const std::string& wrong);
  void release_open_files();

  const SessionOptions options_;
  const std::shared_ptr<Notifier> notifier_;
  Core core_;
  LibfuseSession libfuse_;
  std::optional<dev_t> mount_id_;
  std::optional<fuse::Readers> readers_;
  std::atomic<bool> ready_seen_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;
  bool ending_ = false;
  bool over_ = false;
};

Answer<void> FuseSession::open(Descriptor& device, bool kernel) {
  char program[] = "spotfs";
  std::array<char*, 2> arguments{program, nullptr};
  fuse_args args{1, arguments.data(), 0};
  const fuse_lowlevel_ops table = fuse::operations();
  libfuse_.reset(fuse_session_new(&args, &table, sizeof table, &core_));
  fuse_opt_free_args(&args);  // it has made a copy of its own
  if (!libfuse_) return Failure{std::error_code{ENOMEM, std::generic_category()}, "libfuse: no session"};
  const fuse_custom_io io = kernel ? fuse::device_io() : fuse::socket_io();
  if (fuse_session_custom_io(libfuse_.get(), &io, device.get()) != 0)
    return Failure{std::error_code{EIO, std::generic_category()}, "libfuse: the device is not taken"};
  device.release();
  return {};
}

void FuseSession::start() {
  notifier_->start(libfuse_.get(), core_.inodes);
  readers_.emplace(
      libfuse_.get(), [this] { served(); }, [this](const std::string& wrong) { ended(wrong); });
  readers_->start(options_.readers == 0 ? 1 : options_.readers);
}

// After a request: the first one is INIT.
void FuseSession::served() {
  if (ready_seen_.load(std::memory_order_relaxed) || !core_.initialised) return;
  ready_seen_ = true;
  const std::lock_guard lock{mutex_};
  ready_ = true;
  changed_.notify_all();
}

void FuseSession::ended(const std::string& wrong) {
  if (!wrong.empty()) core_.say("reading requests", wrong);
  stop();
}

bool FuseSession::wait_ready(std::chrono::milliseconds limit) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, limit, [this] { return ready_ || ending_; });
  return ready_ && !ending_;
}

void FuseSession::stop() {
  const std::lock_guard lock{mutex_};
  ending_ = true;
  changed_.notify_all();
}

// The order matters: whatever the kernel waits for must still be answered while something of ours waits for the kernel.
void FuseSession::wait() {
  {
    std::unique_lock lock{mutex_};
    if (over_) return;
    changed_.wait(lock, [this] { return ending_; });
    over_ = true;
  }
  if (mount_id_) {
    const Answer<void> unmounted = fuse::unmount(options_.directory, *mount_id_);
    if (!unmounted) core_.say("unmount", unmounted.error().text);
  }
  core_.stopping = true;
  core_.waiting.cancel_all(ENETDOWN);
  release_open_files();
  notifier_->stop();
  if (readers_) readers_->stop();
  // A request that was on its way at the last moment may have opened something more.
  release_open_files();
  core_.lifeline->with([](bool& alive) { alive = false; });
  libfuse_.reset();
  for (const auto& directory : core_.directories.take_all()) directory->node.reset();
  core_.inodes.clear();
}

void FuseSession::release_open_files() {
  core_.waiting.wait_empty();
  core_.release_all();
  core_.waiting.wait_empty();
}

std::vector<OperationCount> FuseSession::operation_counts() const {
  std::vector<OperationCount> all;
  for (std::size_t i = 0; i < core_.counters.size(); ++i) {
    const fuse::Counter& counter = core_.counters.at(i);
    all.push_back(
        {fuse::name_of(static_cast<Op>(i)), counter.calls.load(), counter.failures.load(), counter.took.figures()});
  }
  return all;
}

}  // namespace

Answer<std::unique_ptr<Session>> Session::mount(asio::io_context& io, tree::NodePtr root,
                                                std::shared_ptr<Notifier> notifier, SessionOptions options) {
  auto session = std::make_unique<FuseSession>(io, std::move(root), std::move(notifier), options);
  Answer<fuse::KernelMount> mounted = fuse::mount(options);
  if (!mounted) return mounted.error();
  session->mounted(mounted->id);
  const Answer<void> opened = session->open(mounted->device, true);
  if (!opened) return opened.error();  // the session takes the mount away
  return std::unique_ptr<Session>{std::move(session)};
}

Answer<std::unique_ptr<Session>> Session::attach(asio::io_context& io, tree::NodePtr root,
                                                 std::shared_ptr<Notifier> notifier, SessionOptions options, int fd) {
  Descriptor device{fd};
  auto session = std::make_unique<FuseSession>(io, std::move(root), std::move(notifier), std::move(options));
  const Answer<void> opened = session->open(device, false);
  if (!opened) return opened.error();
  return std::unique_ptr<Session>{std::move(session)};
}

}  // namespace spotfs
