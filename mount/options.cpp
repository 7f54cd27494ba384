#include "mount/options.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include "client/base/encoding.hpp"
#include "mount/option_setters.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Failure;

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
struct Refused {
  const char* why;
};
struct Ignored {};  // by us: mount(8) and the kernel have dealt with it, or need not
struct Kernel {};   // a flag that goes on to the kernel
struct Opposite {   // of such a flag: takes it back
  std::string_view of;
};
struct Label {};  // of SELinux, with its value: goes on to the kernel

using Kind = std::variant<Flag, Duration, Count, Size, Path, Special, Refused, Ignored, Kernel, Opposite, Label>;
struct Row {
  std::string_view name;
  Kind kind;
};

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
    Row{"nosymfollow", Kernel{}},
    Row{"sync", Kernel{}},
    Row{"dirsync", Kernel{}},
    Row{"exec", Opposite{"noexec"}},
    Row{"atime", Opposite{"noatime"}},
    Row{"diratime", Opposite{"nodiratime"}},
    Row{"norelatime", Opposite{"relatime"}},
    Row{"nostrictatime", Opposite{"strictatime"}},
    Row{"async", Opposite{"sync"}},
    Row{"context", Label{}},
    Row{"fscontext", Label{}},
    Row{"defcontext", Label{}},
    Row{"rootcontext", Label{}},

    Row{"allow_root", Refused{"use allow_other, which lets root in, too"}},

    Row{"_netdev", Ignored{}},
    Row{"_rnetdev", Ignored{}},
    Row{"auto", Ignored{}},
    Row{"auto_unmount", Ignored{}},
    Row{"comment", Ignored{}},
    Row{"defaults", Ignored{}},
    Row{"dev", Ignored{}},
    Row{"fsname", Ignored{}},
    Row{"group", Ignored{}},
    Row{"group_id", Ignored{}},
    Row{"iversion", Ignored{}},
    Row{"kernel_cache", Ignored{}},
    Row{"lazytime", Ignored{}},
    Row{"loud", Ignored{}},
    Row{"mand", Ignored{}},
    Row{"max_read", Ignored{}},
    Row{"noauto", Ignored{}},
    Row{"nonempty", Ignored{}},
    Row{"nofail", Ignored{}},
    Row{"nogroup", Ignored{}},
    Row{"noiversion", Ignored{}},
    Row{"nolazytime", Ignored{}},
    Row{"nomand", Ignored{}},
    Row{"noowner", Ignored{}},
    Row{"nouser", Ignored{}},
    Row{"nousers", Ignored{}},
    Row{"owner", Ignored{}},
    Row{"silent", Ignored{}},
    Row{"subtype", Ignored{}},
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
  Answer<void> operator()(const Refused& refused) const { return wrong(refused.why); }
  Answer<void> operator()(const Ignored&) const { return {}; }
  Answer<void> operator()(const Kernel&) const {
    if (word_.value) return wrong("takes no value");
    options_.kernel_options.push_back(word_.text);
    return {};
  }
  Answer<void> operator()(const Opposite& opposite) const {
    std::erase(options_.kernel_options, opposite.of);
    return {};
  }
  Answer<void> operator()(const Label&) const {
    if (!has_value()) return missing("a label");
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

}  // namespace

bool is_for_others(std::string_view name) {
  const Row* const row = find_row(name);
  return is_comment(name) || (row != nullptr && (std::holds_alternative<Ignored>(row->kind) ||
                                                 std::holds_alternative<Opposite>(row->kind)));
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
