#include "mount/relay/outbox.hpp"

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

std::optional<Bytes> Outbox::next() {
  return state_.with([](State& state) -> std::optional<Bytes> {
    if (state.packets.empty()) {
      state.draining = false;
      return std::nullopt;
    }
    Bytes packet = std::move(state.packets.front());
    state.packets.pop_front();
    state.bytes -= packet.size();
    return packet;
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
