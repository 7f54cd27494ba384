#include "fs/index/state_directory.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "client/crypto/hash.hpp"
#include "fs/store/directories.hpp"

namespace spotfs {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxKept = 64 * 1024;  // bytes of a file that is read whole
constexpr char kDraining = 'd';

// Only the user who runs the mount may own it or write to it.
Answer<void> make_private_directory(const fs::path& path) {
  if (Answer<void> made = make_directories(path); !made) return made;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return system_failure(path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid())
    return Failure{Errc::bad_permissions, path.string() + ": not a directory of the user who mounts"};
  if ((info.st_mode & 0077) != 0 && ::chmod(path.c_str(), 0700) != 0) return system_failure(path);
  return {};
}

// What the user has named: if there is anything in it, it may be more than a directory of states, and is left as it is.
Answer<void> check_private_directory(const fs::path& path) {
  const std::string name = spot::printable(path.string());
  const auto failure = [&](const std::string& what) { return Failure{Errc::bad_permissions, name + what}; };
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return system_failure(path);
  if (S_ISLNK(info.st_mode)) return failure(" is a symbolic link: give the directory itself as state=DIR");
  if (!S_ISDIR(info.st_mode)) return failure(" is no directory: give another as state=DIR");
  if (info.st_uid != ::geteuid())
    return failure(" belongs to user " + std::to_string(info.st_uid) +
                   ": give one of the user who mounts as state=DIR");
  if ((info.st_mode & 0077) == 0) return {};
  // One that was made for this, with the modes that mkdir(1) gives.
  std::error_code ec;
  if (!fs::is_empty(path, ec) || ec) return failure(" is open to others: chmod 700 " + name);
  if (::chmod(path.c_str(), 0700) != 0) return system_failure(path);
  return {};
}

std::optional<Bytes> read_file(const fs::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::nullopt;
  Bytes out(kMaxKept + 1);
  file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size()));
  out.resize(static_cast<std::size_t>(file.gcount()));
  if (out.empty() || out.size() > kMaxKept) return std::nullopt;
  return out;
}

// As a whole or not at all, also if the machine loses its power, or another mount writes it at the same time.
Answer<void> write_file(const fs::path& path, BytesView content) {
  const fs::path next = path.string() + "." + spot::base64url(spot::random_array<8>());
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return system_failure(next);
  const bool written =
      ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) && ::fsync(file) == 0;
  const Failure failure = written ? Failure{} : system_failure(next);
  ::close(file);
  if (written && ::rename(next.c_str(), path.c_str()) == 0) return {};
  const Failure why = written ? system_failure(path) : failure;
  ::unlink(next.c_str());
  return why;
}

std::optional<unsigned> number_of(const fs::path& directory) {
  const std::string name = directory.filename().string();
  unsigned number = 0;
  const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (ec != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

}  // namespace

Answer<std::variant<LockedDirectory, LockedDirectory::Busy>> LockedDirectory::take(const fs::path& directory) {
  if (const Answer<void> made = make_private_directory(directory); !made) return made.error();
  const fs::path file = directory / "lock";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return system_failure(file);
  char mark = 0;
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const bool is_busy = errno == EWOULDBLOCK;
    const Failure failure = system_failure(file);
    const bool draining = ::pread(lock, &mark, 1, 0) == 1 && mark == kDraining;
    ::close(lock);
    if (!is_busy) return failure;
    return std::variant<LockedDirectory, Busy>{draining ? Busy::draining : Busy::living};
  }
  LockedDirectory out{directory, lock};
  if (::ftruncate(lock, 0) != 0) return system_failure(file);
  return std::variant<LockedDirectory, Busy>{std::move(out)};
}

LockedDirectory& LockedDirectory::operator=(LockedDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

LockedDirectory::~LockedDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

void LockedDirectory::set_draining() noexcept {
  // Where this fails, the next mount takes a directory of its own, and what is left here is committed by a later one.
  [[maybe_unused]] const ssize_t written = ::pwrite(lock_, &kDraining, 1, 0);
}

Answer<StateRoot> StateRoot::open(const fs::path& state, const spot::Sha256& identity) {
  StateRoot out{state / spot::base64url(identity)};
  if (const Answer<void> made = make_directories(state); !made) return made.error();
  if (const Answer<void> checked = check_private_directory(state); !checked) return checked.error();
  if (const Answer<void> made = make_private_directory(out.path_); !made) return made.error();
  if (const Answer<void> made = make_private_directory(out.path_ / "sources"); !made) return made.error();
  return out;
}

fs::path StateRoot::store_path(const BlobId& store) const { return path_ / spot::base64url(store); }

fs::path StateRoot::source_path(const std::string& source) const {
  return path_ / "sources" / spot::base64url(spot::sha256(spot::view(source)));
}

std::optional<BlobId> StateRoot::store_of(const std::string& source) const {
  const std::optional<Bytes> id = read_file(source_path(source));
  BlobId out;
  if (!id || id->size() != out.size()) return std::nullopt;
  std::ranges::copy(*id, out.begin());
  return out;
}

Answer<void> StateRoot::set_store_of(const std::string& source, const BlobId& store) const {
  return write_file(source_path(source), store);
}

std::optional<Bytes> StateRoot::sealed_id(const BlobId& store) const { return read_file(store_path(store) / "id"); }

Answer<void> StateRoot::keep_sealed_id(const BlobId& store, BytesView sealed) const {
  if (const Answer<void> made = make_private_directory(store_path(store)); !made) return made;
  return write_file(store_path(store) / "id", sealed);
}

Answer<spot::SecretBytes> StateRoot::cache_secret() const {
  constexpr std::size_t kSize = 32;
  const fs::path file = path_ / "cache-secret";
  spot::SecretBytes secret(kSize);
  if (std::optional<Bytes> kept = read_file(file)) {
    const bool whole = kept->size() == kSize;
    if (whole) std::ranges::copy(*kept, secret.begin());
    spot::wipe(kept->data(), kept->size());
    if (whole) return secret;
  }
  spot::random_bytes(secret);
  if (const Answer<void> written = write_file(file, secret); !written) return written.error();
  return secret;
}

std::vector<fs::path> StateRoot::writers(const BlobId& store) const {
  std::vector<fs::path> out;
  std::error_code ec;
  for (fs::directory_iterator at{store_path(store), ec}, end; !ec && at != end; at.increment(ec)) {
    if (number_of(at->path())) out.push_back(at->path());
  }
  std::ranges::sort(out, {}, [](const fs::path& path) { return *number_of(path); });
  return out;
}

fs::path StateRoot::new_writer(const BlobId& store) const {
  const std::vector<fs::path> taken = writers(store);
  const unsigned number = taken.empty() ? 1 : *number_of(taken.back()) + 1;
  return store_path(store) / std::to_string(number);
}

}  // namespace spotfs
