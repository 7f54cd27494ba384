// spotfsctl COMMAND …: what is asked for.
//
// Thread: values.
#pragma once

#include <optional>
#include <string>

#include "mount/options.hpp"

namespace spotfs::ctl {

enum class What { flush, fsck, scrub, writers, retire, conflicts, blob_get, blob_put, blob_rm, blob_ls };
enum class When { automatic, always, never };

struct Invocation {
  What what = What::flush;
  bool json = false;
  When progress = When::automatic;
  std::string place;  // the mount's directory, or any path in it; empty: to be found
  bool repair = false, accept_older = false;
  std::string writer;       // of retire
  std::string key;          // of blob; of ls the prefix
  std::string input = "-";  // of blob put: a file
  // Without a mount: the relays, and who we are.
  std::optional<mount::Options> direct;
};

// Or the exit code, where all is said: --help, --version, wrong usage.
boost::system::result<Invocation, int> parse_arguments(int argc, char** argv);

}  // namespace spotfs::ctl
