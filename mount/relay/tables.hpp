// The tables of a relay's database, as its writer sees them: blobs with the quotas of their owners, cards, groups.
//
// Thread: the writer's alone. Every function runs inside a transaction; before_commit() writes what was counted, and
// after a rollback forget() drops it. Errors: quota_exceeded, ENOSPC, storage_failed.
#pragma once

#include <map>

#include "client/base/sqlite.hpp"
#include "mount/relay/database.hpp"
#include "mount/relay/value_files.hpp"

namespace spot::relay {

using sqlite::Connection;
using sqlite::Statement;
using sqlite::StatementScope;

// Bytes of blobs; each counts its key, its value and kBlobOverhead. 0: no limit.
struct Quota {
  std::int64_t per_identity = 0;
  std::int64_t total = 0;
  std::int64_t cards = 200'000;  // beyond it, those seen longest ago of identities without blobs are dropped
};

inline constexpr std::int64_t kBlobOverhead = 128;

// Makes what is missing of the schema. Errors: a database of another program or a later version.
Answer<void> create_tables(Connection& connection);

class BlobTable {
 public:
  // `values` must outlive it.
  static Answer<BlobTable> open(Connection& connection, ValueFiles& values, const Quota& quota);

  std::error_code store(const BlobName& name, BytesView value);
  std::error_code before_commit();
  std::error_code forget();

  // Places that no row names any more keep their values until that is on the disk: the rows would come back with an
  // older log. Bytes of them.
  std::size_t given_up() const noexcept { return given_up_bytes_; }
  std::int64_t newest_given_up();  // 0: none
  // Some of those that were given up until then, in transactions which are on the disk, are holes from here on. Sets
  // whether there are more.
  std::error_code release_some(std::int64_t newest, bool& more);

 private:
  struct Owner {
    std::int64_t id = 0;
    std::int64_t used = 0;
    bool changed = false;
  };
  Result<Owner*> owner(const Sha256& identity);
  std::error_code insert(std::int64_t owner, BytesView key, BytesView value);
  std::error_code give_up(ValueFiles::Place place);

  Quota quota_;
  ValueFiles* values_ = nullptr;
  Statement find_owner_, add_owner_, set_used_, drop_owner_, total_, find_, insert_, update_, erase_;
  Statement draw_file_, give_up_, given_up_, newest_given_up_, forget_given_up_, count_given_up_;
  std::map<Sha256, Owner> owners_;
  std::int64_t total_used_ = 0;
  std::size_t given_up_bytes_ = 0;
};

class CardTable {
 public:
  static Answer<CardTable> open(Connection& connection, const Quota& quota);

  // `seen` in Unix seconds. `is_new` is set where the card was not there before.
  std::error_code store(const CardEntry& entry, std::int64_t seen, bool& is_new);
  std::error_code store_membership(const GroupEntry& entry, bool from_card);
  std::error_code forget();

 private:
  std::error_code prune();

  std::int64_t limit_ = 0;
  std::int64_t count_ = 0;
  Statement find_, put_, touch_, count_cards_, put_membership_, drop_memberships_, prune_, prune_memberships_;
};

}  // namespace spot::relay
