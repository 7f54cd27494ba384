// The options whose values are no plain flag, number, size, time or path: each takes its value, which is not empty.
//
// Thread: values. Errors: bad_argument, with a text that goes behind "option NAME: ".
#pragma once

#include "mount/options.hpp"

namespace spotfs::mount {

spot::Failure wrong(std::string text);  // bad_argument
spot::Answer<std::filesystem::path> absolute_path(const std::string& value);

template <class T, class V>
spot::Answer<void> store(T& field, spot::Answer<V> value) {
  if (!value) return value.error();
  field = *std::move(value);
  return {};
}

spot::Answer<void> set_listen(Options& options, const std::string& value);
spot::Answer<void> set_allow(Options& options, const std::string& value);
spot::Answer<void> set_groups(Options& options, const std::string& value);
spot::Answer<void> set_expect(Options& options, const std::string& value);
spot::Answer<void> set_peers(Options& options, const std::string& value);
spot::Answer<void> set_uid(Options& options, const std::string& value);
spot::Answer<void> set_gid(Options& options, const std::string& value);
spot::Answer<void> set_fmask(Options& options, const std::string& value);
spot::Answer<void> set_dmask(Options& options, const std::string& value);
spot::Answer<void> set_umask(Options& options, const std::string& value);
spot::Answer<void> set_bind(Options& options, const std::string& value);
spot::Answer<void> set_conflicts(Options& options, const std::string& value);
spot::Answer<void> set_plain(Options& options, const std::string& value);
spot::Answer<void> set_offline(Options& options, const std::string& value);
spot::Answer<void> set_cache(Options& options, const std::string& value);
spot::Answer<void> set_subtree(Options& options, const std::string& value);
spot::Answer<void> set_log(Options& options, const std::string& value);

}  // namespace spotfs::mount
