// Open directories.
#include <algorithm>
#include <vector>

#include "fs/fuse/serve.hpp"

namespace spotfs::fuse {
namespace {

constexpr std::size_t largest_reply = 1 << 20;
constexpr std::size_t smallest_entry = 32;        // a fuse_dirent with a name of up to 8 bytes
constexpr std::size_t smallest_plus_entry = 160;  // with attributes before it

// What fits into one answer to readdir or readdirplus.
class DirectoryReply {
 public:
  DirectoryReply(CallPtr call, std::size_t size, bool plus) : call_{std::move(call)}, plus_{plus} {
    buffer_.resize(std::min(size, largest_reply));
  }
  // What the kernel was not told of, it does not know.
  ~DirectoryReply() {
    for (const fuse_ino_t id : remembered_) call_->core().inodes.forget(id, 1);
  }
  DirectoryReply(const DirectoryReply&) = delete;
  DirectoryReply& operator=(const DirectoryReply&) = delete;

  // How many names there may be room for.
  std::size_t limit() const noexcept { return buffer_.size() / (plus_ ? smallest_plus_entry : smallest_entry) + 1; }

  // False where there is no room left.
  bool add(const char* name, std::uint64_t inode, mode_t type, const Entry* entry, std::uint64_t position) {
    fuse_entry_param told{};
    const bool known = plus_ && entry != nullptr && entry->node;
    if (known) {
      told = remember(call_->core(), *entry);
      remembered_.push_back(told.ino);
    } else {
      told.attr.st_ino = inode;
      told.attr.st_mode = type;
    }
    const fuse_req_t request = call_->request().raw();
    char* const to = buffer_.data() + used_;
    const std::size_t room = buffer_.size() - used_;
    const auto offset = static_cast<off_t>(position);
    const std::size_t needed = plus_ ? fuse_add_direntry_plus(request, to, room, name, &told, offset)
                                     : fuse_add_direntry(request, to, room, name, &told.attr, offset);
    if (needed > room) {
      if (known) {
        call_->core().inodes.forget(told.ino, 1);
        remembered_.pop_back();
      }
      return false;
    }
    used_ += needed;
    return true;
  }

  void send() {
    if (call_->request().bytes(spot::view(std::string_view{buffer_.data(), used_}))) remembered_.clear();
  }

 private:
  CallPtr call_;
  const bool plus_;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::vector<fuse_ino_t> remembered_;
};

asio::awaitable<void> read_directory(CallPtr call, std::shared_ptr<Directory> directory, std::size_t size,
                                     std::uint64_t position, bool plus) {
  DirectoryReply reply{call, size, plus};
  if (position == 0) {
    directory->listing.with([](Listing& listing) { listing.rewind(); });
    const Result<Attributes> own = co_await directory->node->attributes(call->caller());
    if (!own) co_return call->fail(own.error());
    if (!reply.add(".", own->inode, S_IFDIR, nullptr, ++position)) co_return call->fail(EINVAL);
  }
  // Nobody looks at the number of "..", and the directory above may be of another subtree.
  if (position == 1 && reply.add("..", unknown_inode, S_IFDIR, nullptr, Listing::first)) position = Listing::first;

  if (position >= Listing::first) {
    std::optional<std::string> after =
        directory->listing.with([&](const Listing& listing) { return listing.before(position); });
    if (!after) co_return call->fail(EINVAL);
    const Result<std::vector<Listed>> listed =
        co_await directory->node->list(call->caller(), *std::move(after), reply.limit());
    if (!listed) co_return call->fail(listed.error());
    directory->listing.with([&](Listing& listing) {
      for (const Listed& one : *listed) {
        const std::uint64_t next = listing.after(position, one.name);
        if (!reply.add(one.name.c_str(), one.inode, one.type, one.entry ? &*one.entry : nullptr, next)) break;
        position = next;
      }
    });
  }
  reply.send();
}

void read_into(fuse_req_t request, Op op, std::size_t size, off_t offset, const fuse_file_info& info) {
  enter(request, op, [&](const CallPtr& call) {
    std::shared_ptr<Directory> directory = call->core().directories.find(info.fh);
    if (!directory) return call->fail(EBADF);
    call->run(
        read_directory(call, std::move(directory), size, static_cast<std::uint64_t>(offset), op == Op::readdirplus));
  });
}

}  // namespace

void Directories::opendir(fuse_req_t request, fuse_ino_t id, fuse_file_info*) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(request));
  on_node(
      request, Op::opendir, id, [](Node& node, const Caller& caller) { return node.open_directory(caller); },
      [node = core.inodes.find(id)](Call& call) {
        Core& all = call.core();
        fuse_file_info info{};
        info.fh = all.directories.add(std::make_shared<Directory>(node));
        if (!call.request().opened(info)) all.directories.take(info.fh);
      });
}

void Directories::readdir(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  read_into(request, Op::readdir, size, offset, *info);
}

void Directories::readdirplus(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  read_into(request, Op::readdirplus, size, offset, *info);
}

void Directories::releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  enter(request, Op::releasedir, [&](const CallPtr& call) {
    if (!call->core().directories.take(info->fh)) return call->fail(EBADF);
    call->request().done();
  });
}

void Directories::fsyncdir(fuse_req_t request, fuse_ino_t id, int, fuse_file_info*) {
  on_node(request, Op::fsyncdir, id, [](Node& node, const Caller& caller) { return node.sync_directory(caller); });
}

}  // namespace spotfs::fuse
