#include "fs/store/unsynced.hpp"

#include <algorithm>

#include "fs/store/blob_store.hpp"

namespace spotfs {

namespace {

constexpr std::size_t kMaxRuns = 256;

}  // namespace

bool Unsynced::Stored::is(spot::BytesView bytes) const {
  return bottle ? std::ranges::equal(*bottle, bytes) : spot::sha256(bytes) == hash;
}

bool Unsynced::see(const std::vector<spot::Bytes>& runs) {
  bool is_one_new = false;
  for (const spot::Bytes& run : runs) {
    if (std::ranges::find(runs_, run) != runs_.end()) continue;
    runs_.push_back(run);
    if (runs_.size() > kMaxRuns) runs_.pop_front();
    is_one_new = true;
  }
  epoch_ += is_one_new ? 1U : 0U;
  return is_one_new;
}

void Unsynced::add(const std::string& key, Bottle bottle, std::uint64_t epoch) {
  remove(key);
  bytes_ += bottle->size();
  numbers_[key] = ++last_;
  stored_.emplace_hint(stored_.end(), last_, Stored{key, std::move(bottle), {}, epoch});
  drop_bottles();
}

void Unsynced::drop_bottles() {
  for (auto at = stored_.lower_bound(first_with_bottle_); at != stored_.end() && bytes_ > memory_; ++at) {
    auto& [number, stored] = *at;
    first_with_bottle_ = number + 1;
    if (!stored.bottle || is_record_key(stored.key)) continue;  // these are small and few, and the disk hangs on them
    bytes_ -= stored.bottle->size();
    stored.hash = spot::sha256(*stored.bottle);
    stored.bottle.reset();
  }
}

void Unsynced::remove(const std::string& key) {
  lost_.erase(key);
  const auto number = numbers_.find(key);
  if (number == numbers_.end()) return;
  const auto stored = stored_.find(number->second);
  if (stored->second.bottle) bytes_ -= stored->second.bottle->size();
  stored_.erase(stored);
  numbers_.erase(number);
}

void Unsynced::synced(std::uint64_t until) {
  for (auto at = stored_.begin(); at != stored_.end() && at->first <= until;) {
    const Stored& stored = at->second;
    if (stored.epoch != epoch_) {
      ++at;
      continue;
    }
    if (stored.bottle) bytes_ -= stored.bottle->size();
    numbers_.erase(stored.key);
    at = stored_.erase(at);
  }
}

bool Unsynced::is_any_unsure() const noexcept {
  return std::ranges::any_of(stored_, [this](const auto& entry) { return entry.second.epoch != epoch_; });
}

std::vector<Unsynced::Stored> Unsynced::unsure() const {
  std::vector<Stored> out;
  for (const auto& [number, stored] : stored_) {
    if (stored.epoch != epoch_) out.push_back(stored);
  }
  return out;
}

void Unsynced::confirm(const std::string& key, std::uint64_t epoch) {
  const auto number = numbers_.find(key);
  if (number == numbers_.end()) return;
  auto stored = stored_.extract(number->second);
  number->second = stored.key() = ++last_;
  stored.mapped().epoch = epoch;
  stored_.insert(stored_.end(), std::move(stored));
}

void Unsynced::lose(const std::string& key) {
  remove(key);
  lost_.insert(key);
}

}  // namespace spotfs
