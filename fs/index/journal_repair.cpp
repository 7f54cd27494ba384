// What the journal keeps for the day on which the store has lost something.
#include <algorithm>

#include "client/base/encoding.hpp"
#include "fs/index/journal.hpp"

namespace spotfs {

Answer<void> Journal::set_lost(const BlobId& id) {
  const std::lock_guard lock{mutex_};
  Answer<void> done = database_.run("UPDATE piece SET stored = 0 WHERE id = ?", id);
  if (done) done = database_.run("UPDATE list SET stored = 0 WHERE id = ?", id);
  return done;
}

Answer<void> Journal::forget_head(const WriterId& writer) {
  const std::lock_guard lock{mutex_};
  return database_.run("DELETE FROM head WHERE writer = ?", writer);
}

Answer<void> Journal::set_given_up(const std::map<WriterId, std::uint64_t>& counters) {
  Bytes all;
  for (const auto& [writer, counter] : counters) {
    spot::append(all, writer);
    spot::append_be(all, counter);
  }
  const std::lock_guard lock{mutex_};
  return set_meta("given up", all);
}

std::map<WriterId, std::uint64_t> Journal::given_up() const {
  const std::lock_guard lock{mutex_};
  const Bytes all = meta("given up").value_or(Bytes{});
  std::map<WriterId, std::uint64_t> out;
  BytesView rest{all};
  while (rest.size() >= std::tuple_size_v<WriterId>) {
    WriterId writer;
    std::ranges::copy(rest.first(writer.size()), writer.begin());
    rest = rest.subspan(writer.size());
    const std::optional<std::uint64_t> counter = spot::take_be<std::uint64_t>(rest);
    if (!counter) break;
    out.emplace(writer, *counter);
  }
  return out;
}

}  // namespace spotfs
