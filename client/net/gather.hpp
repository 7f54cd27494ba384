// A layer between WebSocket and TLS that makes one TLS record of many small frames.
//
//   stream.next_layer().gather();
//   for (…) co_await stream.async_write(frame, …);             // each is taken into memory at once
//   const auto ec = co_await stream.next_layer().flush();      // all of it leaves
//
// which is together() for a coroutine that writes.
//
// Without gather() it passes everything through. Between the two whatever the layer above writes is gathered, so that
// the flush is the only write below; the layer above must not have a write in progress at gather() unless the first of
// those async_write() waits for it (Beast's do).
//
// Thread: the strand of the stream. Lifetime: as the stream; a gathered write completes by a post. Memory: what is
// written between gather() and flush().
#pragma once

#include <utility>

#include <boost/asio/append.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "client/base/bytes.hpp"
#include "client/base/result.hpp"

namespace spot {

namespace asio = boost::asio;
namespace beast = boost::beast;

template <class Next>
class GatherStream {
 public:
  using next_layer_type = Next;
  using executor_type = typename Next::executor_type;

  template <class... Arguments>
  explicit GatherStream(Arguments&&... arguments) : next_{std::forward<Arguments>(arguments)...} {}

  Next& next_layer() noexcept { return next_; }
  const Next& next_layer() const noexcept { return next_; }
  executor_type get_executor() noexcept { return next_.get_executor(); }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return next_.async_read_some(buffers, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto&& own, const Buffers& some) {
          if (!gathering_) return next_.async_write_some(some, std::forward<decltype(own)>(own));
          const std::size_t size = take(some);
          asio::post(next_.get_executor(),
                     asio::append(std::forward<decltype(own)>(own), boost::system::error_code{}, size));
        },
        handler, buffers);
  }

  void gather() noexcept { gathering_ = true; }

  asio::awaitable<boost::system::error_code> flush() {
    boost::system::error_code ec;
    Bytes leaving;
    while (!ec && !waiting_.empty()) {
      leaving.clear();
      leaving.swap(waiting_);
      co_await asio::async_write(next_, asio::buffer(leaving), asio::redirect_error(asio::use_awaitable, ec));
    }
    waiting_.clear();
    gathering_ = false;
    co_return ec;
  }
  bool gathers() const noexcept { return gathering_; }

  // Errors: those of `writes`; connection_lost.
  asio::awaitable<Result<void>> together(asio::awaitable<Result<void>> writes) {
    gather();
    const Result<void> written = co_await std::move(writes);
    const boost::system::error_code ec = co_await flush();
    if (ec) co_return fail(Errc::connection_lost);
    co_return written;
  }

 private:
  template <class Buffers>
  std::size_t take(const Buffers& buffers) {
    const std::size_t before = waiting_.size();
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
      const asio::const_buffer part{*at};
      const auto* const data = static_cast<const std::uint8_t*>(part.data());
      waiting_.insert(waiting_.end(), data, data + part.size());
    }
    return waiting_.size() - before;
  }

  Next next_;
  Bytes waiting_;
  bool gathering_ = false;
};

// How Beast ends what is below a WebSocket.
template <class Next, class Handler>
void async_teardown(beast::role_type role, GatherStream<Next>& stream, Handler&& handler) {
  using beast::websocket::async_teardown;
  async_teardown(role, stream.next_layer(), std::forward<Handler>(handler));
}

}  // namespace spot
