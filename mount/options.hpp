// What a mount is told: SOURCE DIR and the options (filesystem.md, "Mounting").
//
// Thread: values. Errors: bad_argument (refused: only root may), with one line for the user.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "client/client.hpp"
#include "fs/index/digest.hpp"
#include "fs/store/disk_cache.hpp"
#include "fs/tree/blobs/blobs.hpp"
#include "mount/option_text.hpp"
#include "mount/source.hpp"

namespace spotfs::mount {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

struct Options {
  Source source;
  std::string directory;  // as it was given
  bool foreground = false;

  std::filesystem::path identity;  // key directory
  std::filesystem::path state;     // of all state directories
  std::filesystem::path ca;        // PEM; empty: the system's roots
  // Of sealed copies; an empty path: none. Nothing said: complete() decides, and then a cache is no condition.
  std::optional<std::filesystem::path> cache;
  bool must_cache = false;
  std::uint64_t cache_size = std::uint64_t{1} << 30;  // bytes
  DiskCache::Offline offline = DiskCache::Offline::stale;
  bool writeback = false;  // what is written is kept on this machine first; at most cache_size of it
  std::uint64_t memory = std::uint64_t{64} << 20;  // bytes of plaintext chunks and indexes
  std::string listen;  // address and port of an embedded relay; empty: reached in process alone
  std::vector<spot::Sha256> allow;
  std::vector<spot::Bytes> groups;  // PKIX keys
  std::optional<gid_t> peers;
  bool require_binding = false;
  bool conflicts_last = false;
  bool accept_store = false;
  std::optional<Digest> expect;  // what the store must show at least
  tree::PlainValues plain = tree::PlainValues::any;

  milliseconds timeout = 30s;
  milliseconds query_timeout = 30s;
  milliseconds listen_timeout = 60s;
  milliseconds mount_timeout = 15s;
  milliseconds offline_grace = 3s;
  milliseconds keepalive = 15s;
  milliseconds commit = 1s;
  milliseconds refresh = 1s;
  milliseconds drain = 60s;
  milliseconds scrub = 7 * 24h;  // 0: never
  bool delay_connect = false;
  unsigned threads = 0;  // 0: the number of cores, at most 4
  spot::LogLevel log = spot::LogLevel::info;

  bool only_files = false;   // files/ is the root
  std::optional<uid_t> uid;  // of what has no owner of its own; none: who mounts
  std::optional<gid_t> gid;
  mode_t file_mask = 0, directory_mask = 0;  // bits that no mode shows
  std::uint64_t size = 0;                    // bytes that statfs shows as the whole; 0: what the store says
  bool read_only = false;
  bool allow_other = false;
  bool default_permissions = false;  // complete() sets it where other options bring it
  bool allow_suid = false;
  bool allow_dev = false;
  std::vector<std::string> kernel_options;  // noatime, context=… as they were given

  bool remount = false;

  bool operator==(const Options&) const = default;
};

// Takes one list of options, as it stands behind -o; later ones win. `sloppy`: what it does not know is passed over.
spot::Answer<void> apply_options(Options& options, std::string_view list, bool sloppy = false);

// Whether mount(8) or the kernel alone deal with an option of this name.
bool is_for_others(std::string_view name);
// Whether a mount that has `running`, as complete() leaves it, would be another one with this option. What is not known
// changes nothing.
spot::Answer<bool> is_change(const Options& running, const OptionWord& word);

// What a client needs of them: whose it is, its relays, and how long it waits.
spot::ClientOptions client_options(const Options& options, std::shared_ptr<const spot::Keychain> keys);

// The kernel checks the modes that it is shown; we, those that are stored.
void add_implied(Options& options);

// Fills in what depends on the user (never on the environment), and refuses what does not go together.
spot::Answer<void> complete(Options& options, uid_t user);

}  // namespace spotfs::mount
