// conflicts: the files that were kept beside a winner, below a directory.
#include "client/base/encoding.hpp"
#include "fs/index/names.hpp"
#include "fs/index/walk.hpp"
#include "fs/tree/control/commands.hpp"

namespace spotfs::tree {
namespace {

constexpr std::string_view kFiles = "files";

// The path within files/ of one within the mount.
std::optional<std::string> path_in_files(const ControlOptions& control, std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  if (control.only_files) return std::string{path};
  if (path.empty() || path == ".") return std::string{};
  if (!path.starts_with(kFiles)) return std::nullopt;
  path.remove_prefix(kFiles.size());
  if (!path.empty() && path.front() != '/') return std::nullopt;
  return std::string{path};
}

}  // namespace

Outcome run_conflicts(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const std::shared_ptr<Index> index = (*disk)->index;
  const std::string shown = spot::printable(arguments[0]);
  const std::optional<std::string> path = path_in_files(*control, arguments[0]);
  if (!path) co_return spot::Failure{Errc::bad_argument, shown + ": only files/ has conflicts"};
  const Result<spotfs::Entry> top = co_await find_path(index, kRoot, *path);
  if (!top && spot::to_errno(top.error()) == ENOENT)
    co_return spot::Failure{Errc::not_found, shown + ": there is no such directory"};
  if (!top) co_return about(arguments[0], top.error());
  if (!top->inode->is_directory()) co_return spot::Failure{Errc::bad_argument, shown + " is not a directory"};

  std::string prefix = arguments[0];
  if (!control->only_files && path->empty()) prefix = kFiles;
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  Walk walk{index, top->id, prefix};
  spot::Answer<void> done;
  for (;;) {
    const Result<std::optional<Walked>> next = co_await walk.next();
    if (!next) co_return spot::Failure{next.error()};
    if (!*next) co_return done;
    const Walked& one = **next;
    if (one.unlisted) {
      done = about(one.path, one.unlisted);
      continue;
    }
    const std::optional<std::string_view> stem = conflict_stem(one.place.name);
    if (!stem) continue;
    json::object line{{"event", "conflict"}};
    put_text(line, "path", one.path);
    put_text(line, "of", one.path.substr(0, one.path.size() - one.place.name.size()) + std::string{*stem});
    line["size"] = one.inode->size();
    line["mtime"] = one.inode->mtime.seconds;
    const Result<void> said = co_await exchange->say(std::move(line));
    if (!said) co_return spot::Failure{said.error()};
  }
}

}  // namespace spotfs::tree
