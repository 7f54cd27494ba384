// The scrub that a mount does by itself.
#include "fs/tree/control/scrubber.hpp"
#include "tests/unit/tree/control_fixture.hpp"

namespace spotfs::tree {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class ScrubberTest : public ControlTest {
 protected:
  static constexpr std::chrono::milliseconds kPeriod = 7 * 24h;

  void mount() {
    ControlTest::mount();
    disk_.scrub = std::make_shared<ScrubProgress>();
    disk_.restore = [this](std::string key) { return restore(std::move(key)); };
  }
  asio::awaitable<bool> restore(std::string key) {
    const auto copy = cache_.find(key);
    if (copy == cache_.end()) co_return false;
    put_bottle(key, copy->second);
    co_return true;
  }
  // Runs it until that time has passed, a pause taking no longer than the clock says.
  void scrub_for(std::chrono::nanoseconds time) {
    Scrubber::Options settings;
    settings.disk = std::make_shared<const ControlledDisk>(disk_);
    settings.executor = context_.get_executor();
    settings.period = kPeriod;
    settings.online = [this] { return online_; };
    settings.log = [this](std::string line) { said_.push_back(std::move(line)); };
    settings.clock = &clock_;
    const auto end = clock_.steady() + time;
    settings.pause = [this, end](std::chrono::nanoseconds pause) { return pass(pause, end); };
    auto running = begin(Scrubber::run(Scrubber::make(std::move(settings))));
    EXPECT_THROW(finish(running), Over);
    store_->set_plan({});
  }
  struct Over {};
  asio::awaitable<void> pass(std::chrono::nanoseconds pause, std::chrono::nanoseconds end) {
    pauses_.push_back(pause);
    const auto left = end - clock_.steady();
    clock_.pass(std::chrono::ceil<std::chrono::milliseconds>(std::min(pause, left)));
    if (pause >= left) throw Over{};
    co_return;
  }
  // What was fetched of contents.
  void count_reads() {
    store_->set_plan([this](Verb verb, std::string key) -> asio::awaitable<Fate> {
      if (verb == Verb::fetch && key.starts_with(".spotfs/c/")) reads_.push_back(clock_.steady());
      co_return Fate::done;
    });
  }
  ScrubStatus status() {
    return disk_.scrub->with([](const ScrubStatus& status) { return status; });
  }
  static std::string content(std::size_t chunks) { return std::string(chunks * kChunkSize, 'c'); }

  bool online_ = true;
  MemoryStore::Blobs cache_;
  std::vector<std::string> said_;
  std::vector<std::chrono::nanoseconds> pauses_, reads_;
};

TEST_F(ScrubberTest, ReadsEverythingOnceInAPeriodAndSpreadsIt) {
  mount();
  for (int i = 0; i < 10; ++i) put(root_, "file" + std::to_string(i), content(1));
  ASSERT_TRUE(run(index_->commit()));
  const auto begun = clock_.steady();
  count_reads();
  scrub_for(kPeriod - 1h);
  EXPECT_EQ(status().files, 10U);
  EXPECT_NE(status().ended, 0);
  EXPECT_EQ(status().faults, 0U);
  EXPECT_THAT(said_, IsEmpty());
  // A day after the beginning not even a fifth is done; two days before the end, not yet all.
  const auto until = [&](std::chrono::nanoseconds time) {
    return std::ranges::count_if(reads_, [&](const auto& read) { return read - begun <= time; });
  };
  EXPECT_LT(until(24h), 4);
  EXPECT_LT(until(5 * 24h), 10);
  EXPECT_GE(until(kPeriod), 10);
}

TEST_F(ScrubberTest, StoresAgainWhatIsLostAndInTheCache) {
  mount();
  put(root_, "file", content(3));
  cache_ = store_->blobs();
  take_away_content("file", 1);
  EXPECT_LT(store_->blobs().size(), cache_.size());
  scrub_for(kPeriod - 1h);
  for (const auto& [key, bottle] : cache_) EXPECT_TRUE(is_stored(key)) << key;
  EXPECT_EQ(status().restored, 1U);
  EXPECT_EQ(status().last_faults, 0U);
  EXPECT_THAT(said_, Contains(HasSubstr("files/file: the relay had lost some of it, stored again")));
}

TEST_F(ScrubberTest, TellsWhatIsLostByPath) {
  mount();
  put(mkdir(root_, "directory"), "whole", content(1));
  put(root_, "lost", content(3));
  take_away_content("lost", 1);
  scrub_for(kPeriod - 1h);
  EXPECT_EQ(status().last_faults, 1U);
  EXPECT_THAT(said_, testing::ElementsAre(HasSubstr("files/lost: 1 of 3 chunks are lost")));
}

TEST_F(ScrubberTest, GoesOnAfterARemountWhereItWas) {
  mount();
  for (int i = 0; i < 10; ++i) put(root_, "file" + std::to_string(i), content(1));
  scrub_for(kPeriod / 2);
  const std::uint64_t done = status().files;
  EXPECT_GT(done, 3U);
  EXPECT_LT(done, 9U);
  control_.reset();
  disk_ = {};
  unmount();
  mount();
  count_reads();
  scrub_for(kPeriod / 2 - 1h);
  EXPECT_EQ(status().files, 10U);
  EXPECT_NE(status().ended, 0);
  EXPECT_LT(reads_.size(), 10U);
}

TEST_F(ScrubberTest, BeginsAgainAPeriodAfterItHasBegun) {
  mount();
  put(root_, "file", content(1));
  scrub_for(kPeriod - 1h);
  const std::int64_t first = status().begun;
  scrub_for(2h);
  EXPECT_EQ(status().begun - first, std::chrono::duration_cast<std::chrono::seconds>(kPeriod).count());
}

TEST_F(ScrubberTest, ReadsNothingWithoutAConnection) {
  mount();
  put(root_, "file", content(1));
  online_ = false;
  count_reads();
  scrub_for(kPeriod);
  EXPECT_THAT(reads_, IsEmpty());
  EXPECT_EQ(status().ended, 0);
}

TEST_F(ScrubberTest, GoesOnAfterTheStoreCouldNotBeAsked) {
  mount();
  put(root_, "a", content(1));
  put(root_, "b", content(1));
  ASSERT_TRUE(run(index_->commit()));
  bool fails = true;
  store_->set_plan([&](Verb verb, const std::string& key) -> asio::awaitable<Fate> {
    const bool is_chunk = verb == Verb::fetch && key.starts_with(".spotfs/c/");
    co_return is_chunk&& std::exchange(fails, false) ? Fate::failed : Fate::done;
  });
  scrub_for(kPeriod);
  EXPECT_FALSE(fails);
  EXPECT_NE(status().ended, 0);
  EXPECT_EQ(status().last_faults, 0U);
}

TEST_F(ScrubberTest, IsShownByTheStatus) {
  mount();
  put(root_, "file", content(1));
  scrub_for(kPeriod - 1h);
  const Result<std::string> text = read(node(control_, "status"));
  const json::object shown = spot::parse_json(text.value()).value().as_object();
  const json::object scrub = shown.at("scrub").as_object();
  EXPECT_EQ(scrub.at("period"), std::chrono::duration_cast<std::chrono::seconds>(kPeriod).count());
  EXPECT_EQ(scrub.at("files"), 1);
  EXPECT_EQ(scrub.at("last_faults"), 0);
  EXPECT_EQ(scrub.at("last_error"), "");
}

}  // namespace
}  // namespace spotfs::tree
