#include "mount/ctl/direct.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"
#include "client/crypto/hash.hpp"
#include "client/crypto/keystore.hpp"
#include "fs/content/content_reader.hpp"
#include "fs/content/geometry.hpp"
#include "fs/index/keys.hpp"
#include "fs/index/record.hpp"
#include "fs/tree/control/peers.hpp"
#include "mount/why_offline.hpp"

namespace spotfs::ctl {

using spot::Answer;
using spot::Bytes;
using spot::Errc;
using spot::Failure;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kClosing = 5s, kSpare = 5s;
constexpr std::size_t kContentMemory = std::size_t{1} << 20;

asio::awaitable<Answer<void>> online(std::shared_ptr<spot::Client> client, std::chrono::milliseconds limit) {
  const spot::Result<void> done = co_await client->wait_online(limit);
  if (!done) co_return Failure{done.error()};
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> closed(std::shared_ptr<spot::Client> client) {
  co_await client->close();
  co_return Answer<void>{};
}

}  // namespace

Direct::Direct(const mount::Options& options) : options_{options}, loop_{1} {}

Direct::~Direct() {
  if (client_) loop_.run(closed(client_), kClosing);
  if (relay_) relay_->stop();
  loop_.end(kClosing);
}

Answer<void> Direct::load_keys() {
  auto loaded = spot::load_keys(options_.identity);
  const std::string directory = spot::printable(options_.identity.string());
  if (!loaded && loaded.error().code == Errc::not_found)
    return Failure{Errc::not_found, directory + ": there is no key in it; -o identity=DIR names another"};
  if (!loaded && !loaded.error().text.empty())
    return Failure{loaded.error().code, spot::printable(loaded.error().text)};
  if (!loaded) return Failure{loaded.error().code, directory};
  keys_ = std::make_shared<const spot::Keychain>(std::move(loaded->keychain));
  return {};
}

Answer<void> Direct::start_client() {
  spot::ClientOptions settings = mount::client_options(options_, keys_);
  if (options_.source.kind == mount::Source::Kind::embedded) {
    const spot::Sha256& self = keys_->self().public_key().hash();
    auto relay = mount::EmbeddedRelay::open(loop_.context().get_executor(), options_, self,
                                            [](spot::LogLevel, const std::string&) {});
    if (!relay) return relay.error();
    relay_.emplace(*std::move(relay));
    settings.dialer = relay_->dialer();
  }
  auto client = spot::Client::make(loop_.context().get_executor(), std::move(settings));
  if (!client && client.error() == Errc::bad_certificate && !options_.ca.empty())
    return Failure{client.error(), "option ca: no certificates (PEM) can be read from " + options_.ca.string()};
  if (!client) return Failure{client.error()};
  client_ = *std::move(client);
  client_->start();
  return {};
}

Answer<void> Direct::find_store() {
  store_ = std::make_shared<RemoteStore>(client_);
  const auto sealed = loop_.run(store_->fetch(kStoreKey), options_.timeout + kSpare);
  if (!sealed && sealed.error().code != Errc::not_found) return sealed.error();
  std::optional<BlobId> id;
  if (sealed) {
    const auto opened = RecordSealer{keys_}.open_store(kStoreKey, *sealed);
    if (!opened) return Failure{opened.error(), kStoreKey};
    id = opened->store.id;
    auto cipher = std::make_shared<const ContentCipher>(opened->store.id, opened->store.secret);
    contents_ =
        std::make_shared<ContentStore>(loop_.context().get_executor(), store_, std::move(cipher), kContentMemory);
  }
  const spot::ByteArray<4> run = spot::random_array<4>();
  const auto clock = std::make_shared<HybridClock>(spot::Clock::system(), run);
  values_ = std::make_shared<const tree::ValuesByKey>(store_, keys_, id, [clock] { return clock->next(); });
  return {};
}

Answer<void> Direct::connect() {
  if (const Answer<void> loaded = load_keys(); !loaded) return loaded;
  if (const Answer<void> started = start_client(); !started) return started;
  if (!loop_.run(online(client_, options_.mount_timeout), options_.mount_timeout + kSpare)) {
    std::string text = "no connection to " + spot::printable(options_.source.text);
    if (const std::string why = mount::why_offline(client_->connections()); !why.empty()) text += ": " + why;
    return Failure{std::error_code{ENETDOWN, std::generic_category()}, std::move(text)};
  }
  return {};
}

Answer<void> Direct::drain(std::chrono::milliseconds limit) {
  // A relay answers in turn.
  const auto turn = loop_.run(tree::ask_time(client_, &spot::Clock::system()), limit);
  if (!turn) return turn.error();
  return {};
}

Answer<void> Direct::get(std::string key, const std::function<bool(spot::BytesView)>& take) {
  const std::chrono::milliseconds limit = options_.timeout + kSpare;
  const auto value = loop_.run(values_->open(key), limit);
  if (!value) return value.error();
  if (!value->reference) {
    take(*value->content);
    return {};
  }
  if (!contents_) return Failure{Errc::malformed, key + " names chunks, and there is no disk that has any"};
  const ContentReader content{contents_, value->reference};
  const Bytes hole(kChunkSize);
  for (std::uint64_t number = 0; number < chunk_count(content.size()); ++number) {
    const auto chunk = loop_.run(content.chunk(number), limit);
    if (!chunk) return Failure{chunk.error().code, key};
    const std::size_t size = chunk_length(content.size(), number);
    if (!take(*chunk ? spot::BytesView{**chunk} : spot::BytesView{hole}.first(size))) return {};
  }
  return {};
}

Answer<void> Direct::put(std::string key, Bytes content) {
  return loop_.run(values_->put(std::move(key), std::move(content)), 2 * options_.timeout + kSpare);
}

Answer<void> Direct::erase(std::string key) {
  return loop_.run(values_->erase(std::move(key)), 2 * options_.timeout + kSpare);
}

}  // namespace spotfs::ctl
