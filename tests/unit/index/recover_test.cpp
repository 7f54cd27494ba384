// What an index does where the relay was restarted and has lost what it acknowledged.
#include <gmock/gmock.h>

#include "fs/store/durable.hpp"
#include "tests/unit/index/index_fixture.hpp"

namespace spotfs {

namespace {

using testing::ElementsAre;

class Recover : public IndexTest {
 protected:
  Recover() {
    one_ = std::make_unique<IndexMount>();
    DurableStore::Options settings;
    settings.store = store_;
    settings.executor = one_->context().get_executor();
    settings.memory = 0;  // records alone are kept
    IndexOptions with = options("one");
    with.store = DurableStore::make(std::move(settings));
    EXPECT_TRUE(one_->open(std::move(with)));
    EXPECT_TRUE(sync());
  }
  Answer<void> sync() { return one_->run(one_->index().sync()); }

  std::unique_ptr<IndexMount> one_;
};

TEST_F(Recover, ALostPieceOfTheLogIsStoredAgainFromTheJournal) {
  const MemoryStore::Blobs on_disk = store_->blobs();
  one_->make("a");
  // No sync ends before the relay's machine fails.
  store_->set_plan([](MemoryStore::Verb verb, std::string) -> asio::awaitable<MemoryStore::Fate> {
    co_return verb == MemoryStore::Verb::sync ? MemoryStore::Fate::failed : MemoryStore::Fate::done;
  });
  ASSERT_TRUE(one_->run(one_->index().commit()));
  store_->set_plan({});
  store_->restart(on_disk);
  ASSERT_TRUE(sync());
  one_.reset();
  EXPECT_THAT(mount(shared_options("fresh"))->names(), ElementsAre("a"));
}

}  // namespace

}  // namespace spotfs
