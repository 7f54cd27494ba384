// A bar on standard error, on one line that is written over. Only plain characters, so that any terminal shows it.
//
// Thread: one. Lifetime: what is shown goes with it.
#pragma once

#include <cstdint>
#include <string>

#include "mount/ctl/arguments.hpp"

namespace spotfs::ctl {

class Progress {
 public:
  explicit Progress(When when);
  ~Progress() { hide(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::uint64_t done, std::uint64_t all, const std::string& text);
  void hide();  // before anything else is written

 private:
  const bool shows_;
  std::size_t width_ = 0;  // of what is there
};

// [#####.....]  50 %  TEXT, at most `columns` wide.
std::string bar(std::uint64_t done, std::uint64_t all, const std::string& text, std::size_t columns);

}  // namespace spotfs::ctl
