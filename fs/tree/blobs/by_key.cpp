#include "fs/tree/blobs/by_key.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"
#include "client/bottle/sealed.hpp"
#include "fs/tree/blobs/key.hpp"

namespace spotfs::tree {

using spot::Answer;
using spot::Failure;

Result<void> check_key(std::string_view key) {
  const Result<std::string> known = key_of("", key);
  if (!known) return known.error();
  return {};
}

// As any Spot client does.
Result<Bytes> ValuesByKey::seal_plain(BytesView content) const {
  if (content.size() > limit()) return make_error_code(Errc::file_too_large);
  std::vector<spot::PublicKey> recipients;
  for (const spot::PrivateKey& key : keys_->keys()) {
    if (key.public_key().can_decrypt()) recipients.push_back(key.public_key());
  }
  const Bytes no_header{0xA0};
  return spot::seal(content, no_header, recipients, keys_->self());
}

asio::awaitable<Answer<Bytes>> ValuesByKey::fetch(std::string key) const {
  Answer<Bytes> bottle = co_await store_->fetch(key);
  if (!bottle && bottle.error().code == Errc::not_found)
    co_return Failure{Errc::not_found, spot::printable(key) + ": there is no such key"};
  co_return bottle;
}

asio::awaitable<Answer<Value>> ValuesByKey::open(std::string key) const {
  const auto self = shared_from_this();
  const Answer<Bytes> bottle = co_await fetch(key);
  if (!bottle) co_return bottle.error();
  Result<Value> value = sealer_.open(key, *bottle);
  if (!value) co_return Failure{value.error(), key};
  co_return *std::move(value);
}

asio::awaitable<Answer<Text>> ValuesByKey::get(std::string key) const {
  const Answer<Value> value = co_await open(key);
  if (!value) co_return value.error();
  if (value->reference)
    co_return Failure{fail(EFBIG), spot::printable(key) + ": its content is in chunks, and no file of blobs/ has it"};
  co_return value->content;
}

asio::awaitable<Answer<void>> ValuesByKey::put(std::string key, Bytes content) const {
  const auto self = shared_from_this();
  Stamp version = draw_();
  const Answer<Bytes> before = co_await store_->fetch(key);
  if (!before && before.error().code != Errc::not_found) co_return before.error();
  const Result<Value> known = before ? sealer_.open(key, *before) : Result<Value>{make_error_code(Errc::not_found)};
  // Whoever has seen the value that is there takes none of before it.
  if (known && known->version && version <= *known->version) {
    const std::uint64_t later = known->version->milliseconds() + 1;
    version = Stamp::of(later, 0, version.run());
  }
  Result<Bytes> bottle = has_disk_ ? sealer_.seal(key, version, content) : seal_plain(content);
  if (!bottle) co_return Failure{bottle.error(), key};
  co_return co_await store_->store(key, *std::move(bottle));
}

asio::awaitable<Answer<void>> ValuesByKey::erase(std::string key) const {
  const auto self = shared_from_this();
  const Answer<Bytes> there = co_await fetch(key);
  if (!there) co_return there.error();
  co_return co_await store_->erase(key);
}

}  // namespace spotfs::tree
