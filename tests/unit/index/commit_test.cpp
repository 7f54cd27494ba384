#include "fs/index/commit.hpp"

#include <filesystem>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "client/crypto/hash.hpp"
#include "fs/index/keys.hpp"
#include "fs/index/peers.hpp"
#include "fs/store/memory.hpp"
#include "tests/unit/spawn.hpp"

namespace spotfs {

namespace {

class Commit : public testing::Test {
 protected:
  Commit() {
    std::string path = std::filesystem::temp_directory_path() / "spotfs-commit-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    const auto chain = std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
    StoreSecret secret;
    secret.id = spot::random_array<16>();
    secret.secret.resize(32);
    store_ = std::make_shared<const SealedStore>(blobs_, std::make_shared<const RecordSealer>(chain), secret);
    journal_ = journal("one");
  }
  ~Commit() override { std::filesystem::remove_all(directory_); }

  std::shared_ptr<Journal> journal(const std::string& name) const {
    std::filesystem::create_directory(directory_ / name);
    return Journal::open(directory_ / name, "machine").value();
  }

  template <class T>
  T run(asio::awaitable<T> work) {
    auto result = spot::test::spawn(context_, std::move(work));
    context_.restart();
    context_.run();
    return result.get();
  }

  Operation operation(std::uint64_t number) const {
    NewInode inode;
    inode.mode = 0644;
    return {Stamp::of(1'000 + number, 0, {1, 2, 3, 4}), Make{{kRoot, std::to_string(number)}, std::nullopt, inode}};
  }

  Answer<void> commit() {
    Head head;
    head.run = {1, 2, 3, 4};
    head.host = "one";
    head.stamp = Stamp::of(1'000'000, 0, {1, 2, 3, 4});
    return run(store_log_and_head(journal_, store_, head));
  }

  // What a fresh reader finds.
  std::size_t operations_in_store() {
    const std::shared_ptr<Journal> reader = journal("reader");
    Peers peers{store_, reader, &Clock::system(), {}};
    Writers writers;
    writers.emplace(journal_->writer(), Registration{"one", Stamp::of(1, 0, {}), false});
    EXPECT_TRUE(run(store_->store_writers(writers)));
    const Peers::News news = run(peers.look());
    EXPECT_FALSE(news.failure);
    const Peers::Logs logs = run(peers.read_logs({}, Peers::Reading::what_is_new));
    EXPECT_FALSE(logs.failure);
    return logs.operations.size();
  }

  std::filesystem::path directory_;
  asio::io_context context_{1};
  std::shared_ptr<MemoryStore> blobs_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const SealedStore> store_;
  std::shared_ptr<Journal> journal_;
};

TEST_F(Commit, AHeadStaysSmallHoweverLongTheLogIs) {
  constexpr std::uint64_t kPieces = 2'000;
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    const Operation op = operation(i);
    ASSERT_TRUE(journal_->add(op));
    ASSERT_TRUE(journal_->add_pieces({{{spot::random_array<16>(), op.stamp}, 100, {op.stamp}}}, {}));
  }
  ASSERT_TRUE(commit());
  const Answer<SealedStore::SealedHead> head = run(store_->fetch_head(journal_->writer()));
  ASSERT_TRUE(head);
  EXPECT_LE(encode(head->head).size(), kMaxHead);
  EXPECT_TRUE(head->head.log.older);
  EXPECT_EQ(operations_in_store(), kPieces);
}

TEST_F(Commit, AHeadThatChangedByAByteIsRefusedAlsoWhereItWasReadBefore) {
  ASSERT_TRUE(commit());
  const WriterId writer = journal_->writer();
  ASSERT_TRUE(run(store_->fetch_head(writer)));
  const MemoryStore::Blobs good = blobs_->blobs();
  MemoryStore::Blobs bad = good;
  bad.at(head_key(writer)).back() ^= 1;
  blobs_->set_blobs(bad);
  EXPECT_FALSE(run(store_->fetch_head(writer)));
  blobs_->set_blobs(good);
  EXPECT_TRUE(run(store_->fetch_head(writer)));
}

TEST_F(Commit, FullPiecesHoldWhatFitsIntoABlob) {
  constexpr std::uint64_t kOperations = 3'000;
  for (std::uint64_t i = 0; i < kOperations; ++i) ASSERT_TRUE(journal_->add(operation(i)));
  ASSERT_TRUE(plan_pieces(*journal_, Stamp::of(1'000'000, 0, {})));
  for (const LogPiece& piece : journal_->pieces(0).value()) EXPECT_LE(piece.size, kMaxPiece);
  ASSERT_TRUE(commit());
  EXPECT_EQ(operations_in_store(), kOperations);
}

TEST_F(Commit, AFailureAtAnyStoreLeavesNothingOutAfterARepeat) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(journal_->add(operation(i)));
    ASSERT_TRUE(plan_pieces(*journal_, Stamp::of(1'000'000, 0, {})));
    int left = static_cast<int>(i % 3);
    blobs_->set_plan([&](MemoryStore::Verb verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
      if (verb != MemoryStore::Verb::store || left-- > 0) co_return MemoryStore::Fate::done;
      co_return i % 2 ? MemoryStore::Fate::failed : MemoryStore::Fate::unanswered;
    });
    static_cast<void>(commit());
    blobs_->set_plan({});
    if (i % 4 == 0) {
      ASSERT_TRUE(commit());
    }
  }
  ASSERT_TRUE(commit());
  EXPECT_EQ(operations_in_store(), 20u);
}

TEST_F(Commit, EveryCounterIsInTheJournalBeforeItsHeadIsStored) {
  bool drawn = false;
  ASSERT_TRUE(journal_->add(operation(1)));
  ASSERT_TRUE(plan_pieces(*journal_, Stamp::of(1'000'000, 0, {})));
  blobs_->set_plan([&](MemoryStore::Verb, std::string key) -> asio::awaitable<MemoryStore::Fate> {
    if (key.starts_with(".spotfs/w/")) drawn = journal_->counter() == 1;
    co_return MemoryStore::Fate::done;
  });
  ASSERT_TRUE(commit());
  EXPECT_TRUE(drawn);
}

}  // namespace

}  // namespace spotfs
