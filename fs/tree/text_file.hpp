// Files whose content is made when they are opened.
//
// Thread: any. Lifetime: a reader keeps the content that it was opened with.
#pragma once

#include <functional>

#include "fs/tree/access.hpp"
#include "fs/tree/node.hpp"

namespace spotfs::tree {

// An open file that reads fixed content.
class TextReader final : public OpenFile {
 public:
  explicit TextReader(Content content) : content_{std::move(content)} {}
  std::optional<Content> read_now(std::uint64_t offset, std::size_t size) override;

 private:
  const Content content_;
};

class TextFile final : public Node {
 public:
  // Never waits; any thread, several calls at once.
  using Make = std::function<Result<Bytes>()>;
  using MakeFor = std::function<Result<Bytes>(const Caller& caller)>;

  // mode: permission bits. Made for each stat, too, so that the size is exact.
  TextFile(Make make, mode_t mode, Access access);
  TextFile(MakeFor make, mode_t mode, Access access);  // not the same for everyone

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override;
  asio::awaitable<Result<void>> access(Caller caller, int mask) override;
  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override;

 private:
  const MakeFor make_;
  const Access access_;
  const Attributes attributes_;  // but for the size
};

}  // namespace spotfs::tree
