#include "client/card_ages.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"

namespace spot {
namespace {

constexpr std::size_t kRecordSize = 40;

Bytes record(const Sha256& hash, UnixSeconds issued) {
  Bytes out = to_bytes(hash);
  append_be(out, static_cast<std::uint64_t>(issued));
  return out;
}

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

CardAges::CardAges(CardAges&& other) noexcept
    : ages_{std::move(other.ages_)}, order_{std::move(other.order_)}, file_{std::exchange(other.file_, -1)} {}

CardAges& CardAges::operator=(CardAges&& other) noexcept {
  std::swap(ages_, other.ages_);
  std::swap(order_, other.order_);
  std::swap(file_, other.file_);
  return *this;
}

CardAges::~CardAges() {
  if (file_ >= 0) ::close(file_);
}

Result<CardAges> CardAges::open(const std::filesystem::path& path) {
  CardAges ages;
  std::size_t records = 0;
  bool cut_short = false;
  {
    std::ifstream in{path, std::ios::binary};
    Bytes bytes(kRecordSize);
    while (in.read(reinterpret_cast<char*>(bytes.data()), kRecordSize)) {
      Sha256 hash;
      std::copy_n(bytes.begin(), hash.size(), hash.begin());
      BytesView rest = BytesView{bytes}.subspan(hash.size());
      ages.insert(hash, static_cast<UnixSeconds>(*take_be<std::uint64_t>(rest)));
      ++records;
    }
    cut_short = in.gcount() != 0;
  }
  if (records == ages.order_.size() && !cut_short) {
    ages.file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (ages.file_ < 0) return last_error();
    return ages;
  }
  // Others may do the same at the same time.
  std::string fresh = path.string() + ".XXXXXX";
  ages.file_ = ::mkostemp(fresh.data(), O_APPEND | O_CLOEXEC);
  if (ages.file_ < 0) return last_error();
  Bytes all;
  for (const Sha256& hash : ages.order_) append(all, record(hash, ages.ages_.at(hash)));
  if (!write_all(ages.file_, all) || ::fsync(ages.file_) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    const std::error_code failed = last_error();
    ::unlink(fresh.c_str());
    return failed;
  }
  return ages;
}

std::optional<UnixSeconds> CardAges::find(const Sha256& hash) const {
  const auto at = ages_.find(hash);
  return at == ages_.end() ? std::nullopt : std::optional{at->second};
}

void CardAges::raise(const Sha256& hash, UnixSeconds issued) {
  const auto known = find(hash);
  if (known && *known >= issued) return;
  insert(hash, issued);
  if (file_ >= 0) write_all(file_, record(hash, issued));
}

void CardAges::insert(const Sha256& hash, UnixSeconds issued) {
  const auto [at, is_new] = ages_.insert_or_assign(hash, issued);
  if (!is_new) return;
  order_.push_back(hash);
  if (order_.size() <= kMaxCards) return;
  ages_.erase(order_.front());
  order_.pop_front();
}

}  // namespace spot
