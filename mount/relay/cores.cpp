#include "mount/relay/cores.hpp"

#include <algorithm>
#include <iterator>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>

namespace spot::relay {

Cores::Cores(unsigned threads) {
  constexpr int kOneThread = 1;
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) contexts_.emplace_back(kOneThread);
}

std::vector<asio::any_io_executor> Cores::executors() {
  std::vector<asio::any_io_executor> all;
  for (asio::io_context& context : contexts_) all.emplace_back(context.get_executor());
  return all;
}

void Cores::run() {
  std::list<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  std::vector<std::thread> threads;
  for (auto other = std::next(contexts_.begin()); other != contexts_.end(); ++other) {
    guards.emplace_back(other->get_executor());
    threads.emplace_back([&context = *other] { context.run(); });
  }
  first().run();
  guards.clear();
  for (std::thread& thread : threads) thread.join();
  // What the others left for it at the end.
  first().restart();
  first().run();
}

}  // namespace spot::relay
