#include "mount/serve.hpp"

#include <csignal>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/signal_set.hpp>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "mount/background.hpp"
#include "mount/filesystem.hpp"
#include "mount/log.hpp"
#include "mount/mount_point.hpp"
#include "mount/service.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::LogLevel;

constexpr milliseconds kDry = 10s;    // for what runs to see that all is over
constexpr milliseconds kSpare = 10s;  // beyond mount_timeout, for cleaning up after a mount that failed

// Keys are in our memory: no core files, and no other process of this user looks inside.
void protect_memory() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

class Signals {
 public:
  Signals(asio::io_context& context, std::function<void()> event)
      : strand_{asio::make_strand(context)}, set_{strand_, SIGTERM, SIGINT, SIGHUP}, event_{std::move(event)} {
    asio::dispatch(strand_, [this] { wait(); });
  }
  void cancel() {
    asio::post(strand_, [this] { set_.cancel(); });
  }

 private:
  void wait() {
    set_.async_wait([this](const boost::system::error_code& ec, int) {
      if (ec) return;
      event_();
      wait();
    });
  }

  const asio::strand<asio::io_context::executor_type> strand_;
  asio::signal_set set_;
  const std::function<void()> event_;
};

// `ready` is called when the mount works; false from it ends the mount.
Outcome run(const Options& options, const std::string& directory, const spot::Log& log,
            const std::function<bool()>& ready) {
  Loop loop{options.threads};
  Filesystem filesystem{loop, options, directory, log};
  Signals signals{loop.context(), [&] { filesystem.stop(); }};
  const Answer<void> opened = filesystem.open();
  if (opened && ready()) {
    tell_service_manager("READY=1");
    filesystem.wait();
    tell_service_manager("STOPPING=1");
  }
  filesystem.close();
  signals.cancel();
  if (!loop.end(kDry)) log(LogLevel::warning, "something did not end in time");
  return opened ? Outcome{} : outcome_of(opened.error());
}

// What is thrown ends here, with the rest of the program in order.
template <class F>
Outcome guarded(F&& work) {
  try {
    return std::forward<F>(work)();
  } catch (const std::bad_alloc&) {
    return {Exit::system, "out of memory"};
  } catch (const std::exception& e) {
    return {Exit::system, e.what()};
  }
}

}  // namespace

Outcome serve(const Options& options) {
  protect_memory();
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is the error of a write
  const auto directory = prepare_mount_point(options.directory);
  if (!directory) return outcome_of(directory.error());
  if (options.foreground) {
    const spot::Log log = start_log(LogTo::standard_error, options.log, *directory);
    return guarded([&] { return run(options, *directory, log, [] { return true; }); });
  }
  return in_background(options.mount_timeout + kSpare, [&](Report& report) {
    const spot::Log log = start_log(LogTo::system, options.log, *directory);
    const Outcome outcome = guarded([&] { return run(options, *directory, log, [&] { return report.ready(); }); });
    if (outcome.code != Exit::success) log(LogLevel::error, outcome.text);
    report.failed(outcome);
    return outcome.code;
  });
}

}  // namespace spotfs::mount
