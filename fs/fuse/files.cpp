// Open files.
#include <algorithm>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "fs/fuse/serve.hpp"

namespace spotfs::fuse {
namespace {

// A poller in the kernel; one that outlives the mount tells nobody.
class KernelPoller final : public Poller {
 public:
  KernelPoller(fuse_pollhandle* handle, std::shared_ptr<Lifeline> lifeline) noexcept
      : handle_{handle}, lifeline_{std::move(lifeline)} {}
  ~KernelPoller() override { fuse_pollhandle_destroy(handle_); }
  KernelPoller(const KernelPoller&) = delete;
  KernelPoller& operator=(const KernelPoller&) = delete;
  void notify() override {
    lifeline_->with([this](bool alive) {
      if (alive) fuse_lowlevel_notify_poll(handle_);
    });
  }

 private:
  fuse_pollhandle* handle_;
  std::shared_ptr<Lifeline> lifeline_;
};

fuse_file_info to_info(const Opened& opened, std::uint64_t handle) noexcept {
  fuse_file_info info{};
  info.fh = handle;
  info.direct_io = opened.direct_io;
  info.keep_cache = opened.keep_cache;
  info.nonseekable = opened.nonseekable;
  info.noflush = opened.no_flush;
  return info;
}

struct TellOpened {
  void operator()(Call& call, Opened opened) const {
    if (!opened.file) return call.fail(EIO);
    Core& core = call.core();
    const std::uint64_t handle = core.files.add(opened.file);
    if (call.request().opened(to_info(opened, handle))) return;
    if (auto file = core.files.take(handle)) core.release(std::move(file));
  }
};

struct TellCreated {
  void operator()(Call& call, Created created) const {
    Core& core = call.core();
    if (!created.opened.file) return call.fail(EIO);
    const std::uint64_t handle = core.files.add(created.opened.file);
    bool taken = false;
    if (created.entry.node) {
      const fuse_entry_param entry = remember(core, created.entry);
      taken = call.request().created(entry, to_info(created.opened, handle));
      if (!taken) core.inodes.forget(entry.ino, 1);
    } else {
      call.fail(EIO);
    }
    if (taken) return;
    if (auto file = core.files.take(handle)) core.release(std::move(file));
  }
};

// A file that has no idea of holes is data from end to end.
asio::awaitable<void> seek(CallPtr call, std::shared_ptr<OpenFile> file, NodePtr node, std::uint64_t offset,
                           int whence) {
  Result<std::uint64_t> found = co_await file->seek(call->caller(), offset, whence);
  if (!found && spot::to_errno(found.error()) == EOPNOTSUPP) {
    const Result<Attributes> attributes = co_await node->attributes(call->caller());
    if (!attributes) co_return call->fail(attributes.error());
    if (offset >= attributes->size) co_return call->fail(ENXIO);
    found = whence == SEEK_DATA ? offset : attributes->size;
  }
  if (!found) co_return call->fail(found.error());
  call->request().position(*found);
}

asio::awaitable<void> release(CallPtr call, std::shared_ptr<OpenFile> file) {
  co_await file->release(call->caller());
  file.reset();
  call->request().done();
}

}  // namespace

void Files::create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  on_node(
      request, Op::create, parent,
      [&](Node& node, const Caller& caller) { return node.create(caller, name, mode & 07777, info->flags); },
      TellCreated{});
}

void Files::open(fuse_req_t request, fuse_ino_t id, fuse_file_info* info) {
  on_node(
      request, Op::open, id, [&](Node& node, const Caller& caller) { return node.open(caller, info->flags); },
      TellOpened{});
}

void Files::read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  const auto begin = static_cast<std::uint64_t>(offset);
  const auto tell = [size](Call& call, const Content& content) {
    const BytesView bytes = content.bytes();
    call.request().bytes(bytes.first(std::min(size, bytes.size())));
  };
  enter(request, Op::read, [&](const CallPtr& call) {
    std::shared_ptr<OpenFile> file = call->core().files.find(info->fh);
    if (!file) return call->fail(EBADF);
    if (const auto now = file->read_now(begin, size)) return tell(*call, *now);
    auto work = file->read(call->caller(), begin, size);
    call->run(answer(call, std::move(file), std::move(work), tell));
  });
}

void Files::write(fuse_req_t request, fuse_ino_t, const char* data, std::size_t size, off_t offset,
                  fuse_file_info* info) {
  on_file(
      request, Op::write, info->fh,
      [&](OpenFile& file, const Caller& caller) {
        Write write{static_cast<std::uint64_t>(offset), spot::to_bytes(std::string_view{data, size})};
        write.from_cache = info->writepage;
        write.append = !write.from_cache && (info->flags & O_APPEND) != 0;
        return file.write(write.from_cache ? Caller{} : caller, std::move(write));
      },
      [size](Call& call, std::size_t taken) { call.request().written(std::min(size, taken)); });
}

void Files::flush(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  on_file(request, Op::flush, info->fh, [](OpenFile& file, const Caller& caller) { return file.flush(caller); });
}

void Files::release(fuse_req_t request, fuse_ino_t, fuse_file_info* info) {
  enter(request, Op::release, [&](const CallPtr& call) {
    std::shared_ptr<OpenFile> file = call->core().files.take(info->fh);
    if (!file) return call->fail(EBADF);
    call->run(fuse::release(call, std::move(file)));
  });
}

void Files::fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
  on_file(request, Op::fsync, info->fh,
          [&](OpenFile& file, const Caller& caller) { return file.fsync(caller, data_only != 0); });
}

void Files::fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t size, fuse_file_info* info) {
  on_file(request, Op::fallocate, info->fh, [&](OpenFile& file, const Caller& caller) {
    return file.allocate(caller, mode, static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size));
  });
}

void Files::lseek(fuse_req_t request, fuse_ino_t id, off_t offset, int whence, fuse_file_info* info) {
  enter(request, Op::lseek, [&](const CallPtr& call) {
    NodePtr node = call->core().inodes.find(id);
    std::shared_ptr<OpenFile> file = call->core().files.find(info->fh);
    if (!node || !file) return call->fail(EBADF);
    if (whence != SEEK_DATA && whence != SEEK_HOLE) return call->fail(EINVAL);
    if (offset < 0) return call->fail(ENXIO);
    call->run(seek(call, std::move(file), std::move(node), static_cast<std::uint64_t>(offset), whence));
  });
}

void Files::copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                            off_t offset, fuse_file_info* to, std::size_t size, int) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(request));
  std::shared_ptr<OpenFile> source = core.files.find(from->fh);
  on_file(
      request, Op::copy_file_range, source ? to->fh : 0,
      [&](OpenFile& file, const Caller& caller) {
        return file.copy_range(caller, std::move(source), static_cast<std::uint64_t>(from_offset),
                               static_cast<std::uint64_t>(offset), size);
      },
      [size](Call& call, std::size_t copied) { call.request().written(std::min(size, copied)); });
}

void Files::poll(fuse_req_t request, fuse_ino_t, fuse_file_info* info, fuse_pollhandle* handle) {
  Core& core = *static_cast<Core*>(fuse_req_userdata(request));
  auto poller = handle != nullptr ? std::make_unique<KernelPoller>(handle, core.lifeline) : nullptr;
  on_file(
      request, Op::poll, info->fh,
      [&](OpenFile& file, const Caller& caller) { return file.poll(caller, std::move(poller)); },
      [](Call& call, unsigned events) { call.request().events(events); });
}

void Files::ioctl(fuse_req_t request, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned, const void*, std::size_t,
                  std::size_t) {
  enter(request, Op::ioctl, [](const CallPtr& call) { call->fail(ENOTTY); });
}

}  // namespace spotfs::fuse
