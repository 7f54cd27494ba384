// A packet connection: packets that came to an endpoint wait here until they are read.
//
// Thread: any. Memory: at most kCapacity packets; one that comes when it is full is dropped, as with UDP.
#pragma once

#include <deque>

#include "client/client.hpp"
#include "client/net/one_shot.hpp"

namespace spot {

class PacketQueue final : public PacketConnection, public std::enable_shared_from_this<PacketQueue> {
 public:
  static constexpr std::size_t kCapacity = 256;

  PacketQueue(std::weak_ptr<Client> client, std::shared_ptr<DeadlineQueue> deadlines, std::string endpoint,
              std::string address);
  ~PacketQueue() override;

  void put(Packet packet);
  void fail(Errc error);  // ends all waits, now and later

  asio::awaitable<Answer<Packet>> read_from(std::chrono::milliseconds timeout) override;
  asio::awaitable<Answer<void>> write_to(std::string address, Bytes payload) override;
  std::string local_addr() const override { return address_; }
  void close() override;

 private:
  using Waiter = OneShot<Answer<Packet>>;
  struct State {
    std::deque<Packet> packets;
    std::deque<std::shared_ptr<Waiter>> waiters;
    std::optional<Errc> ended;
  };

  const std::weak_ptr<Client> client_;
  const std::shared_ptr<DeadlineQueue> deadlines_;
  const std::string endpoint_, address_;
  Synchronized<State> state_;
};

}  // namespace spot
