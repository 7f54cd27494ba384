#include "fs/tree/listen/next.hpp"

#include <cerrno>

#include <boost/asio/this_coro.hpp>
#include <unistd.h>

#include "fs/tree/interrupt.hpp"

namespace spotfs::tree {
namespace {

class OpenNext final : public OpenFile {
 public:
  OpenNext(MailboxPtr mailbox, bool nonblocking, std::function<bool(pid_t)> is_killed)
      : mailbox_{std::move(mailbox)}, nonblocking_{nonblocking}, is_killed_{std::move(is_killed)} {}
  ~OpenNext() override { mailbox_->end_poll(this); }

  asio::awaitable<Result<Content>> read(Caller caller, std::uint64_t offset, std::size_t size) override {
    co_await ends_at_once();
    for (bool has_waited = false;; has_waited = true) {
      const auto cancellation = co_await asio::this_coro::cancellation_state;
      if (cancellation.cancelled() != asio::cancellation_type::none) co_return make_error_code(Errc::cancelled);
      // Whoever is being killed would take a message along that he never reads.
      if (has_waited && is_killed_ && is_killed_(caller.tid)) co_return make_error_code(Errc::cancelled);
      const Result<Content> text = take();
      if (!text) co_return text.error();
      if (!text->bytes().empty()) co_return text->part(offset, size);
      if (nonblocking_) co_return fail(EAGAIN);
      const Result<void> waited = co_await Mailbox::wait(mailbox_);
      if (!waited) co_return waited.error();
    }
  }

  asio::awaitable<Result<unsigned>> poll(Caller, std::unique_ptr<Poller> poller) override {
    const bool has_taken = text_.with([](const Content& text) { return !text.bytes().empty(); });
    if (!has_taken && !mailbox_->poll(this, std::move(poller))) co_return 0U;
    co_return static_cast<unsigned>(POLLIN | POLLRDNORM);
  }

 private:
  // Once; empty while no message waits.
  Result<Content> take() {
    return text_.with([&](Content& text) -> Result<Content> {
      if (!text.bytes().empty()) return text;
      const Result<std::optional<Mailbox::Number>> taken = mailbox_->take();
      if (!taken) return taken.error();
      if (*taken) text = Content{spot::to_bytes("inbox/" + std::to_string(**taken) + "\n")};
      return text;
    });
  }

  const MailboxPtr mailbox_;
  const bool nonblocking_;
  const std::function<bool(pid_t)> is_killed_;
  spot::Synchronized<Content> text_;  // its lock comes before the mailbox's
};

class NextFile final : public ListenNode {
 public:
  NextFile(ListenHubPtr hub, MailboxPtr mailbox)
      : ListenNode{std::move(hub), S_IFREG | 0400}, mailbox_{std::move(mailbox)} {}

  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
    if ((flags & O_ACCMODE) != O_RDONLY) co_return fail(EACCES);
    const Result<void> allowed = check(caller, R_OK);
    if (!allowed) co_return allowed.error();
    if (mailbox_->is_ended()) co_return fail(ESTALE);
    Opened opened{std::make_shared<OpenNext>(mailbox_, (flags & O_NONBLOCK) != 0, hub()->options.is_killed)};
    opened.direct_io = true;
    opened.nonseekable = true;
    opened.no_flush = true;
    co_return opened;
  }

 private:
  const MailboxPtr mailbox_;
};

}  // namespace

NodePtr make_next(ListenHubPtr hub, MailboxPtr mailbox) {
  return std::make_shared<NextFile>(std::move(hub), std::move(mailbox));
}

}  // namespace spotfs::tree
