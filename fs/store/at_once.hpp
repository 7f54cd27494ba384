// Does many things, some of them at once.
//
// Thread: any; the work runs on `executor`. Lifetime: work that has begun goes on when the caller is cancelled, so
// `work` owns what it uses, and nothing more is begun. Errors: the first failure, after which nothing more is begun;
// cancelled.
#pragma once

#include <functional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "client/base/failure.hpp"

namespace spotfs {

namespace asio = boost::asio;

using Work = std::function<asio::awaitable<spot::Answer<void>>(std::size_t number)>;

// `work` for each number below `count`, in that order, at most `at_once` at a time.
asio::awaitable<spot::Answer<void>> do_at_once(asio::any_io_executor executor, std::size_t count, std::size_t at_once,
                                               Work work);

}  // namespace spotfs
