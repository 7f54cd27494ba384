// The directory of an endpoint in a mount's listen/, which several listeners may serve side by side: the first one
// makes it, and the last one that ends takes it away. One that somebody else has made stays.
//
// Listeners hold a shared lock of the directory, and begin and end one at a time, by a lock of listen/.
//
// Thread: one; blocks. Errors: with one line for the user.
#pragma once

#include <string>

#include "client/base/descriptor.hpp"
#include "client/base/failure.hpp"

namespace spotfs::ctl {

class SharedEndpoint {
 public:
  static spot::Answer<SharedEndpoint> open(const std::string& mount, const std::string& name);
  SharedEndpoint(SharedEndpoint&&) noexcept = default;
  SharedEndpoint& operator=(SharedEndpoint&&) = delete;
  ~SharedEndpoint();

  const std::string& path() const noexcept { return path_; }

 private:
  explicit SharedEndpoint(std::string path) : path_{std::move(path)} {}

  std::string path_;
  spot::Descriptor all_;   // listen/
  spot::Descriptor mine_;  // none: it is nobody's of us
};

}  // namespace spotfs::ctl
