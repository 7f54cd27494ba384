#include "fs/index/journal.hpp"

#include <algorithm>

#include <sys/stat.h>

#include "client/crypto/hash.hpp"

namespace spotfs {

using Statement = Database::Statement;

namespace {

// meta: writer, machine, file (device and inode), shared_until, registered (the writer that is), writers, seen (of all
// writers), swept, heard, scrub. trash: since is 0 until a head without it is stored; replaced: until its operation is.
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS meta (name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS operation (stamp BLOB NOT NULL, bytes BLOB NOT NULL, piece INTEGER NOT NULL, "
    "PRIMARY KEY (piece, stamp)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS piece (number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, last BLOB NOT NULL, "
    "run BLOB NOT NULL, size INTEGER NOT NULL, list INTEGER NOT NULL, stored INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS piece_of_list ON piece (list, number);"
    "CREATE INDEX IF NOT EXISTS piece_unstored ON piece (number) WHERE stored = 0;"
    "CREATE TABLE IF NOT EXISTS list (number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, "
    "stored INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS run (id BLOB PRIMARY KEY, counter INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS head (writer BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS value (key BLOB PRIMARY KEY, version BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS trash (id BLOB PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS replaced (number INTEGER PRIMARY KEY AUTOINCREMENT, stamp BLOB NOT NULL, "
    "inode BLOB NOT NULL, old BLOB NOT NULL, now BLOB NOT NULL, shared INTEGER NOT NULL DEFAULT 0, "
    "since INTEGER NOT NULL DEFAULT 0);";
// Of journals that were made before there were any.
constexpr const char* kReplacedColumns =
    "ALTER TABLE replaced ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE replaced ADD COLUMN since INTEGER NOT NULL DEFAULT 0;";
constexpr const char* kIndexes =
    "CREATE INDEX IF NOT EXISTS replaced_uncommitted ON replaced (stamp) WHERE since = 0;"
    "CREATE INDEX IF NOT EXISTS replaced_since ON replaced (since) WHERE since > 0;";

Bytes encoded(const std::optional<Reference>& reference) {
  cbor::Writer writer;
  encode(writer, reference);
  return std::move(writer).take();
}

// Which file the journal is: its device and inode number.
Bytes identity_of(const std::filesystem::path& file) {
  struct stat info {};
  Bytes out;
  if (::stat(file.c_str(), &info) != 0) return out;
  spot::append_be(out, static_cast<std::uint64_t>(info.st_dev));
  spot::append_be(out, static_cast<std::uint64_t>(info.st_ino));
  return out;
}

std::int64_t number(std::size_t value) noexcept { return static_cast<std::int64_t>(value); }

}  // namespace

template <class... Args>
Answer<std::vector<Operation>> Journal::read_operations(const char* sql, const Args&... args) const {
  std::vector<Operation> out;
  const auto row = [&](const Statement& query) {
    Result<Operation> operation = decode_operation(query.bytes(0));
    if (operation) out.push_back(std::move(*operation));
    return operation.has_value();
  };
  if (Answer<void> read = database_.each(row, sql, args...); !read) return read.error();
  return out;
}

template <class... Args>
Answer<std::vector<LogPiece>> Journal::read_pieces(const char* sql, const Args&... args) const {
  std::vector<LogPiece> out;
  const auto row = [&](const Statement& query) {
    LogPiece piece;
    piece.number = query.number(0);
    piece.size = static_cast<std::size_t>(query.number(4));
    piece.stored = query.number(5) != 0;
    const bool reads = copy_to(query.bytes(1), piece.ref.id) && copy_to(query.bytes(2), piece.ref.last.bytes) &&
                       copy_to(query.bytes(3), piece.run);
    out.push_back(piece);
    return reads;
  };
  if (Answer<void> read = database_.each(row, sql, args...); !read) return read.error();
  return out;
}

// --- The writer ------------------------------------------------------------------------------------------------------

std::optional<Bytes> Journal::meta(std::string_view name) const {
  std::optional<Bytes> out;
  const auto row = [&](const Statement& query) {
    out = spot::to_bytes(query.bytes(0));
    return true;
  };
  if (!database_.each(row, "SELECT value FROM meta WHERE name = ?", spot::view(name))) return std::nullopt;
  return out;
}

Answer<void> Journal::set_meta(std::string_view name, BytesView value) const {
  return database_.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", spot::view(name), value);
}

Answer<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& directory, const std::string& machine_id) {
  Answer<Database> database = Database::open(directory / "journal.db");
  if (!database) return database.error();
  std::unique_ptr<Journal> out{new Journal{std::move(*database)}};
  if (Answer<void> prepared = out->prepare(machine_id); !prepared) return prepared.error();
  return out;
}

Answer<void> Journal::prepare(const std::string& machine_id) {
  Answer<void> made = database_.script(kTables);
  if (made && first_number("SELECT count(*) FROM pragma_table_info('replaced') WHERE name = 'since'") == 0)
    made = database_.script(kReplacedColumns);
  if (made) made = database_.script(kIndexes);
  if (!made) return made;
  const Bytes file = identity_of(database_.file());
  if (!meta("writer")) {
    made = database_.transaction([&] {
      Answer<void> done = set_meta("writer", spot::random_array<16>());
      if (done) done = set_meta("machine", spot::view(machine_id));
      return done ? set_meta("file", file) : done;
    });
    if (!made) return made;
  }
  const std::optional<Bytes> writer = meta("writer");
  if (!writer || !copy_to(*writer, writer_)) return Failure{Errc::malformed, database_.file().string() + ": damaged"};
  is_copy_ = meta("machine") != spot::to_bytes(machine_id) || meta("file") != file;
  return {};
}

WriterId Journal::writer() const {
  const std::lock_guard lock{mutex_};
  return writer_;
}

Answer<void> Journal::become(const WriterId& writer, const std::string& machine_id, const std::vector<Operation>& loose,
                             bool is_shared) {
  const bool are_shared = !loose.empty() && (is_shared || shared_until() != Stamp{});
  const std::lock_guard lock{mutex_};
  const Answer<void> done = database_.transaction([&] {
    // A piece that is not stored yet is what it is: whoever stores it stores the same.
    Answer<void> step = database_.run("DELETE FROM operation WHERE piece = 0");
    for (const Operation& operation : loose) {
      if (step) step = insert(operation);
    }
    // Whoever has the old id may have joined its pieces and deleted these.
    if (step) step = database_.run("UPDATE piece SET stored = 0");
    if (step) step = database_.run("UPDATE list SET stored = 0");
    if (step && are_shared) step = set_meta("shared_until", std::ranges::max(loose, {}, &Operation::stamp).stamp.bytes);
    if (step) step = set_meta("writer", writer);
    if (step) step = set_meta("machine", spot::view(machine_id));
    return step ? set_meta("file", identity_of(database_.file())) : step;
  });
  if (!done) return done;
  writer_ = writer;
  is_copy_ = false;
  return {};
}

// --- Operations ------------------------------------------------------------------------------------------------------

Answer<void> Journal::insert(const Operation& operation) const {
  return database_.run("INSERT OR REPLACE INTO operation VALUES (?, ?, 0)", operation.stamp.bytes, encode(operation));
}

Answer<void> Journal::add(const Operation& operation, const std::optional<Replaced>& replaced) {
  const std::lock_guard lock{mutex_};
  if (!replaced) return insert(operation);
  return database_.transaction([&] {
    Answer<void> step = insert(operation);
    if (step) {
      step = database_.run("INSERT INTO replaced (stamp, inode, old, now, shared) VALUES (?, ?, ?, ?, ?)",
                           operation.stamp.bytes, replaced->inode.bytes, encoded(replaced->old), encoded(replaced->now),
                           std::int64_t{replaced->is_shared});
    }
    return step;
  });
}

Answer<std::vector<Operation>> Journal::operations() const {
  const std::lock_guard lock{mutex_};
  return read_operations("SELECT bytes FROM operation ORDER BY stamp");
}

Answer<std::vector<Operation>> Journal::unstored() const {
  const std::lock_guard lock{mutex_};
  return read_operations(
      "SELECT bytes FROM operation WHERE piece = 0 OR piece IN (SELECT number FROM piece WHERE stored = 0) "
      "ORDER BY stamp");
}

std::uint64_t Journal::first_number(const char* sql) const {
  std::int64_t out = 0;
  const auto row = [&](const Statement& query) {
    out = query.number(0);
    return true;
  };
  static_cast<void>(database_.each(row, sql));
  return static_cast<std::uint64_t>(out);
}

std::uint64_t Journal::unstored_count() const {
  const std::lock_guard lock{mutex_};
  return first_number(
      "SELECT count(*) FROM operation WHERE piece = 0 OR piece IN (SELECT number FROM piece WHERE stored = 0)");
}

Answer<std::vector<Operation>> Journal::loose(Stamp limit) const {
  const std::lock_guard lock{mutex_};
  return read_operations("SELECT bytes FROM operation WHERE piece = 0 AND stamp < ? ORDER BY stamp", limit.bytes);
}

Answer<std::vector<Operation>> Journal::loose() const {
  const std::lock_guard lock{mutex_};
  return read_operations("SELECT bytes FROM operation WHERE piece = 0 ORDER BY stamp");
}

Answer<std::vector<Operation>> Journal::operations_of(std::int64_t piece) const {
  const std::lock_guard lock{mutex_};
  return read_operations("SELECT bytes FROM operation WHERE piece = ? ORDER BY stamp", piece);
}

Answer<void> Journal::replace(const std::vector<Operation>& old, const std::vector<Operation>& now) {
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step;
    for (const Operation& operation : old) {
      if (step) step = database_.run("DELETE FROM operation WHERE stamp = ? AND piece = 0", operation.stamp.bytes);
    }
    for (const Operation& operation : now) {
      if (step) step = insert(operation);
    }
    return step;
  });
}

Answer<void> Journal::amend(const Operation& operation, const std::optional<Operation>& now,
                            const std::optional<Stamp>& shared_until) {
  const Bytes stamp = spot::to_bytes(operation.stamp.bytes), none = encoded({});
  const auto add_trash = [&](const std::optional<Reference>& content) -> Answer<void> {
    if (!content || !content->id) return {};
    return database_.run("INSERT INTO replaced (stamp, inode, old, now, shared) VALUES (?, ?, ?, ?, 1)", stamp, stamp,
                         encoded(content), none);
  };
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step;
    if (now) {
      step = insert(*now);
      // A later operation may take it away, or be joined with this one: a sweep finds out.
      if (step) step = add_trash(content_of(*now));
    } else {
      step = database_.run("DELETE FROM operation WHERE stamp = ? AND piece = 0", stamp);
      if (step) step = database_.run("DELETE FROM replaced WHERE stamp = ? AND since = 0", stamp);
    }
    if (step && !shared_until) return add_trash(content_of(operation));
    // Whose the old one is, too, deletes it.
    if (step) step = database_.run("DELETE FROM replaced WHERE since = 0 AND old = ?", encoded(content_of(operation)));
    return step ? set_meta("shared_until", shared_until->bytes) : step;
  });
}

// --- The log ---------------------------------------------------------------------------------------------------------

Answer<void> Journal::add_pieces(const std::vector<NewPiece>& pieces, const std::vector<LogPiece>& replaced) {
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step;
    for (const LogPiece& piece : replaced) {
      if (step) step = database_.run("UPDATE operation SET piece = 0 WHERE piece = ?", piece.number);
    }
    for (const NewPiece& piece : pieces) {
      if (step)
        step = database_.run("INSERT INTO piece (id, last, run, size, list, stored) VALUES (?, ?, ?, ?, 0, 0)",
                             piece.ref.id, piece.ref.last.bytes, piece.ref.last.run(), number(piece.size));
      for (const Stamp& stamp : piece.operations) {
        if (step)
          step = database_.run(
              "UPDATE operation SET piece = (SELECT max(number) FROM piece) WHERE piece = 0 AND stamp = ?",
              stamp.bytes);
      }
    }
    for (const LogPiece& piece : replaced) {
      if (step) step = database_.run("DELETE FROM piece WHERE number = ?", piece.number);
      if (step) step = database_.run("INSERT OR REPLACE INTO trash VALUES (?, 0)", piece.ref.id);
    }
    return step;
  });
}

Answer<std::vector<LogPiece>> Journal::pieces(std::int64_t list) const {
  const std::lock_guard lock{mutex_};
  return read_pieces("SELECT number, id, last, run, size, stored FROM piece WHERE list = ? ORDER BY number", list);
}

Answer<std::vector<LogPiece>> Journal::unstored_pieces() const {
  const std::lock_guard lock{mutex_};
  return read_pieces("SELECT number, id, last, run, size, stored FROM piece WHERE stored = 0 ORDER BY number");
}

Answer<void> Journal::set_piece_stored(std::int64_t piece) {
  const std::lock_guard lock{mutex_};
  return database_.run("UPDATE piece SET stored = 1 WHERE number = ?", piece);
}

Answer<std::vector<LogListBlob>> Journal::lists() const {
  const std::lock_guard lock{mutex_};
  std::vector<LogListBlob> out;
  const auto row = [&](const Statement& query) {
    LogListBlob list{query.number(0), {}, query.number(2) != 0};
    const bool reads = copy_to(query.bytes(1), list.id);
    out.push_back(list);
    return reads;
  };
  if (Answer<void> read = database_.each(row, "SELECT number, id, stored FROM list ORDER BY number"); !read)
    return read.error();
  return out;
}

Answer<void> Journal::add_list(const BlobId& id, const std::vector<LogPiece>& pieces,
                               const std::optional<LogListBlob>& replaced) {
  const std::lock_guard lock{mutex_};
  return database_.transaction([&] {
    Answer<void> step = database_.run("INSERT INTO list (id, stored) VALUES (?, 0)", id);
    if (step && replaced) {
      step = database_.run("UPDATE piece SET list = (SELECT max(number) FROM list) WHERE list = ?", replaced->number);
      if (step) step = database_.run("DELETE FROM list WHERE number = ?", replaced->number);
      if (step) step = database_.run("INSERT OR REPLACE INTO trash VALUES (?, 0)", replaced->id);
    }
    for (const LogPiece& piece : pieces) {
      if (step)
        step = database_.run("UPDATE piece SET list = (SELECT max(number) FROM list) WHERE number = ?", piece.number);
    }
    return step;
  });
}

Answer<void> Journal::set_list_stored(std::int64_t list) {
  const std::lock_guard lock{mutex_};
  return database_.run("UPDATE list SET stored = 1 WHERE number = ?", list);
}

Answer<void> Journal::set_lost(const BlobId& id) {
  const std::lock_guard lock{mutex_};
  Answer<void> done = database_.run("UPDATE piece SET stored = 0 WHERE id = ?", id);
  if (done) done = database_.run("UPDATE list SET stored = 0 WHERE id = ?", id);
  return done;
}

// --- Heads -----------------------------------------------------------------------------------------------------------

// With all that is in the journal, on the disk: a head that the store has and the journal has lost would be a
// stranger's.
Answer<std::uint64_t> Journal::draw_counter(const RunId& run) {
  const std::uint64_t next = counter() + 1;
  const std::lock_guard lock{mutex_};
  Answer<void> done = database_.script("PRAGMA synchronous = FULL");
  if (done) done = database_.run("INSERT OR REPLACE INTO run VALUES (?, ?)", run, static_cast<std::int64_t>(next));
  const Answer<void> back = database_.script("PRAGMA synchronous = NORMAL");
  if (!done) return done.error();
  if (!back) return back.error();
  return next;
}

std::uint64_t Journal::counter() const {
  const std::lock_guard lock{mutex_};
  return first_number("SELECT coalesce(max(counter), 0) FROM run");
}

bool Journal::knows(const RunId& run, std::uint64_t counter) const {
  const std::lock_guard lock{mutex_};
  bool known = false;
  const auto row = [&](const Statement& query) {
    known = counter <= static_cast<std::uint64_t>(query.number(0));
    return true;
  };
  return database_.each(row, "SELECT counter FROM run WHERE id = ?", run) && known;
}

Answer<void> Journal::set_head_stored(std::int64_t now) {
  const std::lock_guard lock{mutex_};
  return database_.run("UPDATE trash SET since = ? WHERE since = 0", now);
}

}  // namespace spotfs
