#include "fs/fuse/serve.hpp"

namespace spotfs::fuse {

namespace {

struct stat shown(const Core& core, const Attributes& attributes) noexcept {
  struct stat out = to_stat(attributes);
  if (!S_ISLNK(out.st_mode)) out.st_mode &= ~(S_ISDIR(out.st_mode) ? core.directory_mask : core.file_mask);
  return out;
}

}  // namespace

fuse_entry_param remember(Core& core, const Entry& entry) {
  fuse_entry_param told{};
  told.ino = core.inodes.remember(entry.node);
  told.generation = core.inodes.generation();
  told.attr = shown(core, entry.attributes);
  told.attr_timeout = to_seconds(entry.attributes.timeout);
  told.entry_timeout = to_seconds(entry.timeout);
  return told;
}

void Tell::operator()(Call& call, const Attributes& attributes) const {
  call.request().attributes(shown(call.core(), attributes), to_seconds(attributes.timeout));
}

void Tell::operator()(Call& call, const Entry& entry) const {
  if (!entry.node) return call.fail(EIO);
  const fuse_entry_param told = remember(call.core(), entry);
  if (!call.request().entry(told)) call.core().inodes.forget(told.ino, 1);
}

void Tell::operator()(Call& call, const std::string& target) const { call.request().link_target(target); }

void Tell::operator()(Call& call, const Space& space) const { call.request().space(to_statvfs(space)); }

}  // namespace spotfs::fuse
