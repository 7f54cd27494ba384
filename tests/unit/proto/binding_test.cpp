#include "client/proto/binding.hpp"

#include <gtest/gtest.h>

#include "client/proto/address.hpp"

namespace spot {
namespace {

using std::chrono_literals::operator""min;
using std::chrono_literals::operator""ms;

const Clock::Wall kNow{std::chrono::milliseconds{1'790'000'000'123}};
const std::string kBob = identity_target(Sha256{2}), kAlice = identity_target(Sha256{1});

// An error reply of Alice to Bob, as it left her.
class Binding : public testing::Test {
 protected:
  Binding() {
    packet_.id = Uuid{1, 2, 3};
    packet_.flags = flag::response | flag::error;
    packet_.recipient = kBob + "/question";
    packet_.sender = kAlice + "/noreply";
    sent_ = Header::parse(binding_header(packet_, packet_.recipient, packet_.sender, kNow)).value();
  }
  std::error_code check(bool required = true, Clock::Wall now = kNow) const { return check(sent_, required, now); }
  std::error_code check(const Header& header, bool required, Clock::Wall now = kNow) const {
    const auto checked = check_binding(header, packet_, now, required);
    return checked ? std::error_code{} : checked.error();
  }
  static Header header(std::string_view key, const cbor::Writer& item) {
    return Header::parse(cbor::Writer{}.put_map(1).put_text(key).put_item(item.bytes()).bytes()).value();
  }

  Message packet_;
  Header sent_;
};

TEST_F(Binding, OfOurOwnMakingHolds) { EXPECT_FALSE(check()); }

TEST_F(Binding, RefusesAReplyWhoseErrorFlagWasCleared) {
  packet_.flags = flag::response;
  EXPECT_EQ(check(), Errc::wrong_name);
}

TEST_F(Binding, RefusesAMessageSentToAnotherEndpoint) {
  packet_.recipient = kBob + "/ping";
  EXPECT_EQ(check(), Errc::wrong_name);
  packet_.recipient = kBob + "/question/more";
  EXPECT_EQ(check(), Errc::wrong_name);
}

TEST_F(Binding, RefusesAMessageSentToAnotherIdentity) {
  packet_.recipient = identity_target(Sha256{3}) + "/question";
  EXPECT_EQ(check(), Errc::wrong_name);
}

TEST_F(Binding, RefusesAnotherSender) {
  packet_.sender = kBob + "/noreply";
  EXPECT_EQ(check(), Errc::wrong_name);
}

TEST_F(Binding, RefusesTheReplyOfAnotherQuery) {
  packet_.id = Uuid{9};
  EXPECT_EQ(check(), Errc::wrong_name);
}

TEST_F(Binding, HoldsWhateverServerTheAddressesName) {
  packet_.recipient = "k.srv." + kBob.substr(2) + "/question";
  packet_.sender = "k.other." + kAlice.substr(2) + "/noreply";
  EXPECT_FALSE(check());
}

TEST_F(Binding, HoldsForTenMinutesEitherWay) {
  EXPECT_FALSE(check(true, kNow + 10min));
  EXPECT_FALSE(check(true, kNow - 10min));
  EXPECT_EQ(check(true, kNow + 10min + 1ms), Errc::replay);
  EXPECT_EQ(check(true, kNow - 10min - 1ms), Errc::replay);
}

TEST_F(Binding, RefusesAMessageOfElevenMinutesAgo) { EXPECT_EQ(check(false, kNow + 11min), Errc::replay); }

TEST_F(Binding, RefusesTheEndOfTime) {
  EXPECT_EQ(check(header("t", cbor::Writer{}.put(UINT64_MAX)), false), Errc::replay);
}

TEST_F(Binding, MayBeMissingWhereItIsNotRequired) {
  EXPECT_FALSE(check(Header{}, false));
  EXPECT_EQ(check(Header{}, true), Errc::refused);
}

TEST_F(Binding, IsRequiredInFull) {
  for (const auto* left_out : {"ct", "mid", "flg", "dst", "rto", "t"}) {
    cbor::Writer partial;
    partial.put_map(5);
    for (const auto* key : {"ct", "mid", "flg", "dst", "rto", "t"}) {
      if (std::string_view{key} != left_out) partial.put_text(key).put_item(*sent_.item(key));
    }
    EXPECT_EQ(check(Header::parse(partial.bytes()).value(), true), Errc::refused) << left_out;
  }
}

TEST_F(Binding, ChecksEachFieldThatIsThere) {
  for (const auto* key : {"mid", "flg", "dst", "rto", "t"}) {
    EXPECT_FALSE(check(header(key, cbor::Writer{}.put_item(*sent_.item(key))), false)) << key;
    EXPECT_TRUE(check(header(key, cbor::Writer{}.put_null()), false)) << key;
    EXPECT_TRUE(check(header(key, cbor::Writer{}.put_array(0)), false)) << key;
    EXPECT_TRUE(check(header(key, cbor::Writer{}.put_integer(-1)), false)) << key;
  }
}

TEST_F(Binding, RefusesFieldsOfAnotherType) {
  EXPECT_EQ(check(header("mid", cbor::Writer{}.put_text(as_text(packet_.id))), false), Errc::wrong_name);
  EXPECT_EQ(check(header("mid", cbor::Writer{}.put_bytes(BytesView{packet_.id}.first(15))), false), Errc::wrong_name);
  EXPECT_EQ(check(header("dst", cbor::Writer{}.put_bytes(view(packet_.recipient))), false), Errc::wrong_name);
  EXPECT_EQ(check(header("flg", cbor::Writer{}.put_text("3")), false), Errc::wrong_name);
  EXPECT_EQ(check(header("ct", cbor::Writer{}.put_bytes(view("spot/msg"))), false), Errc::refused);
}

TEST_F(Binding, RefusesContentOfABlob) {
  for (const auto* type : {"spotfs/", "spotfs/head", "spotfs/log"})
    EXPECT_EQ(check(header("ct", cbor::Writer{}.put_text(type)), false), Errc::refused) << type;
  EXPECT_FALSE(check(header("ct", cbor::Writer{}.put_text("text/plain")), false));
}

TEST_F(Binding, MarksAMessage) {
  EXPECT_TRUE(is_message_header(sent_));
  EXPECT_FALSE(is_message_header(Header{}));
  EXPECT_FALSE(is_message_header(header("ct", cbor::Writer{}.put_text("spotfs/head"))));
}

TEST(InnerHeader, RefusesWhatIsNotOneMapOfTexts) {
  const cbor::Writer duplicate = cbor::Writer{}.put_map(2).put_text("t").put(1).put_text("t").put(2);
  const cbor::Writer by_number = cbor::Writer{}.put_map(1).put(1).put(1);
  Bytes trailing{0xA0, 0x00};
  Bytes deep{0xA1, 0x61, 't'};
  deep.insert(deep.end(), 100'000, 0x81);
  for (const Bytes& bytes : {duplicate.bytes(), by_number.bytes(), trailing, deep, Bytes{}, Bytes{0xA1, 0x61},
                             Bytes{0xBF, 0xFF}, Bytes{0x80}, Bytes{0xC1, 0xA0}})
    EXPECT_FALSE(Header::parse(bytes));
}

}  // namespace
}  // namespace spot
