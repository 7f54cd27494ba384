#include "mount/options.hpp"

#include <algorithm>
#include <array>
#include <thread>
#include <variant>

#include <pwd.h>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "mount/relay/listener.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

// --- Kinds of options ------------------------------------------------------------------------------------------------
// Their errors go behind "option NAME: ".

struct Flag {
  bool Options::*field;
  bool value = true;
};
struct Duration {
  milliseconds Options::*field;
  milliseconds least, most;
};
struct Count {
  unsigned Options::*field;
  unsigned least, most;
};
struct Size {
  std::uint64_t Options::*field;
  std::uint64_t least, most;
};
struct Path {
  std::filesystem::path Options::*field;
};
struct Special {
  Answer<void> (*set)(Options& options, const std::string& value);
};
struct Ignored {};  // by us: mount(8) and the kernel have dealt with it, or need not
struct Kernel {};   // goes on to the kernel

using Kind = std::variant<Flag, Duration, Count, Size, Path, Special, Ignored, Kernel>;
struct Row {
  std::string_view name;
  Kind kind;
};

template <class T>
Answer<T> choose(const std::string& value, std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return wrong("\"" + spot::printable(value) + "\" is none of " + names);
}

template <class T, class V>
Answer<void> store(T& field, Answer<V> value) {
  if (!value) return value.error();
  field = *std::move(value);
  return {};
}

Answer<std::filesystem::path> absolute_path(const std::string& value) {
  std::error_code ec;
  auto path = std::filesystem::absolute(value, ec).lexically_normal();
  if (ec) return wrong(ec.message());
  return path;
}

Answer<void> set_listen(Options& options, const std::string& value) {
  const auto split = spot::relay::split_host_port(value);
  if (!split) return wrong("\"" + spot::printable(value) + "\" is not ADDRESS:PORT, such as 127.0.0.1:8443");
  options.listen = value;
  return {};
}

Answer<void> set_allow(Options& options, const std::string& value) {
  const auto names = split_list(value, ':');
  if (!names) return names.error();
  options.allow.clear();
  for (const std::string& name : *names) {
    const auto address = spot::Address::parse(name);
    if (!address || address->kind != spot::AddressKind::identity || !address->endpoint.empty()) {
      return wrong("\"" + spot::printable(name) +
                   "\" is not the address of an identity: give k.HASH[:k.HASH…], as in its self/id");
    }
    options.allow.push_back(address->hash);
  }
  return {};
}

Answer<void> set_groups(Options& options, const std::string& value) {
  const auto names = split_list(value, ':');
  if (!names) return names.error();
  options.groups.clear();
  for (const std::string& name : *names) {
    auto key = spot::from_base64url(name);
    if (!key || !spot::PublicKey::parse(*key)) {
      return wrong("\"" + spot::printable(name) + "\" is not a group's public key (PKIX, in base64url)");
    }
    options.groups.push_back(*std::move(key));
  }
  return {};
}

Answer<void> set_expect(Options& options, const std::string& value) {
  const auto digest = parse_digest(value);
  if (!digest) return wrong("\"" + spot::printable(value) + "\" is not a whole digest, as spotfsctl status prints it");
  options.expect = *digest;
  return {};
}

Answer<void> set_peers(Options& options, const std::string& value) { return store(options.peers, parse_group(value)); }
Answer<void> set_uid(Options& options, const std::string& value) { return store(options.uid, parse_user(value)); }
Answer<void> set_gid(Options& options, const std::string& value) { return store(options.gid, parse_group(value)); }
Answer<void> set_fmask(Options& options, const std::string& value) {
  return store(options.file_mask, parse_mask(value));
}
Answer<void> set_dmask(Options& options, const std::string& value) {
  return store(options.directory_mask, parse_mask(value));
}
Answer<void> set_umask(Options& options, const std::string& value) {
  if (const Answer<void> set = set_fmask(options, value); !set) return set;
  return set_dmask(options, value);
}

Answer<void> set_bind(Options& options, const std::string& value) {
  return store(options.require_binding, choose<bool>(value, {{"any", false}, {"require", true}}));
}
Answer<void> set_conflicts(Options& options, const std::string& value) {
  return store(options.conflicts_last, choose<bool>(value, {{"keep", false}, {"last", true}}));
}
Answer<void> set_plain(Options& options, const std::string& value) {
  using tree::PlainValues;
  return store(options.plain,
               choose<PlainValues>(
                   value, {{"any", PlainValues::any}, {"new", PlainValues::new_names}, {"none", PlainValues::none}}));
}
Answer<void> set_offline(Options& options, const std::string& value) {
  using Offline = DiskCache::Offline;
  return store(options.offline, choose<Offline>(value, {{"stale", Offline::stale}, {"fail", Offline::fail}}));
}
Answer<void> set_cache(Options& options, const std::string& value) {
  options.must_cache = value != "none";
  if (!options.must_cache) return store(options.cache, Answer<std::filesystem::path>{std::filesystem::path{}});
  return store(options.cache, absolute_path(value));
}
Answer<void> set_subtree(Options& options, const std::string& value) {
  return store(options.only_files, choose<bool>(value, {{"files", true}}));
}
Answer<void> set_log(Options& options, const std::string& value) {
  using spot::LogLevel;
  return store(options.log, choose<LogLevel>(value, {{"debug", LogLevel::debug},
                                                     {"info", LogLevel::info},
                                                     {"warning", LogLevel::warning},
                                                     {"error", LogLevel::error}}));
}

// --- The table -------------------------------------------------------------------------------------------------------

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

const std::array table{
    Row{"identity", Path{&Options::identity}},
    Row{"state", Path{&Options::state}},
    Row{"ca", Path{&Options::ca}},
    Row{"listen", Special{set_listen}},
    Row{"allow", Special{set_allow}},
    Row{"groups", Special{set_groups}},
    Row{"peers", Special{set_peers}},
    Row{"bind", Special{set_bind}},
    Row{"conflicts", Special{set_conflicts}},
    Row{"plain", Special{set_plain}},
    Row{"cache", Special{set_cache}},
    Row{"cache_size", Size{&Options::cache_size, kMiB * 16, kMiB << 30}},
    Row{"memory", Size{&Options::memory, kMiB * 8, kMiB << 16}},
    Row{"offline", Special{set_offline}},
    Row{"log", Special{set_log}},
    Row{"subtree", Special{set_subtree}},
    Row{"writeback", Flag{&Options::writeback}},
    Row{"accept_store", Flag{&Options::accept_store}},
    Row{"expect", Special{set_expect}},
    Row{"delay_connect", Flag{&Options::delay_connect}},
    Row{"timeout", Duration{&Options::timeout, 1s, 1h}},
    Row{"query_timeout", Duration{&Options::query_timeout, 1s, 1h}},
    Row{"listen_timeout", Duration{&Options::listen_timeout, 1s, 1h}},
    Row{"mount_timeout", Duration{&Options::mount_timeout, 1s, 1h}},
    Row{"offline_grace", Duration{&Options::offline_grace, 0s, 1h}},
    Row{"keepalive", Duration{&Options::keepalive, 1s, 1h}},
    Row{"commit", Duration{&Options::commit, 10ms, 1h}},
    Row{"refresh", Duration{&Options::refresh, 10ms, 1h}},
    Row{"drain", Duration{&Options::drain, 0s, 24h}},
    Row{"scrub", Duration{&Options::scrub, 0s, 366 * 24h}},
    Row{"threads", Count{&Options::threads, 1, 64}},

    Row{"uid", Special{set_uid}},
    Row{"gid", Special{set_gid}},
    Row{"umask", Special{set_umask}},
    Row{"fmask", Special{set_fmask}},
    Row{"dmask", Special{set_dmask}},
    Row{"size", Size{&Options::size, kMiB, 1'024 * kMiB* kMiB}},

    Row{"remount", Flag{&Options::remount}},
    Row{"ro", Flag{&Options::read_only}},
    Row{"rw", Flag{&Options::read_only, false}},
    Row{"allow_other", Flag{&Options::allow_other}},
    Row{"default_permissions", Flag{&Options::default_permissions}},
    Row{"allow_suid", Flag{&Options::allow_suid}},
    Row{"allow_dev", Flag{&Options::allow_dev}},
    Row{"nosuid", Flag{&Options::allow_suid, false}},
    Row{"nodev", Flag{&Options::allow_dev, false}},

    Row{"noexec", Kernel{}},
    Row{"noatime", Kernel{}},
    Row{"nodiratime", Kernel{}},
    Row{"relatime", Kernel{}},
    Row{"strictatime", Kernel{}},
    Row{"sync", Kernel{}},
    Row{"dirsync", Kernel{}},
    Row{"context", Kernel{}},
    Row{"fscontext", Kernel{}},
    Row{"defcontext", Kernel{}},
    Row{"rootcontext", Kernel{}},

    Row{"_netdev", Ignored{}},
    Row{"_rnetdev", Ignored{}},
    Row{"async", Ignored{}},
    Row{"atime", Ignored{}},
    Row{"auto", Ignored{}},
    Row{"comment", Ignored{}},
    Row{"defaults", Ignored{}},
    Row{"dev", Ignored{}},
    Row{"diratime", Ignored{}},
    Row{"exec", Ignored{}},
    Row{"group", Ignored{}},
    Row{"group_id", Ignored{}},
    Row{"iversion", Ignored{}},
    Row{"lazytime", Ignored{}},
    Row{"loud", Ignored{}},
    Row{"mand", Ignored{}},
    Row{"noauto", Ignored{}},
    Row{"nofail", Ignored{}},
    Row{"nogroup", Ignored{}},
    Row{"noiversion", Ignored{}},
    Row{"nolazytime", Ignored{}},
    Row{"nomand", Ignored{}},
    Row{"noowner", Ignored{}},
    Row{"norelatime", Ignored{}},
    Row{"nostrictatime", Ignored{}},
    Row{"nouser", Ignored{}},
    Row{"nousers", Ignored{}},
    Row{"owner", Ignored{}},
    Row{"silent", Ignored{}},
    Row{"suid", Ignored{}},
    Row{"uhelper", Ignored{}},
    Row{"user", Ignored{}},
    Row{"user_id", Ignored{}},
    Row{"users", Ignored{}},
};

// --- Applying it -----------------------------------------------------------------------------------------------------

class Apply {
 public:
  Apply(Options& options, const OptionWord& word) : options_{options}, word_{word} {}

  Answer<void> operator()(const Flag& flag) const {
    if (word_.value) return wrong("takes no value");
    options_.*flag.field = flag.value;
    return {};
  }
  Answer<void> operator()(const Duration& duration) const {
    if (!has_value()) return missing("a time");
    return store(options_.*duration.field, parse_duration(*word_.value, duration.least, duration.most));
  }
  Answer<void> operator()(const Count& count) const {
    if (!has_value()) return missing("a number");
    return store(options_.*count.field, parse_count(*word_.value, count.least, count.most));
  }
  Answer<void> operator()(const Size& size) const {
    if (!has_value()) return missing("a size");
    return store(options_.*size.field, parse_size(*word_.value, size.least, size.most));
  }
  Answer<void> operator()(const Path& path) const {
    if (!has_value()) return missing("a path");
    return store(options_.*path.field, absolute_path(*word_.value));
  }
  Answer<void> operator()(const Special& special) const {
    if (!has_value()) return missing("a value");
    return special.set(options_, *word_.value);
  }
  Answer<void> operator()(const Ignored&) const { return {}; }
  Answer<void> operator()(const Kernel&) const {
    options_.kernel_options.push_back(word_.text);
    return {};
  }

 private:
  bool has_value() const { return word_.value && !word_.value->empty(); }
  Failure missing(const std::string& what) const { return wrong("give " + what + ": " + word_.name + "=…"); }

  Options& options_;
  const OptionWord& word_;
};

bool is_comment(std::string_view name) { return name.starts_with("x-") || name.starts_with("X-"); }

const Row* find_row(std::string_view name) {
  const auto* const row = std::ranges::find(table, name, &Row::name);
  return row == table.end() ? nullptr : row;
}

Answer<void> apply_option(Options& options, const OptionWord& word, bool sloppy = false) {
  const std::string shown = "option " + spot::printable(word.name) + ": ";
  if (is_comment(word.name)) return {};
  const Row* const row = find_row(word.name);
  if (row == nullptr && sloppy) return {};
  if (row == nullptr) return wrong(shown + "unknown; spotfs --help lists what there is");
  const Answer<void> applied = std::visit(Apply{options, word}, row->kind);
  if (!applied) return wrong(shown + applied.error().text);
  return {};
}

// The kernel checks the modes that it is shown; we, those that are stored.
void add_implied(Options& options) {
  if (options.allow_other || options.file_mask != 0 || options.directory_mask != 0) options.default_permissions = true;
}

Answer<std::filesystem::path> home_of(uid_t user) {
  const passwd* const entry = ::getpwuid(user);
  if (entry != nullptr && entry->pw_dir != nullptr && entry->pw_dir[0] == '/')
    return std::filesystem::path{entry->pw_dir};
  return wrong("user " + std::to_string(user) + " has no home directory: give -o identity=DIR,state=DIR");
}

// Where nothing was said: one for all sources but for a relay in this program, whose store is on a disk of this
// machine.
void set_cache_directory(Options& options, uid_t user) {
  if (options.cache) return;
  options.cache.emplace();
  if (options.source.kind == Source::Kind::embedded) return;
  if (user == 0)
    options.cache = "/var/cache/spotfs";
  else if (const auto home = home_of(user))
    options.cache = *home / ".cache/spotfs";
}

Answer<void> set_directories(Options& options, uid_t user) {
  if (user == 0) {
    if (options.identity.empty()) options.identity = "/etc/spotfs/identity";
    if (options.state.empty()) options.state = "/var/lib/spotfs/state";
  }
  if (!options.identity.empty() && !options.state.empty()) return {};
  const auto home = home_of(user);
  if (!home) return home.error();
  if (options.identity.empty()) options.identity = *home / ".config/spot";
  if (options.state.empty()) options.state = *home / ".local/state/spotfs";
  return {};
}

}  // namespace

bool is_for_others(std::string_view name) {
  const Row* const row = find_row(name);
  return is_comment(name) || (row != nullptr && std::holds_alternative<Ignored>(row->kind));
}

Answer<bool> is_change(const Options& running, const OptionWord& word) {
  if (is_for_others(word.name) || find_row(word.name) == nullptr) return false;
  Options after = running;
  after.kernel_options.clear();
  if (const Answer<void> applied = apply_option(after, word); !applied) return applied.error();
  after.remount = running.remount;
  add_implied(after);
  // Each of these stands for itself.
  for (const std::string& option : after.kernel_options) {
    if (std::ranges::find(running.kernel_options, option) == running.kernel_options.end()) return true;
  }
  after.kernel_options = running.kernel_options;
  return after != running;
}

Answer<void> apply_options(Options& options, std::string_view list, bool sloppy) {
  const auto words = split_options(list);
  if (!words) return wrong("option " + words.error().text);
  for (const OptionWord& word : *words) {
    if (const Answer<void> applied = apply_option(options, word, sloppy); !applied) return applied;
  }
  return {};
}

Answer<void> complete(Options& options, uid_t user) {
  if (const Answer<void> set = set_directories(options, user); !set) return set;
  set_cache_directory(options, user);
  const bool embedded = options.source.kind == Source::Kind::embedded;
  if (!embedded && !options.listen.empty()) return wrong("option listen: only with a source embedded:DIR");
  if (!options.allow.empty() && options.listen.empty()) return wrong("option allow: only together with listen");
  if (embedded && !options.ca.empty()) return wrong("option ca: an embedded: source needs none, leave it out");
  if (embedded && options.writeback)
    return wrong("option writeback: an embedded: source is on this machine already, leave it out");
  if (options.only_files && options.delay_connect)
    return wrong(
        "options subtree and delay_connect: the disk alone has nothing to show without a connection; leave one out");
  if (user != 0 && (options.allow_suid || options.allow_dev)) {
    return Failure{Errc::refused, std::string{"option "} + (options.allow_suid ? "allow_suid" : "allow_dev") +
                                      ": only root may; leave it out"};
  }
  add_implied(options);
  if (options.threads == 0) options.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  return {};
}

spot::ClientOptions client_options(const Options& options, std::shared_ptr<const spot::Keychain> keys) {
  spot::ClientOptions out;
  out.keys = std::move(keys);
  out.hosts = options.source.hosts;
  out.ca_file = options.ca;
  out.query_timeout = options.timeout;
  out.keepalive = options.keepalive;
  out.offline_grace = options.offline_grace;
  return out;
}

}  // namespace spotfs::mount
