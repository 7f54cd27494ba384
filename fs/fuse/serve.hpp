// The funnel: the one way from libfuse's callbacks to the nodes and back.
//
// A callback says which node or file it is about, what to ask of it, and how the result is told to the kernel:
//
//   void Files::fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* info) {
//     on_file(request, Op::fsync, info->fh,
//             [&](OpenFile& file, const Caller& caller) { return file.fsync(caller, data_only != 0); });
//   }
//
// Nothing unwinds into C, and every request is answered: what is thrown on the way drops the Request, which is EIO.
// What libfuse passes by pointer is gone when the callback returns: `ask` copies what it needs into the call.
//
// Thread: the readers; `tell` runs wherever the coroutine ends.
#pragma once

#include <cerrno>
#include <utility>

#include "fs/fuse/call.hpp"
#include "fs/fuse/convert.hpp"

namespace spotfs::fuse {

// How results that need nothing else are told.
struct Tell {
  void operator()(Call& call) const { call.request().done(); }
  void operator()(Call& call, const Attributes& attributes) const;
  void operator()(Call& call, const Entry& entry) const;
  void operator()(Call& call, const std::string& target) const;
  void operator()(Call& call, const Space& space) const;
};

// The entry as the kernel is told of it; counts a reference. Its node must be there.
fuse_entry_param remember(Core& core, const Entry& entry);

// `target` is what the work is done by: it has to stay.
template <class T, class Teller>
asio::awaitable<void> answer(CallPtr call, [[maybe_unused]] std::shared_ptr<const void> target,
                             asio::awaitable<Result<T>> work, Teller tell) {
  Result<T> result = co_await std::move(work);
  if (!result) {
    call->fail(result.error());
  } else if constexpr (std::is_void_v<T>) {
    tell(*call);
  } else {
    tell(*call, *std::move(result));
  }
}

template <class Body>
void enter(fuse_req_t raw, Op op, Body&& body) noexcept {
  Core& core = *static_cast<Core*>(fuse_req_userdata(raw));
  try {
    Request request{raw, core.counters.at(static_cast<std::size_t>(op))};
    // What the kernel gives back is taken even when the mount ends.
    if (core.stopping && op != Op::release && op != Op::releasedir) return request.fail(ENETDOWN);
    body(std::make_shared<Call>(core, op, std::move(request)));
  } catch (const std::exception& e) {
    core.say(name_of(op), e.what());
  } catch (...) {
    core.say(name_of(op), "unknown exception");
  }
}

template <class Ask, class Teller = Tell>
void on_node(fuse_req_t raw, Op op, std::uint64_t id, Ask&& ask, Teller tell = {}) noexcept {
  enter(raw, op, [&](const CallPtr& call) {
    NodePtr node = call->core().inodes.find(id);
    if (!node) return call->fail(ESTALE);
    auto work = ask(*node, call->caller());
    call->run(answer(call, std::move(node), std::move(work), std::move(tell)));
  });
}

template <class Ask, class Teller = Tell>
void on_file(fuse_req_t raw, Op op, std::uint64_t handle, Ask&& ask, Teller tell = {}) noexcept {
  enter(raw, op, [&](const CallPtr& call) {
    std::shared_ptr<OpenFile> file = call->core().files.find(handle);
    if (!file) return call->fail(EBADF);
    auto work = ask(*file, call->caller());
    call->run(answer(call, std::move(file), std::move(work), std::move(tell)));
  });
}

}  // namespace spotfs::fuse
