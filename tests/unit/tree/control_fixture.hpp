// .spotfs/ of a mount on a store in memory, with a real index, files/ and blobs/ below it.
#pragma once

#include <sstream>

#include <boost/asio/redirect_error.hpp>

#include "client/base/encoding.hpp"
#include "client/base/json.hpp"
#include "fs/content/content_reader.hpp"
#include "fs/index/walk.hpp"
#include "fs/tree/control/control.hpp"
#include "fs/tree/control/lines.hpp"
#include "tests/unit/tree/files_fixture.hpp"

namespace spotfs::tree {

class ControlTest : public FilesTest {
 protected:
  void mount() {
    FilesTest::mount();
    disk_.index = index_;
    disk_.store = store_;
    disk_.keys = keys_;
    disk_.blobs = blobs_.node;
    disk_.changed = [this](const ChangeSet& changes) {
      files_.changed(changes);
      blobs_.changed(changes);
    };
    disk_.notifier = notifier_;
    disk_.flush = [this]() -> asio::awaitable<Result<void>> {
      const Result<void> first = co_await blobs_.flush();
      const Result<void> second = co_await files_.flush();
      co_return first ? second : first;
    };
    make_control_anew();
  }
  void make_control_anew() {
    ControlOptions options;
    options.peers = peers_;
    options.executor = context_.get_executor();
    options.access = access();
    options.source = "embedded:test";
    spot::ClientOptions client;
    client.keys = keys_;
    client.hosts = {"relay.test"};
    options.client = spot::Client::make(context_.get_executor(), std::move(client)).value();
    options.disk = [this]() -> std::shared_ptr<const ControlledDisk> {
      return is_there_ ? std::make_shared<const ControlledDisk>(disk_) : nullptr;
    };
    options.clock = &clock_;
    options.choices.directory = "/mnt";
    options.choices.state = "/state";
    options.book = book_;
    options.session = [this] { return figures_; };
    options.set_log_level = [this](spot::LogLevel level) { level_ = level; };
    options.journal_bytes = [] { return std::optional<std::uint64_t>{4'096}; };
    control_ = make_control(std::move(options));
  }
  ~ControlTest() override {
    control_.reset();
    disk_ = {};
    unmount();
  }

  std::shared_ptr<OpenFile> ctl(int flags = O_RDWR) { return open(node(control_, "ctl"), flags).value(); }
  // All that a command says, with its last line.
  std::vector<json::object> command(OpenFile& file, std::string_view line, std::string_view input = {}) {
    EXPECT_TRUE(write(file, 0, std::string{line} + "\n"));
    if (!input.empty()) {
      EXPECT_TRUE(write(file, 0, input));
    }
    return lines(file);
  }
  std::vector<json::object> command(std::string_view line, std::string_view input = {}) {
    const auto file = ctl();
    std::vector<json::object> out = command(*file, line, input);
    release(*file);
    settle();
    return out;
  }
  std::vector<json::object> lines(OpenFile& file) {
    std::string all;
    for (;;) {
      const Result<std::string> some = read(file);
      if (!some || some->empty()) break;
      all += *some;
    }
    std::vector<json::object> out;
    std::istringstream text{all};
    for (std::string one; std::getline(text, one);) out.push_back(spot::parse_json(one).value().as_object());
    return out;
  }
  static std::vector<json::object> of_event(const std::vector<json::object>& lines, std::string_view event) {
    std::vector<json::object> out;
    for (const json::object& line : lines) {
      const json::value* const there = line.if_contains("event");
      if (there != nullptr && std::string_view{there->as_string()} == event) out.push_back(line);
    }
    return out;
  }
  static std::string error_of(const std::vector<json::object>& lines) {
    if (lines.empty()) return "nothing";
    const json::value* const error = lines.back().if_contains("error");
    return error == nullptr ? "" : std::string{error->as_string()};
  }
  static std::string text_of(const json::object& line, std::string_view name) {
    const json::value* const value = line.if_contains(name);
    return value == nullptr ? "(none)" : std::string{value->as_string()};
  }
  void take_away_content(const std::string& name, std::uint64_t chunk) {
    const Result<spotfs::Entry> there = run(index_->lookup(kRoot, name));
    const ContentReader reader{options_.content, there.value().inode->reference};
    take_away(content_key(run(reader.find(0, chunk)).value()));
  }

  ControlledDisk disk_;
  bool is_there_ = true;
  std::optional<gid_t> peers_;
  const std::shared_ptr<LogBook> book_ = std::make_shared<LogBook>(clock_);
  SessionFigures figures_;
  spot::LogLevel level_ = spot::LogLevel::info;
  NodePtr control_;
};

}  // namespace spotfs::tree
