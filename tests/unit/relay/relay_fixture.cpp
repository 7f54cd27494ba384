#include "tests/unit/relay/relay_fixture.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "client/bottle/cbor.hpp"
#include "client/crypto/sign.hpp"
#include "client/identity.hpp"

namespace spot::relay {
namespace {

constexpr std::chrono::seconds kPatience{20};

// The relay's end of a pipe, with a note of how it was closed.
class NotingTransport final : public Transport {
 public:
  NotingTransport(std::unique_ptr<Transport> inner, std::shared_ptr<Ending> ending)
      : inner_{std::move(inner)}, ending_{std::move(ending)} {}
  asio::awaitable<Result<Bytes>> receive() override { return inner_->receive(); }
  asio::awaitable<Result<void>> send(Bytes packet) override { return inner_->send(std::move(packet)); }
  asio::awaitable<Result<void>> send_all(std::vector<Bytes> packets) override {
    return inner_->send_all(std::move(packets));
  }
  void close(std::uint16_t code, std::string reason) override {
    if (ending_->code == 0) *ending_ = {code, reason};
    inner_->close(code, std::move(reason));
  }
  Bytes certificate_digest() const override { return {}; }
  std::string peer_name() const override { return "guest"; }

 private:
  const std::unique_ptr<Transport> inner_;
  const std::shared_ptr<Ending> ending_;
};

}  // namespace

class LogCapture::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(std::shared_ptr<std::string> text) : text_{std::move(text)} {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    text_->append(message.payload.data(), message.payload.size());
    text_->push_back('\n');
  }
  void flush_() override {}
  const std::shared_ptr<std::string> text_;
};

LogCapture::LogCapture() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", std::make_shared<Sink>(text_)));
}

LogCapture::~LogCapture() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>()));
}

void Guest::send_packet(Bytes packet) { ASSERT_TRUE(test_.run(transport_->send(std::move(packet)))); }

void Guest::send_packets(std::vector<Bytes> packets) {
  ASSERT_TRUE(test_.run(transport_->send_all(std::move(packets))));
}

void Guest::send(Message message) { send_packet(encode_packet(PacketType::message, encode_message(message).value())); }

Result<Bytes> Guest::receive_packet() { return test_.run(transport_->receive()); }

Message Guest::receive() {
  for (;;) {
    const Bytes bytes = receive_packet().value();
    const Packet packet = decode_packet(bytes).value();
    if (packet.type == PacketType::message) return decode_message(packet.body).value();
  }
}

Bytes Guest::receive_request() {
  for (;;) {
    const Bytes bytes = receive_packet().value();
    const Packet packet = decode_packet(bytes).value();
    if (packet.type == PacketType::handshake) return to_bytes(packet.body);
  }
}

bool Guest::is_still_connected() {
  const Bytes ping = encode_packet(PacketType::ping, to_bytes("still there"));
  const auto sent = test_.run(transport_->send(ping));
  if (!sent) return false;
  const auto answer = receive_packet();
  return answer && *answer == ping;
}

Message Guest::ask(std::string_view endpoint, Bytes body) {
  Message question;
  question.id = random_uuid();
  question.flags = flag::not_bottle;
  question.recipient = "@/" + std::string{endpoint};
  question.sender = "/answer";
  question.body = std::move(body);
  const Uuid id = question.id;
  send(std::move(question));
  for (;;) {
    Message answer = receive();
    if (answer.id == id) return answer;
  }
}

Bytes Guest::response(BytesView request, BytesView card, BytesView key, const PrivateKey& signs) {
  cbor::Writer writer;
  writer.put_map(3);
  writer.put_text("id").put_bytes(card);
  writer.put_text("key").put_bytes(key);
  writer.put_text("sig").put_bytes(sign(signs, request).value());
  return encode_packet(PacketType::handshake, writer.take());
}

RelayTest::~RelayTest() { close(); }

void RelayTest::open(RelayOptions options) {
  close();
  options.data = directory_.path / "relay";
  relay_ = Relay::open(context_.get_executor(), std::move(options)).value();
}

void RelayTest::close() {
  for (const auto& client : clients_) run(client->close());
  clients_.clear();
  if (!relay_) return;
  relay_->stop();
  run_until([this] { return relay_->session_count() == 0; });
  relay_.reset();
  context_.restart();
  context_.poll();
}

std::shared_ptr<const Keychain> RelayTest::new_keys() {
  std::vector<PrivateKey> keys{PrivateKey::generate(KeyType::p256).value()};
  return std::make_shared<const Keychain>(Keychain::of(std::move(keys)).value());
}

Bytes RelayTest::card_of(const Keychain& keys, UnixSeconds issued) {
  if (issued == 0) issued = unix_seconds(Clock::system().wall());
  return IdCard::of(keys, issued).sign(keys.self()).value();
}

std::shared_ptr<Client> RelayTest::start(ClientOptions options) {
  if (!options.keys) options.keys = new_keys();
  options.log = [this](LogLevel, const std::string& line) { log_ += line + "\n"; };
  auto client = Client::make(context_.get_executor(), std::move(options)).value();
  clients_.push_back(client);
  client->start();
  return client;
}

std::shared_ptr<Client> RelayTest::online(ClientOptions options) {
  auto client = start(std::move(options));
  EXPECT_TRUE(run(client->wait_online(kPatience))) << log_;
  return client;
}

std::shared_ptr<Client> RelayTest::online(std::shared_ptr<const Keychain> keys) {
  ClientOptions options;
  options.keys = std::move(keys);
  options.dialer = relay_->dialer();
  return online(std::move(options));
}

std::unique_ptr<Guest> RelayTest::arrive() {
  auto [ours, theirs] = make_pipe(context_.get_executor(), context_.get_executor());
  auto ending = std::make_shared<Ending>();
  auto guest = std::make_unique<Guest>(*this, std::move(ours), ending);
  relay_->attach(std::make_unique<NotingTransport>(std::move(theirs), std::move(ending)), context_.get_executor());
  return guest;
}

std::unique_ptr<Guest> RelayTest::enter(std::shared_ptr<const Keychain> keys, UnixSeconds issued) {
  auto guest = arrive();
  shake_hands(*guest, *keys, issued);
  return guest;
}

std::unique_ptr<Guest> RelayTest::shake_hands(std::unique_ptr<Transport> transport) {
  auto guest = std::make_unique<Guest>(*this, std::move(transport), std::make_shared<Ending>());
  shake_hands(*guest, *new_keys(), 0);
  return guest;
}

void RelayTest::shake_hands(Guest& guest, const Keychain& keys, UnixSeconds issued) {
  const Bytes request = guest.receive_request();
  const PrivateKey& self = keys.self();
  guest.send_packet(Guest::response(request, card_of(keys, issued), self.public_key().pkix(), self));
  const auto end = decode_handshake(guest.receive_request()).value();
  EXPECT_TRUE(end.ready);
  guest.target = identity_target(hash_of(keys));
  guest.connection = "c." + end.connection;
}

void RelayTest::run_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    context_.restart();
    if (context_.run_one_until(deadline) == 0 && std::chrono::steady_clock::now() >= deadline)
      throw std::runtime_error{"what the test waits for does not come"};
  }
}

}  // namespace spot::relay
