// Mounts of one identity on one store, each with a loop and a state directory of its own.
#pragma once

#include <algorithm>
#include <filesystem>
#include <list>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "fs/index/index.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/index/set_clock.hpp"

namespace spotfs {

// To destroy one without close() is what a kill is.
class IndexMount {
 public:
  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }

  Answer<void> open(IndexOptions options) {
    Answer<std::shared_ptr<Index>> opened = run(Index::open(context_.get_executor(), std::move(options)));
    if (!opened) return opened.error();
    index_ = std::move(*opened);
    return {};
  }
  Index& index() { return *index_; }
  asio::io_context& context() { return context_; }

  InodeId make(const std::string& name, Kind kind = Kind::file, InodeId directory = kRoot) {
    NewInode inode;
    inode.kind = kind;
    inode.mode = 0644;
    return run(index_->make(directory, name, inode)).value().id;
  }
  std::vector<std::string> names(InodeId directory = kRoot) {
    std::vector<std::string> out;
    const Result<std::vector<NamedEntry>> listed = run(index_->list(directory, "", 10'000));
    for (const NamedEntry& entry : listed.value()) out.push_back(entry.name);
    return out;
  }

 private:
  asio::io_context context_{1};
  std::shared_ptr<Index> index_;
};

class IndexTest : public testing::Test {
 protected:
  IndexTest() {
    std::string path = std::filesystem::temp_directory_path() / "spotfs-index-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~IndexTest() override { std::filesystem::remove_all(directory_); }

  static std::shared_ptr<const spot::Keychain> new_keys() {
    std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
  }

  IndexOptions options(const std::string& machine = "one") {
    IndexOptions out;
    out.store = store_;
    out.keys = keys_;
    out.state = state_of(machine);
    out.source = "embedded:test";
    out.host = machine;
    out.machine_id = machine;
    out.only_writer = true;
    out.notice = [this](std::string line) { notices_.push_back(std::move(line)); };
    return out;
  }
  // Of a store that others can reach, too.
  IndexOptions shared_options(const std::string& machine = "one") {
    IndexOptions out = options(machine);
    out.only_writer = false;
    out.refresh = std::chrono::hours{1};  // when the test asks for it
    out.commit = std::chrono::hours{1};
    return out;
  }
  std::unique_ptr<IndexMount> mount(IndexOptions with) {
    auto out = std::make_unique<IndexMount>();
    const Answer<void> opened = out->open(std::move(with));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().code.message() + ": " + opened.error().text);
    return out;
  }
  std::filesystem::path state_of(const std::string& machine) const { return directory_ / machine; }
  bool was_told(std::string_view text) const {
    return std::ranges::any_of(notices_, [&](const std::string& line) { return line.find(text) != line.npos; });
  }

  std::filesystem::path directory_;
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::shared_ptr<const spot::Keychain> keys_ = new_keys();
  std::vector<std::string> notices_;
};

}  // namespace spotfs
