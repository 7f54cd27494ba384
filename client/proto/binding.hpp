// What ties a sealed message to the packet that carries it: the inner header of our messages and replies.
//
// A signature covers no context, so a relay could send a sealed message again, to another endpoint, or as the answer to
// another question. Ours say in `ct`, `mid`, `flg`, `dst`, `rto` and `t` where they belong; where a peer says so, it
// is checked (protocol.md, "Sealed").
//
// Thread: values. Times are those of the relay as far as they are known (@/time). Errors: wrong_name (made for another
// packet), replay (not of this time), refused (a blob's header, or a binding is required and missing).
#pragma once

#include "client/base/clock.hpp"
#include "client/bottle/bottle.hpp"
#include "client/proto/packet.hpp"

namespace spot {

inline constexpr std::string_view kMessageType = "spot/msg";
inline constexpr std::chrono::minutes kBindingWindow{10};

// An encoded map. `recipient` and `sender` are full addresses: the relay completes a sender "/x" by who we are, so the
// caller does it here.
Bytes binding_header(const Message& packet, std::string_view recipient, std::string_view sender, Clock::Wall now);

// `packet` as it was received; `header` is the inner header of its body.
Result<void> check_binding(const Header& header, const Message& packet, Clock::Wall now, bool required);

// What the content of a blob may say it is: anything but a message.
bool is_message_header(const Header& header);

}  // namespace spot
