#include "client/crypto/keystore.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"

namespace spot {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileSize = 64 * 1024;
constexpr mode_t kOthers = 077;

std::error_code last_error() noexcept { return {errno, std::system_category()}; }

Result<void> check_private(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return last_error();
  if ((info.st_mode & kOthers) != 0 || (info.st_uid != geteuid() && info.st_uid != 0))
    return fail(Errc::bad_permissions);
  return {};
}

Result<SecretBytes> read_private_file(const fs::path& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return last_error();
  if (const Result<void> ok = check_private(file.get()); !ok) return ok.error();
  SecretBytes content(kMaxFileSize);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t n = ::read(file.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_error();
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  content.resize(size);
  return content;
}

// Under a temporary name first, and linked to its own without ever replacing a key that is there.
Result<void> write_private_file(const fs::path& path, BytesView content) {
  const std::string temporary = path.string() + "." + std::to_string(getpid());
  {
    const Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return last_error();
    if (!write_all(file.get(), content)) {
      const std::error_code ec = last_error();
      ::unlink(temporary.c_str());
      return ec;
    }
    fsync(file.get());
  }
  const bool linked = ::link(temporary.c_str(), path.c_str()) == 0;
  const std::error_code ec = linked ? std::error_code{} : last_error();
  ::unlink(temporary.c_str());
  if (ec) return ec;
  return {};
}

bool is_key_name(const std::string& name) { return name.starts_with("id_") && name.ends_with(".key"); }

Result<std::vector<std::string>> key_names(const fs::path& directory) {
  std::error_code ec;
  std::vector<std::string> names;
  for (fs::directory_iterator at{directory, ec}, end; !ec && at != end; at.increment(ec))
    if (std::string name = at->path().filename().string(); is_key_name(name)) names.push_back(std::move(name));
  if (ec) return ec;
  std::ranges::sort(names);
  return names;
}

Result<void> make_directory(const fs::path& directory) {
  std::error_code ec;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), ec);
  if (ec) return ec;
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return last_error();
  return {};
}

std::string home_directory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home;
  const passwd* const user = getpwuid(geteuid());
  return user != nullptr ? user->pw_dir : "/";
}

}  // namespace

fs::path default_key_directory() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config == '/')
    return fs::path{config} / "spot";
  return fs::path{home_directory()} / ".config" / "spot";
}

Answer<LoadedKeys> load_keys(const fs::path& directory) {
  const Descriptor opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened) return Failure{errno == ENOENT ? make_error_code(Errc::not_found) : last_error()};
  if (const Result<void> ok = check_private(opened.get()); !ok) return Failure{ok.error()};
  const Result<std::vector<std::string>> names = key_names(directory);
  if (!names) return Failure{names.error()};

  std::vector<PrivateKey> keys;
  std::vector<std::string> warnings;
  for (const std::string& name : *names) {
    const Result<SecretBytes> content = read_private_file(directory / name);
    if (!content && content.error() == Errc::bad_permissions) return Failure{content.error()};
    const Result<PrivateKey> key = content ? PrivateKey::parse_pem(*content) : Result<PrivateKey>{content.error()};
    if (key)
      keys.push_back(*key);
    else
      warnings.push_back((directory / name).string() + ": not used as a key: " + key.error().message());
  }
  if (keys.empty() && !warnings.empty()) return Failure{Errc::bad_key, warnings.front()};
  if (keys.empty()) return Failure{Errc::not_found};
  const Result<Keychain> keychain = Keychain::of(std::move(keys));
  if (!keychain) return Failure{keychain.error()};
  return LoadedKeys{*keychain, std::move(warnings), false};
}

Answer<LoadedKeys> load_or_create_keys(const fs::path& directory) {
  if (Answer<LoadedKeys> loaded = load_keys(directory); loaded || loaded.error().code != Errc::not_found) return loaded;
  if (const Result<void> made = make_directory(directory); !made) return Failure{made.error()};
  const Result<PrivateKey> key = PrivateKey::generate(KeyType::p256);
  if (!key) return Failure{key.error()};
  const Result<SecretBytes> pem = key->to_pem();
  if (!pem) return Failure{pem.error()};
  // Another program may make one at the same time.
  const Result<void> written = write_private_file(directory / "id_ecdsa.key", *pem);
  if (!written && written.error() != std::errc::file_exists) return Failure{written.error()};
  Answer<LoadedKeys> loaded = load_keys(directory);
  if (loaded) loaded->created = written.has_value();
  return loaded;
}

}  // namespace spot
