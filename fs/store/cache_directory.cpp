#include "fs/store/cache_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "client/base/handle.hpp"
#include "client/crypto/aead.hpp"
#include "client/crypto/hash.hpp"
#include "fs/store/blob_store.hpp"
#include "fs/store/directories.hpp"

namespace spotfs {

namespace fs = std::filesystem;
using spot::Answer;
using spot::Bytes;
using spot::BytesView;
using spot::Clock;
using spot::Errc;
using spot::Failure;

namespace {

constexpr std::size_t kMaxFile = 64 * 1024;  // bytes; bottles are shorter than 49 kB
constexpr std::size_t kBlock = 4'096;        // what a file takes of a disk is counted in
constexpr std::size_t kNameBytes = 16;
constexpr std::chrono::minutes kTouchAfter{1};
constexpr std::chrono::hours kAbandoned{1};
constexpr const char* kUnfinished = "new-";

std::uint64_t on_disk(std::uint64_t size) noexcept { return (size + kBlock - 1) / kBlock * kBlock; }

Clock::Wall time_of(const timespec& time) noexcept {
  return Clock::Wall{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

bool read_all(int file, Bytes& out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::read(file, out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

struct CacheDirectory::Copy {
  Clock::Wall used;
  std::uint64_t bytes;
  std::array<char, 32> name;
};

Answer<std::unique_ptr<CacheDirectory>> CacheDirectory::open(Options options) {
  const fs::path& path = options.directory;
  if (const Answer<void> made = make_directories(path); !made) return made.error();
  Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory && errno != ENOTDIR && errno != ELOOP) return system_failure(path);
  struct stat info {};
  const bool ours = directory && ::fstat(directory.get(), &info) == 0 && info.st_uid == ::geteuid();
  if (!ours || (info.st_mode & 0077) != 0)
    return Failure{
        Errc::bad_permissions,
        path.string() + ": a cache must be a directory that belongs to the user who mounts alone (chmod 700)"};
  return std::unique_ptr<CacheDirectory>{new CacheDirectory{std::move(options), std::move(directory)}};
}

CacheDirectory::CacheDirectory(Options options, Descriptor directory)
    : options_{std::move(options)},
      directory_{std::move(directory)},
      cipher_key_{spot::hkdf_sha256(options_.secret, spot::sha256({}), "spotfs cache, copies")} {}

Failure CacheDirectory::failure() const { return system_failure(options_.directory); }

std::string CacheDirectory::bound_name(const std::string& key) const { return options_.scope + '\0' + key; }

std::string CacheDirectory::file_name(const std::string& key) const {
  const char* const what = is_content_key(key) ? "spotfs cache, contents" : "spotfs cache, names";
  const spot::SecretBytes hash = spot::hkdf_sha256(options_.secret, spot::sha256(spot::view(bound_name(key))), what);
  return spot::base64url(BytesView{hash}.first(kNameBytes));
}

bool CacheDirectory::set_time(int file) const {
  const auto now = options_.clock->wall().time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  timespec time{};
  time.tv_sec = seconds.count();
  time.tv_nsec = (now - seconds).count();
  const std::array<timespec, 2> times{time, time};
  return ::futimens(file, times.data()) == 0;
}

void CacheDirectory::touch(int file, Clock::Wall last) const {
  const Clock::Wall now = options_.clock->wall();
  if (now < last || now - last >= kTouchAfter) set_time(file);
}

std::optional<Bytes> CacheDirectory::read(const std::string& key) {
  std::optional<Bytes> found = find(key);
  ++(found ? hits_ : misses_);
  return found;
}

std::optional<Bytes> CacheDirectory::find(const std::string& key) {
  const std::string name = file_name(key);
  const Descriptor file{::openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file) return std::nullopt;
  struct stat info {};
  if (::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= 0 &&
      static_cast<std::uint64_t>(info.st_size) <= kMaxFile) {
    Bytes copy(static_cast<std::size_t>(info.st_size));
    if (read_all(file.get(), copy)) {
      spot::Result<Bytes> bottle = open_copy(key, std::move(copy));
      if (bottle) {
        touch(file.get(), time_of(info.st_mtim));
        return *std::move(bottle);
      }
    }
  }
  ::unlinkat(directory_.get(), name.c_str(), 0);
  return std::nullopt;
}

spot::Result<Bytes> CacheDirectory::open_copy(const std::string& key, Bytes copy) const {
  if (is_content_key(key)) return copy;
  return spot::aead_open(cipher_key_, copy, spot::view(bound_name(key)));
}

Answer<void> CacheDirectory::write(const std::string& key, BytesView bottle) {
  if (is_content_key(key)) return write_file(key, bottle);
  const spot::Result<Bytes> sealed = spot::aead_seal(cipher_key_, bottle, spot::view(bound_name(key)));
  if (!sealed) return sealed.error();
  return write_file(key, *sealed);
}

Answer<void> CacheDirectory::write_file(const std::string& key, BytesView copy) {
  if (copy.size() > kMaxFile) return Failure{Errc::too_large};
  const std::string next = kUnfinished + spot::base64url(spot::random_array<12>());
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor file{::openat(directory_.get(), next.c_str(), flags, 0600)};
  if (!file) return failure();
  if (!spot::write_all(file.get(), copy) || !set_time(file.get()) ||
      ::renameat(directory_.get(), next.c_str(), directory_.get(), file_name(key).c_str()) != 0) {
    Failure why = failure();
    ::unlinkat(directory_.get(), next.c_str(), 0);
    return why;
  }
  usage_.with([&](Usage& usage) {
    usage.bytes += on_disk(copy.size());
    usage.added += on_disk(copy.size());
  });
  return {};
}

bool CacheDirectory::remove(const std::string& key) {
  return ::unlinkat(directory_.get(), file_name(key).c_str(), 0) == 0;
}

// --- Room ------------------------------------------------------------------------------------------------------------

std::vector<CacheDirectory::Copy> CacheDirectory::list() const {
  std::vector<Copy> out;
  Descriptor again{::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!again) return out;
  const spot::Handle<DIR, &::closedir> entries{::fdopendir(again.get())};
  if (!entries) return out;
  again.release();  // now it is that of `entries`
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    struct stat info {};
    Copy copy{};
    if (name.size() >= copy.name.size()) continue;
    if (::fstatat(directory_.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
    copy.used = time_of(info.st_mtim);
    copy.bytes = on_disk(static_cast<std::uint64_t>(info.st_size));
    std::ranges::copy(name, copy.name.begin());
    out.push_back(copy);
  }
  return out;
}

// By this process or another; an old one is what a kill left behind.
bool CacheDirectory::is_being_written(const Copy& copy) const {
  return std::string_view{copy.name.data()}.starts_with(kUnfinished) && options_.clock->wall() - copy.used < kAbandoned;
}

bool CacheDirectory::is_over_limit() const {
  return usage_.with([&](const Usage& usage) { return usage.bytes > options_.limit; });
}

CacheFigures CacheDirectory::figures() const {
  const std::uint64_t bytes = usage_.with([](const Usage& usage) { return usage.bytes; });
  return {bytes, options_.limit, hits_, misses_};
}

void CacheDirectory::make_room(std::size_t coming) {
  const std::uint64_t more = on_disk(coming);
  const bool fits = usage_.with([&](Usage& usage) {
    if (usage.counted && usage.bytes + more <= options_.limit && usage.added <= options_.limit / 16) return true;
    usage = Usage{};  // what is added from here on may be counted twice, but never left out
    return false;
  });
  if (fits) return;
  std::vector<Copy> copies = list();
  std::uint64_t bytes = 0;
  for (const Copy& copy : copies) bytes += copy.bytes;
  if (bytes + more > options_.limit) {
    // A part more, so that not every blob that comes has to make room.
    const std::uint64_t target = options_.limit - options_.limit / 8;
    std::ranges::sort(copies, {}, &Copy::used);
    for (const Copy& copy : copies) {
      if (bytes + more <= target) break;
      if (is_being_written(copy)) continue;
      if (::unlinkat(directory_.get(), copy.name.data(), 0) == 0) bytes -= copy.bytes;
    }
  }
  usage_.with([&](Usage& usage) {
    usage.counted = true;
    usage.bytes += bytes;
  });
}

}  // namespace spotfs
