// The client for programs that have no event loop: a thread of its own keeps it alive, and calls wait.
//
//   auto spot = BlockingClient::start(options);
//   auto answer = spot.value()->run(spot.value()->client().query("@/time", {}));
//
// Thread: any, except the client's own (a handler must not call run()).
#pragma once

#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "client/client.hpp"

namespace spot {

class BlockingClient {
 public:
  static Result<std::unique_ptr<BlockingClient>> start(ClientOptions options);
  ~BlockingClient();
  BlockingClient(const BlockingClient&) = delete;
  BlockingClient& operator=(const BlockingClient&) = delete;

  Client& client() noexcept { return *client_; }
  asio::io_context& context() noexcept { return context_; }

  template <class T>
  T run(asio::awaitable<T> work) {
    return asio::co_spawn(context_, std::move(work), asio::use_future).get();
  }

 private:
  BlockingClient();
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::shared_ptr<Client> client_;
  std::jthread thread_;
};

}  // namespace spot
