#include "fs/tree/control/check_disk.hpp"

#include "fs/store/at_once.hpp"

namespace spotfs::tree {

using spot::Answer;
using spot::Failure;

namespace {

// As a walk meets them: a directory before what is in it, and that before the next name beside it.
bool comes_after(std::string_view path, std::string_view other) {
  for (;;) {
    const std::size_t end = std::min(path.find('/'), path.size()), other_end = std::min(other.find('/'), other.size());
    const int order = path.substr(0, end).compare(other.substr(0, other_end));
    if (order != 0) return order > 0;
    if (end == path.size()) return false;
    if (other_end == other.size()) return true;
    path.remove_prefix(end + 1);
    other.remove_prefix(other_end + 1);
  }
}

}  // namespace

DiskCheck::DiskCheck(std::shared_ptr<const ControlledDisk> disk, asio::any_io_executor executor, bool only_files,
                     std::size_t reads_at_once)
    : disk_{std::move(disk)},
      executor_{std::move(executor)},
      sealer_{disk_->keys, disk_->index->store_id()},
      checker_{std::make_shared<ContentChecker>(
          executor_, disk_->store, std::shared_ptr<const ContentCipher>{disk_->index, &disk_->index->cipher()},
          disk_->restore, reads_at_once)},
      tops_{{kRoot, only_files ? "" : "files/"},
            {kLostFound, only_files ? "lost+found/" : "files/lost+found/"},
            {kBlobs, std::string{kBlobsPath}}} {}

DiskTotals DiskCheck::done() const {
  return done_.with([](const DiskTotals& done) { return done; });
}

asio::awaitable<Result<DiskTotals>> DiskCheck::count() {
  DiskTotals out;
  for (const auto& [directory, path] : tops_) {
    Walk walk{disk_->index, directory, path};
    for (;;) {
      const Result<std::optional<Walked>> one = co_await walk.next();
      if (!one) co_return one.error();
      if (!*one) break;
      if ((*one)->unlisted) continue;
      ++out.files;
      if ((*one)->inode->kind == Kind::file) out.bytes += (*one)->inode->size();
    }
  }
  co_return out;
}

bool DiskCheck::is_done(const Next& next) const {
  if (!after_ || next.top != after_->top) return after_ && next.top < after_->top;
  return !comes_after(next.one.path, after_->path);
}

void DiskCheck::count_done(const Walked& one) {
  done_.with([&](DiskTotals& done) {
    ++done.files;
    if (one.inode->kind == Kind::file) done.bytes += one.inode->size();
  });
}

asio::awaitable<Result<std::optional<DiskCheck::Next>>> DiskCheck::next() {
  const Result<Window::Place> turn = co_await turn_->enter();
  if (!turn) co_return turn.error();
  while (top_ < tops_.size()) {
    if (!walk_) walk_.emplace(disk_->index, tops_[top_].first, tops_[top_].second);
    Result<std::optional<Walked>> one = co_await walk_->next();
    if (!one) co_return one.error();
    if (!*one) {
      ++top_;
      walk_.reset();
      continue;
    }
    Next found{top_, std::move(**one)};
    if (!is_done(found)) co_return std::optional{std::move(found)};
    if (!found.one.unlisted) count_done(found.one);
  }
  co_return std::optional<Next>{};
}

asio::awaitable<Answer<void>> DiskCheck::run(Found found) {
  // Who is cancelled does not wait for the others.
  struct Stop {
    std::shared_ptr<ContentChecker> checker;
    ~Stop() { checker->stop(); }
  };
  const Stop stop{checker_};
  const Work work = [self = shared_from_this(), found](std::size_t) { return check_some(self, found); };
  co_return co_await do_at_once(executor_, kReadsAtOnce, kReadsAtOnce, work);
}

asio::awaitable<Answer<void>> DiskCheck::check_some(std::shared_ptr<DiskCheck> self, Found found) {
  for (;;) {
    const Answer<std::optional<Position>> checked = co_await self->check_next(found);
    if (!checked) co_return checked.error();
    if (!*checked) co_return Answer<void>{};
  }
}

asio::awaitable<Answer<std::optional<DiskCheck::Position>>> DiskCheck::check_next(Found found) {
  Result<std::optional<Next>> next_one = co_await next();
  if (!next_one) co_return Failure{next_one.error()};
  if (!*next_one) co_return std::optional<Position>{};
  Walked one = std::move((*next_one)->one);
  const Position position{(*next_one)->top, one.path};
  if (one.unlisted) {
    const auto finding = std::make_shared<const Finding>(std::move(one), Checked{});
    const Answer<void> told = co_await found(finding);
    if (!told) co_return told.error();
    co_return std::optional{position};
  }
  if (one.inode->kind == Kind::file) {
    const Answer<Checked> checked = co_await check(one);
    if (!checked) co_return checked.error();
    if (!checked->is_whole() || checked->restored != 0) {
      const auto finding = std::make_shared<const Finding>(one, *checked);
      const Answer<void> told = co_await found(finding);
      if (!told) co_return told.error();
    }
  }
  count_done(one);
  co_return std::optional{position};
}

asio::awaitable<Answer<Checked>> DiskCheck::check(Walked& one) {
  if (one.inode->links < 2) co_return co_await check_once(one);
  bool first = false;
  const std::shared_ptr<Known> known = several_.with([&](auto& several) {
    std::shared_ptr<Known>& there = several[one.id];
    first = !there;
    if (first) there = std::make_shared<Known>();
    std::shared_ptr<Known> out = there;
    if (!first && ++there->names >= one.inode->links) several.erase(one.id);
    return out;
  });
  if (!first) {
    const Result<void> landed = co_await spot::Event::wait(known->landed);
    if (!landed) co_return Failure{landed.error()};
    co_return known->result;
  }
  struct Land {
    spot::Event& event;
    ~Land() { event.set(); }
  };
  const Land land{*known->landed};
  Answer<Checked> result = co_await check_once(one);
  known->result = std::move(result);
  co_return known->result;
}

// As often as it changes under our hands.
asio::awaitable<Answer<Checked>> DiskCheck::check_once(Walked& one) {
  for (;;) {
    const bool is_value = one.path.starts_with(kBlobsPath) && one.inode->reference && !one.inode->reference->id;
    Answer<Checked> checked{Failure{Errc::cancelled}};
    if (is_value)
      checked = co_await check_value(one);
    else
      checked = co_await check_content(one);
    if (!checked || checked->is_whole()) co_return checked;
    const Result<InodePtr> now = co_await disk_->index->inode(one.id);
    if (!now || (*now)->kind == Kind::removed) co_return Checked{};
    const bool same = (*now)->version == one.inode->version;
    one.inode = *now;
    if (same) co_return checked;
  }
}

asio::awaitable<Answer<Checked>> DiskCheck::check_content(Walked& one) {
  const std::shared_ptr<const void> hold = disk_->index->hold(one.id);
  if (!one.inode->reference) co_return Checked{};
  co_return co_await checker_->check(*one.inode->reference);
}

asio::awaitable<Answer<Checked>> DiskCheck::check_value(const Walked& one) {
  const std::string key = one.path.substr(kBlobsPath.size());
  Answer<Bytes> bottle{Failure{Errc::cancelled}};
  {
    const Result<Window::Place> place = co_await checker_->window()->enter();
    if (!place) co_return Failure{place.error()};
    bottle = co_await disk_->store->fetch(key);
  }
  if (!bottle && !cannot_be_had(bottle.error().code)) co_return bottle.error();
  Checked out;
  Fault fault{0, 1, true, 0, {}};
  if (bottle) {
    const Result<Value> value = sealer_.open(key, *bottle);
    // One that is a reference to more is there, and ours.
    const bool is_reference = !value && value.error() == Errc::file_too_large;
    const bool is_older = value && value->version && one.inode->version && *value->version < *one.inode->version;
    if (is_reference || (value && !is_older)) {
      out.chunks = 1;
      co_return out;
    }
    fault.is_missing = false;
  }
  out.lost = 1;
  out.faults.push_back(fault);
  co_return out;
}

}  // namespace spotfs::tree
