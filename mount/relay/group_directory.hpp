// The directory of memberships that an operator gives to a relay: read when the relay begins, and again whenever a file
// in it has changed. What holds is stored in the database, which keeps the latest word about each member, and those who
// are online are asked to take it; what does not is logged once. What could not be stored is tried again.
//
// Thread: any. Lifetime: shared; runs until stop(), or until the directory is gone. Errors: one line for the operator.
#pragma once

#include <map>
#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "mount/relay/membership_files.hpp"
#include "mount/relay/services.hpp"

namespace spot::relay {

class GroupDirectory : public std::enable_shared_from_this<GroupDirectory> {
 public:
  // Begins to watch: what comes from here on is seen. Makes the directory where it is missing.
  static Answer<std::shared_ptr<GroupDirectory>> open(asio::any_io_executor executor,
                                                      std::shared_ptr<const Services> services);

  static void start(std::shared_ptr<GroupDirectory> self);
  static void stop(std::shared_ptr<GroupDirectory> self);

 private:
  // What tells one content of a file from the next.
  struct Print {
    std::uint64_t inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;  // nanoseconds
    bool operator==(const Print&) const = default;
  };

  GroupDirectory(const asio::any_io_executor& strand, std::shared_ptr<const Services> services, int watch);
  static asio::awaitable<void> run(std::shared_ptr<GroupDirectory> self);
  asio::awaitable<void> read_all();
  asio::awaitable<void> read_one(std::filesystem::path file);
  std::vector<std::filesystem::path> changed();
  void start_retry();
  asio::awaitable<bool> next_change();

  const std::shared_ptr<const Services> services_;
  const std::filesystem::path directory_;
  asio::posix::stream_descriptor watch_;  // inotify(7); closed: stopped
  asio::steady_timer retry_;
  std::map<std::string, Print> seen_;  // by the file's name
  bool is_incomplete_ = false;         // something could not be stored
};

}  // namespace spot::relay
