#include "fs/index/commit.hpp"

#include <algorithm>
#include <set>

#include "client/crypto/hash.hpp"

namespace spotfs {

namespace {

// Collects operations into pieces that are as full as they can be.
class Packer {
 public:
  void add(const Operation& operation) {
    Bytes encoded = encode(operation);
    const bool fits = size_ + encoded.size() <= kMaxPiece && operation.stamp.run() == last_.run();
    if (!stamps_.empty() && !fits) close();
    size_ += encoded.size();
    last_ = operation.stamp;
    stamps_.push_back(operation.stamp);
  }
  std::vector<Journal::NewPiece> take() {
    if (!stamps_.empty()) close();
    return std::move(pieces_);
  }

 private:
  static constexpr std::size_t kArrayHead = 3;  // bytes, of an array of up to 65,535

  void close() {
    pieces_.push_back({PieceRef{spot::random_array<16>(), last_}, size_, std::move(stamps_)});
    stamps_.clear();
    size_ = kArrayHead;
  }

  std::vector<Journal::NewPiece> pieces_;
  std::vector<Stamp> stamps_;
  std::size_t size_ = kArrayHead;
  Stamp last_;
};

// The small pieces at the end of the log, of one run: those that new operations of this run could join.
std::vector<LogPiece> small_tail(std::vector<LogPiece> pieces, RunPrefix run) {
  const auto stays = [&](const LogPiece& piece) {
    return piece.run != run || piece.size >= kSmallPiece || !piece.stored;
  };
  const auto last = std::find_if(pieces.rbegin(), pieces.rend(), stays);
  pieces.erase(pieces.begin(), last.base());
  return pieces;
}

LogList list_of(const std::optional<BlobId>& older, const std::vector<LogPiece>& pieces) {
  LogList out{older, {}};
  for (const LogPiece& piece : pieces) out.pieces.push_back(piece.ref);
  return out;
}

asio::awaitable<Answer<void>> store_pieces(std::shared_ptr<Journal> journal, std::shared_ptr<const SealedStore> store) {
  const Answer<std::vector<LogPiece>> pieces = journal->unstored_pieces();
  if (!pieces) co_return pieces.error();
  for (const LogPiece& piece : *pieces) {
    const Answer<std::vector<Operation>> operations = journal->operations_of(piece.number);
    if (!operations) co_return operations.error();
    std::vector<Bytes> encoded;
    for (const Operation& operation : *operations) encoded.push_back(encode(operation));
    Answer<void> stored = co_await store->store_content(ContentKind::log, piece.ref.id, encode_piece(encoded));
    if (stored) stored = journal->set_piece_stored(piece.number);
    if (!stored) co_return stored;
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> store_lists(std::shared_ptr<Journal> journal, std::shared_ptr<const SealedStore> store) {
  const Answer<std::vector<LogListBlob>> lists = journal->lists();
  if (!lists) co_return lists.error();
  std::optional<BlobId> older;
  for (const LogListBlob& list : *lists) {
    if (!list.stored) {
      const Answer<std::vector<LogPiece>> pieces = journal->pieces(list.number);
      if (!pieces) co_return pieces.error();
      Answer<void> stored = co_await store->store_content(ContentKind::log, list.id, encode(list_of(older, *pieces)));
      if (stored) stored = journal->set_list_stored(list.number);
      if (!stored) co_return stored;
    }
    older = list.id;
  }
  co_return Answer<void>{};
}

// Moves the older half of the head's pieces to a list.
Answer<void> shorten(Journal& journal) {
  Answer<std::vector<LogPiece>> pieces = journal.pieces(0);
  if (!pieces) return pieces.error();
  if (pieces->size() < 2) return Failure{Errc::too_large, "the head of the log"};
  pieces->resize(std::min(pieces->size() / 2, kMaxListPieces));
  const Answer<std::vector<LogListBlob>> lists = journal.lists();
  if (!lists) return lists.error();
  std::optional<LogListBlob> extended;
  if (!lists->empty()) {
    const Answer<std::vector<LogPiece>> there = journal.pieces(lists->back().number);
    if (!there) return there.error();
    if (there->size() + pieces->size() <= kMaxListPieces) extended = lists->back();
  }
  return journal.add_list(spot::random_array<16>(), *pieces, extended);
}

}  // namespace

Answer<LogList> head_log(const Journal& journal) {
  const Answer<std::vector<LogListBlob>> lists = journal.lists();
  if (!lists) return lists.error();
  const Answer<std::vector<LogPiece>> pieces = journal.pieces(0);
  if (!pieces) return pieces.error();
  return list_of(lists->empty() ? std::nullopt : std::optional{lists->back().id}, *pieces);
}

Answer<void> plan_pieces(Journal& journal, Stamp limit) {
  Answer<std::vector<Operation>> operations = journal.loose(limit);
  if (!operations) return operations.error();
  if (operations->empty()) return {};
  const Answer<std::vector<LogPiece>> named = journal.pieces(0);
  if (!named) return named.error();
  std::vector<LogPiece> replaced = small_tail(*named, operations->front().stamp.run());
  if (replaced.size() < kMaxSmallPieces) replaced.clear();
  Packer packer;
  for (const LogPiece& piece : replaced) {
    const Answer<std::vector<Operation>> again = journal.operations_of(piece.number);
    if (!again) return again.error();
    for (const Operation& operation : *again) packer.add(operation);
  }
  for (const Operation& operation : *operations) packer.add(operation);
  return journal.add_pieces(packer.take(), replaced);
}

Answer<void> store_again_after(Journal& journal, const std::optional<Head>& shown) {
  std::set<BlobId> named;
  if (shown) {
    for (const PieceRef& piece : shown->log.pieces) named.insert(piece.id);
  }
  Answer<std::vector<LogListBlob>> lists = journal.lists();
  if (!lists) return lists.error();
  std::vector<std::int64_t> places{0};
  // Each list names the ones before it.
  for (; !lists->empty() && !(shown && shown->log.older == lists->back().id); lists->pop_back()) {
    if (Answer<void> marked = journal.set_lost(lists->back().id); !marked) return marked;
    places.push_back(lists->back().number);
  }
  for (const std::int64_t place : places) {
    const Answer<std::vector<LogPiece>> pieces = journal.pieces(place);
    if (!pieces) return pieces.error();
    for (const LogPiece& piece : *pieces) {
      if (named.contains(piece.ref.id)) continue;
      if (Answer<void> marked = journal.set_lost(piece.ref.id); !marked) return marked;
    }
  }
  return {};
}

asio::awaitable<Answer<void>> store_log_and_head(std::shared_ptr<Journal> journal,
                                                 std::shared_ptr<const SealedStore> store, Head head) {
  if (Answer<void> stored = co_await store_pieces(journal, store); !stored) co_return stored;
  for (;;) {
    Answer<LogList> log = head_log(*journal);
    if (!log) co_return log.error();
    head.log = std::move(*log);
    head.counter = kMaxCounter;  // the longest
    if (encode(head).size() <= kMaxHead) break;
    if (Answer<void> shorter = shorten(*journal); !shorter) co_return shorter;
  }
  if (Answer<void> stored = co_await store_lists(journal, store); !stored) co_return stored;
  const Answer<std::uint64_t> counter = journal->draw_counter(head.run);
  if (!counter) co_return counter.error();
  head.counter = *counter;
  const std::int64_t now = unix_seconds(head.stamp);
  if (Answer<void> stored = co_await store->store_head(journal->writer(), std::move(head)); !stored) co_return stored;
  co_return journal->set_head_stored(now);
}

}  // namespace spotfs
