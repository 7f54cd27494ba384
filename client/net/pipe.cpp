#include <deque>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/sync.hpp"
#include "client/net/transport.hpp"
#include "client/proto/packet.hpp"

namespace spot {
namespace {

// Packets that one end has sent, until the other takes them. Several times the largest one, so that a sender waits for
// a reader that is slow and never for one that only has not been scheduled.
constexpr std::size_t kCapacity = 4 * kMaxPacketSize;

// One direction. Each side waits on a timer of its own strand, which the other wakes by a post to that strand.
class Lane {
 public:
  Lane(asio::any_io_executor sender, asio::any_io_executor receiver)
      : sender_{std::move(sender)}, receiver_{std::move(receiver)}, readable_{receiver_}, writable_{sender_} {}

  enum class State { done, wait, closed };

  State put(Bytes& packet) {
    const auto [state, wake] = queue_.with([&](Queue& queue) -> std::pair<State, bool> {
      if (queue.closed) return {State::closed, false};
      if (queue.size >= kCapacity) return {State::wait, false};
      queue.size += packet.size();
      queue.packets.push_back(std::move(packet));
      return {State::done, queue.packets.size() == 1};
    });
    if (wake) wake_receiver();
    return state;
  }

  State take(Bytes& packet) {
    const auto [state, wake] = queue_.with([&](Queue& queue) -> std::pair<State, bool> {
      if (queue.packets.empty()) return {queue.closed ? State::closed : State::wait, false};
      packet = std::move(queue.packets.front());
      queue.packets.pop_front();
      const bool was_full = queue.size >= kCapacity;
      queue.size -= packet.size();
      return {State::done, was_full};
    });
    if (wake) wake_sender();
    return state;
  }

  // What has been sent can still be received.
  void close() {
    queue_.with([](Queue& queue) { queue.closed = true; });
    wake_receiver();
    wake_sender();
  }

  asio::steady_timer& readable() noexcept { return readable_; }
  asio::steady_timer& writable() noexcept { return writable_; }

  // Kept alive by what it posts.
  static std::shared_ptr<Lane> make(asio::any_io_executor sender, asio::any_io_executor receiver) {
    auto lane = std::make_shared<Lane>(std::move(sender), std::move(receiver));
    lane->self_ = lane;
    return lane;
  }

 private:
  struct Queue {
    std::deque<Bytes> packets;
    std::size_t size = 0;  // bytes
    bool closed = false;
  };

  void wake_receiver() {
    asio::post(receiver_, [lane = self_.lock()] { lane->readable_.cancel(); });
  }
  void wake_sender() {
    asio::post(sender_, [lane = self_.lock()] { lane->writable_.cancel(); });
  }

  const asio::any_io_executor sender_, receiver_;
  asio::steady_timer readable_, writable_;  // never expire; used on the strand of their side alone
  Synchronized<Queue> queue_;
  std::weak_ptr<Lane> self_;
};

class PipeEnd final : public Transport {
 public:
  PipeEnd(std::shared_ptr<Lane> in, std::shared_ptr<Lane> out) : in_{std::move(in)}, out_{std::move(out)} {}
  ~PipeEnd() override { PipeEnd::close(1000, {}); }

  asio::awaitable<Result<Bytes>> receive() override {
    const auto lane = in_;
    Bytes packet;
    for (;;) {
      const Lane::State state = lane->take(packet);
      if (state == Lane::State::done) co_return std::move(packet);
      if (state == Lane::State::closed) co_return fail(Errc::connection_lost);
      co_await wait(lane->readable());
    }
  }

  asio::awaitable<Result<void>> send(Bytes packet) override {
    if (packet.size() > kMaxPacketSize) co_return fail(Errc::too_large);
    const auto lane = out_;
    for (;;) {
      const Lane::State state = lane->put(packet);
      if (state == Lane::State::done) co_return Result<void>{};
      if (state == Lane::State::closed) co_return fail(Errc::connection_lost);
      co_await wait(lane->writable());
    }
  }

  void close(std::uint16_t, std::string) override {
    in_->close();
    out_->close();
  }

  Bytes certificate_digest() const override { return {}; }
  std::string peer_name() const override { return "in process"; }

 private:
  // A wake-up is posted to this strand, so none is lost between the look at the queue and the wait.
  static asio::awaitable<void> wait(asio::steady_timer& timer) {
    boost::system::error_code ec;
    timer.expires_at(asio::steady_timer::time_point::max());
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }

  std::shared_ptr<Lane> in_, out_;
};

}  // namespace

std::pair<std::unique_ptr<Transport>, std::unique_ptr<Transport>> make_pipe(asio::any_io_executor a,
                                                                            asio::any_io_executor b) {
  auto from_a = Lane::make(a, b);
  auto from_b = Lane::make(b, a);
  return {std::make_unique<PipeEnd>(from_b, from_a), std::make_unique<PipeEnd>(from_a, from_b)};
}

}  // namespace spot
