// blob get|put|rm|ls: the values of blobs/ by key.
#include <cerrno>

#include "client/base/base64.hpp"
#include "client/base/encoding.hpp"
#include "fs/index/walk.hpp"
#include "fs/tree/blobs/by_key.hpp"
#include "fs/tree/control/blob_place.hpp"
#include "fs/tree/control/commands.hpp"
#include "fs/tree/disk/inode_node.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

constexpr std::size_t kPart = 30'000;  // bytes of a value in one line
constexpr mode_t kFileMode = 0644;
constexpr std::chrono::seconds kTelling{1};  // the kernel may be held up by requests of others

struct Target {
  std::shared_ptr<const ControlledDisk> disk;
  std::optional<BlobPlace> place;
  std::shared_ptr<const ValuesByKey> values;
};

asio::awaitable<Answer<Target>> find_target(std::shared_ptr<const ControlOptions> control, Caller caller,
                                            std::string key, bool make) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const Result<void> allowed = check_key(key);
  if (!allowed) co_return Failure{Errc::bad_argument, key + " can be no key: " + allowed.error().message()};
  Target out;
  out.disk = *disk;
  const Result<std::optional<BlobPlace>> place = co_await find_blob(*disk, caller, key, make);
  if (!place) co_return Failure{place.error()};
  out.place = *place;
  out.values = std::make_shared<const ValuesByKey>((*disk)->store, (*disk)->keys, (*disk)->index->store_id(),
                                                   [index = (*disk)->index] { return index->draw(); });
  co_return out;
}

Failure no_such_key(const std::string& key) { return {Errc::not_found, key + ": there is no such key"}; }

asio::awaitable<Result<void>> say_part(ExchangePtr exchange, BytesView bytes) {
  json::object line{{"event", "data"}};
  line["base64"] = spot::base64(bytes);
  co_return co_await exchange->say(std::move(line));
}

asio::awaitable<Answer<void>> read_file(NodePtr node, ExchangePtr exchange) {
  const Result<Opened> opened = co_await node->open(exchange->caller(), O_RDONLY);
  if (!opened) co_return Failure{opened.error()};
  for (std::uint64_t offset = 0;;) {
    const Result<Content> part = co_await opened->file->read(exchange->caller(), offset, kPart);
    if (!part) co_return Failure{part.error()};
    if (part->bytes().empty()) co_return Answer<void>{};
    const Result<void> said = co_await say_part(exchange, part->bytes());
    if (!said) co_return Failure{said.error()};
    offset += part->bytes().size();
  }
}

asio::awaitable<Result<void>> write_all(std::shared_ptr<OpenFile> file, ExchangePtr exchange) {
  for (std::uint64_t offset = 0;;) {
    Result<Bytes> part = co_await exchange->take();
    if (!part) co_return part.error();
    if (part->empty()) co_return Result<void>{};
    const std::size_t size = part->size();
    Write write{offset, *std::move(part)};
    const Result<std::size_t> written = co_await file->write(exchange->caller(), std::move(write));
    if (!written) co_return written.error();
    offset += size;
  }
}

// The kernel has had no part in it, and may have the name or the content in its caches: whoever looks after the command
// is to see what it did.
asio::awaitable<void> tell_kernel(std::shared_ptr<const ControlledDisk> disk, BlobPlace place) {
  ChangeSet changes;
  if (const auto node = std::dynamic_pointer_cast<InodeNode>(place.file)) changes.inodes.push_back(node->id());
  changes.names.push_back(place.place);
  disk->changed(changes);
  if (disk->notifier) co_await disk->notifier->all_sent(kTelling);
}

asio::awaitable<Answer<void>> write_file(BlobPlace place, ExchangePtr exchange) {
  const Caller caller = exchange->caller();
  std::shared_ptr<OpenFile> file;
  if (place.file) {
    const Result<Opened> opened = co_await place.file->open(caller, O_WRONLY | O_TRUNC);
    if (!opened) co_return Failure{opened.error()};
    file = opened->file;
  } else {
    const mode_t mode = kFileMode & ~caller.umask;
    const Result<Created> created = co_await place.directory->create(caller, place.place.name, mode, O_WRONLY);
    if (!created) co_return Failure{created.error()};
    file = created->opened.file;
  }
  Result<void> done = co_await write_all(file, exchange);
  if (done) done = co_await file->flush(caller);
  co_await file->release(caller);
  if (!done) co_return Failure{done.error()};
  co_return Answer<void>{};
}

}  // namespace

Outcome run_blob_get(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string& key = arguments[0];
  const Answer<Target> target = co_await find_target(control, exchange->caller(), key, false);
  if (!target) co_return target.error();
  if (target->place && !target->place->file) co_return no_such_key(key);
  if (target->place) co_return co_await read_file(target->place->file, exchange);
  const Answer<Text> value = co_await target->values->get(key);
  if (!value) co_return value.error();
  for (std::size_t at = 0; at < (*value)->size(); at += kPart) {
    const BytesView part = BytesView{**value}.subspan(at, std::min(kPart, (*value)->size() - at));
    const Result<void> said = co_await say_part(exchange, part);
    if (!said) co_return Failure{said.error()};
  }
  co_return Answer<void>{};
}

Outcome run_blob_put(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string& key = arguments[0];
  const Answer<Target> target = co_await find_target(control, exchange->caller(), key, true);
  if (!target) co_return target.error();
  if (target->place) {
    const Answer<void> written = co_await write_file(*target->place, exchange);
    co_await tell_kernel(target->disk, *target->place);
    co_return written;
  }
  Bytes content;
  for (;;) {
    const Result<Bytes> part = co_await exchange->take();
    if (!part) co_return Failure{part.error()};
    if (part->empty()) break;
    if (part->size() > target->values->limit() - content.size())
      co_return Failure{Errc::file_too_large, "at most " + std::to_string(target->values->limit()) +
                                                  " bytes for a key that can be no path below blobs/"};
    spot::append(content, *part);
  }
  co_return co_await target->values->put(key, std::move(content));
}

Outcome run_blob_rm(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const std::string& key = arguments[0];
  const Answer<Target> target = co_await find_target(control, exchange->caller(), key, false);
  if (!target) co_return target.error();
  if (target->place && !target->place->file) co_return no_such_key(key);
  if (!target->place) co_return co_await target->values->erase(key);
  const BlobPlace& place = *target->place;
  const Result<void> gone = co_await place.directory->unlink(exchange->caller(), place.place.name);
  if (!gone) co_return Failure{gone.error()};
  co_await tell_kernel(target->disk, place);
  co_return Answer<void>{};
}

Outcome run_blob_ls(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const std::string prefix = arguments.empty() ? "" : arguments[0];
  Walk walk{(*disk)->index, kBlobs, ""};
  Answer<void> done;
  for (;;) {
    const Result<std::optional<Walked>> next = co_await walk.next();
    if (!next) co_return Failure{next.error()};
    if (!*next) co_return done;
    const Walked& one = **next;
    if (one.unlisted) {
      done = about("blobs/" + one.path, one.unlisted);
      continue;
    }
    if (one.inode->is_directory() || !one.path.starts_with(prefix)) continue;
    json::object line{{"event", "blob"}};
    put_text(line, "key", one.path);
    line["size"] = one.inode->size();
    line["mtime"] = one.inode->mtime.seconds;
    const Result<void> said = co_await exchange->say(std::move(line));
    if (!said) co_return Failure{said.error()};
  }
}

}  // namespace spotfs::tree
