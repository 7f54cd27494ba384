// log: what the mount has said lately, and how much it says; reconnect.
#include "fs/tree/control/commands.hpp"
#include "fs/tree/time_text.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

asio::awaitable<Result<void>> say_line(ExchangePtr exchange, LogBook::Line line) {
  json::object out{{"event", "log"}};
  out["time"] = time_text(line.time, Precision::milliseconds);
  out["level"] = name_of(line.level);
  out["text"] = line.text;
  co_return co_await exchange->say(std::move(out));
}

}  // namespace

Outcome run_log(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const bool follows = !arguments.empty() && arguments[0] == "follow";
  if (!arguments.empty() && !follows) {
    const std::optional<spot::LogLevel> level = level_of(arguments[0]);
    if (!level)
      co_return Failure{Errc::bad_argument, "\"" + arguments[0] + "\" is none of debug, info, warning, error, follow"};
    control->book->set_level(*level);
    if (control->set_log_level) control->set_log_level(*level);
    co_return Answer<void>{};
  }
  for (std::uint64_t last = 0;;) {
    const LogBook::News news = control->book->after(last);
    for (const LogBook::Line& line : news.lines) {
      const Result<void> said = co_await say_line(exchange, line);
      if (!said) co_return Failure{said.error()};
      last = line.number;
    }
    if (!follows) co_return Answer<void>{};
    const Result<void> waited = co_await spot::Event::wait(news.more);
    if (!waited) co_return Failure{waited.error()};
  }
}

// At once, without the pause that a relay which was lost is given.
Outcome run_reconnect(std::shared_ptr<const ControlOptions> control, ExchangePtr, Words) {
  control->client->reconnect();
  co_return Answer<void>{};
}

}  // namespace spotfs::tree
