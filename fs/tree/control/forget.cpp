// forget: what is cached of a name is asked for anew: by the kernel, what is in files/ and blobs/; by the client, the
// card of an identity, whatever in cards/ or endpoints/ is named.
#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "fs/index/names.hpp"
#include "fs/index/walk.hpp"
#include "fs/tree/control/commands.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

struct Where {
  InodeId root;
  std::string directory, name;  // below it
};

// None: it is nothing that the index has.
std::optional<Where> where(const ControlOptions& control, std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  Where out{kRoot, {}, {}};
  if (!control.only_files) {
    const bool is_blob = path.starts_with("blobs/");
    if (!is_blob && !path.starts_with("files/")) return std::nullopt;
    if (is_blob) out.root = kBlobs;
    path.remove_prefix(std::string_view{"files/"}.size());
  }
  const std::size_t slash = path.rfind('/');
  out.name = path.substr(slash == path.npos ? 0 : slash + 1);
  if (slash != path.npos) out.directory = path.substr(0, slash);
  if (!is_name(out.name)) return std::nullopt;
  return out;
}

// Whose card is meant; none: nobody's.
std::optional<spot::Sha256> identity_of(const ControlOptions& control, std::string_view path) {
  if (control.only_files) return std::nullopt;
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::size_t slash = path.find('/');
  if (slash == path.npos) return std::nullopt;
  const std::string_view subtree = path.substr(0, slash);
  if (subtree != "cards" && subtree != "endpoints") return std::nullopt;
  path.remove_prefix(slash + 1);
  std::string_view name = path.substr(0, path.find('/'));
  constexpr std::string_view kJson = ".json";
  if (subtree == "cards" && name.ends_with(kJson)) name.remove_suffix(kJson.size());
  const auto address = spot::Address::parse(name);
  if (!address || address->kind != spot::AddressKind::identity) return std::nullopt;
  return address->hash;
}

// Attributes and contents of what is in a directory.
asio::awaitable<Result<void>> forget_content(std::shared_ptr<const ControlledDisk> disk, InodeId directory) {
  constexpr std::size_t kPart = 1'000;
  for (std::string after;;) {
    const Result<std::vector<NamedEntry>> part = co_await disk->index->list(directory, after, kPart);
    if (!part) co_return part.error();
    if (part->empty()) co_return Result<void>{};
    ChangeSet changes;
    for (const NamedEntry& one : *part) changes.inodes.push_back(one.id);
    disk->changed(changes);
    after = part->back().name;
  }
}

}  // namespace

Outcome run_forget(std::shared_ptr<const ControlOptions> control, ExchangePtr, Words arguments) {
  if (const auto identity = identity_of(*control, arguments[0])) {
    control->client->forget_card(*identity);
    co_return Answer<void>{};
  }
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const std::optional<Where> at = where(*control, arguments[0]);
  if (!at)
    co_return Failure{Errc::bad_argument,
                      "\"" + arguments[0] + "\" is no name in files/, blobs/, cards/ or endpoints/"};
  const Result<spotfs::Entry> directory = co_await find_path((*disk)->index, at->root, at->directory);
  if (!directory) co_return about(arguments[0], directory.error());
  ChangeSet changes;
  const Result<spotfs::Entry> there = co_await (*disk)->index->lookup(directory->id, at->name);
  const bool is_directory = there && there->inode->kind == Kind::directory;
  // A kernel that is told of the name of a directory lets go of it: of the mounts below it, and of who stands in it.
  if (!is_directory) changes.names.push_back(Place{directory->id, at->name});
  if (there) changes.inodes.push_back(there->id);
  (*disk)->changed(changes);
  const Result<void> forgotten = is_directory ? co_await forget_content(*disk, there->id) : Result<void>{};
  co_return forgotten ? Answer<void>{} : about(arguments[0], forgotten.error());
}

}  // namespace spotfs::tree
