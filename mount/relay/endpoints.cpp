#include "mount/relay/endpoints.hpp"

#include <algorithm>
#include <array>

#include "client/base/encoding.hpp"
#include "client/bottle/bottle.hpp"

namespace spot::relay {
namespace {

Failure refusal(Errc code, std::string_view text) { return Failure{code, std::string{text}}; }

// A failure of the database, with what it means when there is nothing.
Failure refusal(std::error_code ec, std::string_view missing) {
  return Failure{ec, std::string{ec == Errc::not_found ? missing : error_text(ec)}};
}

asio::awaitable<Answer<Bytes>> tell_time(Query query) {
  const auto now = query.services->options.clock->wall().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  Bytes answer;
  append_be(answer, static_cast<std::uint64_t>(seconds.count()));
  append_be(answer, static_cast<std::uint32_t>((now - seconds).count()));
  co_return answer;
}

asio::awaitable<Answer<Bytes>> tell_version(Query) { co_return to_bytes("spot-relay/" SPOTFS_VERSION); }

asio::awaitable<Answer<Bytes>> find_card(Query query) {
  Sha256 identity{};
  if (query.body.size() != identity.size()) co_return refusal(Errc::malformed, "bad request");
  std::ranges::copy(query.body, identity.begin());
  // Before it is read, so that no update is missed in between.
  query.services->router->subscribe(*query.mailbox, identity);
  auto card = co_await query.services->database->find_card(identity);
  if (!card) co_return refusal(card.error(), "card not found");
  co_return std::move(*card);
}

asio::awaitable<Answer<Bytes>> store_blob(Query query) {
  const auto end = std::ranges::find(query.body, std::uint8_t{0});
  if (end == query.body.begin() || end == query.body.end()) co_return refusal(Errc::malformed, "bad request");
  BlobName name{query.identity, Bytes(query.body.begin(), end)};
  Bytes value(end + 1, query.body.end());
  if (name.key.size() > kMaxKeySize || value.size() > kMaxBlobSize) co_return refusal(Errc::too_large, "too large");
  const auto stored = co_await query.services->database->store(std::move(name), std::move(value), query.alone);
  if (!stored) co_return refusal(stored.error(), {});
  co_return Bytes{};
}

asio::awaitable<Answer<Bytes>> fetch_blob(Query query) {
  if (query.body.size() > kMaxKeySize) co_return refusal(Errc::too_large, "too large");
  BlobName name{query.identity, std::move(query.body)};
  auto value = co_await query.services->database->fetch_blob(std::move(name));
  if (!value) co_return refusal(value.error(), "blob not found");
  co_return std::move(*value);
}

asio::awaitable<Answer<Bytes>> sync_blobs(Query query) {
  const auto synced = co_await query.services->database->sync();
  if (!synced) co_return refusal(synced.error(), {});
  co_return query.services->run_id;
}

asio::awaitable<Answer<Bytes>> list_group(Query query) {
  const auto members = co_await query.services->database->members(sha256(query.body));
  if (!members) co_return refusal(members.error(), {});
  if (members->size() > kMaxBodySize / Sha256{}.size()) co_return refusal(Errc::too_large, "too large");
  Bytes answer;
  for (const Sha256& member : *members) append(answer, member);
  co_return answer;
}

constexpr std::array kEndpoints{
    Endpoint{"time", false, false, tell_time},        //
    Endpoint{"version", false, false, tell_version},  //
    Endpoint{"idcard_find", true, true, find_card},   //
    Endpoint{"store_blob", true, true, store_blob},   //
    Endpoint{"fetch_blob", true, true, fetch_blob},   //
    Endpoint{"blob_sync", false, true, sync_blobs},   //
    Endpoint{"group_list", true, true, list_group},   //
};

}  // namespace

const Endpoint* find_endpoint(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kEndpoints, name, &Endpoint::name);
  return found == kEndpoints.end() ? nullptr : found;
}

Result<Bytes> payload_of(const Message& message) {
  if (message.has(flag::not_bottle)) return message.body;
  Result<Bottle> level = decode_bottle(message.body);
  for (std::size_t depth = 1; level && level->format == Format::bottle; ++depth) {
    if (depth == kMaxBottleDepth) return fail(Errc::malformed);
    const Bytes inner = std::move(level->message);
    level = decode_bottle(inner);
  }
  if (!level) return level.error();
  if (level->format != Format::clear) return fail(Errc::malformed);
  return std::move(level->message);
}

std::string_view error_text(std::error_code ec) noexcept {
  if (ec == Errc::peer_offline) return "recipient not online";
  if (ec == Errc::rate_exceeded) return "rate exceeded";
  if (ec == Errc::quota_exceeded || ec == std::errc::no_space_on_device) return "quota exceeded";
  if (ec == Errc::too_large) return "too large";
  return "internal error";
}

}  // namespace spot::relay
