#include "mount/late_root.hpp"

#include <future>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "tests/unit/spawn.hpp"

namespace spotfs::mount {
namespace {

namespace asio = boost::asio;
using spot::Errc;
using spot::Result;

class LateRootTest : public testing::Test {
 protected:
  template <class T>
  std::future<T> start(asio::awaitable<T> work) {
    return spot::test::spawn(io_, std::move(work));
  }
  void run() {  // as far as it goes
    io_.restart();
    io_.poll();
  }
  Result<tree::Entry> lookup(const std::string& name) {
    auto found = start(root_->lookup({}, name));
    run();
    return found.get();
  }
  std::vector<std::string> names() {
    auto listed = start(root_->list({}, "", 10));
    run();
    std::vector<std::string> out;
    for (const tree::Listed& one : *listed.get()) out.push_back(one.name);
    return out;
  }
  static tree::NodePtr directory() { return tree::make_root({}, {}); }

  asio::io_context io_;
  bool online_ = true;
  std::function<void()> meanwhile_;  // while someone waits for a connection
  tree::NodePtr early_ = directory(), late_ = directory();
  std::shared_ptr<LateRoot> root_ =
      std::make_shared<LateRoot>(std::vector<tree::NamedNode>{{"early", early_}}, std::vector<std::string>{"late"},
                                 tree::Access{}, tree::SpaceFunction{}, [this]() -> asio::awaitable<Result<void>> {
                                   if (meanwhile_) meanwhile_();
                                   if (!online_) co_return fail(Errc::offline);
                                   co_return Result<void>{};
                                 });
};

TEST_F(LateRootTest, HasTheRestFromTheBeginning) {
  online_ = false;
  EXPECT_EQ(lookup("early")->node, early_);
  EXPECT_EQ(names(), std::vector<std::string>{"early"});
}

TEST_F(LateRootTest, SaysThatItIsOffline) {
  online_ = false;
  EXPECT_EQ(lookup("late").error(), Errc::offline);
}

TEST_F(LateRootTest, GivesASubtreeThatCameWithoutAConnection) {
  online_ = false;
  meanwhile_ = [this] { root_->arrive({{"late", late_}}); };
  EXPECT_EQ(lookup("late")->node, late_);
}

TEST_F(LateRootTest, LetsWhoIsOnlineWaitForTheSubtree) {
  auto found = start(root_->lookup({}, "late"));
  run();
  EXPECT_NE(found.wait_for(std::chrono::seconds{0}), std::future_status::ready);
  root_->arrive({{"late", late_}});
  run();
  EXPECT_EQ(found.get()->node, late_);
  EXPECT_EQ(names(), (std::vector<std::string>{"early", "late"}));
}

TEST_F(LateRootTest, SaysWhyItWillNotCome) {
  root_->give_up(make_error_code(Errc::rollback));
  EXPECT_EQ(lookup("late").error(), Errc::rollback);
  EXPECT_EQ(lookup("early")->node, early_);
}

TEST_F(LateRootTest, StaysTheSameInode) {
  const auto inode = [this] {
    auto attributes = start(root_->attributes({}));
    run();
    return attributes.get()->inode;
  };
  const std::uint64_t before = inode();
  root_->arrive({{"late", late_}});
  EXPECT_EQ(inode(), before);
}

}  // namespace
}  // namespace spotfs::mount
