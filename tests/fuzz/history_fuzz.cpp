// Operations that nobody would make, in any order of arrival: the state stays a tree, what is late is put where it
// belongs, and all can be taken back.
#include "fs/index/history.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/index/histories.hpp"

namespace spot::fuzz {
namespace {

using namespace spotfs;

// Few stamps and few names, so that they meet.
class Script {
 public:
  explicit Script(BytesView input) : left_{input} {}

  bool at_end() const { return left_.size() < 10; }

  Operation next() {
    const std::uint8_t kind = take();
    const Stamp stamp = stamp_at(kStart + take() % 64, 0, 1);
    return {stamp, action(kind)};
  }

 private:
  static constexpr std::uint64_t kStart = 1'790'000'000'000;

  std::uint8_t take() {
    if (left_.empty()) return 0;
    const std::uint8_t out = left_.front();
    left_ = left_.subspan(1);
    return out;
  }
  InodeId id() {
    const std::uint8_t byte = take();
    switch (byte & 0xC0) {
      case 0x00: return byte % 3 == 0 ? kRoot : byte % 3 == 1 ? kBlobs : kLostFound;
      case 0x40: return stamp_at(kStart + byte % 64, 1, 1);  // of a version
      default: return stamp_at(kStart + byte % 64, 0, 1);
    }
  }
  Version version() {
    const std::uint8_t byte = take();
    if (byte < 64) return std::nullopt;
    return stamp_at(kStart + byte % 64, byte < 128 ? 1 : 0, 1);
  }
  Place place() {
    static const std::vector<std::string> names{"a", "b", "c", std::string(255, 'n')};
    const InodeId directory = id();
    const std::uint8_t name = take();
    if (name == 255) return {directory, spotfs::to_text(id()).insert(0, 1, '#')};
    return {directory, names[name % names.size()]};
  }
  Over over() {
    const std::uint8_t byte = take();
    if (byte < 128) return std::nullopt;
    const InodeId inode = id();
    return Seen{inode, version()};
  }
  std::optional<Reference> reference() {
    const std::uint8_t byte = take();
    return byte % 4 == 0 ? std::nullopt : std::optional{reference_of(byte)};
  }
  Action action(std::uint8_t kind) {
    switch (kind % 8) {
      case 0:
      case 1: {
        Make out;
        out.at = place();
        out.over = over();
        out.inode.kind = kind < 128 ? Kind::file : kind < 224 ? Kind::directory : Kind::fifo;
        if (out.inode.kind != Kind::file) return out;
        out.inode.version = version();
        if (out.inode.version) out.inode.reference = reference();
        return out;
      }
      case 2: {
        Link out;
        out.at = place();
        out.over = over();
        out.inode = id();
        return out;
      }
      case 3: {
        Unlink out;
        out.at = place();
        out.inode = id();
        out.version = version();
        return out;
      }
      case 4: {
        Move out;
        out.from = place();
        out.inode = id();
        out.to = place();
        out.over = over();
        return out;
      }
      case 5: {
        Exchange out;
        out.one = place();
        out.inode = id();
        out.other = place();
        out.other_inode = id();
        return out;
      }
      case 6: {
        Write out;
        out.inode = id();
        out.base = version();
        out.reference = reference();
        return out;
      }
      default: {
        Set out;
        out.inode = id();
        out.changes.mode = take();
        return out;
      }
    }
  }

  BytesView left_;
};

}  // namespace

void decode(BytesView input) noexcept {
  if (input.empty()) return;
  const StateOptions options{.uid = 0, .gid = 0, .conflicts_last = (input.front() & 1) != 0};
  History history{options};
  const std::string fresh = describe(history.state());
  std::vector<Operation> all;
  for (Script script{input.subspan(1)}; !script.at_end() && all.size() < 32;) {
    Operation operation = script.next();
    if (!history.contains(operation.stamp)) all.push_back(operation);
    history.add(std::move(operation));
    require(broken(history.state()).empty());
  }
  std::ranges::sort(all, {}, &Operation::stamp);
  State in_order{options};
  std::vector<Stamp> stamps;
  for (const Operation& operation : all) {
    apply(in_order, operation);
    stamps.push_back(operation.stamp);
  }
  require(describe(in_order) == describe(history.state()));
  history.replace(stamps, {});
  require(history.size() == 0 && describe(history.state()) == fresh);
}

}  // namespace spot::fuzz
