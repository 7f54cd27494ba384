// What a relay or a peer did to clients that trust more than the one sealed shape (protocol.md, "Sealed"). Each test
// does the attack, and where an opener without the rule would fall for it, shows that it does.
#include <filesystem>

#include "client/base/encoding.hpp"
#include "client/bottle/open.hpp"
#include "client/bottle/sealed.hpp"
#include "client/crypto/sign.hpp"
#include "client/proto/address.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spot {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Bytes field(BytesView response, std::string_view name) {
  cbor::Reader reader{response};
  const std::size_t pairs = reader.read_map().value();
  for (std::size_t i = 0; i < pairs; ++i) {
    const bool wanted = reader.read_text().value() == name;
    const BytesView value = reader.read_bytes().value();
    if (wanted) return to_bytes(value);
  }
  return {};
}

// A bottle that holds `message` in clear with a signature of `key`, made by anyone who has that signature.
Bottle carrying(BytesView message, const PublicKey& key, BytesView signature) {
  Bottle bottle = clear_bottle(message);
  bottle.signatures.push_back(Signature{key.pkix(), to_bytes(signature)});
  return bottle;
}

// What an opener accepts that only asks whether it was encrypted to us, and somewhere signed by us.
bool passes_the_loose_rule(BytesView bottle, const Keychain& keys) {
  const auto opened = open_bottle(bottle, &keys);
  if (!opened || opened->decryptions == 0) return false;
  return std::ranges::any_of(opened->signers, [&](const PublicKey& signer) { return keys.owns(signer); });
}

class AttackTest : public ClientTest {
 protected:
  // As a client sees it that asks for shape and signer alone.
  static bool opens(const Message& message, const Client& from, const Client& to) {
    return open_sealed(message.body, to.keys(), {from.keys().self().public_key()}).has_value();
  }

  // What a relay has from any client: the request that it sent, and our signature over it.
  void record_handshake() {
    request_ = fake::Relay::handshake_request(false);
    relay_->handshake = [this] { return request_; };
  }
  // That signature, wrapped in encryption to the victim.
  Bytes wrapped_handshake(const Client& victim) const {
    const Bottle signed_bottle =
        carrying(request_, victim.keys().self().public_key(), field(relay_->handshakes[0], "sig"));
    return encode_bottle(encrypt(signed_bottle, {victim.keys().self().public_key()}).value());
  }

  std::size_t replies_of(const Client& client) const {
    return static_cast<std::size_t>(std::ranges::count_if(relay_->messages, [&](const Message& m) {
      return m.has(flag::response) && m.sender.starts_with(client.target_id());
    }));
  }

  // A message of `peer`, as it would go out, kept by the relay.
  Message intercept(Client& peer, std::string target) {
    std::optional<Message> caught;
    relay_->route = [&](Message message) -> std::optional<Message> {
      if (!caught) caught = message;
      return std::nullopt;
    };
    EXPECT_FALSE(run(peer.query(std::move(target), to_bytes("x"), milliseconds{50})));
    relay_->route = {};
    EXPECT_TRUE(caught);
    return caught.value_or(Message{});
  }

  Bytes request_;
};

TEST_F(AttackTest, AHandshakeSignatureIsNoBlob) {
  record_handshake();
  const auto victim = online();
  relay_->blobs["key"] = wrapped_handshake(*victim);
  ASSERT_TRUE(passes_the_loose_rule(relay_->blobs["key"], victim->keys()));
  EXPECT_EQ(run(victim->fetch_blob("key")).error().code, Errc::not_sealed);
}

TEST_F(AttackTest, AHandshakeSignatureIsNoMessage) {
  record_handshake();
  const auto victim = online();
  Recorder recorder;
  victim->set_handler("test", recorder.handler("answer"));
  Message message;
  message.recipient = victim->target_id() + "/test";
  message.sender = victim->target_id() + "/" + to_text(random_uuid());
  message.body = wrapped_handshake(*victim);
  ASSERT_TRUE(passes_the_loose_rule(message.body, victim->keys()));
  relay_->send(hash_of(*victim), message);
  settle();
  EXPECT_TRUE(recorder.received.empty());
  EXPECT_TRUE(logged("not a sealed message"));
}

TEST_F(AttackTest, AHandshakeThatIsAnIdCardIsNotSigned) {
  const auto attacker_keys = new_keys();
  const auto keys = new_keys();
  // The victim's card, with the attacker's key as the one to encrypt to.
  cbor::Writer card;
  card.put_map(3);
  card.put(1).put_bytes(keys->self().public_key().pkix());
  card.put(2).put(4'000'000'000);
  card.put(3).put_array(1).put_map(3);
  card.put(1).put_bytes(attacker_keys->self().public_key().pkix());
  card.put(2).put(1);
  card.put(4).put_array(2).put_text("decrypt").put_text("sign");
  const Bytes forged = card.take();
  // Signed as a handshake is, it is the victim's card to whoever looks at payload and signer alone.
  const PublicKey& key = keys->self().public_key();
  const Bytes signed_card = encode_bottle(carrying(forged, key, sign(keys->self(), forged).value()));
  const Opened fooled = open_bottle(signed_card, nullptr).value();
  ASSERT_EQ(fooled.signers.front(), key);
  ASSERT_EQ(IdCard::decode(fooled.payload)->address(), identity_target(key.hash()));
  EXPECT_EQ(IdCard::load(signed_card, 4'000'000'000).error(), Errc::bad_card);
  relay_->handshake = [&] { return forged; };
  ClientOptions options;
  options.keys = keys;
  const auto victim = start(std::move(options));
  EXPECT_FALSE(run(victim->wait_online(milliseconds{100})));
  EXPECT_TRUE(relay_->handshakes.empty());
  EXPECT_GE(relay_->closed_in_handshake, 1U);
}

TEST_F(AttackTest, CiphertextIsNotSignedAsAHandshake) {
  const auto keys = new_keys();
  const Bottle encrypted = encrypt(clear_bottle(view("of the relay's making")), {keys->self().public_key()}).value();
  const Bytes forged = encode_bottle(encrypted);
  // Had it been signed, it would be a blob of ours, in the sealed shape.
  const Bytes blob = encode_bottle(sign(bottle_up(encrypted), keys->self()).value());
  ASSERT_TRUE(open_sealed(blob, *keys, {keys->self().public_key()}));
  relay_->handshake = [&] { return forged; };
  ClientOptions options;
  options.keys = keys;
  const auto victim = start(std::move(options));
  EXPECT_FALSE(run(victim->wait_online(milliseconds{100})));
  EXPECT_TRUE(relay_->handshakes.empty());
}

TEST_F(AttackTest, AStoredBlobIsNotDecryptedForWhoSignsItAnew) {
  const auto victim = online(), peer = online();
  cbor::Writer header;
  header.put_map(1).put_text("ct").put_text("spotfs/blob");
  ASSERT_TRUE(run(victim->store_blob("secret", to_bytes("the content"), header.take())));
  Bottle stolen = decode_bottle(relay_->blobs["secret"]).value();
  stolen.signatures.clear();
  Message message;
  message.id = random_uuid();
  message.recipient = victim->target_id() + "/ping";
  message.sender = peer->target_id() + "/" + to_text(message.id);
  message.body = encode_bottle(sign(stolen, peer->keys().self()).value());
  ASSERT_TRUE(open_sealed(message.body, victim->keys(), {peer->keys().self().public_key()}));
  relay_->send(hash_of(*victim), message);
  settle();
  EXPECT_EQ(replies_of(*victim), 0U);
  EXPECT_TRUE(logged("/ping: not allowed here"));
}

TEST_F(AttackTest, NothingIsSealedForACardThatListsOurKey) {
  const auto victim = online();
  const auto attacker_keys = new_keys();
  // The attacker's card names the victim's key as one of its own.
  cbor::Writer card;
  card.put_map(3);
  card.put(1).put_bytes(attacker_keys->self().public_key().pkix());
  card.put(2).put(1);
  card.put(3).put_array(2);
  for (const auto* key : {&attacker_keys->self(), &victim->keys().self()}) {
    card.put_map(3);
    card.put(1).put_bytes(key->public_key().pkix());
    card.put(2).put(1);
    card.put(4).put_array(2).put_text("decrypt").put_text("sign");
  }
  const IdCard forged = IdCard::decode(card.take()).value();
  const Sha256 hash = attacker_keys->self().public_key().hash();
  relay_->cards[hash] = forged.sign(attacker_keys->self()).value();
  // An answer to it would be a blob of the victim's.
  const Bytes answer = seal(view("x"), Bytes{0xA0}, forged.keys_for("decrypt", 5), victim->keys().self()).value();
  ASSERT_TRUE(open_sealed(answer, victim->keys(), {victim->keys().self().public_key()}));

  EXPECT_EQ(run(victim->query(identity_target(hash) + "/ping", to_bytes("x"), seconds{5})).error().code,
            Errc::bad_card);
  Message ping;
  ping.id = random_uuid();
  ping.recipient = victim->target_id() + "/ping";
  ping.sender = identity_target(hash) + "/" + to_text(ping.id);
  ping.body =
      seal(view("would be a blob of ours"), Bytes{0xA0}, {victim->keys().self().public_key()}, attacker_keys->self())
          .value();
  relay_->send(hash_of(*victim), ping);
  settle();
  EXPECT_EQ(replies_of(*victim), 0U);
  EXPECT_TRUE(logged("can't be sealed"));
}

TEST_F(AttackTest, ACardOfAnotherHashIsRefused) {
  const auto victim = online(), peer = online(), other = online();
  relay_->cards[hash_of(*peer)] = relay_->cards[hash_of(*other)];
  ASSERT_TRUE(IdCard::load(relay_->cards[hash_of(*peer)], 4'000'000'000));
  EXPECT_EQ(run(victim->query(peer->target_id() + "/ping", {}, seconds{5})).error().code, Errc::bad_card);
}

TEST_F(AttackTest, AnOlderCardIsRefusedEvenAfterARestart) {
  const auto directory = std::filesystem::temp_directory_path() / ("spot-cards-" + hex(random_array<8>()));
  std::filesystem::create_directory(directory);
  const auto peer = online();
  IdCard newer = peer->id_card();
  newer.set_issued(newer.issued() + 60);
  const Bytes older = relay_->cards[hash_of(*peer)];
  ClientOptions options;
  options.state_directory = directory;
  {
    const auto victim = online(options);
    relay_->cards[hash_of(*peer)] = newer.sign(peer->keys().self()).value();
    ASSERT_TRUE(run(victim->get_id_card(hash_of(*peer))));
  }
  relay_->cards[hash_of(*peer)] = older;
  ASSERT_TRUE(IdCard::load_for(older, hash_of(*peer), newer.issued()));
  const auto restarted = online(options);
  EXPECT_EQ(run(restarted->get_id_card(hash_of(*peer))).error().code, Errc::rollback);
  std::filesystem::remove_all(directory);
}

TEST_F(AttackTest, AReplayedMessageIsTakenOnce) {
  const auto victim = online(), peer = online();
  Recorder recorder;
  victim->set_handler("test", recorder.handler("once"));
  const Message message = intercept(*peer, victim->target_id() + "/test");
  ASSERT_TRUE(opens(message, *peer, *victim));
  relay_->send(hash_of(*victim), message);
  relay_->send(hash_of(*victim), message);
  while (recorder.received.empty()) context_.run_one();
  settle();
  EXPECT_EQ(recorder.received.size(), 1U);
  EXPECT_TRUE(logged("received before"));
}

TEST_F(AttackTest, AMessageIsNotTakenAtAnotherEndpoint) {
  const auto victim = online(), peer = online();
  Recorder recorder;
  victim->set_handler("delete", recorder.handler("done"));
  Message message = intercept(*peer, victim->target_id() + "/test");
  message.recipient = victim->target_id() + "/delete";
  ASSERT_TRUE(opens(message, *peer, *victim));
  relay_->send(hash_of(*victim), message);
  settle();
  EXPECT_TRUE(recorder.received.empty());
  EXPECT_TRUE(logged("made for another"));
}

TEST_F(AttackTest, AMessageIsNotTakenFromAnotherSender) {
  const auto victim = online(), peer = online();
  Recorder recorder;
  victim->set_handler("test", recorder.handler("done"));
  Message message = intercept(*peer, victim->target_id() + "/test");
  message.sender = peer->target_id() + "/another";
  ASSERT_TRUE(opens(message, *peer, *victim));
  relay_->send(hash_of(*victim), message);
  settle();
  EXPECT_TRUE(recorder.received.empty());
  EXPECT_TRUE(logged("made for another"));
}

TEST_F(AttackTest, AnErrorIsNotTakenForAnAnswer) {
  const auto asker = online(), peer = online();
  peer->set_handler("test", [](Incoming) -> asio::awaitable<HandlerResult> {
    HandlerResult result{Failure{Errc::remote_error, "no"}};
    co_return result;
  });
  relay_->route = [&](Message message) -> std::optional<Message> {
    message.flags &= ~flag::error;
    if (message.has(flag::response)) {
      EXPECT_TRUE(opens(message, *peer, *asker));
    }
    return message;
  };
  EXPECT_EQ(run(asker->query(peer->target_id() + "/test", {}, seconds{5})).error().code, Errc::wrong_name);
}

TEST_F(AttackTest, SwappedRepliesAreRefused) {
  const auto asker = online(), peer = online();
  Recorder recorder;
  peer->set_handler("test", recorder.handler("answer"));
  std::vector<Message> replies;
  relay_->route = [&](Message message) -> std::optional<Message> {
    if (!message.has(flag::response)) return message;
    replies.push_back(std::move(message));
    if (replies.size() < 2) return std::nullopt;
    std::swap(replies[0].body, replies[1].body);
    for (const Message& reply : replies) EXPECT_TRUE(opens(reply, *peer, *asker));
    relay_->send(hash_of(*asker), replies[0]);
    return replies[1];
  };
  std::vector<Answer<Bytes>> answers;
  for (int i = 0; i < 2; ++i) {
    asio::co_spawn(context_, asker->query(peer->target_id() + "/test", to_bytes("x"), seconds{5}),
                   [&](std::exception_ptr, Answer<Bytes> answer) { answers.push_back(std::move(answer)); });
  }
  while (answers.size() < 2) context_.run_one();
  EXPECT_EQ(answers[0].error().code, Errc::wrong_name);
  EXPECT_EQ(answers[1].error().code, Errc::wrong_name);
}

TEST_F(AttackTest, AnUnencryptedReplyOfAnIdentityIsRefused) {
  const auto asker = online(), peer = online();
  relay_->route = [&](Message question) -> std::optional<Message> {
    Message reply;
    reply.id = question.id;
    reply.flags = flag::response | flag::not_bottle;
    reply.sender = peer->target_id() + "/noreply";
    reply.recipient = question.sender;
    reply.body = to_bytes("made by the relay");
    return reply;
  };
  EXPECT_EQ(run(asker->query(peer->target_id() + "/test", {}, seconds{5})).error().code, Errc::not_sealed);
}

// What the peer signed in clear, a handshake, as its answer.
TEST_F(AttackTest, ASignedClearTextIsNoReply) {
  record_handshake();
  const auto peer = online();
  const Bytes body =
      encode_bottle(carrying(request_, peer->keys().self().public_key(), field(relay_->handshakes[0], "sig")));
  ASSERT_EQ(open_bottle(body, nullptr)->signers.front(), peer->keys().self().public_key());
  relay_->handshake = {};
  const auto asker = online();
  relay_->route = [&](Message question) -> std::optional<Message> {
    Message reply;
    reply.id = question.id;
    reply.flags = flag::response;
    reply.sender = peer->target_id() + "/noreply";
    reply.recipient = question.sender;
    reply.body = body;
    return reply;
  };
  EXPECT_EQ(run(asker->query(peer->target_id() + "/test", {}, seconds{5})).error().code, Errc::not_sealed);
}

TEST_F(AttackTest, AReplySignedByAnotherIsRefusedWithALineThatSaysSo) {
  const auto asker = online(), peer = online(), other = online();
  relay_->route = [&](Message question) -> std::optional<Message> {
    Message reply;
    reply.id = question.id;
    reply.flags = flag::response;
    reply.sender = peer->target_id() + "/noreply";
    reply.recipient = question.sender;
    reply.body = seal(view("x"), Bytes{0xA0}, {asker->keys().self().public_key()}, other->keys().self()).value();
    return reply;
  };
  EXPECT_EQ(run(asker->query(peer->target_id() + "/test", {}, seconds{5})).error().code, Errc::wrong_signer);
  EXPECT_TRUE(logged("refused a reply from " + peer->target_id()));
}

TEST_F(AttackTest, ARelayThatPassesOurHandshakeOnIsRefused) {
  // One that names no certificate is signed, and the signature makes whoever has it us at the relay that asked.
  record_handshake();
  const auto fooled = online();
  ASSERT_TRUE(verify(fooled->keys().self().public_key(), request_, field(relay_->handshakes[0], "sig")));
  relay_->handshakes.clear();
  // The request of the relay that it wants to be us at: it names that one's certificate.
  relay_->handshake = [] { return fake::Relay::handshake_request(false, Bytes(32, 0x42)); };
  const auto victim = start();
  EXPECT_FALSE(run(victim->wait_online(milliseconds{100})));
  EXPECT_TRUE(relay_->handshakes.empty());
  EXPECT_TRUE(logged("someone is in between"));
}

TEST_F(AttackTest, BytesThatCouldPassForABottleAreNotSigned) {
  const auto client = online();
  for (const char* body : {"{\"msg\":1}", "\x85\xA0", "\x80", "\xBF"})
    EXPECT_EQ(run(client->query("@/time", to_bytes(body), seconds{5})).error().code, Errc::refused);
}

TEST_F(AttackTest, AMessageOfOursIsNoBlob) {
  const auto victim = online();
  // A message to ourselves, which the relay keeps as a blob.
  relay_->blobs["key"] = intercept(*victim, victim->target_id() + "/test").body;
  ASSERT_TRUE(open_sealed(relay_->blobs["key"], victim->keys(), {victim->keys().self().public_key()}));
  EXPECT_EQ(run(victim->fetch_blob("key")).error().code, Errc::wrong_name);
}

TEST_F(AttackTest, MessagesWithoutABindingAreRefusedWhereItIsRequired) {
  ClientOptions options;
  options.require_binding = true;
  const auto strict = online(std::move(options)), peer = online();
  Recorder recorder;
  strict->set_handler("test", recorder.handler("x"));
  Message message;
  message.recipient = strict->target_id() + "/test";
  message.sender = peer->target_id() + "/x";
  message.body = seal(view("x"), Bytes{0xA0}, {strict->keys().self().public_key()}, peer->keys().self()).value();
  relay_->send(hash_of(*strict), message);
  settle();
  EXPECT_TRUE(recorder.received.empty());
  EXPECT_TRUE(logged("/test: not allowed here"));
}

TEST_F(AttackTest, HandshakesWithoutEndAreNotSigned) {
  const auto client = online();
  for (int i = 0; i < 20; ++i)
    relay_->send_packet(hash_of(*client), PacketType::handshake, fake::Relay::handshake_request(false));
  settle();
  EXPECT_LE(relay_->handshakes.size(), 10U);
}

}  // namespace
}  // namespace spot
