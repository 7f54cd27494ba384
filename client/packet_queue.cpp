#include "client/packet_queue.hpp"

namespace spot {

PacketQueue::PacketQueue(std::weak_ptr<Client> client, std::shared_ptr<DeadlineQueue> deadlines, std::string endpoint,
                         std::string address)
    : client_{std::move(client)},
      deadlines_{std::move(deadlines)},
      endpoint_{std::move(endpoint)},
      address_{std::move(address)} {}

PacketQueue::~PacketQueue() { PacketQueue::close(); }

void PacketQueue::put(Packet packet) {
  // A waiter that has just timed out does not take it: the next one does.
  for (;;) {
    const std::shared_ptr<Waiter> waiter = state_.with([&](State& state) -> std::shared_ptr<Waiter> {
      if (state.ended) return nullptr;
      if (state.waiters.empty()) {
        if (state.packets.size() < kCapacity) state.packets.push_back(std::move(packet));
        return nullptr;
      }
      auto first = std::move(state.waiters.front());
      state.waiters.pop_front();
      return first;
    });
    if (!waiter || waiter->give(packet)) return;
  }
}

void PacketQueue::fail(Errc error) {
  const auto waiters = state_.with([&](State& state) {
    if (!state.ended) state.ended = error;
    return std::exchange(state.waiters, {});
  });
  for (const auto& waiter : waiters) waiter->give(Failure{error});
}

asio::awaitable<Answer<PacketConnection::Packet>> PacketQueue::read_from(std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  const auto waiter = std::make_shared<Waiter>();
  std::optional<Answer<Packet>> ready = state_.with([&](State& state) -> std::optional<Answer<Packet>> {
    if (!state.packets.empty()) {
      Packet packet = std::move(state.packets.front());
      state.packets.pop_front();
      return Answer<Packet>{std::move(packet)};
    }
    if (state.ended) return Answer<Packet>{Failure{*state.ended}};
    state.waiters.push_back(waiter);
    return std::nullopt;
  });
  if (ready) co_return std::move(*ready);
  auto answer = co_await Waiter::wait(waiter, deadlines_, std::chrono::steady_clock::now() + timeout);
  if (!answer) state_.with([&](State& state) { std::erase(state.waiters, waiter); });
  co_return answer;
}

asio::awaitable<Answer<void>> PacketQueue::write_to(std::string address, Bytes payload) {
  const auto client = client_.lock();
  if (!client) co_return Failure{Errc::stopping};
  co_return co_await client->send_to(std::move(address), std::move(payload), "/" + endpoint_);
}

void PacketQueue::close() {
  const bool open = state_.with([](const State& state) { return !state.ended; });
  if (!open) return;
  fail(Errc::stopping);
  if (const auto client = client_.lock()) client->set_handler(endpoint_, {});
}

}  // namespace spot
