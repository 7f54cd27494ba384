#include "client/net/transport.hpp"

namespace spot {

asio::awaitable<Result<void>> Transport::send_all(std::vector<Bytes> packets) {
  for (Bytes& packet : packets) {
    const auto sent = co_await send(std::move(packet));
    if (!sent) co_return sent;
  }
  co_return Result<void>{};
}

}  // namespace spot
