// SQLite connections and prepared statements as values.
//
// Thread: a connection and its statements are used by one thread at a time. Lifetime: statements go before their
// connection. Errors: ENOSPC for a full disk, storage_failed for all else; message() has SQLite's words.
#pragma once

#include <filesystem>
#include <string>

#include <sqlite3.h>

#include "client/base/bytes.hpp"
#include "client/base/failure.hpp"
#include "client/base/handle.hpp"

namespace spot::sqlite {

std::error_code error_of(int code) noexcept;

class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* connection, const char* sql);
  explicit operator bool() const noexcept { return handle_ != nullptr; }

  // Starts afresh with these parameters; true if there is a row. Bytes are borrowed until reset().
  template <class... Args>
  Result<bool> start(const Args&... args) {
    reset();
    int index = 0;
    (bind(++index, args), ...);
    return next();
  }
  Result<bool> next();
  // Ends what start() began, and its hold on the database.
  void reset() noexcept;

  BytesView bytes(int column) const noexcept;  // until next() or reset()
  std::int64_t number(int column) const noexcept;

 private:
  void bind(int index, std::int64_t value) noexcept;
  void bind(int index, BytesView value) noexcept;
  Handle<sqlite3_stmt, &sqlite3_finalize> handle_;
};

// Resets a statement at the end of a scope.
class StatementScope {
 public:
  explicit StatementScope(Statement& statement) noexcept : statement_{statement} {}
  ~StatementScope() { statement_.reset(); }
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;

 private:
  Statement& statement_;
};

class Connection {
 public:
  // Opens, or makes, a database in WAL mode. Pages, in bytes: large ones for large values, small ones where single
  // small rows are written, as a commit writes whole pages.
  static Answer<Connection> open(const std::filesystem::path& file, unsigned page_size);

  std::error_code run(const char* sql) noexcept;
  Answer<Statement> prepare(const char* sql);
  // The first column of the first row.
  Answer<std::int64_t> number(const char* sql);
  sqlite3* native() const noexcept { return handle_.get(); }
  std::string message() const { return sqlite3_errmsg(handle_.get()); }
  bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_.get()) == 0; }

 private:
  Handle<sqlite3, &sqlite3_close_v2> handle_;
};

}  // namespace spot::sqlite
