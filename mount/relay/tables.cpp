#include "mount/relay/tables.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace spot::relay {
namespace {

constexpr int kSchemaVersion = 2;
constexpr int kApplicationId = 0x53504F54;  // "SPOT"
constexpr std::size_t kMaxOwnersCached = 10'000;
constexpr std::int64_t kSeenResolution = 24 * 60 * 60;
constexpr std::chrono::milliseconds kLongestRelease{2};  // of values that were given up: others want to write

// The table grows at its end whatever the keys are, and only the small index is written at random. A large value is in
// a file, at the place; then its column is empty. `unused`: places that were given up.
constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS identity (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS blob (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
                                 UNIQUE (owner, key));
CREATE TABLE IF NOT EXISTS card (hash BLOB PRIMARY KEY, issued INTEGER NOT NULL, seen INTEGER NOT NULL,
                                 card BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS card_seen ON card (seen);
CREATE TABLE IF NOT EXISTS membership (grp BLOB NOT NULL, subject BLOB NOT NULL, issued INTEGER NOT NULL,
                                       valid INTEGER NOT NULL, from_card INTEGER NOT NULL, encoded BLOB NOT NULL,
                                       PRIMARY KEY (grp, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS membership_subject ON membership (subject);
CREATE TABLE IF NOT EXISTS sync (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL);
INSERT OR IGNORE INTO sync VALUES (1, 0);
CREATE TABLE IF NOT EXISTS value_file (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO value_file VALUES (1, 0);
CREATE TABLE IF NOT EXISTS unused (id INTEGER PRIMARY KEY, place INTEGER NOT NULL);
)";
constexpr const char* kAddPlaces = "ALTER TABLE blob ADD COLUMN place INTEGER";

// Prepares statements until one fails.
class Preparer {
 public:
  explicit Preparer(Connection& connection) : connection_{connection} {}
  void operator()(Statement& to, const char* sql) {
    if (failure_.code) return;
    auto statement = connection_.prepare(sql);
    if (statement) {
      to = std::move(*statement);
    } else {
      failure_ = statement.error();
    }
  }
  const Failure& failure() const noexcept { return failure_; }

 private:
  Connection& connection_;
  Failure failure_;
};

std::int64_t charge(std::size_t key, std::size_t value) {
  return static_cast<std::int64_t>(key + value) + kBlobOverhead;
}

}  // namespace

Answer<void> create_tables(Connection& connection) {
  const auto application = connection.number("PRAGMA application_id");
  if (!application) return application.error();
  const auto version = connection.number("PRAGMA user_version");
  if (!version) return version.error();
  if ((*application != 0 && *application != kApplicationId) || *version > kSchemaVersion)
    return Failure{Errc::storage_failed, "the database was made by another program or a later version"};
  const std::string mark =
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion);
  const bool is_old = *version != kSchemaVersion;
  if (connection.run("BEGIN IMMEDIATE") || connection.run(kSchema) ||
      (is_old && (connection.run(kAddPlaces) || connection.run(mark.c_str()))) || connection.run("COMMIT"))
    return Failure{Errc::storage_failed, connection.message()};
  return {};
}

Answer<BlobTable> BlobTable::open(Connection& connection, ValueFiles& values, const Quota& quota) {
  BlobTable table;
  table.quota_ = quota;
  table.values_ = &values;
  Preparer prepare{connection};
  prepare(table.find_owner_, "SELECT id, used FROM identity WHERE hash = ?");
  prepare(table.add_owner_, "INSERT INTO identity (hash, used) VALUES (?, 0) RETURNING id");
  prepare(table.set_used_, "UPDATE identity SET used = ?2 WHERE id = ?1");
  prepare(table.drop_owner_, "DELETE FROM identity WHERE id = ?");
  prepare(table.total_, "SELECT coalesce(sum(used), 0) FROM identity");
  prepare(table.find_, "SELECT id, length(value), place FROM blob WHERE owner = ? AND key = ?");
  prepare(table.insert_, "INSERT INTO blob (owner, key, value, place) VALUES (?, ?, ?, nullif(?, 0))");
  prepare(table.update_, "UPDATE blob SET value = ?2, place = NULL WHERE id = ?1");
  prepare(table.erase_, "DELETE FROM blob WHERE id = ?");
  prepare(table.draw_file_, "UPDATE value_file SET last = last + 1 RETURNING last");
  prepare(table.give_up_, "INSERT INTO unused (place) VALUES (?)");
  prepare(table.given_up_, "SELECT id, place FROM unused WHERE id <= ? ORDER BY id LIMIT 16");
  prepare(table.newest_given_up_, "SELECT coalesce(max(id), 0) FROM unused");
  prepare(table.forget_given_up_, "DELETE FROM unused WHERE id <= ?");
  prepare(table.count_given_up_, "SELECT coalesce(sum(place & 65535), 0) FROM unused");
  if (prepare.failure().code) return prepare.failure();
  if (const auto ec = table.forget()) return Failure{ec, connection.message()};
  return table;
}

Result<BlobTable::Owner*> BlobTable::owner(const Sha256& identity) {
  if (const auto known = owners_.find(identity); known != owners_.end()) return &known->second;
  Owner made;
  {
    const StatementScope scope{find_owner_};
    const auto row = find_owner_.start(identity);
    if (!row) return row.error();
    if (*row) made = {find_owner_.number(0), find_owner_.number(1), false};
  }
  if (made.id == 0) {
    const StatementScope scope{add_owner_};
    const auto row = add_owner_.start(identity);
    if (!row) return row.error();
    made = {add_owner_.number(0), 0, true};
  }
  return &owners_.emplace(identity, made).first->second;
}

std::error_code BlobTable::store(const BlobName& name, BytesView value) {
  const auto found = owner(name.owner);
  if (!found) return found.error();
  Owner& owner = **found;

  std::int64_t id = 0;
  std::int64_t before = 0;
  ValueFiles::Place place = 0;
  {
    const StatementScope scope{find_};
    const auto row = find_.start(owner.id, name.key);
    if (!row) return row.error();
    if (*row) {
      id = find_.number(0);
      place = find_.number(2);
      before =
          charge(name.key.size(), place != 0 ? ValueFiles::size(place) : static_cast<std::size_t>(find_.number(1)));
    }
  }
  const std::int64_t after = value.empty() ? 0 : charge(name.key.size(), value.size());
  const std::int64_t growth = after - before;
  const auto passes = [growth](std::int64_t used, std::int64_t limit) {
    return limit != 0 && growth > 0 && used + growth > limit;
  };
  if (passes(owner.used, quota_.per_identity) || passes(total_used_, quota_.total))
    return make_error_code(Errc::quota_exceeded);

  // What replaces a value is in the database: the log brings back either this one or the one before.
  std::error_code done;
  if (id == 0) {
    if (!value.empty()) done = insert(owner.id, name.key, value);
  } else {
    const Result<bool> changed = value.empty() ? erase_.start(id) : update_.start(id, value);
    if (!changed) return changed.error();
    if (place != 0) done = give_up(place);
  }
  if (done) return done;
  owner.used += growth;
  owner.changed = true;
  total_used_ += growth;
  return {};
}

std::error_code BlobTable::insert(std::int64_t owner, BytesView key, BytesView value) {
  ValueFiles::Place place = 0;
  if (value.size() >= ValueFiles::kSmallest && value.size() <= ValueFiles::kLargest) {
    if (!values_->has_room(value.size())) {
      const StatementScope scope{draw_file_};
      const auto drawn = draw_file_.start();
      if (!drawn) return drawn.error();
      if (const auto ec = values_->begin(draw_file_.number(0))) return ec;
    }
    const auto added = values_->add(value);
    if (!added) return added.error();
    place = *added;
    value = {};
  }
  const auto done = insert_.start(owner, key, value, place);
  return done ? std::error_code{} : done.error();
}

std::error_code BlobTable::give_up(ValueFiles::Place place) {
  given_up_bytes_ += ValueFiles::size(place);
  const auto done = give_up_.start(place);
  return done ? std::error_code{} : done.error();
}

std::int64_t BlobTable::newest_given_up() {
  const StatementScope scope{newest_given_up_};
  const auto row = newest_given_up_.start();
  return row && *row ? newest_given_up_.number(0) : 0;
}

std::error_code BlobTable::release_some(std::int64_t newest, bool& more) {
  const auto begun = std::chrono::steady_clock::now();
  std::int64_t last = 0;
  std::size_t size = 0;
  {
    const StatementScope scope{given_up_};
    auto row = given_up_.start(newest);
    for (; row && *row; row = given_up_.next()) {
      if (last != 0 && std::chrono::steady_clock::now() - begun >= kLongestRelease) break;
      last = given_up_.number(0);
      size += ValueFiles::size(given_up_.number(1));
      values_->release(given_up_.number(1));
    }
    if (!row) return row.error();
  }
  more = last != 0 && last < newest;
  if (last == 0) return {};
  const auto done = forget_given_up_.start(last);
  if (!done) return done.error();
  given_up_bytes_ -= std::min(given_up_bytes_, size);
  return {};
}

std::error_code BlobTable::before_commit() {
  for (auto entry = owners_.begin(); entry != owners_.end();) {
    Owner& owner = entry->second;
    if (!owner.changed) {
      ++entry;
      continue;
    }
    const auto done = owner.used > 0 ? set_used_.start(owner.id, owner.used) : drop_owner_.start(owner.id);
    if (!done) return done.error();
    owner.changed = false;
    entry = owner.used > 0 ? std::next(entry) : owners_.erase(entry);
  }
  if (owners_.size() > kMaxOwnersCached) owners_.clear();
  return {};
}

std::error_code BlobTable::forget() {
  owners_.clear();
  values_->abandon();
  const StatementScope scope{total_}, beside{count_given_up_};
  const auto row = total_.start();
  if (!row) return row.error();
  total_used_ = total_.number(0);
  const auto unused = count_given_up_.start();
  if (!unused) return unused.error();
  given_up_bytes_ = static_cast<std::size_t>(count_given_up_.number(0));
  return {};
}

Answer<CardTable> CardTable::open(Connection& connection, const Quota& quota) {
  CardTable table;
  table.limit_ = quota.cards;
  Preparer prepare{connection};
  prepare(table.find_, "SELECT issued, seen, card FROM card WHERE hash = ?");
  prepare(table.put_, "INSERT OR REPLACE INTO card (hash, issued, seen, card) VALUES (?, ?, ?, ?)");
  prepare(table.touch_, "UPDATE card SET seen = ?2 WHERE hash = ?1");
  prepare(table.count_cards_, "SELECT count(*) FROM card");
  prepare(table.put_membership_,
          "INSERT INTO membership (grp, subject, issued, valid, from_card, encoded) VALUES (?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (grp, subject) DO UPDATE SET issued = excluded.issued, valid = excluded.valid, "
          "from_card = min(from_card, excluded.from_card), encoded = excluded.encoded "
          "WHERE excluded.issued > membership.issued OR (excluded.issued = membership.issued AND "
          "excluded.from_card < membership.from_card)");
  prepare(table.drop_memberships_, "DELETE FROM membership WHERE subject = ? AND from_card = 1");
  prepare(table.prune_,
          "DELETE FROM card WHERE hash IN (SELECT c.hash FROM card c LEFT JOIN identity i ON i.hash = c.hash "
          "WHERE i.id IS NULL ORDER BY c.seen LIMIT ?)");
  prepare(table.prune_memberships_,
          "DELETE FROM membership WHERE from_card = 1 AND subject NOT IN (SELECT hash FROM card)");
  if (prepare.failure().code) return prepare.failure();
  if (const auto ec = table.forget()) return Failure{ec, connection.message()};
  return table;
}

std::error_code CardTable::store(const CardEntry& entry, std::int64_t seen, bool& is_new) {
  is_new = false;
  bool known = false;
  bool touch = false;
  {
    const StatementScope scope{find_};
    const auto row = find_.start(entry.identity);
    if (!row) return row.error();
    known = *row;
    const bool same = known && equal(find_.bytes(2), entry.card);
    is_new = !known || (entry.issued >= find_.number(0) && !same);
    touch = known && seen - find_.number(1) > kSeenResolution;
  }
  if (!is_new) {
    if (!touch) return {};
    const auto done = touch_.start(entry.identity, seen);
    return done ? std::error_code{} : done.error();
  }
  if (const auto done = put_.start(entry.identity, entry.issued, seen, entry.card); !done) return done.error();
  if (const auto done = drop_memberships_.start(entry.identity); !done) return done.error();
  for (const GroupEntry& group : entry.groups)
    if (const auto ec = store_membership(group, true)) return ec;
  if (!known) ++count_;
  return limit_ != 0 && count_ > limit_ ? prune() : std::error_code{};
}

std::error_code CardTable::store_membership(const GroupEntry& entry, bool from_card) {
  const auto done = put_membership_.start(entry.group, entry.subject, entry.issued, std::int64_t{entry.valid},
                                          std::int64_t{from_card}, entry.encoded);
  return done ? std::error_code{} : done.error();
}

std::error_code CardTable::prune() {
  // A tenth more than needed, so that the next ones need no pruning.
  if (const auto done = prune_.start(count_ - limit_ + limit_ / 10); !done) return done.error();
  if (const auto done = prune_memberships_.start(); !done) return done.error();
  return forget();
}

std::error_code CardTable::forget() {
  const StatementScope scope{count_cards_};
  const auto row = count_cards_.start();
  if (!row) return row.error();
  count_ = count_cards_.number(0);
  return {};
}

}  // namespace spot::relay
