#include "client/base/sqlite.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "client/base/descriptor.hpp"

namespace spot::sqlite {

std::error_code error_of(int code) noexcept {
  switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return {};
    case SQLITE_FULL: return make_error_code(std::errc::no_space_on_device);
    default: return make_error_code(Errc::storage_failed);
  }
}

Statement::Statement(sqlite3* connection, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  handle_.reset(raw);
}

Result<bool> Statement::next() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) return {boost::system::in_place_error, error_of(code)};
  reset();
  return false;
}

void Statement::reset() noexcept {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

BytesView Statement::bytes(int column) const noexcept {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  return {static_cast<const std::uint8_t*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::int64_t Statement::number(int column) const noexcept { return sqlite3_column_int64(handle_.get(), column); }

void Statement::bind(int index, std::int64_t value) noexcept { sqlite3_bind_int64(handle_.get(), index, value); }

void Statement::bind(int index, BytesView value) noexcept {
  // A null pointer would bind NULL; the destructor nullptr is SQLITE_STATIC: the caller keeps the bytes.
  static constexpr std::uint8_t kNothing = 0;
  const void* data = value.empty() ? &kNothing : value.data();
  sqlite3_bind_blob64(handle_.get(), index, data, value.size(), nullptr);
}

namespace {

// SQLite gives what it makes beside a database that one's mode. No descriptor of one that is there: to close it would
// take the locks of this process's other connections away.
void make_private(const std::filesystem::path& file) {
  const Descriptor made{::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (made) return;
  for (const char* const suffix : {"", "-wal", "-shm"}) {
    const std::string path = file.string() + suffix;
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0077) != 0)
      ::chmod(path.c_str(), 0600);
  }
}

}  // namespace

Answer<Connection> Connection::open(const std::filesystem::path& file, unsigned page_size) {
  make_private(file);
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags, nullptr);
  Connection connection;
  connection.handle_.reset(raw);
  std::error_code ec = error_of(code);
  if (!ec) ec = connection.run(("PRAGMA page_size = " + std::to_string(page_size)).c_str());
  if (!ec) ec = connection.run("PRAGMA journal_mode = WAL");
  if (!ec) ec = connection.run("PRAGMA synchronous = NORMAL");
  if (!ec) ec = connection.run("PRAGMA busy_timeout = 10000");
  if (ec) return Failure{ec, file.string() + ": " + (raw ? connection.message() : "out of memory")};
  return connection;
}

std::error_code Connection::run(const char* sql) noexcept {
  return error_of(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

Answer<Statement> Connection::prepare(const char* sql) {
  Statement statement{handle_.get(), sql};
  if (!statement) return Failure{Errc::storage_failed, message()};
  return statement;
}

Answer<std::int64_t> Connection::number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->start();
  if (!row || !*row) return Failure{Errc::storage_failed, message()};
  return statement->number(0);
}

}  // namespace spot::sqlite
