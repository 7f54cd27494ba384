// What is done to the names of a directory.
#include <cstdio>
#include <string>

#include "fs/fuse/serve.hpp"

namespace spotfs::fuse {
namespace {

// A lookup may also find that the name is not there, for a time that the kernel may rely on.
struct TellLookup {
  void operator()(Call& call, const Entry& entry) const {
    if (entry.node) return Tell{}(call, entry);
    if (entry.timeout.count() <= 0) return call.fail(ENOENT);
    fuse_entry_param missing{};
    missing.entry_timeout = to_seconds(entry.timeout);
    call.request().entry(missing);
  }
};

}  // namespace

void Names::lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  on_node(
      request, Op::lookup, parent, [&](Node& node, const Caller& caller) { return node.lookup(caller, name); },
      TellLookup{});
}

void Names::forget(fuse_req_t raw, fuse_ino_t id, std::uint64_t count) {
  fuse_forget_data one{id, count};
  forget_multi(raw, 1, &one);
}

void Names::forget_multi(fuse_req_t raw, std::size_t count, fuse_forget_data* forgets) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(raw));
  const Op op = count == 1 ? Op::forget : Op::forget_multi;
  Request request{raw, core.counters.at(static_cast<std::size_t>(op))};
  for (std::size_t i = 0; i < count; ++i) core.inodes.forget(forgets[i].ino, forgets[i].nlookup);
  request.none();
}

void Names::mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  on_node(request, Op::mknod, parent,
          [&](Node& node, const Caller& caller) { return node.make_node(caller, name, mode, device); });
}

void Names::mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  on_node(request, Op::mkdir, parent,
          [&](Node& node, const Caller& caller) { return node.make_directory(caller, name, mode & 07777); });
}

void Names::symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  on_node(request, Op::symlink, parent,
          [&](Node& node, const Caller& caller) { return node.make_symlink(caller, name, target); });
}

void Names::link(fuse_req_t request, fuse_ino_t id, fuse_ino_t new_parent, const char* name) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(request));
  NodePtr node = core.inodes.find(id);
  on_node(request, Op::link, node ? new_parent : 0,
          [&](Node& directory, const Caller& caller) { return directory.link(caller, std::move(node), name); });
}

void Names::unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  on_node(request, Op::unlink, parent, [&](Node& node, const Caller& caller) { return node.unlink(caller, name); });
}

void Names::rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  on_node(request, Op::rmdir, parent,
          [&](Node& node, const Caller& caller) { return node.remove_directory(caller, name); });
}

void Names::rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
                   unsigned flags) {
  enter(request, Op::rename, [&](const CallPtr& call) {
    NodePtr from = call->core().inodes.find(parent);
    NodePtr to = call->core().inodes.find(new_parent);
    if (!from || !to) return call->fail(ESTALE);
    RenameMode mode = RenameMode::replace;
    if (flags == RENAME_NOREPLACE) {
      mode = RenameMode::no_replace;
    } else if (flags == RENAME_EXCHANGE) {
      mode = RenameMode::exchange;
    } else if (flags != 0) {
      return call->fail(EINVAL);
    }
    auto work = from->rename(call->caller(), name, std::move(to), new_name, mode);
    call->run(answer(call, std::move(from), std::move(work), Tell{}));
  });
}

}  // namespace spotfs::fuse
