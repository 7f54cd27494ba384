// The end of a mount: what is left to store and to send, and then every part.
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mount/filesystem.hpp"
#include "mount/outcome.hpp"

namespace spotfs::mount {

using spot::Answer;
using spot::LogLevel;

namespace {

constexpr milliseconds kAgain = 500ms;     // after a commit that failed, at the end
constexpr milliseconds kLookAgain = 20ms;  // at what is still being sent then
constexpr milliseconds kClosing = 5s;      // what may take a moment without anything to be stored
constexpr milliseconds kGivenUp = 500ms;   // the same where the drain was in vain

// Until all is stored: what stands in the way of it now may be gone soon.
asio::awaitable<Answer<void>> draining(std::shared_ptr<Index> index, std::shared_ptr<PendingStore> pending) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  for (;;) {
    Answer<void> done = co_await index->commit();
    if (done && pending && pending->status().count != 0) {
      const Answer<std::vector<spot::Bytes>> synced = co_await pending->sync();
      if (!synced) done = synced.error();
    }
    if (done) co_return done;
    pause.expires_after(kAgain);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

// What their senders have closed, and nobody waits for.
asio::awaitable<Answer<void>> all_sent(std::shared_ptr<const tree::Room> sending) {
  asio::steady_timer pause{co_await asio::this_coro::executor};
  while (sending->taken() != 0) {
    pause.expires_after(kLookAgain);
    co_await pause.async_wait(asio::use_awaitable);
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> closing(std::shared_ptr<spot::Client> client) {
  co_await client->close();
  co_return Answer<void>{};
}

}  // namespace

void Filesystem::wait() {
  say(LogLevel::info, "mounted " + directory_);
  session_->wait();
  say(LogLevel::info, "unmounted " + directory_);
}

void Filesystem::stop() {
  const std::scoped_lock lock{mutex_};
  stopping_ = true;
  loop_.interrupt();
  if (session_) session_->stop();
}

void Filesystem::close() {
  if (!late_) end_scrub();  // one that begins late is begun by others
  std::unique_ptr<Session> session;
  {
    const std::scoped_lock lock{mutex_};
    session = std::move(session_);
  }
  session.reset();  // ends it, and stores what open files hold
  controlled_->with([](auto& disk) { disk.reset(); });
  end_late();
  end_scrub();
  loop_.allow_runs();
  const auto drained_by = std::chrono::steady_clock::now() + options_.drain;
  milliseconds closing_within = kClosing;
  if (index_) {
    index_->drain();
    if (!loop_.run(draining(index_, pending_), options_.drain)) closing_within = kGivenUp;
  }
  const auto drain_left = std::chrono::ceil<milliseconds>(drained_by - std::chrono::steady_clock::now());
  if (!loop_.run(all_sent(sending_), std::max(drain_left, milliseconds{0})))
    say(LogLevel::error, "a message to an endpoint was not sent: the mount has ended");
  if (index_) {
    if (pending_) pending_->end();
    const Answer<void> drained = loop_.run(index_->close(), closing_within);
    if (!drained) {
      say(LogLevel::error, std::to_string(index_->status().uncommitted) + " changes are not stored (" +
                               line_of(drained.error()) + "): they are kept in " + options_.state.string() +
                               ", and stored by the next mount");
    }
    if (const std::size_t count = pending_ ? pending_->status().count : 0; count != 0) {
      say(LogLevel::error, std::to_string(count) + " blobs are not uploaded: they are kept in " +
                               options_.state.string() + ", and uploaded by the next mount");
    }
  }
  if (client_) loop_.run(closing(client_), closing_within);
  if (relay_) relay_->stop();
  if (pending_) pending_->close();
  cached_.close();
}

}  // namespace spotfs::mount
