// A SQLite database as a few functions: statements are prepared once, errors say which file and what SQLite said.
//
// Thread: one at a time. Errors: storage_failed, ENOSPC (the disk is full); malformed where a row does not
// read.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>

#include "client/base/sqlite.hpp"

namespace spotfs {

// What a row has as bytes of a fixed length; false: of another.
template <std::size_t N>
bool copy_to(spot::BytesView from, spot::ByteArray<N>& to) {
  if (from.size() != N) return false;
  std::ranges::copy(from, to.begin());
  return true;
}

class Database {
 public:
  static constexpr unsigned kPageSize = 4'096;  // bytes; a row of one operation costs a third of what 16 KiB do

  using Statement = spot::sqlite::Statement;
  template <class T>
  using Answer = spot::Answer<T>;

  // `page_size`: bytes, of a database that is made.
  static Answer<Database> open(std::filesystem::path file, unsigned page_size = kPageSize) {
    Answer<spot::sqlite::Connection> connection = spot::sqlite::Connection::open(file, page_size);
    if (!connection) return connection.error();
    return Database{std::move(*connection), std::move(file)};
  }

  const std::filesystem::path& file() const noexcept { return file_; }

  // Several statements without parameters.
  Answer<void> script(const char* sql) {
    if (const std::error_code ec = connection_.run(sql)) return failure(ec);
    return {};
  }

  // One statement. `sql` must be a literal: it is known by its address.
  template <class... Args>
  Answer<void> run(const char* sql, const Args&... args) {
    return each([](const Statement&) { return true; }, sql, args...);
  }

  // Calls row(statement) for each row, until it gives false: malformed.
  template <class Row, class... Args>
  Answer<void> each(Row row, const char* sql, const Args&... args) {
    auto at = statements_.find(sql);
    if (at == statements_.end()) at = statements_.emplace(sql, Statement{connection_.native(), sql}).first;
    Statement& query = at->second;
    if (!query) return failure(make_error_code(spot::Errc::storage_failed));
    const spot::sqlite::StatementScope scope{query};
    Result<bool> more = query.start(args...);
    for (; more && *more; more = query.next()) {
      if (!row(query)) return spot::Failure{spot::Errc::malformed, file_.string() + ": damaged"};
    }
    if (!more) return failure(more.error());
    return {};
  }

  // All that `body` does, or nothing where it fails.
  template <class Body>
  Answer<void> transaction(Body body) {
    if (const std::error_code ec = connection_.run("BEGIN IMMEDIATE")) return failure(ec);
    Answer<void> done = body();
    if (done) {
      if (const std::error_code ec = connection_.run("COMMIT")) done = failure(ec);
    }
    if (!done && connection_.in_transaction()) connection_.run("ROLLBACK");
    return done;
  }

 private:
  template <class T>
  using Result = spot::Result<T>;

  Database(spot::sqlite::Connection connection, std::filesystem::path file)
      : connection_{std::move(connection)}, file_{std::move(file)} {}
  spot::Failure failure(std::error_code code) const {
    return spot::Failure{code, file_.string() + ": " + connection_.message()};
  }

  spot::sqlite::Connection connection_;
  std::map<const char*, Statement> statements_;  // go before the connection
  std::filesystem::path file_;
};

}  // namespace spotfs
