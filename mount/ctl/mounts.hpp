// The spotfs mounts of this machine, and in which of them a path is.
//
// Thread: any. Errors: bad_argument or not_found, with one line for the user. Source: proc(5), mountinfo.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "client/base/failure.hpp"

namespace spotfs::ctl {

struct Mount {
  std::string directory;
  bool is_spotfs = false;
  dev_t device = 0;  // the same for all places of one mount
  uid_t user = 0;    // who mounted it, where it is of FUSE
};

// In the order in which they were mounted.
std::vector<Mount> parse_mounts(std::string_view mountinfo);
// At present.
std::vector<Mount> list_mounts();

struct Place {
  std::string directory;  // of the mount
  std::string path;       // within it; empty: the directory itself
};

// The mount has ended: it answers so what waits, or the kernel does where it was gone before that.
bool is_end_of_mount(const spot::Failure& why);
// ETIMEDOUT: it is stopped, or stuck.
spot::Failure does_not_answer(const std::string& mount);

// `path`: any, or empty: the current directory, or the only mount there is.
spot::Answer<Place> find_place(const std::string& path);
// The same for an absolute path without links.
spot::Answer<Place> find_place(const std::vector<Mount>& mounts, const std::string& path);

}  // namespace spotfs::ctl
