#include "fs/tree/blobs/tree.hpp"

#include "client/base/encoding.hpp"

namespace spotfs::tree {
namespace {

// Is this what the name stood for, and nothing that another client has stored since?
bool is_ours(const Value& value, const Version& last, const Inode& inode, const std::optional<KnownValue>& known) {
  if (value.version) return last && *value.version <= *last;
  if (known) return !known->value.version && known->value.same_content(value);
  return !inode.version && inode.size() == value.size();
}

}  // namespace

Result<Versions> BlobTree::versions(const std::string& key, const Inode* inode) const {
  const Result<Version> seen = options.index->seen_value(key);
  if (!seen) return seen.error();
  return Versions{key, *seen, inode};
}

Result<Value> BlobTree::open(const std::string& key, BytesView bottle, const Versions& known) const {
  const auto refuse = [&](std::error_code why) {
    say(key, why.message());
    return why;
  };
  Result<Value> value = sealer.open(key, bottle);
  if (!value) return refuse(value.error());
  if (!value->version) {
    const bool is_new = !known.seen && !known.indexed;
    const bool taken = options.plain == PlainValues::any || (options.plain == PlainValues::new_names && is_new);
    if (!taken) return refuse(make_error_code(Errc::not_sealed));
  } else if (value->version < known.least) {
    return refuse(make_error_code(Errc::rollback));
  } else if (known.seen < value->version && value->version != known.indexed) {
    const Result<void> seen = options.index->see_value(key, *value->version);
    if (!seen) return seen.error();
  }
  return value;
}

asio::awaitable<Result<void>> BlobTree::erase(std::string key, InodePtr inode, std::optional<KnownValue> known) const {
  const Result<Versions> last = versions(key, inode.get());
  if (!last) co_return last.error();
  if (last->least) {
    // The inode that says it goes. What was stored at the same time as its version may still come.
    const Result<void> seen = options.index->see_value(key, *last->least);
    if (!seen) co_return seen.error();
  }
  if (!options.only_writer) {
    const Answer<Bytes> bottle = co_await options.store->fetch(key);
    if (!bottle && bottle.error().code == Errc::not_found) co_return Result<void>{};
    if (!bottle) co_return bottle.error().code;
    const Result<Value> value = sealer.open(key, *bottle);
    if (value && !is_ours(*value, std::max(last->seen, last->indexed), *inode, known)) co_return Result<void>{};
  }
  const Answer<void> erased = co_await options.store->erase(key);
  if (!erased) co_return erased.error().code;
  co_return Result<void>{};
}

bool BlobTree::is_fresh(const KnownValue& known, const Version& indexed) const {
  const Version& version = known.value.version;
  // An earlier one may be the value all the same, as long as the index says what it said when it was fetched.
  const bool overtaken = indexed != known.indexed && (!version || version < indexed);
  if (overtaken) return false;
  return options.only_writer || options.clock->steady() - known.checked < options.refresh;
}

void BlobTree::say(const std::string& key, std::string_view what) const {
  if (options.log) options.log("blobs/" + spot::printable(key) + ": " + std::string{what});
}

}  // namespace spotfs::tree
