#include "fs/tree/blobs/tree.hpp"

#include "client/base/encoding.hpp"

namespace spotfs::tree {

Version BlobTree::newest(const std::string& key, const Version& indexed) {
  return seen_.with([&](auto& seen) -> Version {
    const Stamp* known = seen.find(key);
    if (known == nullptr) return indexed;
    return indexed ? std::max(*indexed, *known) : *known;
  });
}

void BlobTree::saw(const std::string& key, const Stamp& version) {
  seen_.with([&](auto& seen) {
    const Stamp* known = seen.find(key);
    if (known == nullptr || *known < version) seen.put(key, version);
  });
}

void BlobTree::stored(const std::string& key, const Stamp& version) {
  seen_.with([&](auto& seen) { seen.put(key, version); });
}

Result<Value> BlobTree::open(const std::string& key, BytesView bottle, const Version& known) {
  const auto refuse = [&](std::error_code why) {
    say(key, why.message());
    return why;
  };
  Result<Value> value = sealer.open(key, bottle);
  if (!value) return refuse(value.error());
  if (!value->version) {
    const bool taken = options.plain == PlainValues::any || (options.plain == PlainValues::new_names && !known);
    if (!taken) return refuse(make_error_code(Errc::not_sealed));
  } else {
    if (known && *value->version < *known) return refuse(make_error_code(Errc::rollback));
    saw(key, *value->version);
  }
  return value;
}

asio::awaitable<std::unique_ptr<Index::Reservation>> BlobTree::reserve(std::string key) {
  std::unique_ptr<Index::Reservation> reservation = options.index->reserve();
  const Version known = newest(key, std::nullopt);
  if (known && reservation->stamp() < *known) {
    // Another machine's clock is ahead: its head tells the index.
    reservation.reset();
    co_await options.index->refresh();
    reservation = options.index->reserve();
  }
  co_return reservation;
}

asio::awaitable<Result<void>> BlobTree::erase(std::string key, Version indexed, std::optional<KnownValue> known,
                                              std::uint64_t size) {
  const Version last = newest(key, indexed);
  if (!options.only_writer) {
    const Answer<Bytes> bottle = co_await options.store->fetch(key);
    if (!bottle && bottle.error().code == Errc::not_found) co_return Result<void>{};
    if (!bottle) co_return bottle.error().code;
    const Result<Value> value = sealer.open(key, *bottle);
    if (value) {
      bool ours = true;
      if (value->version) {
        ours = last && *value->version <= *last;
      } else if (known) {
        ours = !known->value.version && *known->value.content == *value->content;
      } else {
        ours = !indexed && size == value->content->size();
      }
      if (!ours) co_return Result<void>{};
    }
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
