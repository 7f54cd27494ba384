#include "fs/tree/control/log_book.hpp"

#include <array>
#include <cerrno>

#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"
#include "fs/tree/time_text.hpp"

namespace spotfs::tree {
namespace {

using spot::LogLevel;

constexpr std::array kLevels{
    std::pair{LogLevel::debug, std::string_view{"debug"}}, std::pair{LogLevel::info, std::string_view{"info"}},
    std::pair{LogLevel::warning, std::string_view{"warning"}}, std::pair{LogLevel::error, std::string_view{"error"}}};

}  // namespace

void LogBook::keep_error(State& state, Line line) {
  line.number = ++state.error_count;
  state.errors.push_back(std::move(line));
  if (state.errors.size() > kErrors) state.errors.pop_front();
}

void LogBook::add(LogLevel level, std::string_view text) {
  Line line{0, clock_.wall(), level, printable_once(text)};
  const bool is_kept = level >= least_;
  if (!is_kept && level < LogLevel::warning) return;
  const auto before = state_.with([&](State& state) -> std::shared_ptr<spot::Event> {
    if (level >= LogLevel::warning) keep_error(state, line);
    if (!is_kept) return nullptr;
    line.number = ++state.line_count;
    state.lines.push_back(std::move(line));
    if (state.lines.size() > kLines) state.lines.pop_front();
    return std::exchange(state.more, std::make_shared<spot::Event>());
  });
  if (before) before->set();
}

void LogBook::add_error(std::string_view text) {
  Line line{0, clock_.wall(), LogLevel::error, printable_once(text)};
  state_.with([&](State& state) { keep_error(state, std::move(line)); });
}

LogBook::News LogBook::after(std::uint64_t number) const {
  return state_.with([&](const State& state) {
    News out;
    out.more = state.more;
    for (const Line& line : state.lines) {
      if (line.number > number) out.lines.push_back(line);
    }
    return out;
  });
}

std::vector<LogBook::Line> LogBook::errors() const {
  return state_.with([](const State& state) { return std::vector<Line>{state.errors.begin(), state.errors.end()}; });
}

std::optional<LogBook::Line> LogBook::last_error() const {
  return state_.with(
      [](const State& state) { return state.errors.empty() ? std::nullopt : std::optional{state.errors.back()}; });
}

std::uint64_t LogBook::error_count() const {
  return state_.with([](const State& state) { return state.error_count; });
}

void note_query(LogBook& book, std::string_view address, const spot::Failure& why) {
  if (spot::to_errno(why.code) == EINTR || spot::to_errno(why.code) == ECANCELED) return;
  book.add_error("query to " + std::string{address} + ": " + sentence_of(why));
}

std::string_view name_of(LogLevel level) noexcept {
  for (const auto& [known, name] : kLevels) {
    if (known == level) return name;
  }
  return "error";
}

std::optional<LogLevel> level_of(std::string_view name) noexcept {
  for (const auto& [level, known] : kLevels) {
    if (known == name) return level;
  }
  return std::nullopt;
}

std::string errors_text(const LogBook& book) {
  std::string out;
  for (const LogBook::Line& line : book.errors()) {
    out.append(time_text(line.time, Precision::milliseconds)).append(" ").append(name_of(line.level)).append(" ");
    out.append(line.text).append("\n");
  }
  return out;
}

}  // namespace spotfs::tree
