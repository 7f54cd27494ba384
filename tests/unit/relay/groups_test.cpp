// Groups: the directory of memberships, who takes them, and the command that makes them.
#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "client/base/encoding.hpp"
#include "client/base/sqlite.hpp"
#include "client/identity.hpp"
#include "mount/relay/membership_files.hpp"
#include "tests/unit/relay/relay_fixture.hpp"
#include "tests/unit/relay/relay_program.hpp"

namespace spot::relay {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class GroupsTest : public RelayTest {
 protected:
  void begin() {
    RelayOptions options;
    options.groups = files_;
    options.limits.ask_again = std::chrono::milliseconds{0};
    open(std::move(options));
  }
  void give(const Keychain& member, bool valid = true) {
    const auto written =
        write_membership(files_, group_->self(), member.self().public_key(), valid, unix_seconds(clock_.now));
    ASSERT_TRUE(written) << written.error().text;
  }
  std::vector<Sha256> members() { return run(relay_->database().members(hash_of(*group_))).value(); }
  // As run_until, for what runs the context itself and so may take the very event that it waits for.
  void run_until_seen(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!done()) {
      if (std::chrono::steady_clock::now() >= deadline)
        throw std::runtime_error{"what the test waits for does not come"};
      context_.restart();
      context_.run_for(std::chrono::milliseconds{5});
    }
  }
  void wait_for_members(std::size_t count) {
    run_until_seen([&] { return members().size() == count; });
  }
  std::shared_ptr<Client> member(std::shared_ptr<const Keychain> keys, bool asks = true) {
    ClientOptions options;
    options.keys = std::move(keys);
    options.dialer = relay_->dialer();
    if (asks) options.groups = {key_};
    return online(std::move(options));
  }
  void wait_for_card(Client& client, std::size_t memberships) {
    run_until([&] { return client.id_card().groups().size() == memberships; });
  }
  void put(const std::string& name, BytesView content) {
    std::filesystem::create_directories(files_);
    std::ofstream{files_ / name, std::ios::binary}.write(reinterpret_cast<const char*>(content.data()),
                                                         static_cast<std::streamsize>(content.size()));
  }

  const std::filesystem::path files_ = directory_.path / "memberships";
  const std::shared_ptr<const Keychain> group_ = new_keys(), a_ = new_keys(), b_ = new_keys();
  const Bytes key_ = group_->self().public_key().pkix();
};

TEST_F(GroupsTest, ReadsTheDirectoryWhenItBegins) {
  give(*a_);
  begin();
  wait_for_members(1);
  EXPECT_EQ(members(), std::vector{hash_of(*a_)});
}

TEST_F(GroupsTest, SeesWhatIsAddedAndTakenBackWhileItRuns) {
  begin();
  EXPECT_THAT(members(), IsEmpty());
  give(*a_);
  give(*b_);
  wait_for_members(2);
  give(*a_, false);
  wait_for_members(1);
  EXPECT_EQ(members(), std::vector{hash_of(*b_)});
}

TEST_F(GroupsTest, SeesAFileThatIsWrittenInPlace) {
  begin();
  const auto membership = make_membership(a_->self().public_key().pkix(), group_->self(), "valid", 1'000).value();
  put("any name.membership", encode_membership(membership));
  wait_for_members(1);
}

TEST_F(GroupsTest, RefusesWhatTheGroupHasNotSignedWithALineInTheLog) {
  const LogCapture log;
  Membership forged = make_membership(a_->self().public_key().pkix(), b_->self(), "valid", 1'000).value();
  forged.group = key_;  // signed by a key of its own
  put("forged.membership", encode_membership(forged));
  Membership changed = make_membership(a_->self().public_key().pkix(), group_->self(), "valid", 1'000).value();
  changed.issued = 2'000;
  put("changed.membership", encode_membership(changed));
  put("nonsense\x1b[2J.membership", to_bytes("nonsense"));
  give(*b_);
  begin();
  wait_for_members(1);
  run_until([&] { return log.has("nonsense"); });
  EXPECT_TRUE(log.has("forged.membership: signed by a key that is not the group's"));
  EXPECT_TRUE(log.has("changed.membership: a signature does not verify"));
  EXPECT_TRUE(log.has("nonsense\\x1b[2J.membership: not the membership of anyone"));
  EXPECT_FALSE(log.has("\x1b"));
  EXPECT_EQ(members(), std::vector{hash_of(*b_)});
}

TEST_F(GroupsTest, WhatCouldNotBeStoredIsTriedAgainAtTheNextLook) {
  const LogCapture log;
  begin();
  EXPECT_THAT(members(), IsEmpty());
  auto other = sqlite::Connection::open(directory_.path / "relay" / "relay.db", 4'096).value();
  ASSERT_FALSE(other.run("CREATE TRIGGER full BEFORE INSERT ON membership BEGIN SELECT RAISE(ABORT, 'full'); END"));
  give(*a_);
  run_until_seen([&] { return log.has(".membership: " + make_error_code(Errc::storage_failed).message()); });
  ASSERT_FALSE(other.run("DROP TRIGGER full"));
  give(*b_);
  wait_for_members(2);
}

TEST_F(GroupsTest, CardOfWhoAskedCarriesAMembershipFromTheStart) {
  give(*a_);
  begin();
  wait_for_members(1);
  EXPECT_EQ(member(a_)->id_card().groups().size(), 1U);
}

TEST_F(GroupsTest, CardOfWhoIsOnlineFollows) {
  begin();
  const auto client = member(a_);
  EXPECT_THAT(client->id_card().groups(), IsEmpty());
  give(*a_);
  wait_for_card(*client, 1);
  EXPECT_EQ(client->id_card().groups()[0].group, key_);
  give(*a_, false);
  wait_for_card(*client, 0);
  give(*a_);
  wait_for_card(*client, 1);
  EXPECT_EQ(client->connection_count(), 1U);
}

TEST_F(GroupsTest, OthersSeeTheNewCard) {
  begin();
  const auto client = member(a_), other = member(b_);
  ASSERT_THAT(run(other->get_id_card(hash_of(*a_)))->groups(), IsEmpty());
  give(*a_);
  run_until_seen([&] { return !run(other->get_id_card(hash_of(*a_)))->groups().empty(); });
}

TEST_F(GroupsTest, OneThatNobodyAskedForIsNotTaken) {
  begin();
  const auto client = member(a_, false);
  give(*a_);
  run_until([&] { return logged("this group was not asked for"); });
  EXPECT_TRUE(logged("did not take a membership of " + group_target(sha256(key_))));
  EXPECT_THAT(client->id_card().groups(), IsEmpty());
  EXPECT_TRUE(run(client->get_time()));
}

TEST_F(GroupsTest, MessageToTheGroupReachesOneThatIsOnline) {
  give(*a_);
  give(*b_);
  begin();
  wait_for_members(2);
  const auto asker = member(new_keys()), b = member(b_);
  EXPECT_THAT(run(asker->get_group_members(key_)).value(), UnorderedElementsAre(hash_of(*a_), hash_of(*b_)));
  const std::string target = group_target(sha256(key_));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(run(asker->query(target + "/finger", {})).value(), b->id_card_bin());
  give(*b_, false);
  wait_for_members(1);
  EXPECT_EQ(run(asker->query(target + "/finger", {})).error().code, Errc::peer_offline);
}

TEST_F(GroupsTest, AnotherIdentityInTheMiddleOfAConnectionEndsIt) {
  begin();
  const LogCapture log;
  const auto guest = enter(a_);
  give(*a_);
  const Bytes request = guest->receive_request();
  const PrivateKey& other = b_->self();
  guest->send_packet(Guest::response(request, card_of(*b_), other.public_key().pkix(), other));
  while (guest->receive_packet()) {
  }
  EXPECT_TRUE(log.has("another identity in the middle of a connection"));
}

TEST_F(GroupsTest, HandshakeThatNobodyAskedForChangesNothing) {
  begin();
  const auto guest = enter(a_);
  guest->send_packet(encode_packet(PacketType::handshake, to_bytes("unasked")));
  EXPECT_TRUE(guest->is_still_connected());
}

TEST_F(GroupsTest, EachMembershipIsOfferedOnce) {
  begin();
  const auto guest = enter(a_);
  give(*a_);
  const Bytes request = guest->receive_request();
  // It does not take it.
  guest->send_packet(Guest::response(request, card_of(*a_), a_->self().public_key().pkix(), a_->self()));
  EXPECT_TRUE(decode_handshake(guest->receive_request())->ready);
  const auto another = make_membership(a_->self().public_key().pkix(), b_->self(), "valid", 1'000).value();
  put("another.membership", encode_membership(another));
  const auto next = decode_handshake(guest->receive_request()).value();
  ASSERT_EQ(next.memberships.size(), 1U);
  EXPECT_EQ(decode_membership(next.memberships[0])->group, b_->self().public_key().pkix());
}

TEST_F(GroupsTest, LaterWordIsWrittenOverAnEarlierOneOfTheSameSecond) {
  give(*a_);
  give(*a_, false);
  const auto file = std::filesystem::directory_iterator { files_ } -> path();
  const auto membership = read_membership(file).value();
  EXPECT_EQ(membership.status, "suspended");
  EXPECT_EQ(membership.issued, unix_seconds(clock_.now) + 1);
  EXPECT_TRUE(verify_membership(membership, a_->self().public_key().pkix(), nullptr, membership.issued));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{files_}, {}), 1);
}

TEST_F(GroupsTest, MemberIsAPublicKeyOrACard) {
  const auto key = directory_.path / "public.pem", card = directory_.path / "card", other = directory_.path / "other";
  std::string base64 = base64url(a_->self().public_key().pkix());
  std::ofstream{key} << "-----BEGIN PUBLIC KEY-----\n"
                     << base64.substr(0, 64) << "\n"
                     << base64.substr(64) << "\n-----END PUBLIC KEY-----\n";
  const Bytes encoded = card_of(*a_);
  std::ofstream{card, std::ios::binary}.write(reinterpret_cast<const char*>(encoded.data()),
                                              static_cast<std::streamsize>(encoded.size()));
  std::ofstream{other} << "-----BEGIN PUBLIC KEY-----\n";
  const UnixSeconds now = unix_seconds(Clock::system().wall());
  EXPECT_EQ(read_member(key, now).value(), a_->self().public_key());
  EXPECT_EQ(read_member(card, now).value(), a_->self().public_key());
  EXPECT_THAT(read_member(other, now).error().text, HasSubstr("other: not a public key"));
  EXPECT_THAT(read_member("/dev/zero", now).error().text, HasSubstr("/dev/zero: not a file"));
}

// --- The program -----------------------------------------------------------------------------------------------------

class GroupCommandTest : public GroupsTest {
 protected:
  static int command(std::vector<std::string> words, std::string* said = nullptr) {
    words.insert(words.begin(), "group");
    RelayProgram program{std::move(words)};
    const int code = program.wait();
    if (said != nullptr) *said = program.log();
    return code;
  }

  GroupCommandTest() {
    const Bytes encoded = card_of(*a_);
    std::ofstream{card_, std::ios::binary}.write(reinterpret_cast<const char*>(encoded.data()),
                                                 static_cast<std::streamsize>(encoded.size()));
  }

  const std::string card_ = directory_.path / "card", secret_ = directory_.path / "group";
};

TEST_F(GroupCommandTest, MakesMembershipsOfItsKeyAndTakesThemBack) {
  ASSERT_EQ(command({"key", "--key", secret_}), 0);
  struct stat info {};
  ASSERT_EQ(::stat((secret_ + "/id_ecdsa.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_EQ(command({"add", "--key", secret_, "--groups", files_, card_}), 0);
  const auto file = std::filesystem::directory_iterator { files_ } -> path();
  EXPECT_EQ(read_membership(file)->status, "valid");
  EXPECT_EQ(sha256(read_membership(file)->subject), hash_of(*a_));
  ASSERT_EQ(command({"rm", "--key", secret_, "--groups", files_, card_}), 0);
  EXPECT_EQ(read_membership(file)->status, "suspended");
}

TEST_F(GroupCommandTest, RefusesAKeyThatOthersCanRead) {
  ASSERT_EQ(command({"key", "--key", secret_}), 0);
  ::chmod((secret_ + "/id_ecdsa.key").c_str(), 0640);
  std::string said;
  EXPECT_EQ(command({"add", "--key", secret_, "--groups", files_, card_}, &said), 1);
  EXPECT_THAT(said, HasSubstr(secret_ + ": the group's key must belong to you alone"));
  EXPECT_FALSE(std::filesystem::exists(files_));
}

TEST_F(GroupCommandTest, SaysWhatIsWrongInOneLine) {
  std::string said;
  EXPECT_EQ(command({"add", "--key", secret_, "--groups", files_, card_}, &said), 1);
  EXPECT_THAT(said, HasSubstr("there is no key of a group"));
  ASSERT_EQ(command({"key", "--key", secret_}), 0);
  EXPECT_EQ(command({"add", "--key", secret_, "--groups", files_, card_, secret_ + "/id_ecdsa.key"}, &said), 1);
  EXPECT_THAT(said, HasSubstr("id_ecdsa.key: not a public key (PEM) or an ID card"));
  EXPECT_FALSE(std::filesystem::exists(files_));
  for (const auto& words : std::vector<std::vector<std::string>>{{}, {"add"}, {"nonsense"}, {"key"}}) {
    EXPECT_EQ(command(words, &said), 2);
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
  }
}

}  // namespace
}  // namespace spot::relay
