#include "client/proto/error_text.hpp"

#include <gtest/gtest.h>

namespace spot {
namespace {

TEST(ErrorText, OfARelayIsKnown) {
  for (const auto& [text, code] : {std::pair{"blob not found", Errc::not_found},
                                   {"card not found", Errc::card_unknown},
                                   {"recipient not online", Errc::peer_offline},
                                   {"no such endpoint", Errc::no_such_endpoint},
                                   {"too large", Errc::too_large},
                                   {"quota exceeded", Errc::quota_exceeded},
                                   {"rate exceeded", Errc::rate_exceeded}})
    EXPECT_EQ(failure_of_relay(text).code, code) << text;
}

TEST(ErrorText, ThatIsNotKnownIsARemoteErrorAndKept) {
  for (const auto* text : {"", "Blob not found", "blob not found ", "disk on fire"}) {
    const Failure failure = failure_of_relay(text);
    EXPECT_EQ(failure.code, Errc::remote_error);
    EXPECT_EQ(failure.text, text);
  }
}

// A peer that could say "blob not found" would make a file of ours vanish.
TEST(ErrorText, OfAPeerSaysOnlyThatItHasNoSuchEndpoint) {
  EXPECT_EQ(failure_of_peer("no such endpoint").code, Errc::no_such_endpoint);
  for (const auto* text : {"blob not found", "card not found", "recipient not online", "quota exceeded"})
    EXPECT_EQ(failure_of_peer(text).code, Errc::remote_error) << text;
}

}  // namespace
}  // namespace spot
