#include "client/blocking.hpp"

namespace spot {

BlockingClient::BlockingClient() : context_{1}, guard_{context_.get_executor()} {}

Result<std::unique_ptr<BlockingClient>> BlockingClient::start(ClientOptions options) {
  std::unique_ptr<BlockingClient> blocking{new BlockingClient};
  auto client = Client::make(blocking->context_.get_executor(), std::move(options));
  if (!client) return client.error();
  blocking->client_ = std::move(*client);
  blocking->client_->start();
  blocking->thread_ = std::jthread{[context = &blocking->context_] { context->run(); }};
  return blocking;
}

BlockingClient::~BlockingClient() {
  if (!thread_.joinable()) return;
  asio::co_spawn(context_, client_->close(), asio::use_future).get();
  guard_.reset();
  context_.stop();
  thread_.join();
}

}  // namespace spot
