// spotfsctl COMMAND …: what is asked for.
//
// Thread: values.
#pragma once

#include <optional>
#include <string>

#include "mount/options.hpp"

namespace spotfs::ctl {

enum class What {
  flush,
  fsck,
  scrub,
  writers,
  retire,
  conflicts,
  blob_get,
  blob_put,
  blob_rm,
  blob_ls,
  status,
  top,
  list,
  log,
  umount,
  reconnect,
  forget,
  query,
  send,
  ping,
  time,
  card,
  group,
  listen,
  doctor,
  fstab,
};
enum class When { automatic, always, never };

struct Invocation {
  What what = What::flush;
  bool json = false;
  When progress = When::automatic;
  std::string place;  // the mount's directory, or any path in it; empty: to be found
  bool repair = false, accept_older = false;
  std::string writer;       // of retire
  std::string key;          // of blob and group; of blob ls the prefix
  std::string input = "-";  // of blob put: a file
  std::string address;      // of query, send, ping, card
  std::string body;         // of query and send; "-": standard input
  std::string endpoint;     // of ours: of listen, and whom an answer to send is for
  unsigned timeout = 0;     // seconds, of query and ping; 0: as usual
  std::string command;      // of listen: answers each message; empty: none does
  std::string level;        // of log: from now on
  bool follow = false;      // of log
  unsigned count = 0;       // of top: how often; of listen: how many messages; 0: without an end
  double interval = 1;      // of top, in seconds
  std::string options;      // of fstab: a list for -o, as it was given
  // Without a mount: the relays, and who we are. Of doctor the source may be empty; of fstab with a directory.
  std::optional<mount::Options> direct;
};

// Or the exit code, where all is said: --help, --version, wrong usage.
boost::system::result<Invocation, int> parse_arguments(int argc, char** argv);

}  // namespace spotfs::ctl
