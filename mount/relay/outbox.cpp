#include "mount/relay/outbox.hpp"

#include "client/net/batch.hpp"

namespace spot::relay {

Outbox::Push Outbox::push(Bytes packet, std::size_t limit) {
  return state_.with([&](State& state) {
    if (state.closed) return Push::closed;
    if (packet.size() > limit || state.bytes > limit - packet.size()) return Push::full;
    state.bytes += packet.size();
    state.packets.push_back(std::move(packet));
    return std::exchange(state.draining, true) ? Push::waits : Push::first;
  });
}

std::vector<Bytes> Outbox::next() {
  return state_.with([](State& state) {
    std::vector<Bytes> batch = take_batch(state.packets);
    for (const Bytes& packet : batch) state.bytes -= packet.size();
    state.draining = !batch.empty();
    return batch;
  });
}

void Outbox::close() {
  state_.with([](State& state) {
    state.closed = true;
    state.packets.clear();
    state.bytes = 0;
  });
}

std::size_t Outbox::waiting_bytes() const {
  return state_.with([](const State& state) { return state.bytes; });
}

}  // namespace spot::relay
