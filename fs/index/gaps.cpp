#include "fs/index/gaps.hpp"

namespace spotfs {

namespace {

bool is_before(const Bytes& key, const Bytes& end) { return end.empty() || key < end; }

}  // namespace

void Gaps::add(Bytes first, Gap gap) {
  at_.insert_or_assign(gap.node, first);
  gaps_.insert_or_assign(std::move(first), std::move(gap));
}

// The first gap that has a key from `first` on.
std::map<Bytes, Gap>::const_iterator Gaps::first_within(const Bytes& first) const {
  auto gap = gaps_.upper_bound(first);
  if (gap != gaps_.begin() && is_before(first, std::prev(gap)->second.end)) --gap;
  return gap;
}

const Gap* Gaps::at(const Bytes& key) const {
  const auto gap = first_within(key);
  return gap != gaps_.end() && gap->first <= key ? &gap->second : nullptr;
}

std::set<BlobId> Gaps::within(const Bytes& first, const Bytes& end, std::size_t max) const {
  const auto doubt = doubts_.lower_bound(first);
  if (doubt != doubts_.end() && is_before(doubt->first, end)) throw GapHit{doubt->second};
  std::set<BlobId> out;
  for (auto gap = first_within(first); gap != gaps_.end() && is_before(gap->first, end) && out.size() < max; ++gap) {
    if (gap->second.why) throw GapHit{gap->second.why};
    out.insert(gap->second.node);
  }
  return out;
}

std::set<BlobId> Gaps::ahead(const Bytes& first, const Bytes& end, std::size_t max) const {
  std::set<BlobId> out;
  for (auto gap = first_within(first); gap != gaps_.end() && is_before(gap->first, end) && out.size() < max; ++gap) {
    if (!gap->second.why) out.insert(gap->second.node);
  }
  return out;
}

bool Gaps::touches(const Bytes& first, const Bytes& end) const {
  const auto gap = first_within(first);
  return gap != gaps_.end() && is_before(gap->first, end);
}

bool Gaps::covers(const Bytes& first, const Bytes& end) const {
  Bytes from = first;
  for (const Gap* gap = at(from); gap; gap = at(from)) {
    if (gap->end.empty() || (!end.empty() && end <= gap->end)) return true;
    from = gap->end;
  }
  return false;
}

std::set<BlobId> Gaps::unread() const {
  std::set<BlobId> out;
  for (const auto& [first, gap] : gaps_) {
    if (!gap.why) out.insert(gap.node);
  }
  return out;
}

std::set<BlobId> Gaps::unread_except_in(const Gaps& except) const {
  std::set<BlobId> out;
  for (const auto& [first, gap] : gaps_) {
    if (!gap.why && !except.covers(first, gap.end)) out.insert(gap.node);
  }
  return out;
}

std::error_code Gaps::lost() const {
  for (const auto& [first, gap] : gaps_) {
    if (gap.why) return gap.why;
  }
  return {};
}

std::set<BlobId> Gaps::lost_nodes() const {
  std::set<BlobId> out;
  for (const auto& [first, gap] : gaps_) {
    if (gap.why) out.insert(gap.node);
  }
  return out;
}

bool Gaps::close(const BlobId& node) {
  const auto known = at_.find(node);
  if (known == at_.end()) return false;
  gaps_.erase(known->second);
  at_.erase(known);
  return true;
}

bool Gaps::lose(const BlobId& node, std::error_code why) {
  const auto known = at_.find(node);
  if (known == at_.end() || gaps_.at(known->second).why) return false;
  gaps_.at(known->second).why = why;
  return true;
}

void Gaps::doubt(const Bytes& key, std::error_code why) { doubts_.emplace(key, why); }

void Gaps::trust(const Bytes& key) {
  if (const auto doubt = doubts_.find(key); doubt != doubts_.end()) doubts_.erase(doubt);
}

std::error_code Gaps::doubt_of(const Bytes& key) const {
  const auto doubt = doubts_.find(key);
  return doubt == doubts_.end() ? std::error_code{} : doubt->second;
}

bool Gaps::holds(const BlobId& node, const Bytes& key) const {
  const Bytes& first = at_.at(node);
  return first <= key && is_before(key, gaps_.at(first).end);
}

}  // namespace spotfs
