#include "fs/tree/blobs/tree.hpp"

#include "client/base/encoding.hpp"

namespace spotfs::tree {
namespace {

// Is this what the name stood for, and nothing that another client has stored since?
bool is_ours(const Value& value, const Version& last, const Version& indexed, const std::optional<KnownValue>& known,
             std::uint64_t size) {
  if (value.version) return last && *value.version <= *last;
  if (known) return !known->value.version && known->value.same_content(value);
  return !indexed && size == value.size();
}

}  // namespace

Result<Version> BlobTree::newest(const std::string& key, const Version& indexed) const {
  const Result<Version> seen = options.index->seen_value(key);
  if (!seen) return seen.error();
  return std::max(*seen, indexed);
}

Result<Value> BlobTree::open(const std::string& key, BytesView bottle, const Version& known) const {
  const auto refuse = [&](std::error_code why) {
    say(key, why.message());
    return why;
  };
  Result<Value> value = sealer.open(key, bottle);
  if (!value) return refuse(value.error());
  if (!value->version) {
    const bool taken = options.plain == PlainValues::any || (options.plain == PlainValues::new_names && !known);
    if (!taken) return refuse(make_error_code(Errc::not_sealed));
  } else if (known && *value->version < *known) {
    return refuse(make_error_code(Errc::rollback));
  } else if (!known || *known < *value->version) {
    const Result<void> seen = options.index->see_value(key, *value->version);
    if (!seen) return seen.error();
  }
  return value;
}

asio::awaitable<Result<void>> BlobTree::erase(std::string key, Version indexed, std::optional<KnownValue> known,
                                              std::uint64_t size) const {
  const Result<Version> last = newest(key, indexed);
  if (!last) co_return last.error();
  if (*last) {
    // The inode that has it goes.
    const Result<void> seen = options.index->see_value(key, **last);
    if (!seen) co_return seen.error();
  }
  if (!options.only_writer) {
    const Answer<Bytes> bottle = co_await options.store->fetch(key);
    if (!bottle && bottle.error().code == Errc::not_found) co_return Result<void>{};
    if (!bottle) co_return bottle.error().code;
    const Result<Value> value = sealer.open(key, *bottle);
    if (value && !is_ours(*value, *last, indexed, known, size)) co_return Result<void>{};
  }
  const Answer<void> erased = co_await options.store->erase(key);
  if (!erased) co_return erased.error().code;
  co_return Result<void>{};
}

bool BlobTree::is_fresh(const KnownValue& known, const Version& indexed) const {
  const Version& version = known.value.version;
  const bool overtaken = version ? indexed && *version < *indexed : indexed != known.indexed;
  if (overtaken) return false;
  return options.only_writer || options.clock->steady() - known.checked < options.refresh;
}

void BlobTree::say(const std::string& key, std::string_view what) const {
  if (options.log) options.log("blobs/" + spot::printable(key) + ": " + std::string{what});
}

}  // namespace spotfs::tree
