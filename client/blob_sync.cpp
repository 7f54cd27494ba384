#include "client/blob_sync.hpp"

#include "client/crypto/hash.hpp"

namespace spot {
namespace {

struct SyncedRun {
  SyncedRun(Bytes r, std::string h) : run{std::move(r)}, host{std::move(h)} {}
  Bytes run;
  std::string host;
};

asio::awaitable<Answer<Bytes>> sync_by(Messenger& messenger, Messenger::ConnectionPointer by,
                                       Messenger::Deadline limit) {
  auto answer = co_await messenger.query("@/blob_sync", {}, limit, std::move(by));
  if (!answer && (answer.error().code == Errc::no_such_endpoint || answer.error().code == Errc::remote_error))
    co_return Bytes{};
  co_return answer;
}

asio::awaitable<Answer<SyncedRun>> sync_by_any(Messenger& messenger, Messenger::Deadline limit) {
  for (;;) {
    const auto by = co_await messenger.connection(limit);
    if (!by) co_return by.error();
    auto answer = co_await sync_by(messenger, *by, limit);
    if (answer) co_return SyncedRun{std::move(*answer), (*by)->host()};
    if (!may_repeat(answer.error().code)) co_return answer.error();
  }
}

}  // namespace

asio::awaitable<Answer<std::vector<Bytes>>> sync_blobs(Messenger& messenger, ConnectionPool& pool,
                                                       Messenger::Deadline limit) {
  std::vector<Bytes> runs;
  bool is_one_gone = pool.take_unsynced();
  const auto unsynced = [&](const auto& all) {
    for (const auto& connection : all) connection->has_unsynced_stores = true;
    if (is_one_gone) pool.add_unsynced();
  };
  std::vector<Messenger::ConnectionPointer> asked;
  for (const auto& connection : pool.all()) {
    if (!connection->has_unsynced_stores.exchange(false)) continue;
    asked.push_back(connection);
    auto answer = co_await sync_by(messenger, connection, limit);
    if (!answer && may_repeat(answer.error().code)) {
      // It is gone, or comes back: then it is another one, but perhaps the same run.
      Answer<SyncedRun> other = co_await sync_by_any(messenger, limit);
      if (other && other->host != connection->host()) is_one_gone = true;
      answer = other ? Answer<Bytes>{std::move(other->run)} : Answer<Bytes>{other.error()};
    }
    if (!answer) {
      unsynced(asked);
      co_return answer.error();
    }
    runs.push_back(std::move(*answer));
  }
  if (runs.empty()) {
    Answer<SyncedRun> any = co_await sync_by_any(messenger, limit);
    if (!any) {
      unsynced(asked);
      co_return any.error();
    }
    runs.push_back(std::move(any->run));
  }
  if (is_one_gone) {
    const auto nobody = random_array<16>();
    runs.emplace_back(nobody.begin(), nobody.end());
  }
  co_return runs;
}

}  // namespace spot
