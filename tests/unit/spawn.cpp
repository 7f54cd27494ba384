#include "tests/unit/spawn.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

namespace spot::test {

void start(const asio::any_io_executor& executor, asio::awaitable<void> work, asio::cancellation_slot slot,
           std::function<void(std::exception_ptr thrown)> done) {
  asio::co_spawn(executor, std::move(work), asio::bind_cancellation_slot(slot, std::move(done)));
}

}  // namespace spot::test
