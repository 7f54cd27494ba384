#include "fs/tree/disk/disk.hpp"

#include <cerrno>

#include "client/base/encoding.hpp"

namespace spotfs::tree {

std::error_code DiskTree::of_content(const spot::Failure& failure) const {
  const bool is_missing = failure.code == Errc::not_found;
  if (!is_missing && spot::to_errno(failure.code) != EBADMSG) return failure.code;
  const std::string text =
      spot::printable(failure.text) + ": " + (is_missing ? "the relay no longer has it" : failure.code.message());
  const bool is_news = last_told_.with([&](std::string& last) { return std::exchange(last, text) != text; });
  if (is_news && disk.log) disk.log(text);
  return is_missing ? make_error_code(Errc::remote_error) : failure.code;
}

}  // namespace spotfs::tree
