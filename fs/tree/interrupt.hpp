// What a signal does to a call that waits.
//
// A signal that the caller handles is told at once, and again, as a cancellation that ends every wait, after the
// patience of the mount (SessionOptions). Few programs expect EINTR of a disk, whatever signals they get: so nodes that
// say nothing here know only of the second. Whoever waits for a peer expects it:
//
//   co_await ends_at_once();  // the first thing that the call does
//
// Thread: a call's own.
#pragma once

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>

namespace spotfs::tree {

namespace asio = boost::asio;

// How the first is told: the mildest kind, which coroutines ignore unless they ask for it.
inline constexpr asio::cancellation_type kSignalled = asio::cancellation_type::total;

inline auto ends_at_once() noexcept {
  // What is awaited within may ask for the strongest kind alone.
  constexpr auto any_is_all = [](asio::cancellation_type kind) noexcept {
    return kind == asio::cancellation_type::none ? kind : asio::cancellation_type::all;
  };
  return asio::this_coro::reset_cancellation_state(any_is_all);
}

}  // namespace spotfs::tree
