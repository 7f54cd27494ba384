#include "fs/content/draft.hpp"

namespace spotfs {

namespace {

constexpr int kTries = 3;

// As much of a chunk as there is; the rest stays zeros.
void copy_part(const Bytes& from, std::size_t valid, std::size_t begin, std::size_t count, std::uint8_t* to) {
  valid = std::min(valid, from.size());
  if (begin >= valid) return;
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(begin), std::min(count, valid - begin), to);
}

}  // namespace

Draft::Draft(std::shared_ptr<ContentStore> store, ContentReader base, Dirty dirty,
             std::optional<std::size_t> value_limit)
    : store_{std::move(store)}, tell_dirty_{std::move(dirty)}, value_limit_{value_limit}, state_{std::move(base)} {}

Draft::~Draft() {
  state_.with([&](State& state) {
    store_->discard({state.unnamed.begin(), state.unnamed.end()});
    if (tell_dirty_) tell_dirty_(0);
  });
}

std::uint64_t Draft::size() const {
  return state_.with([](const State& state) { return state.pieces.size(); });
}

std::size_t Draft::dirty() const {
  return state_.with([](const State& state) { return state.pieces.dirty(); });
}

bool Draft::is_changed() const {
  return state_.with([](const State& state) { return state.pieces.is_changed(); });
}

std::uint64_t Draft::stored_now() const {
  return state_.with([](const State& state) {
    const std::uint64_t base = std::min(state.base.stored_now().value_or(state.base.size()), state.pieces.kept());
    return std::min(state.pieces.size(), base + state.pieces.pieces().size() * kChunkSize);
  });
}

ContentReader Draft::base() const {
  return state_.with([](const State& state) { return state.base; });
}

void Draft::changed(State& state) const {
  if (tell_dirty_) tell_dirty_(state.pieces.dirty());
}

// --- Reads -----------------------------------------------------------------------------------------------------------

Draft::Plan Draft::plan_read(const Pieces& pieces, const ContentReader& base, std::uint64_t offset, std::size_t size) {
  Plan plan{{}, {}, base};
  const std::uint64_t end = pieces.size();
  if (offset >= end) return plan;
  plan.out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(size, end - offset)));
  for (std::size_t done = 0; done < plan.out.size();) {
    const std::uint64_t at = offset + done;
    Part part{at / kChunkSize, pieces.source(at / kChunkSize), static_cast<std::size_t>(at % kChunkSize), 0, done};
    part.count = std::min<std::size_t>(plan.out.size() - done, kChunkSize - part.begin);
    done += part.count;
    if (part.from.kind == ChunkSource::Kind::memory) {
      copy_part(*part.from.bytes, part.from.bytes->size(), part.begin, part.count, plan.out.data() + part.to);
    } else if (part.from.kind != ChunkSource::Kind::hole && part.begin < part.from.valid) {
      plan.parts.push_back(std::move(part));
    }
  }
  return plan;
}

Draft::Plan Draft::plan_read(std::uint64_t offset, std::size_t size) const {
  return state_.with([&](const State& state) { return plan_read(state.pieces, state.base, offset, size); });
}

void Draft::take(Plan& plan, const Part& part, const Bytes& plaintext) {
  copy_part(plaintext, part.from.valid, part.begin, part.count, plan.out.data() + part.to);
}

std::optional<Bytes> Draft::read_now(std::uint64_t offset, std::size_t size) {
  Plan plan = plan_read(offset, size);
  for (const Part& part : plan.parts) {
    if (part.from.kind == ChunkSource::Kind::base && plan.base.value()) {
      take(plan, part, *plan.base.chunk_of_value(part.chunk));
      continue;
    }
    std::optional<BlobId> id = part.from.id;
    if (part.from.kind == ChunkSource::Kind::base) id = plan.base.find_now(0, part.chunk);
    if (!id) return std::nullopt;
    if (*id == kHole) continue;
    const Plaintext plaintext = store_->cached(ContentKind::data, *id, part.from.length);
    if (!plaintext) return std::nullopt;
    take(plan, part, *plaintext);
  }
  return std::move(plan.out);
}

// Null: a hole.
asio::awaitable<Answer<Plaintext>> Draft::fetch(ContentReader base, ChunkSource from, std::uint64_t chunk) {
  if (from.kind == ChunkSource::Kind::stored) co_return co_await store_->fetch(ContentKind::data, from.id, from.length);
  co_return co_await base.chunk(chunk);
}

asio::awaitable<Answer<Bytes>> Draft::read(std::uint64_t offset, std::size_t size) {
  // What is planned to be read may be replaced, and deleted, before it is fetched.
  for (int tries = kTries;; --tries) {
    Answer<Bytes> bytes = co_await carry_out(plan_read(offset, size));
    if (bytes || bytes.error().code != Errc::not_found || tries == 1) co_return bytes;
  }
}

asio::awaitable<Answer<Bytes>> Draft::carry_out(Plan plan) {
  // The first one is fetched here, while the others are on their way.
  if (plan.parts.size() > 1) {
    for (const Part& part : std::span{plan.parts}.subspan(1)) {
      if (part.from.kind == ChunkSource::Kind::stored) {
        store_->want(ContentKind::data, part.from.id, part.from.length);
      } else {
        co_await plan.base.want(part.chunk, 1);
      }
    }
  }
  for (const Part& part : plan.parts) {
    const Answer<Plaintext> plaintext = co_await fetch(plan.base, part.from, part.chunk);
    if (!plaintext) co_return plaintext.error();
    if (*plaintext) take(plan, part, **plaintext);
  }
  co_return std::move(plan.out);
}

asio::awaitable<void> Draft::want(std::uint64_t offset, std::uint64_t size) {
  const ContentReader base = state_.with([](const State& state) { return state.base; });
  if (size == 0) co_return;
  const std::uint64_t first = offset / kChunkSize;
  co_await base.want(first, (offset + size - 1) / kChunkSize - first + 1);
}

asio::awaitable<Answer<std::uint64_t>> Draft::seek(std::uint64_t offset, bool hole) {
  struct Here {
    std::uint64_t size;
    ChunkSource from;
    bool is_piece;
    std::uint64_t next_piece;
    ContentReader base;
  };
  for (std::uint64_t chunk = offset / kChunkSize;;) {
    const Here here = state_.with([&](const State& state) {
      const auto next = state.pieces.pieces().upper_bound(chunk);
      const std::uint64_t end = chunk_count(state.pieces.size());
      return Here{state.pieces.size(), state.pieces.source(chunk), state.pieces.pieces().contains(chunk),
                  next == state.pieces.pieces().end() ? std::max(end, chunk + 1) : next->first, state.base};
    });
    if (offset >= here.size) co_return Failure{std::make_error_code(std::errc::no_such_device_or_address)};
    if (chunk * kChunkSize >= here.size) {
      if (hole) co_return here.size;
      co_return Failure{std::make_error_code(std::errc::no_such_device_or_address)};
    }
    // Where it is no piece, all up to the next one is the base's, or nothing.
    std::uint64_t end_of_hole = chunk;
    if (here.from.kind == ChunkSource::Kind::hole) end_of_hole = here.is_piece ? chunk + 1 : here.next_piece;
    if (here.from.kind == ChunkSource::Kind::base) {
      const Answer<std::uint64_t> end = co_await here.base.end_of_hole(chunk);
      if (!end) co_return end.error();
      end_of_hole = std::min(*end, here.next_piece);
    }
    if ((end_of_hole != chunk) == hole) co_return std::max(offset, chunk * kChunkSize);
    chunk = std::max(end_of_hole, chunk + 1);
  }
}

// --- Changes ---------------------------------------------------------------------------------------------------------

asio::awaitable<Answer<void>> Draft::write(std::optional<std::uint64_t> offset, Bytes data) {
  struct Need {
    std::uint64_t chunk;
    ChunkSource from;
    ContentReader base;
  };
  if (data.empty()) co_return Answer<void>{};
  for (int tries = kTries;;) {
    bool is_too_large = false;
    std::vector<Send> sends;
    const std::optional<Need> need = state_.with([&](State& state) -> std::optional<Need> {
      const std::uint64_t at = offset.value_or(state.pieces.size());
      is_too_large = at > kMaxFileSize || data.size() > kMaxFileSize - at;
      if (is_too_large) return std::nullopt;
      if (const auto chunk = state.pieces.needs(at, data.size()))
        return Need{*chunk, state.pieces.source(*chunk), state.base};
      state.pieces.write(at, data);
      prepare_behind(state, at, at + data.size(), sends);
      changed(state);
      return std::nullopt;
    });
    begin(std::move(sends), Who::writer);
    if (is_too_large) co_return Failure{Errc::file_too_large};
    if (!need) co_return Answer<void>{};
    const Answer<Plaintext> plaintext = co_await fetch(need->base, need->from, need->chunk);
    if (!plaintext && plaintext.error().code == Errc::not_found && --tries != 0) continue;
    if (!plaintext) co_return plaintext.error();
    state_.with([&](State& state) {
      state.pieces.fill(need->chunk, need->from, *plaintext ? BytesView{**plaintext} : BytesView{});
      changed(state);
    });
  }
}

Answer<void> Draft::resize(std::uint64_t size) {
  if (size > kMaxFileSize) return Failure{Errc::file_too_large};
  state_.with([&](State& state) {
    state.pieces.resize(size);
    changed(state);
  });
  return {};
}

Answer<void> Draft::extend(std::uint64_t size) {
  if (size > kMaxFileSize) return Failure{Errc::file_too_large};
  state_.with([&](State& state) {
    if (size > state.pieces.size()) state.pieces.resize(size);
  });
  return {};
}

asio::awaitable<Answer<void>> Draft::punch(std::uint64_t offset, std::uint64_t end) {
  const std::uint64_t size = state_.with([&](State& state) {
    end = std::min(end, state.pieces.size());
    if (offset >= end) return std::uint64_t{0};
    state.pieces.punch(offset, end);
    changed(state);
    return state.pieces.size();
  });
  if (offset >= end || end == size) co_return Answer<void>{};
  // What is left are the parts of chunks at both ends.
  const std::uint64_t first_whole = divide_up(offset, kChunkSize) * kChunkSize;
  const std::uint64_t last_whole = end / kChunkSize * kChunkSize;
  if (offset < std::min(first_whole, end)) {
    const Answer<void> written = co_await write_zeros(offset, std::min(first_whole, end));
    if (!written) co_return written;
  }
  if (last_whole >= first_whole && last_whole < end) co_return co_await write_zeros(last_whole, end);
  co_return Answer<void>{};
}

// Within a chunk; a hole stays one.
asio::awaitable<Answer<void>> Draft::write_zeros(std::uint64_t offset, std::uint64_t end) {
  const Answer<std::uint64_t> data = co_await seek(offset, false);
  if (!data && !is_end(data.error())) co_return data.error();
  if (!data || *data >= end) co_return Answer<void>{};
  Bytes zeros(static_cast<std::size_t>(end - offset));
  co_return co_await write(offset, std::move(zeros));
}

// As many chunks as one index of `from` has, from `offset` on, where the places allow it; gives the bytes.
asio::awaitable<Answer<std::size_t>> Draft::share(Reference from, std::uint64_t from_offset, std::uint64_t offset,
                                                  std::uint64_t size) {
  if (from_offset % kChunkSize != 0 || offset % kChunkSize != 0) co_return std::size_t{0};
  const std::uint64_t first = from_offset / kChunkSize;
  const ContentReader source{store_, from};
  std::vector<BlobId> ids;
  std::size_t place = 0;
  if (from.level == 0) {
    ids.push_back(*from.id);
  } else {
    const Answer<std::vector<BlobId>> index = co_await source.index(1, first / kIndexFanOut);
    if (!index) co_return index.error();
    ids = *index;
    if (ids.empty()) ids.resize(index_length(from.size, 1, first / kIndexFanOut));
    place = static_cast<std::size_t>(first % kIndexFanOut);
  }
  co_return state_.with([&](State& state) -> std::size_t {
    std::size_t done = 0;
    for (; place < ids.size() && done < size; ++place) {
      const std::size_t length = chunk_length(from.size, (from_offset + done) / kChunkSize);
      const std::uint64_t at = offset + done;
      // A short one can only be the last of both.
      if (length > size - done || (length < kChunkSize && at + length < state.pieces.size())) break;
      if (ids[place] != kHole) {
        state.pieces.put(at / kChunkSize, ids[place], length);
      } else {
        state.pieces.resize(std::max(state.pieces.size(), at + length));
        state.pieces.punch(at, at + length);
      }
      done += length;
    }
    changed(state);
    return done;
  });
}

asio::awaitable<Answer<bool>> Draft::copy(Reference from, std::uint64_t from_offset, std::uint64_t offset,
                                          std::uint64_t size) {
  if (offset > kMaxFileSize || size > kMaxFileSize - offset) co_return Failure{Errc::file_too_large};
  const auto source = std::make_shared<Draft>(store_, from);
  bool shares = false;
  while (size != 0) {
    const Answer<std::size_t> shared = co_await share(from, from_offset, offset, size);
    if (!shared) co_return shared.error();
    std::uint64_t done = *shared;
    shares = shares || done != 0;
    if (done == 0) {
      done = std::min(size, kChunkSize - offset % kChunkSize);
      Answer<Bytes> bytes = co_await source->read(from_offset, static_cast<std::size_t>(done));
      if (!bytes) co_return bytes.error();
      const Answer<void> written = co_await write(offset, *std::move(bytes));
      if (!written) co_return written.error();
    }
    size -= done;
    offset += done;
    from_offset += done;
  }
  co_return shares;
}

}  // namespace spotfs
