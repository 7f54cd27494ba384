// Where blobs are kept: bottles under keys, for one identity. It lists nothing, locks nothing and is not trusted.
//
// Thread: any; coroutines run on their caller's executor and honour its cancellation.
// Errors: not_found only where the store is known to mean it (files.md, "Missing, or an error?"); offline, timed_out,
// quota_exceeded, too_large, remote_error with the store's text; sync(): lost, with a key as text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "client/base/bytes.hpp"
#include "client/base/failure.hpp"

namespace spotfs {

namespace asio = boost::asio;
using spot::Answer;
using spot::Bytes;
using spot::BytesView;
using spot::Errc;
using spot::Failure;
using spot::Result;

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual asio::awaitable<Answer<Bytes>> fetch(std::string key) = 0;
  virtual asio::awaitable<Answer<void>> store(std::string key, Bytes bottle) = 0;
  virtual asio::awaitable<Answer<void>> erase(std::string key) = 0;  // of a missing key: no error
  // Returns when all that was stored before is on the store's disk; ids of the runs that answered (empty: no promise).
  virtual asio::awaitable<Answer<std::vector<Bytes>>> sync() = 0;
  // Was this stored through here, and is lost? sync() has failed with `lost` then, and does until it is stored again or
  // erased.
  virtual bool is_lost(const std::string&) const { return false; }
  // What fetch() gave for this key is not what belongs there. True: a copy was dropped, and the next fetch asks again.
  virtual bool distrust(const std::string&) { return false; }
};

// What a key is of (files.md, the table of keys); all else is a value that blobs/ shows.
inline bool is_content_key(std::string_view key) noexcept { return key.starts_with(".spotfs/c/"); }
inline bool is_record_key(std::string_view key) noexcept { return key.starts_with(".spotfs/") && !is_content_key(key); }

// Nobody could be asked, or nobody answered: the store has not said no.
inline bool is_unreachable(const std::error_code& error) noexcept {
  return error == Errc::offline || error == Errc::timed_out || error == Errc::connection_lost;
}

}  // namespace spotfs
