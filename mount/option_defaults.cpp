#include <algorithm>
#include <thread>

#include <pwd.h>

#include "mount/option_setters.hpp"

namespace spotfs::mount {

using spot::Answer;

namespace {

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

// The first option that is for root alone; empty: there is none.
std::string roots_option(const Options& options) {
  if (options.allow_suid) return "allow_suid";
  if (options.allow_dev) return "allow_dev";
  // The kernel's labels are those with a value.
  for (const std::string& option : options.kernel_options) {
    if (const auto equals = option.find('='); equals != option.npos) return option.substr(0, equals);
  }
  return {};
}

}  // namespace

void add_implied(Options& options) {
  if (options.allow_other || options.file_mask != 0 || options.directory_mask != 0) options.default_permissions = true;
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
  if (const std::string name = roots_option(options); user != 0 && !name.empty())
    return spot::Failure{spot::Errc::refused, "option " + name + ": only root may; leave it out"};
  add_implied(options);
  if (options.threads == 0) options.threads = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
  return {};
}

}  // namespace spotfs::mount
