#include "fs/tree/text_file.hpp"

#include <cerrno>

#include <unistd.h>

namespace spotfs::tree {

std::optional<Content> TextReader::read_now(std::uint64_t offset, std::size_t size) {
  return content_.part(offset, size);
}

TextFile::TextFile(Make make, mode_t mode, Access access)
    : TextFile{MakeFor{[same = std::move(make)](const Caller&) { return same(); }}, mode, access} {}

TextFile::TextFile(MakeFor make, mode_t mode, Access access)
    : make_{std::move(make)}, access_{access}, attributes_{own_attributes(access, S_IFREG | mode)} {}

asio::awaitable<Result<Attributes>> TextFile::attributes(Caller caller) {
  const Result<Bytes> content = make_(caller);
  if (!content) co_return content.error();
  Attributes out = attributes_;
  out.size = out.allocated = content->size();
  co_return out;
}

asio::awaitable<Result<void>> TextFile::access(Caller caller, int mask) {
  co_return access_.check(attributes_, caller, mask);
}

asio::awaitable<Result<Opened>> TextFile::open(Caller caller, int flags) {
  if ((flags & O_ACCMODE) != O_RDONLY) co_return fail(EACCES);
  const Result<void> allowed = access_.check(attributes_, caller, R_OK);
  if (!allowed) co_return allowed.error();
  Result<Bytes> content = make_(caller);
  if (!content) co_return content.error();
  Opened opened{std::make_shared<TextReader>(Content{*std::move(content)})};
  opened.direct_io = true;  // each reader has its own content
  opened.no_flush = true;
  co_return opened;
}

}  // namespace spotfs::tree
