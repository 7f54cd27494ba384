#include "mount/option_setters.hpp"

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "mount/relay/listener.hpp"

namespace spotfs::mount {

using spot::Answer;
using spot::Errc;
using spot::Failure;

namespace {

template <class T>
Answer<T> choose(const std::string& value, std::initializer_list<std::pair<std::string_view, T>> choices) {
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (name == value) return choice;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  return wrong("\"" + spot::printable(value) + "\" is none of " + names);
}

}  // namespace

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

Answer<std::filesystem::path> absolute_path(const std::string& value) {
  std::error_code ec;
  auto path = std::filesystem::absolute(value, ec).lexically_normal();
  if (ec) return wrong(ec.message());
  return path.has_filename() ? path : path.parent_path();
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

}  // namespace spotfs::mount
