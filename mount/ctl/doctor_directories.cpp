// What belongs to the identity: keys, the state of this machine, an embedded store.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/crypto/keystore.hpp"
#include "mount/ctl/doctor.hpp"

namespace spotfs::ctl {
namespace {

namespace fs = std::filesystem;
using spot::Errc;

constexpr mode_t kOthers = 077;
constexpr std::size_t kMostLooked = 1'000;  // entries of a directory
constexpr const char* kPutBack = "put back a copy of it, or take it away";

std::string message_of(int number) { return std::error_code{number, std::generic_category()}.message(); }

std::string user_text(uid_t user) {
  const passwd* const entry = ::getpwuid(user);
  return entry != nullptr ? spot::printable(entry->pw_name) : std::to_string(user);
}

std::string mode_text(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

struct Ownership {
  int number = 0;  // errno, where it can't be looked at
  struct stat info {};
};

Ownership look_at(const fs::path& path) {
  Ownership out;
  if (::stat(path.c_str(), &out.info) != 0) out.number = errno;
  return out;
}

// What is wrong with who may get at it; nothing: all is well. A key may belong to root, too.
std::optional<Finding> check_private(const std::string& check, const fs::path& path, const struct stat& info,
                                     const Machine& machine, bool may_be_roots) {
  const std::string name = spot::printable(path.string());
  if (info.st_uid != machine.user && !(may_be_roots && info.st_uid == 0)) {
    return Finding::failure(
        check, name + " belongs to " + user_text(info.st_uid),
        "as root: chown -R " + user_text(machine.user) + " " + name + ", or run this as " + user_text(info.st_uid));
  }
  if ((info.st_mode & kOthers) == 0) return std::nullopt;
  const char* const right = S_ISDIR(info.st_mode) ? "700 " : "600 ";
  return Finding::failure(check, name + " is open to others (mode " + mode_text(info.st_mode) + ")",
                          std::string{"chmod "} + right + name);
}

// By the nearest directory above that is there.
Finding to_be_made(const std::string& check, const fs::path& path) {
  const std::string name = spot::printable(path.string());
  fs::path above = path;
  while (above.has_relative_path() && ::access(above.c_str(), F_OK) != 0 && errno == ENOENT)
    above = above.parent_path();
  if (::access(above.c_str(), W_OK | X_OK) == 0) return Finding::ok(check, name + " is made by the first mount");
  return Finding::failure(check, name + " can't be made: " + spot::printable(above.string()) + ": " + message_of(errno),
                          "give another, or run this as who mounts");
}

// Nothing where it is one, or is not there yet.
std::optional<Finding> check_database(const std::string& check, const fs::path& path, const char* advice) {
  constexpr std::string_view kMagic{"SQLite format 3", 16};
  std::array<char, kMagic.size()> start{};
  const spot::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return std::nullopt;
  const ssize_t size = ::read(file.get(), start.data(), start.size());
  if (size == 0 || std::string_view{start.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))} == kMagic)
    return std::nullopt;
  return Finding::failure(check, spot::printable(path.string()) + " is damaged: it is no database", advice);
}

// Sorted, and not too many.
std::vector<fs::path> entries_of(const fs::path& directory) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (fs::directory_iterator at{directory, ec}, end; !ec && at != end && out.size() < kMostLooked; at.increment(ec))
    out.push_back(at->path());
  std::ranges::sort(out);
  return out;
}

bool is_key_name(const std::string& name) { return name.starts_with("id_") && name.ends_with(".key"); }

Finding no_key(const std::string& name) {
  return Finding::warning("keys", "there is no key in " + name,
                          "copy yours there, or let the first mount make one, and keep a copy of it");
}

}  // namespace

std::vector<Finding> check_keys(const fs::path& identity, const Machine& machine) {
  const std::string name = spot::printable(identity.string());
  const Ownership directory = look_at(identity);
  if (directory.number == ENOENT) return {no_key(name)};
  if (directory.number != 0)
    return {Finding::failure("keys", name + ": " + message_of(directory.number), "run this as who mounts")};
  if (!S_ISDIR(directory.info.st_mode))
    return {Finding::failure("keys", name + " is no directory", "give the directory of the keys by --identity")};

  std::vector<Finding> out;
  if (auto wrong = check_private("keys", identity, directory.info, machine, true)) out.push_back(*std::move(wrong));
  for (const fs::path& path : entries_of(identity)) {
    if (!is_key_name(path.filename().string())) continue;
    const Ownership file = look_at(path);
    if (file.number != 0) continue;  // load_keys() says so below
    if (auto wrong = check_private("keys", path, file.info, machine, true)) out.push_back(*std::move(wrong));
  }
  if (!out.empty()) return out;

  const auto loaded = spot::load_keys(identity);
  if (!loaded && loaded.error().code == Errc::not_found) return {no_key(name)};
  if (!loaded && loaded.error().code == Errc::bad_key)
    return {Finding::failure("keys", spot::printable(loaded.error().text), kPutBack)};
  if (!loaded) return {Finding::failure("keys", name + ": " + loaded.error().code.message(), "run this as who mounts")};
  for (const std::string& warning : loaded->warnings)
    out.push_back(Finding::warning("keys", spot::printable(warning), kPutBack));
  const std::string self = "k." + spot::base64url(loaded->keychain.self().public_key().hash());
  out.push_back(Finding::ok("keys", name + " has those of " + self));
  return out;
}

Finding check_state(const fs::path& state, const Machine& machine) {
  const std::string name = spot::printable(state.string());
  struct stat link {};
  if (::lstat(state.c_str(), &link) == 0 && S_ISLNK(link.st_mode))
    return Finding::failure("state", name + " is a symbolic link", "give the directory itself by --state");
  const Ownership directory = look_at(state);
  if (directory.number == ENOENT) return to_be_made("state", state);
  if (directory.number != 0)
    return Finding::failure("state", name + ": " + message_of(directory.number), "run this as who mounts");
  if (!S_ISDIR(directory.info.st_mode))
    return Finding::failure("state", name + " is no directory", "move it away, or give another by --state");
  if (auto wrong = check_private("state", state, directory.info, machine, false)) return *std::move(wrong);
  // One for each identity; a mount refuses one that is someone else's.
  for (const fs::path& path : entries_of(state)) {
    const Ownership inside = look_at(path);
    if (inside.number != 0 || !S_ISDIR(inside.info.st_mode)) continue;
    if (auto wrong = check_private("state", path, inside.info, machine, false)) return *std::move(wrong);
    const char* const advice = "put a copy of its directory back, or move that away: then what was not stored is lost";
    if (auto wrong = check_database("state", path / "journal.db", advice)) return *std::move(wrong);
  }
  return Finding::ok("state", name + " is this user's alone");
}

Finding check_store(const fs::path& store, const Machine& machine) {
  const std::string name = spot::printable(store.string());
  const Ownership directory = look_at(store);
  if (directory.number == ENOENT) return to_be_made("store", store);
  if (directory.number != 0)
    return Finding::failure("store", name + ": " + message_of(directory.number), "run this as who mounts");
  if (!S_ISDIR(directory.info.st_mode))
    return Finding::failure("store", name + " is no directory", "give another after embedded:");
  if (auto wrong = check_database("store", store / "relay.db", "put a copy of it back")) return *std::move(wrong);
  if (auto wrong = check_private("store", store, directory.info, machine, false)) {
    // What is in it is sealed; who can write there can destroy it.
    if (directory.info.st_uid == machine.user && (directory.info.st_mode & 022) == 0)
      return Finding::ok("store", name + " can be written by this user alone");
    return *std::move(wrong);
  }
  return Finding::ok("store", name + " is this user's alone");
}

}  // namespace spotfs::ctl
