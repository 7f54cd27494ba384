// What people ask for about other writers: are their logs whole, may one be retired, is an older head all that there
// is?
#include "client/base/encoding.hpp"
#include "fs/content/check.hpp"
#include "fs/index/peers.hpp"
#include "fs/index/snapshot.hpp"

namespace spotfs {

// --- Are the logs whole? ---------------------------------------------------------------------------------------------

asio::awaitable<Answer<std::vector<LogFault>>> Peers::check_logs(TwoStores stores) const {
  std::vector<LogFault> faults;
  const Answer<Writers> writers = co_await store_->fetch_writers();
  if (!writers) {
    if (!cannot_be_had(writers.error().code)) co_return writers.error();
    faults.push_back(LogFault{std::nullopt, kWritersKey, writers.error().code, true});
  }
  for (const WriterStatus& writer : status()) {
    const Answer<SealedStore::SealedHead> head = co_await store_->fetch_head(writer.id);
    if (!head) {
      if (!cannot_be_had(head.error().code)) co_return head.error();
      const bool never_had_one = writer.counter == 0 && head.error().code == Errc::not_found;
      if (!never_had_one) faults.push_back(LogFault{writer.id, head_key(writer.id), head.error().code});
      continue;
    }
    if (head->head.counter < writer.counter)
      faults.push_back(LogFault{writer.id, head_key(writer.id), make_error_code(Errc::rollback)});
    const Answer<std::vector<LostBlob>> lost = co_await check_log(stores, head->head.log);
    if (!lost) co_return lost.error();
    for (const LostBlob& blob : *lost)
      faults.push_back(LogFault{writer.id, content_key(blob.id), blob.why, blob.is_restored});
  }
  co_return faults;
}

// --- Retiring --------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Peers::may_retire(WriterId writer, std::function<bool(const Stamp&)> is_kept) const {
  const std::string name = "writer " + spot::base64url(writer);
  const std::optional<Peer> peer = table_.with([&](const Table& table) {
    const auto at = table.find(writer);
    return at == table.end() ? std::nullopt : std::optional{at->second};
  });
  if (!peer) co_return Failure{Errc::not_found, name + ": this disk has no such writer"};
  if (peer->registration.retired || !peer->newest) co_return Answer<void>{};
  if (peer->rolled_back || peer->hidden)
    co_return Failure{Errc::refused, name + ": the store shows an older head than before; see fsck --accept-older"};
  if (peer->applied < peer->newest->counter)
    co_return Failure{Errc::refused, name + ": not all that it changed is known here"};
  // Whoever mounts anew reads the log of no retired writer.
  const Answer<Pieces> named = co_await list_pieces(peer->newest->log);
  if (!named) co_return named.error();
  if (std::ranges::all_of(named->pieces, [&](const PieceRef& piece) { return is_kept(piece.last); }))
    co_return Answer<void>{};
  co_return Failure{Errc::refused,
                    name +
                        ": what it changed is not in the newest two snapshots yet, and would be lost with its log; "
                        "try again in a day or two"};
}

asio::awaitable<Answer<void>> Peers::retire(WriterId writer, Stamp stamp) {
  Writers all = current();
  Registration mark;
  mark.stamp = stamp;
  mark.retired = true;
  Writers marked;
  marked.emplace(writer, mark);
  merge(all, marked);
  const Answer<Shown> there = co_await shown_writers();
  if (!there) co_return there.error();
  merge(all, there->writers);
  if (const Answer<void> stored = co_await store_->store_writers(all); !stored) co_return stored;
  co_return take(all);
}

std::vector<WriterId> Peers::unchanged_since(const Stamp& stamp) const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    std::vector<WriterId> out;
    for (const auto& [writer, peer] : table) {
      const Stamp& last = peer.newest ? peer.newest->stamp : peer.registration.stamp;
      if (writer != self && !peer.registration.retired && last < stamp) out.push_back(writer);
    }
    return out;
  });
}

bool Peers::is_named_by_another(const Snapshot& snapshot) const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    return std::ranges::any_of(table, [&](const auto& entry) {
      const auto& [writer, peer] = entry;
      const bool counts = writer != self && !peer.registration.retired && !peer.rolled_back && peer.newest;
      return counts && peer.newest->snapshot && !is_newer(snapshot, peer.newest->snapshot);
    });
  });
}

// --- Older heads -----------------------------------------------------------------------------------------------------

bool Peers::is_given_up(const WriterId& writer, std::uint64_t counter) const {
  return given_up_.with([&](const auto& given_up) {
    const auto at = given_up.find(writer);
    return at != given_up.end() && counter <= at->second;
  });
}

asio::awaitable<Answer<std::vector<WriterId>>> Peers::accept_older() {
  std::vector<WriterId> accepted;
  std::map<WriterId, std::uint64_t> lost = given_up_.with([](const auto& given_up) { return given_up; });
  const std::map<WriterId, std::uint64_t> seen_elsewhere = seen_by_others();
  for (const WriterStatus& writer : status()) {
    if (!writer.rolled_back && !writer.log_lost) continue;
    Answer<SealedStore::SealedHead> shown = co_await store_->fetch_head(writer.id);
    const bool missing = !shown && shown.error().code == Errc::not_found;
    if (!shown && !missing) co_return shown.error();
    const auto elsewhere = seen_elsewhere.find(writer.id);
    std::uint64_t& last = lost[writer.id];
    last = std::max({last, writer.counter, elsewhere == seen_elsewhere.end() ? 0 : elsewhere->second});
    Answer<void> kept = journal_->set_given_up(lost);
    if (kept && missing) kept = journal_->forget_head(writer.id);
    if (kept && !missing) kept = journal_->see(writer.id, BytesView{shown->sealed});
    if (!kept) co_return kept.error();
    given_up_.with([&](auto& given_up) { given_up = lost; });
    missing_.with([&](std::set<WriterId>& names) { names.erase(writer.id); });
    table_.with([&](Table& table) {
      const auto at = table.find(writer.id);
      if (at == table.end()) return;  // the list of writers does not have it
      Peer& peer = at->second;
      peer.newest.reset();
      if (shown) peer.newest = shown->head;
      peer.applied = 0;  // its log is looked at anew
      peer.rolled_back = peer.hidden = peer.log_lost = false;
    });
    accepted.push_back(writer.id);
  }
  co_return accepted;
}

}  // namespace spotfs
