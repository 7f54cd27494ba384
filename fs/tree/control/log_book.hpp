// The last lines of a mount's log, and the last errors beside them: `.spotfs/errors`, and the command `log`.
//
// Whatever is put in is made printable. Thread: any. Memory: kLines and kErrors lines of at most 1 KiB.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/base/clock.hpp"
#include "client/client.hpp"
#include "client/net/event.hpp"

namespace spotfs::tree {

class LogBook {
 public:
  static constexpr std::size_t kLines = 500, kErrors = 100;

  struct Line {
    std::uint64_t number = 0;  // of all that there were, from 1 on
    spot::Clock::Wall time{};
    spot::LogLevel level = spot::LogLevel::info;
    std::string text;  // printable
  };
  struct News {
    std::vector<Line> lines;
    std::shared_ptr<spot::Event> more;  // is set once there are some
  };

  explicit LogBook(const spot::Clock& clock = spot::Clock::system()) : clock_{clock} {}

  // What is below is not kept.
  void set_level(spot::LogLevel least) noexcept { least_ = least; }
  spot::LogLevel level() const noexcept { return least_; }
  // Warnings and errors are errors, too.
  void add(spot::LogLevel level, std::string_view text);
  // An error that is not in the log.
  void add_error(std::string_view text);

  // The lines after that number.
  News after(std::uint64_t number) const;
  std::vector<Line> errors() const;
  std::optional<Line> last_error() const;
  std::uint64_t error_count() const;  // all that there were

 private:
  struct State {
    std::deque<Line> lines, errors;
    std::uint64_t line_count = 0, error_count = 0;
    std::shared_ptr<spot::Event> more = std::make_shared<spot::Event>();
  };
  static void keep_error(State& state, Line line);

  const spot::Clock& clock_;
  std::atomic<spot::LogLevel> least_{spot::LogLevel::info};
  spot::Synchronized<State> state_;
};

// A query that failed is an error, unless its user gave it up.
void note_query(LogBook& book, std::string_view address, const spot::Failure& why);

// "debug", "info", "warning", "error".
std::string_view name_of(spot::LogLevel level) noexcept;
std::optional<spot::LogLevel> level_of(std::string_view name) noexcept;

// `errors`: TIME LEVEL TEXT, a line each.
std::string errors_text(const LogBook& book);

}  // namespace spotfs::tree
