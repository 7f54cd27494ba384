#include "mount/relay/value_files.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace spot::relay {
namespace {

constexpr std::int64_t kBlock = 4'096;  // bytes
constexpr std::int64_t kBlocksPerFile = (std::int64_t{1} << 30) / kBlock;
constexpr int kSizeBits = 16;
constexpr std::size_t kMostOpen = 256;  // files

std::int64_t blocks_of(std::size_t size) noexcept { return (static_cast<std::int64_t>(size) + kBlock - 1) / kBlock; }
std::int64_t block_of(ValueFiles::Place place) noexcept { return place >> kSizeBits; }

std::error_code failure() noexcept {
  const bool is_full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
  return is_full ? make_error_code(std::errc::no_space_on_device) : make_error_code(Errc::storage_failed);
}

}  // namespace

ValueFiles::ValueFiles(std::filesystem::path prefix) : prefix_{std::move(prefix)} {}

std::filesystem::path ValueFiles::path_of(std::int64_t number) const {
  return fmt::format("{}-{:08}", prefix_.native(), number);
}

Result<std::shared_ptr<Descriptor>> ValueFiles::file(std::int64_t number) const {
  return files_.with([&](auto& files) -> Result<std::shared_ptr<Descriptor>> {
    if (const auto known = files.find(number); known != files.end()) return known->second;
    const int descriptor = ::open(path_of(number).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return errno == ENOENT ? make_error_code(Errc::not_found) : failure();
    if (files.size() >= kMostOpen) files.clear();
    return files[number] = std::make_shared<Descriptor>(descriptor);
  });
}

bool ValueFiles::has_room(std::size_t size) const noexcept {
  return newest_ && next_ + blocks_of(size) <= kBlocksPerFile;
}

std::error_code ValueFiles::begin(std::int64_t number) {
  const int descriptor =
      ::open(path_of(number).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return failure();
  newest_ = std::make_shared<Descriptor>(descriptor);
  files_.with([&](auto& files) { files[number] = newest_; });
  number_ = number;
  next_ = 0;
  unsynced_.with([](Unsynced& unsynced) { unsynced.has_new_file = true; });
  return {};
}

Result<ValueFiles::Place> ValueFiles::add(BytesView value) {
  if (!write_all(newest_->get(), value, next_ * kBlock)) return failure();
  const Place place = (number_ * kBlocksPerFile + next_) << kSizeBits | static_cast<std::int64_t>(value.size());
  next_ += blocks_of(value.size());
  unsynced_.with([&](Unsynced& unsynced) { unsynced.files[number_] = newest_; });
  return place;
}

Result<Bytes> ValueFiles::read(Place place) const {
  const auto from = file(block_of(place) / kBlocksPerFile);
  if (!from) return from.error();
  Bytes value(size(place));
  const std::int64_t at = block_of(place) % kBlocksPerFile * kBlock;
  for (std::size_t done = 0; done < value.size();) {
    const ssize_t got =
        ::pread((*from)->get(), value.data() + done, value.size() - done, at + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure();
    if (got == 0) return make_error_code(Errc::not_found);
    done += static_cast<std::size_t>(got);
  }
  return value;
}

bool ValueFiles::has_unsynced() const {
  return unsynced_.with([](const Unsynced& unsynced) {
    return !unsynced.files.empty() || unsynced.has_new_file || unsynced.is_under_way;
  });
}

std::error_code ValueFiles::sync() {
  const std::lock_guard lock{syncing_};
  Unsynced taken = unsynced_.with([](Unsynced& unsynced) { return std::exchange(unsynced, {{}, false, true}); });
  std::error_code failed;
  for (const auto& [number, written] : taken.files) {
    if (!failed && ::fdatasync(written->get()) != 0) failed = failure();
  }
  if (!failed && taken.has_new_file) {
    const Descriptor directory{::open(prefix_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (::fsync(directory.get()) != 0) failed = failure();
  }
  unsynced_.with([&](Unsynced& unsynced) {
    unsynced.is_under_way = false;
    if (!failed) return;
    unsynced.files.merge(taken.files);
    unsynced.has_new_file |= taken.has_new_file;
  });
  return failed;
}

// A file system that makes no holes keeps the space until its file goes.
void ValueFiles::release(Place place) {
  ++releases_;
  const std::int64_t number = block_of(place) / kBlocksPerFile;
  const auto from = file(number);
  if (!from) return;
  const int descriptor = (*from)->get();
  static_cast<void>(::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                block_of(place) % kBlocksPerFile * kBlock, blocks_of(size(place)) * kBlock));
  struct stat status {};
  if ((newest_ && number == number_) || ::fstat(descriptor, &status) != 0 || status.st_blocks != 0) return;
  ::unlink(path_of(number).c_str());
  unsynced_.with([&](Unsynced& unsynced) { unsynced.files.erase(number); });
  files_.with([&](auto& files) { files.erase(number); });
}

}  // namespace spot::relay
