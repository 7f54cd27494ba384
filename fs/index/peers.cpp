#include "fs/index/peers.hpp"

#include <algorithm>
#include <iterator>

#include "client/base/encoding.hpp"
#include "fs/content/check.hpp"
#include "fs/index/snapshot.hpp"

namespace spotfs {

namespace {

bool is_missing(const Failure& failure) { return failure.code == Errc::not_found; }

}  // namespace

Peers::Peers(std::shared_ptr<const SealedStore> store, std::shared_ptr<Journal> journal, const Clock* clock,
             Notice notice)
    : store_{std::move(store)}, journal_{std::move(journal)}, clock_{clock}, notice_{std::move(notice)} {}

void Peers::tell(const std::string& line) const {
  if (notice_) notice_(line);
}

Answer<void> Peers::load() {
  if (const std::optional<Bytes> encoded = journal_->known_writers()) {
    const Result<Writers> writers = decode_writers(*encoded);
    if (!writers) return Failure{writers.error(), "the journal's list of writers"};
    table_.with([&](Table& table) {
      for (const auto& [writer, registration] : *writers) table[writer].registration = registration;
    });
  }
  const Answer<std::map<WriterId, Bytes>> heads = journal_->seen();
  if (!heads) return heads.error();
  for (const auto& [writer, sealed] : *heads) {
    Result<Head> head = store_->open_head(writer, sealed);
    if (!head) return Failure{head.error(), "a head in the journal"};
    table_.with([&, &id = writer](Table& table) { table[id].newest = std::move(*head); });
  }
  given_up_.with([&](auto& given_up) { given_up = journal_->given_up(); });
  return {};
}

// --- What they say ---------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Peers::refresh_head(WriterId writer) {
  const Answer<SealedStore::SealedHead> fetched = co_await store_->fetch_head(writer);
  const bool missing = !fetched && is_missing(fetched.error());
  if (!fetched && !missing) co_return fetched.error();
  enum class Outcome { newer, same, rolled_back, still_rolled_back };
  const Outcome outcome = table_.with([&](Table& table) {
    Peer& peer = table[writer];
    const std::uint64_t before = peer.newest ? peer.newest->counter : 0;
    const std::uint64_t now = missing ? 0 : fetched->head.counter;
    const bool was = std::exchange(peer.rolled_back, now < before);
    if (now < before) return was ? Outcome::still_rolled_back : Outcome::rolled_back;
    if (now == before) return Outcome::same;
    peer.newest = fetched->head;
    return Outcome::newer;
  });
  if (outcome == Outcome::rolled_back)
    tell("the store shows an older head of writer " + spot::base64url(writer) +
         " than it did before: what was known stays in force");
  if (outcome == Outcome::newer) co_return journal_->see(writer, fetched->sealed);
  co_return Answer<void>{};
}

// What can't be had is named.
asio::awaitable<Answer<Bytes>> Peers::fetch_log(BlobId id) const {
  Answer<Bytes> encoded = co_await store_->fetch_content(ContentKind::log, id);
  if (!encoded && cannot_be_had(encoded.error().code)) co_return Failure{encoded.error().code, content_key(id)};
  co_return encoded;
}

asio::awaitable<Answer<Peers::Pieces>> Peers::list_pieces(LogList log) const {
  Pieces out{log.pieces, {}};
  std::optional<BlobId> older = log.older;
  while (older) {
    if (out.lists.size() == kMaxLists) co_return Failure{Errc::malformed, content_key(*older)};
    const Answer<Bytes> encoded = co_await fetch_log(*older);
    if (!encoded) co_return encoded.error();
    const Result<LogList> list = decode_log_list(*encoded);
    if (!list) co_return Failure{list.error(), content_key(*older)};
    out.pieces.insert(out.pieces.end(), list->pieces.begin(), list->pieces.end());
    out.lists.push_back(*older);
    older = list->older;
  }
  co_return out;
}

asio::awaitable<Answer<Peers::LogRead>> Peers::read_log(WriterId writer, Head head, const Included& included,
                                                        Reading reading) const {
  const Answer<Pieces> named = co_await list_pieces(head.log);
  if (!named) co_return named.error();
  LogRead out;
  out.lists = named->lists;
  out.counter = head.counter;
  if (reading == Reading::what_is_new)
    out.pieces = table_.with([&](const Table& table) { return table.at(writer).pieces; });
  for (const PieceRef& piece : named->pieces) {
    if (!out.pieces.insert(piece.id).second || included.has(piece.last)) continue;
    const Answer<Bytes> encoded = co_await fetch_log(piece.id);
    if (!encoded) co_return encoded.error();
    Result<std::vector<Operation>> operations = decode_piece(*encoded);
    if (!operations || operations->back().stamp != piece.last)
      co_return Failure{operations ? make_error_code(Errc::malformed) : operations.error(), content_key(piece.id)};
    out.operations.insert(out.operations.end(), std::make_move_iterator(operations->begin()),
                          std::make_move_iterator(operations->end()));
  }
  co_return out;
}

// The newest heads that are not applied, without the unreadable ones, and those that wait for a head that is not here.
std::map<WriterId, Head> Peers::applicable(const std::set<WriterId>& unreadable, Reading reading) const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    std::map<WriterId, Head> out;
    for (const auto& [writer, peer] : table) {
      const bool counts = writer != self && !peer.registration.retired && !unreadable.contains(writer);
      const bool is_new = peer.newest && (reading == Reading::all || peer.newest->counter > peer.applied);
      if (counts && is_new) out.emplace(writer, *peer.newest);
    }
    const auto is_here = [&](const WriterId& writer, std::uint64_t counter) {
      if (writer == self) return true;
      if (is_given_up(writer, counter)) return true;
      const auto at = table.find(writer);
      if (at == table.end()) return false;
      if (at->second.registration.retired || at->second.applied >= counter) return true;
      const auto comes = out.find(writer);
      return comes != out.end() && comes->second.counter >= counter;
    };
    const auto waits = [&](const auto& entry) {
      for (const auto& [writer, counter] : entry.second.seen) {
        if (!is_here(writer, counter)) return true;
      }
      return false;
    };
    while (std::erase_if(out, waits) != 0) {
    }
    return out;
  });
}

asio::awaitable<void> Peers::look_at_own(News& news) {
  const WriterId self = journal_->writer();
  Answer<SealedStore::SealedHead> fetched = co_await store_->fetch_head(self);
  if (!fetched) {
    if (!is_missing(fetched.error()))
      news.failure = fetched.error();
    else
      news.own_is_old = journal_->counter() != 0;
    co_return;
  }
  news.own = std::move(fetched->head);
  news.own_is_foreign = !journal_->knows(news.own->run, news.own->counter);
  news.own_is_old = !news.own_is_foreign && news.own->counter < journal_->counter();
}

void Peers::note_lost_logs(const std::map<WriterId, Failure>& lost) {
  std::vector<std::string> lines;
  table_.with([&](Table& table) {
    for (auto& [writer, peer] : table) {
      const auto at = lost.find(writer);
      const bool was = std::exchange(peer.log_lost, at != lost.end());
      if (was || at == lost.end()) continue;
      lines.push_back(
          "the log of writer " + spot::base64url(writer) + " on " + spot::printable(peer.registration.host) +
          " can't be read, and not all that it did is shown: " + at->second.text + ": " + at->second.code.message());
    }
  });
  for (const std::string& line : lines) tell(line);
}

asio::awaitable<Peers::Logs> Peers::read_logs(Included included, Reading reading) {
  Logs out;
  std::set<WriterId> unreadable;
  std::map<WriterId, LogRead> read;
  std::map<WriterId, Failure> lost;
  std::map<WriterId, Head> heads = applicable(unreadable, reading);
  for (bool all = false; !all; heads = applicable(unreadable, reading)) {
    all = true;
    for (const auto& [writer, head] : heads) {
      if (read.contains(writer)) continue;
      Answer<LogRead> log = co_await read_log(writer, head, included, reading);
      if (log) {
        read.emplace(writer, std::move(*log));
        continue;
      }
      if (!out.failure) out.failure = log.error();
      unreadable.insert(writer);
      if (cannot_be_had(log.error().code)) lost.emplace(writer, log.error());
      all = false;
    }
  }
  note_lost_logs(lost);
  if (reading == Reading::all) {
    table_.with([](Table& table) {
      for (auto& [writer, peer] : table) {
        peer.applied = 0;
        peer.pieces.clear();
      }
    });
  }
  for (const auto& [writer, head] : heads) {
    LogRead& log = read.at(writer);
    std::ranges::move(log.operations, std::back_inserter(out.operations));
    table_.with([&, &id = writer](Table& table) {
      Peer& peer = table.at(id);
      peer.applied = log.counter;
      peer.pieces = std::move(log.pieces);
    });
  }
  co_return out;
}

asio::awaitable<Answer<Peers::Named>> Peers::read_all_named() const {
  const WriterId self = journal_->writer();
  const std::map<WriterId, Head> heads = table_.with([&](const Table& table) {
    std::map<WriterId, Head> out;
    for (const auto& [writer, peer] : table) {
      if (writer != self && !peer.registration.retired && peer.newest) out.emplace(writer, *peer.newest);
    }
    return out;
  });
  const Included nothing;
  Named out;
  for (const auto& [writer, head] : heads) {
    Answer<LogRead> log = co_await read_log(writer, head, nothing, Reading::all);
    if (!log) co_return log.error();
    std::ranges::move(log->operations, std::back_inserter(out.operations));
    out.blobs.merge(log->pieces);
    out.blobs.insert(log->lists.begin(), log->lists.end());
  }
  co_return out;
}

asio::awaitable<Peers::News> Peers::look() {
  News news;
  if (const Answer<void> done = co_await refresh_writers(); !done) news.failure = done.error();
  // Each question would wait as long as the first.
  const auto is_away = [&] { return news.failure && is_unreachable(news.failure->code); };
  if (!is_away()) co_await look_at_own(news);
  const WriterId self = journal_->writer();
  for (const auto& [writer, registration] : known()) {
    if (writer == self || registration.retired || is_away()) continue;
    const Answer<void> done = co_await refresh_head(writer);
    if (!done && !news.failure) news.failure = done.error();
  }
  if (!is_away()) {
    const Answer<void> done = co_await look_for_hidden();
    if (!done && !news.failure) news.failure = done.error();
  }
  if (news.own) news.snapshot = news.own->snapshot;
  table_.with([&](const Table& table) {
    for (const auto& [writer, peer] : table) {
      if (peer.newest && is_newer(peer.newest->snapshot, news.snapshot)) news.snapshot = peer.newest->snapshot;
    }
  });
  co_return news;
}

// What a head of long ago has seen may have been retired, and the mark dropped.
std::map<WriterId, std::uint64_t> Peers::seen_by_others() const {
  return table_.with([oldest = a_year_ago()](const Table& table) {
    std::map<WriterId, std::uint64_t> out;
    for (const auto& [writer, peer] : table) {
      if (peer.registration.retired || !peer.newest || peer.newest->stamp < oldest) continue;
      for (const auto& [seen, counter] : peer.newest->seen) {
        std::uint64_t& most = out[seen];
        most = std::max(most, counter);
      }
    }
    return out;
  });
}

// What the store shows one writer, it must not hide from another.
asio::awaitable<Answer<void>> Peers::look_for_hidden() {
  const WriterId self = journal_->writer();
  Answer<void> out;
  std::set<WriterId> missing;
  for (const auto& [writer, counter] : seen_by_others()) {
    const WriterId& id = writer;
    const std::uint64_t least = counter;
    if (id == self || is_retired(id) || is_given_up(id, least)) continue;
    const auto is_hidden = [&](Table& table) {
      const Peer& peer = table[id];
      return (peer.newest ? peer.newest->counter : 0) < least;
    };
    if (!table_.with([&](const Table& table) { return table.contains(id); })) {
      missing.insert(id);
      continue;
    }
    // It may have been stored since this refresh looked at it.
    if (table_.with(is_hidden)) {
      if (const Answer<void> again = co_await refresh_head(id); !again) {
        out = again;
        continue;
      }
    }
    const bool is_news = table_.with([&](Table& table) {
      const bool hidden = is_hidden(table);
      const bool was = std::exchange(table[id].hidden, hidden);
      return hidden && !was;
    });
    if (is_news) tell("the store hides a head of writer " + spot::base64url(id) + " that another has seen");
  }
  const std::set<WriterId> before = missing_.with([&](std::set<WriterId>& now) { return std::exchange(now, missing); });
  for (const WriterId& writer : missing) {
    if (!before.contains(writer))
      tell("the store's list of writers lacks " + spot::base64url(writer) + ", which another has seen");
  }
  co_return out;
}

// --- For others ------------------------------------------------------------------------------------------------------

std::map<WriterId, std::uint64_t> Peers::seen() const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    std::map<WriterId, std::uint64_t> out;
    for (const auto& [writer, peer] : table) {
      if (writer != self && peer.applied != 0 && !peer.registration.retired) out.emplace(writer, peer.applied);
    }
    return out;
  });
}

std::uint64_t Peers::newest_of(const WriterId& writer) const {
  return table_.with([&](const Table& table) {
    const auto at = table.find(writer);
    return at == table.end() || !at->second.newest ? 0 : at->second.newest->counter;
  });
}

bool Peers::is_complete() const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    return std::ranges::all_of(table, [&](const auto& entry) {
      const Peer& peer = entry.second;
      return entry.first == self || peer.registration.retired || !peer.newest || peer.newest->counter <= peer.applied;
    });
  });
}

std::vector<WriterStatus> Peers::status() const {
  const WriterId self = journal_->writer();
  return table_.with([&](const Table& table) {
    std::vector<WriterStatus> out;
    for (const auto& [writer, peer] : table) {
      if (writer == self || peer.registration.retired) continue;
      WriterStatus status;
      status.id = writer;
      status.host = peer.registration.host;
      status.rolled_back = peer.rolled_back || peer.hidden;
      status.log_lost = peer.log_lost;
      if (peer.newest) {
        status.counter = peer.newest->counter;
        status.head = peer.newest->stamp;
      }
      out.push_back(std::move(status));
    }
    for (const WriterId& writer : missing_.with([](const std::set<WriterId>& missing) { return missing; })) {
      WriterStatus status;
      status.id = writer;
      status.rolled_back = true;
      out.push_back(std::move(status));
    }
    return out;
  });
}

}  // namespace spotfs
