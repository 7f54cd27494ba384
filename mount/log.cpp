#include "mount/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>

#include "client/base/encoding.hpp"

namespace spotfs::mount {
namespace {

constexpr std::size_t kMaxLine = 4'096;

spdlog::level::level_enum level_of(spot::LogLevel level) noexcept {
  switch (level) {
    case spot::LogLevel::debug: return spdlog::level::debug;
    case spot::LogLevel::info: return spdlog::level::info;
    case spot::LogLevel::warning: return spdlog::level::warn;
    case spot::LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

spot::Log start_log(LogTo where, spot::LogLevel least, const std::string& directory) {
  auto logger = where == LogTo::system ? spdlog::syslog_logger_mt("system", "spotfs", LOG_PID, LOG_DAEMON)
                                       : spdlog::stderr_logger_mt("standard error");
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e spotfs[%P] %l: %v");
  logger->set_level(level_of(least));
  logger->flush_on(spdlog::level::trace);
  // The embedded relay logs to it, too.
  spdlog::set_default_logger(logger);
  return [logger, prefix = spot::printable(directory)](spot::LogLevel level, const std::string& text) {
    logger->log(level_of(level), "{}: {}", prefix, spot::printable(text, kMaxLine));
  };
}

void set_log_level(spot::LogLevel least) { spdlog::default_logger()->set_level(level_of(least)); }

}  // namespace spotfs::mount
