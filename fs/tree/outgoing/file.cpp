#include "fs/tree/outgoing/file.hpp"

#include <cerrno>

#include <unistd.h>

#include "fs/tree/interrupt.hpp"

namespace spotfs::tree {

asio::awaitable<Result<Attributes>> OutgoingFile::attributes(Caller) { co_return attributes_; }

asio::awaitable<Result<void>> OutgoingFile::access(Caller caller, int mask) {
  if ((mask & R_OK) != 0) co_return fail(EACCES);
  co_return access_.check(attributes_, caller, mask);
}

asio::awaitable<Result<Opened>> OutgoingFile::open(Caller caller, int flags) {
  if ((flags & O_ACCMODE) != O_WRONLY) co_return fail(EACCES);
  const Result<void> allowed = access_.check(attributes_, caller, W_OK);
  if (!allowed) co_return allowed.error();
  Result<std::shared_ptr<Outgoing>> message = begin(caller);
  if (!message) co_return message.error();
  Opened opened{*std::move(message)};
  opened.direct_io = true;
  co_return opened;
}

asio::awaitable<Result<Attributes>> OutgoingFile::set_attributes(Caller caller, AttributeChanges changes,
                                                                 std::shared_ptr<OpenFile> file) {
  co_await ends_at_once();
  if (!changes.size) co_return attributes_;
  auto message = std::dynamic_pointer_cast<Outgoing>(file);
  const bool is_by_name = !file;
  if (is_by_name) {
    if (*changes.size != 0) co_return fail(EINVAL);
    const Result<void> allowed = access_.check(attributes_, caller, W_OK);
    if (!allowed) co_return allowed.error();
    Result<std::shared_ptr<Outgoing>> begun = begin(caller);
    if (!begun) co_return begun.error();
    message = *std::move(begun);
  }
  if (!message) co_return fail(EBADF);
  const Result<void> cut = message->truncate(*changes.size);
  if (!cut) co_return cut.error();
  if (is_by_name) {
    const Result<void> sent = co_await Outgoing::send(message);
    if (!sent) co_return sent.error();
  }
  co_return attributes_;
}

}  // namespace spotfs::tree
