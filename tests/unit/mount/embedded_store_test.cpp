#include "mount/embedded_store.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "tests/unit/relay/database_fixture.hpp"

namespace spotfs::mount {
namespace {

namespace relay = spot::relay;

class EmbeddedStoreTest : public testing::Test {
 protected:
  void open(std::int64_t quota = 0) {
    relay::RelayOptions options;
    options.data = directory_.path;
    options.quota.per_identity = quota;
    relay_ = relay::Relay::open(context_.get_executor(), std::move(options)).value();
    store_ = std::make_shared<EmbeddedStore>(relay_, relay::identity(1));
  }
  template <class T>
  T wait(asio::awaitable<T> work) {
    return relay::wait_for(context_, std::move(work));
  }

  relay::TemporaryDirectory directory_;
  asio::io_context context_;
  std::shared_ptr<relay::Relay> relay_;
  std::shared_ptr<EmbeddedStore> store_;
};

TEST_F(EmbeddedStoreTest, FetchesWhatItStored) {
  open();
  ASSERT_TRUE(wait(store_->store("key", Bytes(45'100, 7))));
  EXPECT_EQ(wait(store_->fetch("key")).value(), Bytes(45'100, 7));
}

TEST_F(EmbeddedStoreTest, KeepsTheBlobsOfItsOwnerAlone) {
  open();
  ASSERT_TRUE(wait(store_->store("key", Bytes{1})));
  relay::BlobName other{relay::identity(2), spot::to_bytes("key")};
  EXPECT_EQ(wait(relay_->database().fetch_blob(std::move(other))).error(), Errc::not_found);
}

TEST_F(EmbeddedStoreTest, SaysThatAKeyIsMissing) {
  open();
  EXPECT_EQ(wait(store_->fetch("key")).error().code, Errc::not_found);
}

TEST_F(EmbeddedStoreTest, ErasesAKeyAndDoesNotMindAMissingOne) {
  open();
  ASSERT_TRUE(wait(store_->store("key", Bytes{1})));
  EXPECT_TRUE(wait(store_->erase("key")));
  EXPECT_TRUE(wait(store_->erase("key")));
  EXPECT_EQ(wait(store_->fetch("key")).error().code, Errc::not_found);
}

TEST_F(EmbeddedStoreTest, RefusesWhatNoRelayTakes) {
  open();
  EXPECT_EQ(wait(store_->store("", Bytes{1})).error().code, Errc::bad_argument);
  EXPECT_EQ(wait(store_->store(std::string{"a\0b", 3}, Bytes{1})).error().code, Errc::bad_argument);
  EXPECT_EQ(wait(store_->store("key", Bytes{})).error().code, Errc::bad_argument);
  EXPECT_EQ(wait(store_->store("key", Bytes(relay::kMaxBlobSize + 1))).error().code, Errc::too_large);
  EXPECT_EQ(wait(store_->store(std::string(relay::kMaxKeySize + 1, 'k'), Bytes{1})).error().code, Errc::too_large);
}

TEST_F(EmbeddedStoreTest, PassesAQuotaOn) {
  open(10'000);
  EXPECT_TRUE(wait(store_->store("one", Bytes(6'000))));
  const Answer<void> over = wait(store_->store("two", Bytes(6'000)));
  EXPECT_EQ(over.error().code, Errc::quota_exceeded);
  EXPECT_EQ(over.error().text, "quota exceeded");
}

TEST_F(EmbeddedStoreTest, TakesManyAtOnce) {
  open();
  constexpr int kMany = 200;
  int stored = 0;
  for (int i = 0; i < kMany; ++i) {
    asio::co_spawn(
        context_, store_->store("key" + std::to_string(i), Bytes(1'000, 1)),
        [&](const std::exception_ptr& thrown, const Answer<void>& answer) { stored += !thrown && answer ? 1 : 0; });
  }
  context_.run();
  EXPECT_EQ(stored, kMany);
  for (int i = 0; i < kMany; ++i) EXPECT_TRUE(wait(store_->fetch("key" + std::to_string(i)))) << i;
}

TEST_F(EmbeddedStoreTest, NamesTheRunOfItsRelayInASync) {
  open();
  EXPECT_THAT(wait(store_->sync()).value(), testing::ElementsAre(relay_->run_id()));
}

}  // namespace
}  // namespace spotfs::mount
