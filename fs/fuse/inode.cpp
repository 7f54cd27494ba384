// What is asked of an entry whatever it is: attributes and extended attributes.
#include <cerrno>
#include <string>

#include <linux/xattr.h>
#include <sys/xattr.h>

#include "client/base/clock.hpp"
#include "fs/fuse/serve.hpp"

namespace spotfs::fuse {
namespace {

// A caller with room for nothing wants to know how much it needs.
void tell_sized(Call& call, BytesView value, std::size_t room) {
  if (room == 0) {
    call.request().xattr_size(value.size());
  } else if (value.size() > room) {
    call.fail(ERANGE);
  } else {
    call.request().bytes(value);
  }
}

}  // namespace

void Inode::getattr(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  enter(request, Op::getattr, [&](const CallPtr& call) {
    NodePtr node = call->core().inodes.find(id);
    if (!node) return call->fail(ESTALE);
    if (const auto now = node->attributes_now(call->caller())) return Tell{}(*call, *now);
    auto work = node->attributes(call->caller());
    call->run(answer(call, std::move(node), std::move(work), Tell{}));
  });
}

void Inode::setattr(fuse_req_t request, fuse_ino_t id, struct stat* values, int which, fuse_file_info* info) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(request));
  on_node(request, Op::setattr, id, [&](Node& node, const Caller& caller) {
    return node.set_attributes(caller, to_changes(*values, which, spot::Clock::system().wall()),
                               info != nullptr ? core.files.find(info->fh) : nullptr);
  });
}

void Inode::access(fuse_req_t request, fuse_ino_t id, int mask) {
  on_node(request, Op::access, id, [&](Node& node, const Caller& caller) { return node.access(caller, mask); });
}

void Inode::readlink(fuse_req_t request, fuse_ino_t id) {
  on_node(request, Op::readlink, id, [](Node& node, const Caller& caller) { return node.read_link(caller); });
}

void Inode::statfs(fuse_req_t request, fuse_ino_t id) {
  on_node(request, Op::statfs, id, [](Node& node, const Caller& caller) { return node.space(caller); });
}

void Inode::getxattr(fuse_req_t request, fuse_ino_t id, const char* name, std::size_t room) {
  // Asked before each write, and never there: only "user." names can be set.
  if (std::string_view{name} == XATTR_NAME_CAPS)
    return enter(request, Op::getxattr, [](const CallPtr& call) { call->fail(ENODATA); });
  on_node(
      request, Op::getxattr, id, [&](Node& node, const Caller& caller) { return node.get_xattr(caller, name); },
      [room](Call& call, const Bytes& value) { tell_sized(call, value, room); });
}

void Inode::setxattr(fuse_req_t request, fuse_ino_t id, const char* name, const char* value, std::size_t size,
                     int flags) {
  const XattrMode mode = (flags & XATTR_CREATE) != 0    ? XattrMode::create
                         : (flags & XATTR_REPLACE) != 0 ? XattrMode::replace
                                                        : XattrMode::either;
  on_node(request, Op::setxattr, id, [&](Node& node, const Caller& caller) {
    return node.set_xattr(caller, name, spot::to_bytes(std::string_view{value, size}), mode);
  });
}

void Inode::listxattr(fuse_req_t request, fuse_ino_t id, std::size_t room) {
  on_node(
      request, Op::listxattr, id, [](Node& node, const Caller& caller) { return node.list_xattrs(caller); },
      [room](Call& call, const std::vector<std::string>& names) {
        std::string all;
        for (const std::string& name : names) all.append(name).push_back('\0');
        tell_sized(call, spot::view(all), room);
      });
}

void Inode::removexattr(fuse_req_t request, fuse_ino_t id, const char* name) {
  on_node(request, Op::removexattr, id,
          [&](Node& node, const Caller& caller) { return node.remove_xattr(caller, name); });
}

}  // namespace spotfs::fuse
