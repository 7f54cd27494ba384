// An io_context for each thread. Connections are spread over them, and a message that comes and goes by one connection
// wakes no other thread: with one io_context for two threads a relay took half as long again for each query.
//
// Thread: one makes it, calls run() and lets it go. Lifetime: what runs on it goes before.
#pragma once

#include <list>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

namespace spot::relay {

namespace asio = boost::asio;

class Cores {
 public:
  explicit Cores(unsigned threads);  // at least one

  asio::io_context& first() noexcept { return contexts_.front(); }
  std::vector<asio::any_io_executor> executors();

  // Returns when nothing is left to do on the first and then on the others: where there is no more to come from the
  // first, they end.
  void run();

 private:
  std::list<asio::io_context> contexts_;
};

}  // namespace spot::relay
