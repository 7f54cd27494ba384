// How a draft reaches the store: what is sent while a writer still writes, and saves.
#include <boost/asio/co_spawn.hpp>

#include "client/net/inline_strand.hpp"
#include "fs/content/draft.hpp"
#include "fs/content/index_writer.hpp"

namespace spotfs {

struct Sending {
  explicit Sending(std::size_t size) : length{size} {}
  const std::size_t length;  // bytes of the plaintext
  const std::shared_ptr<spot::Event> landed = std::make_shared<spot::Event>();
  Answer<BlobId> answer{Failure{Errc::offline}};  // valid once it has landed
};

namespace {

constexpr std::size_t kShedAtOnce = 64;  // chunks

}  // namespace

// --- What is sent ----------------------------------------------------------------------------------------------------

asio::awaitable<Answer<BlobId>> Draft::store_chunk(std::shared_ptr<Draft> self, Plaintext plaintext,
                                                   ContentStore::Keep keep) {
  co_return co_await self->store_->store(ContentKind::data, std::move(plaintext), keep);
}

// The bytes of a chunk are to be stored, as long as its place is now: what begin() will begin, or what is under way.
std::shared_ptr<Sending> Draft::prepare(State& state, std::uint64_t chunk, std::vector<Send>& sends) {
  Piece& piece = *state.pieces.find(chunk);
  const std::size_t length = chunk_length(state.pieces.size(), chunk);
  if (piece.sending && piece.sending->length == length) return piece.sending;
  Plaintext plaintext = piece.bytes;
  if (plaintext->size() != length) {
    auto padded = std::make_shared<Bytes>(*plaintext);
    padded->resize(length);
    plaintext = std::move(padded);
  }
  const auto sending = std::make_shared<Sending>(length);
  piece.sending = sending;
  sends.push_back({chunk, sending, std::move(plaintext)});
  return sending;
}

// Not under the draft's lock. A writer goes on meanwhile, and what it left behind is in the kernel's cache; who saves
// waits for all of them, and may as well do the last one here.
void Draft::begin(std::vector<Send> sends, Who who) {
  const auto keep = who == Who::writer ? ContentStore::Keep::no : ContentStore::Keep::yes;
  for (Send& send : sends) {
    auto work = store_chunk(shared_from_this(), std::move(send.plaintext), keep);
    auto done = [self = shared_from_this(), chunk = send.chunk, sending = send.sending](
                    const std::exception_ptr& thrown, Answer<BlobId> id) {
      sending->answer = thrown ? Answer<BlobId>{Failure{Errc::storage_failed}} : std::move(id);
      self->landed(chunk, sending);
      sending->landed->set();
    };
    if (who == Who::saver && &send == &sends.back()) {
      spot::spawn_here(store_->executor(), std::move(work), std::move(done));
    } else {
      asio::co_spawn(store_->executor(), std::move(work), std::move(done));
    }
  }
}

void Draft::landed(std::uint64_t chunk, const std::shared_ptr<Sending>& sending) {
  state_.with([&](State& state) {
    if (sending->answer) state.unnamed.insert(*sending->answer);
    Piece* const piece = state.pieces.find(chunk);
    if (piece == nullptr || piece->sending != sending) return;
    if (sending->answer) {
      state.pieces.stored(chunk, *sending->answer, sending->length);
      changed(state);
    } else {
      piece->sending = nullptr;
    }
  });
}

// What a sequential writer has left behind.
void Draft::prepare_behind(State& state, std::uint64_t offset, std::uint64_t end, std::vector<Send>& sends) const {
  const bool is_sequential = offset == state.sequential_end;
  state.sequential_end = end;
  if (!is_sequential || is_value(state)) return;
  for (std::uint64_t chunk = offset / kChunkSize; (chunk + 1) * kChunkSize <= end; ++chunk) {
    const Piece* const piece = state.pieces.find(chunk);
    if (piece != nullptr && piece->bytes) prepare(state, chunk, sends);
  }
}

asio::awaitable<Answer<void>> Draft::shed() {
  std::vector<Send> sends;
  const std::shared_ptr<Sending> first = state_.with([&](State& state) {
    std::shared_ptr<Sending> oldest;
    std::size_t count = 0;
    for (const std::uint64_t chunk : state.pieces.in_memory()) {
      const std::shared_ptr<Sending> sending = prepare(state, chunk, sends);
      if (!oldest) oldest = sending;
      if (++count == kShedAtOnce) break;
    }
    return oldest;
  });
  begin(std::move(sends), Who::writer);
  if (!first) co_return Answer<void>{};
  const Result<void> waited = co_await spot::Event::wait(first->landed);
  if (!waited) co_return Failure{waited.error()};
  if (!first->answer) co_return first->answer.error();
  co_return Answer<void>{};
}

// --- Saves -----------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<Draft::Saved>> Draft::save() {
  Saved saved;
  std::optional<ContentReader> base;
  std::vector<Send> sends;
  const bool becomes_value = state_.with([&](State& state) {
    const bool is_small = is_value(state);
    if (!is_small) {
      for (const std::uint64_t chunk : state.pieces.in_memory()) prepare(state, chunk, sends);
    }
    state.pieces.freeze();
    state.pieces.mark();
    saved.pieces = state.pieces;
    base = state.base;
    return is_small;
  });
  begin(std::move(sends), Who::saver);
  if (becomes_value) {
    Plan all = plan_read(saved.pieces, *base, 0, static_cast<std::size_t>(saved.pieces.size()));
    Answer<Bytes> bytes = co_await carry_out(std::move(all));
    if (!bytes) co_return bytes.error();
    saved.value = std::make_shared<const Bytes>(*std::move(bytes));
    co_return saved;
  }
  saved.reference = base->reference();
  if (!saved.pieces.is_changed() && !base->value()) co_return saved;
  const Answer<void> sent = co_await settle_sent(saved);
  if (!sent) co_return sent.error();
  const Answer<void> remade = co_await remake_odd(saved, *base);
  if (!remade) co_return remade.error();

  const std::uint8_t base_level = saved.reference ? saved.reference->level : std::uint8_t{0};
  saved.reference.reset();
  if (saved.pieces.size() == 0) co_return saved;
  const std::uint64_t kept = base->value() ? 0 : saved.pieces.kept();
  ChangedContent content{saved.pieces.size(), *base, kept, base_level, {}};
  for (const auto& [chunk, piece] : saved.pieces.pieces()) content.chunks[chunk] = piece.id.value_or(kHole);
  const Answer<Reference> written = co_await write_indexes(store_, std::move(content), saved.indexes);
  state_.with([&](State& state) { state.unnamed.insert(saved.indexes.begin(), saved.indexes.end()); });
  if (!written) co_return written.error();
  saved.reference = *written;
  co_return saved;
}

asio::awaitable<Answer<void>> Draft::settle_sent(Saved& saved) {
  std::vector<std::pair<std::uint64_t, std::shared_ptr<Sending>>> under_way;
  for (const std::uint64_t chunk : saved.pieces.in_memory())
    under_way.emplace_back(chunk, saved.pieces.find(chunk)->sending);
  for (const auto& [chunk, sending] : under_way) {
    const Result<void> waited = co_await spot::Event::wait(sending->landed);
    if (!waited) co_return Failure{waited.error()};
    if (!sending->answer) co_return sending->answer.error();
    saved.pieces.stored(chunk, *sending->answer, sending->length);
  }
  co_return Answer<void>{};
}

// Stored chunks of another length than their place has now, or of which not all counts, are stored again; those of a
// value are for the first time.
asio::awaitable<Answer<void>> Draft::remake_odd(Saved& saved, const ContentReader& base) {
  const std::uint64_t size = saved.pieces.size();
  std::vector<std::uint64_t> odd;
  for (const auto& [chunk, piece] : saved.pieces.pieces()) {
    const std::size_t length = chunk_length(size, chunk);
    if (piece.id && (piece.length != length || piece.valid < length)) odd.push_back(chunk);
  }
  const std::uint64_t kept_chunks = chunk_count(saved.pieces.kept());
  const std::uint64_t first = base.value() || kept_chunks == 0 ? 0 : kept_chunks - 1;
  for (std::uint64_t chunk = first; chunk < kept_chunks; ++chunk) {
    const ChunkSource from = saved.pieces.source(chunk);
    const std::size_t length = chunk_length(size, chunk);
    if (from.kind != ChunkSource::Kind::base) continue;
    if (base.value() || from.length != length || from.valid < length) odd.push_back(chunk);
  }
  for (const std::uint64_t chunk : odd) {
    const ChunkSource from = saved.pieces.source(chunk);
    const Answer<Plaintext> before = co_await fetch(base, from, chunk);
    if (!before) co_return before.error();
    if (!*before) continue;
    auto plaintext =
        std::make_shared<Bytes>((*before)->begin(), (*before)->begin() + static_cast<std::ptrdiff_t>(from.valid));
    plaintext->resize(chunk_length(size, chunk));
    const std::size_t length = plaintext->size();
    const Answer<BlobId> id = co_await store_->store(ContentKind::data, std::move(plaintext));
    if (!id) co_return id.error();
    state_.with([&](State& state) {
      state.unnamed.insert(*id);
      state.pieces.put_instead(chunk, from, *id, length);
    });
    saved.pieces.put_instead(chunk, from, *id, length);
  }
  co_return Answer<void>{};
}

asio::awaitable<Answer<void>> Draft::own() {
  struct Here {
    ChunkSource from;
    bool is_own;
    ContentReader base;
  };
  for (std::uint64_t chunk = 0;; ++chunk) {
    const Answer<std::uint64_t> next = co_await seek(chunk * kChunkSize, false);
    if (!next && is_end(next.error())) co_return Answer<void>{};
    if (!next) co_return next.error();
    chunk = *next / kChunkSize;
    const Here here = state_.with([&](const State& state) {
      const ChunkSource from = state.pieces.source(chunk);
      const bool is_new = from.kind == ChunkSource::Kind::memory || state.unnamed.contains(from.id);
      return Here{from, is_new, state.base};
    });
    const bool is_value = here.from.kind == ChunkSource::Kind::base && here.base.value();
    if (here.is_own || is_value || here.from.kind == ChunkSource::Kind::hole) continue;
    const Answer<Plaintext> before = co_await fetch(here.base, here.from, chunk);
    if (!before) co_return before.error();
    if (!*before) continue;
    auto plaintext = std::make_shared<Bytes>(**before);
    plaintext->resize(here.from.valid);
    const std::size_t length = plaintext->size();
    const Answer<BlobId> id = co_await store_->store(ContentKind::data, std::move(plaintext), ContentStore::Keep::no);
    if (!id) co_return id.error();
    state_.with([&](State& state) {
      state.unnamed.insert(*id);
      state.pieces.put_instead(chunk, here.from, *id, length);
      changed(state);
    });
  }
}

std::vector<BlobId> Draft::ids_of(const Saved& saved) {
  if (saved.value) return {};
  std::vector<BlobId> ids = saved.indexes;
  for (const auto& [chunk, piece] : saved.pieces.pieces()) {
    if (piece.id) ids.push_back(*piece.id);
  }
  if (saved.reference && saved.reference->id) ids.push_back(*saved.reference->id);
  return ids;
}

void Draft::maybe_named(const Saved& saved) {
  state_.with([&](State& state) {
    for (const BlobId& id : ids_of(saved)) state.unnamed.erase(id);
  });
}

void Draft::named(const Saved& saved) {
  const std::vector<BlobId> useless = state_.with([&](State& state) {
    for (const BlobId& id : ids_of(saved)) state.unnamed.erase(id);
    state.pieces.rebase(saved.pieces);
    state.base = saved.value ? ContentReader{store_, saved.value} : ContentReader{store_, saved.reference};
    changed(state);
    // What was stored and changed again before this save.
    std::set<BlobId> waste = state.unnamed;
    for (const auto& [chunk, piece] : state.pieces.pieces()) {
      if (piece.id) waste.erase(*piece.id);
    }
    for (const BlobId& id : waste) state.unnamed.erase(id);
    return std::vector<BlobId>{waste.begin(), waste.end()};
  });
  store_->discard(useless);
}

}  // namespace spotfs
