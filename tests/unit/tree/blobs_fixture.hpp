// blobs/ of a mount on a store in memory, with a real index below it.
#pragma once

#include <filesystem>

#include "client/base/encoding.hpp"
#include "client/bottle/sealed.hpp"
#include "fs/store/memory.hpp"
#include "fs/tree/blobs/blobs.hpp"
#include "fs/tree/blobs/value.hpp"
#include "tests/unit/tree/tree_fixture.hpp"

namespace spotfs::tree {

class BlobsTest : public TreeTest {
 protected:
  BlobsTest() {
    std::string path = std::filesystem::temp_directory_path() / "spotfs-tree-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~BlobsTest() override {
    unmount();
    std::filesystem::remove_all(directory_);
  }

  // What the test changes before mount().
  BlobsOptions options_;
  std::shared_ptr<BlobStore> through_;  // what the mount stores through; none: the store itself

  void mount() {
    const std::shared_ptr<BlobStore> store = through_ ? through_ : store_;
    IndexOptions index;
    index.store = store;
    index.keys = keys_;
    index.state = directory_;
    index.source = "embedded:test";
    index.machine_id = "test";
    index.uid = index.gid = 1000;
    index.only_writer = true;
    index_ = run(Index::open(context_.get_executor(), std::move(index))).value();
    options_.store = store;
    options_.index = index_;
    options_.content = std::make_shared<ContentStore>(
        context_.get_executor(), store, std::shared_ptr<const ContentCipher>{index_, &index_->cipher()}, 1 << 20);
    options_.keys = keys_;
    options_.executor = context_.get_executor();
    options_.notifier = notifier_;
    options_.access = access();
    options_.clock = &clock_;
    options_.log = [this](std::string line) { log_.push_back(std::move(line)); };
    blobs_ = make_blobs(options_);
    root_ = blobs_.node;
  }
  void unmount() {
    if (!index_) return;
    root_.reset();
    blobs_ = {};
    options_.content.reset();
    options_.index.reset();
    run(index_->close());
    index_.reset();
  }
  void remount() {
    unmount();
    mount();
  }

  // A file of that content, closed. The errno of the close.
  int put(const NodePtr& in, const std::string& name, std::string_view content) {
    const Result<Created> created = run(in->create(user(), name, 0644, O_WRONLY));
    if (!created) return errno_of(created);
    OpenFile& file = *created->opened.file;
    const int wrong = content.empty() ? 0 : errno_of(write(file, 0, content));
    const int closed = wrong != 0 ? wrong : errno_of(flush(file));
    release(file);
    return closed;
  }
  NodePtr mkdir(const NodePtr& in, const std::string& name) {
    return run(in->make_directory(user(), name, 0755)).value().node;
  }
  int unlink(const NodePtr& in, const std::string& name) { return errno_of(run(in->unlink(user(), name))); }
  int rename(const NodePtr& from, const std::string& name, const NodePtr& to, const std::string& to_name,
             RenameMode mode = RenameMode::replace) {
    return errno_of(run(from->rename(user(), name, to, to_name, mode)));
  }
  Result<std::string> text(const NodePtr& in, const std::string& name) {
    const Result<Entry> found = lookup(in, name);
    if (!found) return found.error();
    return read(found->node);
  }

  // --- What is on the store
  // --------------------------------------------------------------------------------------------
  bool is_stored(const std::string& key) const { return store_->blobs().contains(key); }
  Result<Value> stored(const std::string& key) const {
    const auto blobs = store_->blobs();
    const auto at = blobs.find(key);
    if (at == blobs.end()) return fail(ENOENT);
    return ValueSealer{keys_, index_->store_id()}.open(key, at->second);
  }
  std::string stored_text(const std::string& key) const {
    const Result<Value> value = stored(key);
    return value ? spot::to_string(*value->content) : "(" + value.error().message() + ")";
  }
  void put_bottle(const std::string& key, Bytes bottle) {
    auto blobs = store_->blobs();
    blobs[key] = std::move(bottle);
    store_->set_blobs(std::move(blobs));
  }
  Bytes bottle(const std::string& key) const { return store_->blobs().at(key); }
  void take_away(const std::string& key) {
    auto blobs = store_->blobs();
    blobs.erase(key);
    store_->set_blobs(std::move(blobs));
  }
  // As another client of this identity stores it.
  void put_plain(const std::string& key, std::string_view content) { put_bottle(key, sealed(content, Bytes{0xA0})); }
  Bytes sealed(std::string_view content, const Bytes& header) const {
    const spot::PrivateKey& self = keys_->self();
    return spot::seal(spot::view(content), header, {self.public_key()}, self).value();
  }
  // As another mount of this identity stores it.
  void put_ours(const std::string& key, std::string_view content, const Stamp& version) {
    put_bottle(key, ValueSealer{keys_, index_->store_id()}.seal(key, version, spot::view(content)).value());
  }

  // Chunks and indexes in the store, once all is committed and collected.
  std::size_t contents() {
    EXPECT_TRUE(run(index_->commit()));
    settle();
    return stored_contents();
  }
  std::size_t stored_contents() const {
    std::size_t count = 0;
    for (const auto& [key, bottle] : store_->blobs()) {
      constexpr std::string_view kPrefix = ".spotfs/c/";
      if (!key.starts_with(kPrefix)) continue;
      const Result<Bytes> name = spot::from_base64url(std::string_view{key}.substr(kPrefix.size()));
      BlobId id{};
      std::ranges::copy(*name, id.begin());
      const ContentCipher& cipher = index_->cipher();
      if (cipher.open(ContentKind::data, id, bottle) || cipher.open(ContentKind::index, id, bottle)) ++count;
    }
    return count;
  }

  // --- What is asked of the store
  // --------------------------------------------------------------------------------------
  using Verb = MemoryStore::Verb;
  using Fate = MemoryStore::Fate;
  // Counts the calls for `key`; those of `fails` get that fate.
  void watch(std::string key, std::optional<Verb> fails = {}, Fate fate = Fate::failed) {
    calls_.clear();
    store_->set_plan([this, key, fails, fate](Verb verb, std::string asked) -> asio::awaitable<Fate> {
      if (asked != key) co_return Fate::done;
      calls_.push_back(verb);
      co_return verb == fails ? fate : Fate::done;
    });
  }
  std::size_t calls(Verb verb) const { return static_cast<std::size_t>(std::ranges::count(calls_, verb)); }
  // Each call for `key` of that verb waits until go().
  void hold(std::string key, Verb held) {
    gate_ = std::make_shared<asio::steady_timer>(context_, asio::steady_timer::time_point::max());
    waiting_ = 0;
    store_->set_plan([this, key, held](Verb verb, std::string asked) -> asio::awaitable<Fate> {
      if (asked == key && verb == held && gate_) {
        ++waiting_;
        boost::system::error_code ec;
        const auto gate = gate_;
        co_await gate->async_wait(asio::redirect_error(asio::use_awaitable, ec));
        --waiting_;
      }
      co_return Fate::done;
    });
  }
  void until_held() {
    while (waiting_ == 0) {
      context_.restart();
      context_.run_one();
    }
  }
  void go() { std::exchange(gate_, nullptr)->cancel(); }

  bool logged(std::string_view text) const {
    return std::ranges::any_of(log_, [&](const std::string& line) { return line.find(text) != line.npos; });
  }

  std::filesystem::path directory_;
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const spot::Keychain> keys_ = [] {
    std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
  }();
  std::shared_ptr<FakeNotifier> notifier_ = std::make_shared<FakeNotifier>();
  std::shared_ptr<Index> index_;
  Subtree blobs_;
  NodePtr root_;
  std::vector<std::string> log_;
  std::vector<Verb> calls_;
  std::shared_ptr<asio::steady_timer> gate_;
  int waiting_ = 0;
};

}  // namespace spotfs::tree
