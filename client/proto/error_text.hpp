// The texts by which a relay names its errors (protocol.md, section 5), and what they mean.
//
// Thread: pure functions.
#pragma once

#include <string_view>

#include "client/base/failure.hpp"

namespace spot {

// What a relay's error means; a text that is not known is remote_error. The text is kept.
Failure failure_of_relay(std::string_view text);

// The error of a peer: only that it has no such endpoint is known by its text.
Failure failure_of_peer(std::string_view text);

inline constexpr std::string_view kNoSuchEndpoint = "no such endpoint";
// Of ours, in place of an answer that no message can hold.
inline constexpr std::string_view kAnswerTooLarge = "the answer is too large for one message";

}  // namespace spot
