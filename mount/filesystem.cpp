#include "mount/filesystem.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "client/base/encoding.hpp"
#include "client/crypto/keystore.hpp"
#include "fs/index/state_directory.hpp"
#include "fs/tree/control/scrubber.hpp"
#include "mount/mount_point.hpp"
#include "mount/option_text.hpp"
#include "mount/outcome.hpp"
#include "mount/service.hpp"
#include "mount/why_offline.hpp"

namespace spotfs::mount {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using spot::LogLevel;

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

template <class T>
asio::awaitable<Answer<T>> answering(asio::awaitable<spot::Result<T>> work) {
  const spot::Result<T> result = co_await std::move(work);
  if (!result) co_return Failure{result.error()};
  co_return Answer<T>{};
}

}  // namespace

Filesystem::Filesystem(Loop& loop, const Options& options, std::string directory, spot::Log log)
    : loop_{loop},
      options_{options},
      directory_{std::move(directory)},
      log_{[book = book_, given = std::move(log)](LogLevel level, const std::string& text) {
        book->add(level, text);
        given(level, text);
      }},
      deadline_{std::chrono::steady_clock::now() + options.mount_timeout} {
  book_->set_level(options.log);
}

Filesystem::~Filesystem() = default;

milliseconds Filesystem::time_left() const {
  const auto left = std::chrono::ceil<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  return std::max(left, milliseconds{0});
}

Answer<void> Filesystem::open() {
  say(LogLevel::info, "mounts " + options_.source.text + ", identity=" + options_.identity.string() +
                          ", state=" + options_.state.string());
  for (const auto step : {&Filesystem::load_keys, &Filesystem::start_client, &Filesystem::connect,
                          &Filesystem::open_index, &Filesystem::mount}) {
    const bool later = step == &Filesystem::connect || step == &Filesystem::open_index;
    if (later && options_.delay_connect) continue;
    if (Answer<void> done = (this->*step)(); !done) return done;
  }
  return {};
}

Answer<void> Filesystem::load_keys() {
  auto loaded = spot::load_or_create_keys(options_.identity);
  if (!loaded) {
    const std::error_code why = loaded.error().code;
    std::string text = loaded.error().text;
    if (text.empty()) text = options_.identity.string() + ": " + why.message();
    if (why == Errc::bad_permissions)
      text += ": it and its keys must belong to you alone (chmod 700 the directory, 600 the keys)";
    if (why == Errc::bad_key) text += ": put back a copy of it, or move it away, and a new identity is made";
    return Failure{why, std::move(text)};
  }
  for (const std::string& warning : loaded->warnings) say(LogLevel::warning, warning);
  keys_ = std::make_shared<const spot::Keychain>(std::move(loaded->keychain));
  if (loaded->created) say(LogLevel::info, "made a new key in " + options_.identity.string() + ": keep a copy");
  return {};
}

Answer<void> Filesystem::start_client() {
  const spot::Sha256& self = keys_->self().public_key().hash();
  // It makes the directory, and refuses one that is not ours.
  const auto state = StateRoot::open(options_.state, self);
  if (!state) return state.error();
  spot::ClientOptions settings = client_options(options_, keys_);
  settings.state_directory = options_.state;
  settings.groups = options_.groups;
  settings.require_binding = options_.require_binding;
  settings.log = [this](LogLevel level, std::string text) { client_says(level, std::move(text)); };
  if (options_.source.kind == Source::Kind::embedded) {
    auto relay = EmbeddedRelay::open(loop_.context().get_executor(), options_, self, log_);
    if (!relay) return relay.error();
    relay_.emplace(*std::move(relay));
    settings.dialer = relay_->dialer();
  }
  auto client = spot::Client::make(loop_.context().get_executor(), std::move(settings));
  if (!client) {
    if (client.error() != Errc::bad_certificate) return Failure{client.error(), "client: " + client.error().message()};
    const std::string roots = options_.ca.empty() ? "the system's certificates" : "option ca: " + options_.ca.string();
    return Failure{client.error(), roots + ": no certificates (PEM) can be read from it"};
  }
  client_ = *std::move(client);
  remote_ = relay_ ? relay_->store(self) : durable_store();
  auto store = cached_.open(options_, *state, remote_, client_, log_);
  if (!store) return store.error();
  kept_ = *std::move(store);
  store_ = kept_;
  client_->on_online(
      [](bool online) { tell_service_manager(online ? "STATUS=online" : "STATUS=offline, waits for a connection"); });
  client_->start();
  return {};
}

std::shared_ptr<BlobStore> Filesystem::durable_store() {
  DurableStore::Options settings;
  settings.store = std::make_shared<RemoteStore>(client_);
  settings.executor = loop_.context().get_executor();
  settings.copy = [this](const std::string& key) { return cached_.copy(key); };
  settings.notice = [log = log_](const std::string& text) { log(LogLevel::warning, text); };
  return DurableStore::make(std::move(settings));
}

// --- The connection --------------------------------------------------------------------------------------------------

void Filesystem::client_says(LogLevel level, std::string text) {
  log_(level, text);
  if (level < LogLevel::warning) return;
  last_warning_.with([&](std::string& last) { last = std::move(text); });
  if (connecting_ && is_hopeless()) loop_.interrupt();
}

// Waiting does not help where every relay shows a certificate that is not to be trusted.
bool Filesystem::is_hopeless() const {
  const auto connections = client_->connections();
  return !connections.empty() && std::ranges::all_of(connections, [](const spot::ConnectionStatus& status) {
    return !status.online && (status.last_error == make_error_code(Errc::bad_certificate).message() ||
                              status.last_error == make_error_code(Errc::wrong_host).message());
  });
}

bool Filesystem::works_offline() const {
  return options_.offline == DiskCache::Offline::stale && (cached_.works_offline() || options_.writeback);
}

// There are copies of a disk that this machine has seen before.
bool Filesystem::can_begin_offline() const {
  if (tried_offline_ || !works_offline()) return false;
  const auto state = StateRoot::open(options_.state, keys_->self().public_key().hash());
  return state && state->store_of(options_.source.text);
}

std::string Filesystem::why_offline() const {
  const auto connections = client_->connections();
  const bool untrusted = std::ranges::any_of(connections, [](const spot::ConnectionStatus& status) {
    return status.last_error == make_error_code(Errc::bad_certificate).message();
  });
  std::string text = mount::why_offline(connections);
  if (text.empty()) text = last_warning_.with([](const std::string& last) { return last; });
  if (untrusted) text += " (-o ca=FILE names the certificate to trust)";
  return text;
}

Answer<void> Filesystem::connect() {
  if (relay_) say(LogLevel::debug, "connects in process");
  connecting_ = true;
  const milliseconds patience = can_begin_offline() ? std::min(options_.offline_grace, time_left()) : time_left();
  const Answer<void> online = loop_.run(answering(client_->wait_online(patience)), time_left());
  connecting_ = false;
  if (online) return {};
  const std::scoped_lock lock{mutex_};
  if (stopping_) return online.error();
  const bool hopeless = loop_.interrupted();
  loop_.allow_runs();
  if (!hopeless && can_begin_offline()) return {};
  std::string text = hopeless ? "no connection" : "no connection within " + duration_text(options_.mount_timeout);
  if (const std::string why = why_offline(); !why.empty()) text += ": " + why;
  return Failure{Errc::offline, std::move(text)};
}

// --- The disk --------------------------------------------------------------------------------------------------------

// For each try to open the index: it belongs to the state directory that the index takes.
void Filesystem::make_pending() {
  if (relay_) return;
  if (pending_) {
    client_->remove_event(pending_event_);
    pending_->close();
  }
  PendingStore::Options settings;
  settings.store = kept_;
  settings.keeps = options_.writeback;
  settings.limit = options_.cache_size;
  settings.patience = options_.timeout;
  settings.notice = [log = log_](const std::string& text) { log(LogLevel::warning, text); };
  pending_ = PendingStore::make(loop_.context().get_executor(), std::move(settings));
  store_ = pending_;
  pending_event_ = client_->on_online([weak = std::weak_ptr{pending_}](bool online) {
    const auto pending = online ? weak.lock() : nullptr;
    if (pending) pending->retry();
  });
}

IndexOptions Filesystem::index_options() {
  make_pending();
  IndexOptions settings;
  settings.store = kept_;
  settings.origin = remote_;
  settings.pending = pending_;
  settings.keys = keys_;
  settings.state = options_.state;
  settings.source = options_.source.text;
  settings.host = host_name();
  settings.uid = owner();
  settings.gid = group();
  settings.only_writer = relay_ && options_.listen.empty();
  settings.accept_store = options_.accept_store;
  settings.expect = options_.expect;
  settings.conflicts_last = options_.conflicts_last;
  settings.open_offline = works_offline();
  settings.commit = options_.commit;
  settings.refresh = options_.refresh;
  settings.wait_for_drain = options_.delay_connect ? options_.drain : time_left();
  settings.notice = [log = log_](const std::string& text) { log(LogLevel::warning, text); };
  return settings;
}

Answer<void> Filesystem::open_index() {
  auto index = loop_.run(Index::open(loop_.context().get_executor(), index_options()), time_left());
  if (!index && is_unreachable(index.error().code) && can_begin_offline()) {
    say(LogLevel::info, line_of(index.error()));
    tried_offline_ = true;
    if (Answer<void> online = connect(); !online) return online;
    return open_index();
  }
  if (!index) {
    if (index.error().code == Errc::timed_out && index.error().text.empty()) {
      return Failure{Errc::timed_out, "the store did not answer within " + duration_text(options_.mount_timeout)};
    }
    return index.error();
  }
  index_ = *std::move(index);
  return {};
}

// --- The mount -------------------------------------------------------------------------------------------------------

Answer<void> Filesystem::mount() {
  SessionOptions settings;
  settings.directory = directory_;
  settings.source = options_.source.text;
  settings.read_only = options_.read_only;
  settings.allow_other = options_.allow_other;
  settings.default_permissions = options_.default_permissions;
  settings.file_mask = options_.file_mask;
  settings.directory_mask = options_.directory_mask;
  settings.allow_suid = options_.allow_suid;
  settings.allow_dev = options_.allow_dev;
  settings.kernel_options = options_.kernel_options;
  settings.readers = 2 * options_.threads + 1;  // see SessionOptions
  settings.log = [log = log_](std::string_view text) { log(LogLevel::warning, std::string{text}); };
  const Answer<spot::Descriptor> reserved = reserve_mount_point(directory_, std::max(time_left(), milliseconds{1'000}));
  if (!reserved) return reserved.error();
  auto session = Session::mount(loop_.context(), make_root(), notifier_, std::move(settings));
  if (!session) return session.error();
  (*session)->start();
  const bool works = (*session)->wait_ready(std::max(time_left(), milliseconds{1'000}));
  const std::scoped_lock lock{mutex_};
  session_ = *std::move(session);
  if (stopping_) session_->stop();
  if (!works) return Failure{Errc::timed_out, directory_ + ": the kernel did not begin to use the mount"};
  if (!late_) begin_scrub();
  return {};
}

// --- delay_connect ---------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Filesystem::open_late(Filesystem* self, std::shared_ptr<LateRoot> root) {
  bool offline = self->can_begin_offline();
  for (;; offline = false) {
    const spot::Result<void> online =
        co_await self->client_->wait_online(offline ? self->options_.offline_grace : milliseconds{1h});
    if (!online && online.error() != Errc::offline && online.error() != Errc::timed_out) co_return online.error();
    if (!online && !offline) continue;
    auto index = co_await Index::open(self->loop_.context().get_executor(), self->index_options());
    if (index) {
      self->index_ = *std::move(index);
      root->arrive(self->make_late_subtrees());
      self->begin_scrub();
      co_return Answer<void>{};
    }
    self->say(LogLevel::error, "blobs/ and files/ are not there yet: " + line_of(index.error()));
    const int number = spot::to_errno(index.error().code);
    if (number != ENETDOWN && number != ETIMEDOUT) {
      root->give_up(index.error().code);
      co_return index.error();
    }
  }
}

void Filesystem::begin_late(std::shared_ptr<LateRoot> root) { late_ = loop_.start(open_late(this, std::move(root))); }

void Filesystem::end_late() {
  if (late_) late_->end();
}

// --- Scrub -----------------------------------------------------------------------------------------------------------

void Filesystem::begin_scrub() {
  const auto disk = controlled_->with([](const auto& there) { return there; });
  if (!disk || !disk->scrub) return;
  tree::Scrubber::Options settings;
  settings.disk = disk;
  settings.executor = loop_.context().get_executor();
  settings.only_files = options_.only_files;
  settings.period = options_.scrub;
  settings.online = [client = client_] { return client->connection_count() != 0; };
  settings.busy = [client = client_] { return client->queries_in_flight() != 0; };
  settings.log = [log = log_](const std::string& text) { log(LogLevel::warning, text); };
  scrub_ = loop_.start(tree::Scrubber::run(tree::Scrubber::make(std::move(settings))));
}

void Filesystem::end_scrub() {
  if (scrub_) scrub_->end();
}

}  // namespace spotfs::mount
