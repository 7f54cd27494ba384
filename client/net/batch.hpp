// How packets of a queue are brought together, so that many small ones leave as one TLS record.
//
// Thread: the strand of the connection.
#pragma once

#include <deque>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/base/bytes.hpp"

namespace spot {

namespace asio = boost::asio;

inline constexpr std::size_t kBatchSize = 16 << 10;  // one TLS record (RFC 8446, 5.1)

// The first packet, and those behind it as long as they are of that size together.
std::vector<Bytes> take_batch(std::deque<Bytes>& waiting);

// Lets what else runs on the strand go on for as long as it adds to what waits: a reader that finds several questions
// in one record leaves several answers. Where nothing comes, that is one turn of the strand.
template <class WaitingBytes>
asio::awaitable<void> let_others_add(asio::any_io_executor strand, WaitingBytes waiting_bytes) {
  for (std::size_t before = 0, now = waiting_bytes(); now != before && now < kBatchSize; now = waiting_bytes()) {
    before = now;
    co_await asio::post(strand, asio::use_awaitable);
  }
}

}  // namespace spot
