// A command to a mount, by its `.spotfs/ctl`.
//
// Thread: one; calls block, and a signal ends the program, by which the mount ends the command. Errors: with one line
// for the user where the mount can't be asked; what the command says is in its lines.
#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "client/base/failure.hpp"

namespace spotfs::ctl {

class Channel {
 public:
  // has_source: the command goes without a mount, too, and says so where this one is read-only.
  static spot::Answer<Channel> open(const std::string& mount, bool has_source = false);
  Channel(Channel&& other) noexcept;
  Channel& operator=(Channel&&) = delete;
  ~Channel();

  // `line`: a command with its arguments, quoted.
  spot::Answer<void> send(const std::string& line);
  spot::Answer<void> send_input(std::string_view bytes);
  // Each line until the end; the last one has `done` or `error`. False from `line` ends it.
  spot::Answer<void> receive(const std::function<bool(const boost::json::object& line)>& line);

 private:
  Channel(int descriptor, std::string mount) : descriptor_{descriptor}, mount_{std::move(mount)} {}
  spot::Answer<void> write(std::string_view bytes);
  spot::Failure failure(int number) const;

  int descriptor_;
  std::string mount_;
};

}  // namespace spotfs::ctl
