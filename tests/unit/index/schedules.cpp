#include "tests/unit/index/schedules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include <boost/asio/io_context.hpp>

#include "client/base/encoding.hpp"
#include "fs/index/index.hpp"
#include "fs/store/memory.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/index/bad_line.hpp"
#include "tests/unit/index/only_woken.hpp"
#include "tests/unit/index/set_clock.hpp"

namespace spotfs {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const spot::Keychain> one_identity() {
  static const std::shared_ptr<const spot::Keychain> keys = [] {
    std::vector<spot::PrivateKey> own{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    return std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(own)).value());
  }();
  return keys;
}

struct OpenFile {
  InodeId inode;
  Version base;
  std::optional<BlobId> content;  // that its writer knows
};

struct Writer {
  std::unique_ptr<asio::io_context> context;
  std::shared_ptr<Index> index;  // null: not mounted
  std::shared_ptr<BadLine> line;
  std::filesystem::path state;
  bool only_writer = false;
  SetClock clock;
  std::vector<OpenFile> open;
};

class World {
 public:
  explicit World(std::filesystem::path directory) : directory_{std::move(directory)} {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    for (std::size_t i = 0; i < kWriters; ++i) writers_[i].state = directory_ / std::to_string(i);
    Writer maker;  // of the store
    maker.state = directory_ / "maker";
    maker.only_writer = true;
    if (mount(maker)) static_cast<void>(run(maker, maker.index->close()));
  }

  std::string run(const Schedule& schedule) {
    for (const Step& step : schedule) take(step);
    return check();
  }

 private:
  using Random = std::mt19937;

  template <class T>
  T run(Writer& writer, asio::awaitable<T> work) {
    return spot::fake::run_on(*writer.context, std::move(work));
  }

  bool mount(Writer& writer) {
    if (writer.index) return true;
    if (!writer.line) writer.line = std::make_shared<BadLine>(store_);
    writer.context = std::make_unique<asio::io_context>(1);
    IndexOptions options;
    options.store = writer.line;
    options.keys = one_identity();
    options.state = writer.state;
    options.source = "embedded:schedule";
    options.host = writer.state.filename();
    options.machine_id = writer.state.filename();
    options.refresh = options.commit = 1h;  // when a step says so
    options.snapshot_after = 8;
    options.clock = &writer.clock;
    options.only_writer = writer.only_writer;
    options.alarm = [](const asio::any_io_executor& executor) { return std::make_shared<OnlyWoken>(executor); };
    Answer<std::shared_ptr<Index>> opened =
        run(writer, Index::open(writer.context->get_executor(), std::move(options)));
    if (opened) writer.index = std::move(*opened);
    return opened.has_value();
  }
  void kill(Writer& writer) {
    writer.index.reset();
    writer.context.reset();
    writer.open.clear();
  }

  // --- Names ---------------------------------------------------------------------------------------------------------
  static std::string any_name(Random& random) { return std::string(1, static_cast<char>('a' + random() % 5)); }

  InodeId any_directory(Writer& writer, Random& random) {
    InodeId out = kRoot;
    while (random() % 3 != 0) {
      std::vector<InodeId> below;
      for (const NamedEntry& entry : entries(writer, out)) {
        if (entry.inode->is_directory()) below.push_back(entry.id);
      }
      if (below.empty()) break;
      out = below[random() % below.size()];
    }
    return out;
  }
  std::vector<NamedEntry> entries(Writer& writer, const InodeId& directory) {
    Result<std::vector<NamedEntry>> listed = run(writer, writer.index->list(directory, "", 1'000));
    return listed ? std::move(*listed) : std::vector<NamedEntry>{};
  }
  std::optional<NamedEntry> any_entry(Writer& writer, Random& random, InodeId& directory) {
    directory = any_directory(writer, random);
    std::vector<NamedEntry> there = entries(writer, directory);
    if (there.empty()) return std::nullopt;
    return there[random() % there.size()];
  }

  // --- What a writer does --------------------------------------------------------------------------------------------
  // A content is acknowledged before an operation names it: it is in the store, as its only chunk, whose bytes are its
  // number. Whoever stores it again gives it another id.
  static constexpr std::uint64_t kSize = 10;
  BlobId new_content(Writer& writer) {
    Bytes plaintext;
    spot::append_be(plaintext, ++contents_);
    plaintext.resize(kSize);
    BlobId out{};
    std::copy_n(plaintext.begin(), 8, out.begin() + 8);
    Bytes chunk = writer.index->cipher().seal(ContentKind::data, out, plaintext).value();
    static_cast<void>(run(writer, store_->store(content_key(out), std::move(chunk))));
    return out;
  }
  // The id that it had first; its own where it is not there any more.
  BlobId first_id(Writer& writer, const BlobId& id) {
    if (std::all_of(id.begin(), id.begin() + 8, [](std::uint8_t byte) { return byte == 0; })) return id;
    const MemoryStore::Blobs blobs = store_->blobs();
    const auto stored = blobs.find(content_key(id));
    if (stored == blobs.end()) return id;
    const Bytes plaintext = writer.index->cipher().open(ContentKind::data, id, stored->second, kSize).value();
    BlobId out{};
    std::copy_n(plaintext.begin(), 8, out.begin() + 8);
    return out;
  }
  std::optional<BlobId> content_of(Writer& writer, const Inode& inode) {
    if (!inode.reference || !inode.reference->id) return std::nullopt;
    return first_id(writer, *inode.reference->id);
  }
  void confirm(const BlobId& content) { confirmed_.insert(content); }
  // Someone who knew it took it away, or a name of it: the other names may be gone by then, by a move on to a file that
  // was empty (rule 3) or by others who did as much.
  void release(const std::optional<BlobId>& content) {
    if (content) released_.insert(*content);
  }

  void make(Writer& writer, Random& random) {
    const InodeId directory = any_directory(writer, random);
    NewInode inode;
    inode.mode = 0644;
    const std::uint32_t kind = random() % 4;
    if (kind == 0) inode.kind = Kind::directory;
    std::optional<BlobId> content;
    if (kind > 1) {
      content = new_content(writer);
      inode.version = writer.index->draw();
      inode.reference = Reference{kSize, 0, *content};
    }
    if (run(writer, writer.index->make(directory, any_name(random), inode)) && content) confirm(*content);
  }
  void write(Writer& writer, OpenFile& file) {
    const BlobId content = new_content(writer);
    const Result<Stamp> written = run(
        writer, writer.index->write(file.inode, file.base, Reference{kSize, 0, content}, Time{1'790'000'000, 0}, 0));
    if (!written) return;
    confirm(content);
    release(file.content);
    file.base = *written;
    file.content = content;
  }
  void open_or_write(Writer& writer, Random& random) {
    if (!writer.open.empty() && random() % 2 == 0) {
      const std::size_t number = random() % writer.open.size();
      write(writer, writer.open[number]);
      if (random() % 2 == 0) writer.open.erase(writer.open.begin() + static_cast<std::ptrdiff_t>(number));
      return;
    }
    InodeId directory;
    const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
    if (!entry || entry->inode->kind != Kind::file) return;
    OpenFile file{entry->id, entry->inode->version, content_of(writer, *entry->inode)};
    if (random() % 2 == 0) write(writer, file);
    writer.open.push_back(file);
  }
  void remove(Writer& writer, Random& random) {
    InodeId directory;
    const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
    if (!entry) return;
    if (entry->inode->is_directory()) {
      static_cast<void>(run(writer, writer.index->rmdir(directory, entry->name)));
    } else if (run(writer, writer.index->unlink(directory, entry->name))) {
      release(content_of(writer, *entry->inode));
    }
  }
  void move(Writer& writer, Random& random) {
    InodeId from;
    const std::optional<NamedEntry> entry = any_entry(writer, random, from);
    if (!entry) return;
    const InodeId to = any_directory(writer, random);
    const std::string name = any_name(random);
    const Result<Entry> over = run(writer, writer.index->lookup(to, name));
    const auto moved = run(writer, writer.index->move(from, entry->name, to, name, Existing::replace));
    if (moved && *moved && over) release(content_of(writer, *over->inode));
  }
  // As `cp` does where chunks are shared: both files say so.
  void copy(Writer& writer, Random& random) {
    InodeId from;
    const std::optional<NamedEntry> entry = any_entry(writer, random, from);
    if (!entry || entry->inode->kind != Kind::file || !content_of(writer, *entry->inode)) return;
    const Inode& source = *entry->inode;
    if ((source.flags & kSharedChunks) == 0 &&
        !run(writer, writer.index->write(entry->id, source.version, source.reference, source.mtime, kSharedChunks)))
      return;
    NewInode inode;
    inode.mode = 0644;
    inode.version = writer.index->draw();
    inode.reference = source.reference;
    inode.flags = kSharedChunks;
    const InodeId to = any_directory(writer, random);
    static_cast<void>(run(writer, writer.index->make(to, any_name(random), inode)));
  }
  void exchange(Writer& writer, Random& random) {
    InodeId one, other;
    const std::optional<NamedEntry> first = any_entry(writer, random, one), second = any_entry(writer, random, other);
    if (first && second) static_cast<void>(run(writer, writer.index->exchange(one, first->name, other, second->name)));
  }
  void link(Writer& writer, Random& random) {
    InodeId directory;
    const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
    if (!entry) return;
    const InodeId to = any_directory(writer, random);
    static_cast<void>(run(writer, writer.index->link(entry->id, to, any_name(random))));
  }
  void set(Writer& writer, Random& random) {
    InodeId directory;
    const std::optional<NamedEntry> entry = any_entry(writer, random, directory);
    if (!entry) return;
    Changes changes;
    changes.mode = random() % 0777;
    static_cast<void>(run(writer, writer.index->set(entry->id, changes)));
  }

  // --- What happens to it --------------------------------------------------------------------------------------------
  void pass(std::chrono::nanoseconds time) {
    for (Writer& writer : writers_) writer.clock.now += time;
  }
  static void poll(Writer& writer, std::uint32_t handlers) {
    writer.context->restart();
    while (handlers-- != 0 && writer.context->poll_one() != 0) {
    }
  }
  // As a backup that is put on a new machine: with what the journal held then.
  void copy_state(Writer& from) {
    const auto is_new = [](const Writer& writer) { return !std::filesystem::exists(writer.state); };
    const auto to = std::ranges::find_if(writers_, is_new);
    if (to == writers_.end() || !std::filesystem::exists(from.state)) return;
    kill(from);
    std::filesystem::copy(from.state, to->state, std::filesystem::copy_options::recursive);
  }

  void take(const Step& step) {
    Random random{step.seed};
    pass(std::chrono::milliseconds{random() % 1'000});
    Writer& writer = writers_[step.writer];
    const std::uint32_t kind = step.kind % 100;
    if (kind < 4) {
      kill(writer);
    } else if (kind < 6) {
      copy_state(writer);
    } else if (kind < 8) {
      writer.clock.skew = std::chrono::minutes{random() % 120} - 1h;
    } else if (kind < 12) {
      pass(std::chrono::seconds{random() % 200});
    } else if (kind < 13) {
      pass(std::chrono::hours{random() % 60});
    } else if (kind < 15) {
      if (writer.line) writer.line->deliver();
    } else if (mount(writer)) {
      if (kind >= kFirstChange) look(writer);
      act(writer, kind, step.seed, random);
    }
  }
  // What it hears of others it hears now, not between its look at a name and what it does to it.
  void look(Writer& writer) {
    static_cast<void>(entries(writer, kRoot));
    poll(writer, 100'000);
  }
  static constexpr std::uint32_t kFirstChange = 44;
  void act(Writer& writer, std::uint32_t kind, std::uint32_t step_seed, Random& random) {
    Index& index = *writer.index;
    if (kind < 25) {
      static_cast<void>(run(writer, index.commit()));
    } else if (kind < 35) {
      static_cast<void>(run(writer, index.refresh()));
    } else if (kind < 38) {
      poll(writer, static_cast<std::uint32_t>(random() % 200));
    } else if (kind < 41) {
      static_cast<void>(run(writer, index.close()));
      kill(writer);
    } else if (kind < kFirstChange) {
      writer.line->set_quality(random() % 2 == 0 ? 0 : 25, step_seed);
    } else if (kind < 60) {
      make(writer, random);
    } else if (kind < 75) {
      open_or_write(writer, random);
    } else if (kind < 84) {
      remove(writer, random);
    } else if (kind < 92) {
      move(writer, random);
    } else if (kind < 95) {
      exchange(writer, random);
    } else if (kind < 97) {
      link(writer, random);
    } else if (kind < 98) {
      copy(writer, random);
    } else {
      set(writer, random);
    }
  }

  // --- What must hold ------------------------------------------------------------------------------------------------
  struct Tree {
    std::string text;
    std::set<BlobId> contents;
    std::string broken;
  };

  Tree tree_of(Writer& writer) {
    Tree out;
    std::map<InodeId, std::pair<std::uint64_t, std::uint64_t>> links;  // those of the inode, and names that were found
    std::set<InodeId> directories;
    std::vector<std::pair<InodeId, std::string>> left{{kRoot, ""}, {kLostFound, "lost+found"}, {kBlobs, "blobs"}};
    while (!left.empty()) {
      const auto [directory, path] = left.back();
      left.pop_back();
      if (!directories.insert(directory).second) {
        out.broken = path + " is there twice";
        continue;
      }
      for (const NamedEntry& entry : entries(writer, directory)) {
        const std::string name = path + "/" + entry.name;
        const Inode& inode = *entry.inode;
        out.text += name + " " + to_text(entry.id) + " " + std::to_string(inode.mode) + " " +
                    std::to_string(inode.links) + " " + (inode.version ? to_text(*inode.version) : "-") + " " +
                    std::to_string(inode.mtime.seconds) + "." + std::to_string(inode.mtime.nanoseconds) + "\n";
        if (const auto content = content_of(writer, inode)) {
          out.contents.insert(*content);
          if (!store_->blobs().contains(content_key(*inode.reference->id)))
            out.broken = name + " has a content that is deleted";
        }
        if (inode.is_directory()) {
          left.emplace_back(entry.id, name);
        } else {
          auto& [counted, found] = links[entry.id];
          counted = inode.links;
          ++found;
        }
      }
    }
    for (const auto& [id, counts] : links) {
      if (counts.first != counts.second) out.broken = to_text(id) + " has a wrong count of links";
    }
    return out;
  }

  // Everything arrives, everyone hears of everything.
  std::string quieten() {
    for (Writer& writer : writers_) {
      if (!writer.line) writer.line = std::make_shared<BadLine>(store_);
      writer.line->set_quality(0, 0);
      writer.line->deliver();
      writer.clock.skew = {};
    }
    pass(2h);
    for (Writer& writer : writers_) {
      if (!mount(writer)) return "a writer can't be mounted";
    }
    return come_to_rest();
  }
  // Until nobody has anything to say: a snapshot that one made last is not what the others show.
  std::string come_to_rest() {
    for (int round = 0; round < 20; ++round) {
      const MemoryStore::Blobs before = store_->blobs();
      for (Writer& writer : writers_) {
        if (!writer.index) continue;
        if (!run(writer, writer.index->refresh())) return "a refresh failed";
        if (!run(writer, writer.index->commit())) return "a commit failed";
        poll(writer, 10'000);
        pass(100s);  // what failed is tried again within a round
      }
      if (round > 2 && store_->blobs() == before) return {};
    }
    return "the writers do not come to rest";
  }
  std::string compare(const char* when) {
    const Tree first = tree_of(writers_[0]);
    if (!first.broken.empty()) return first.broken + when;
    for (const BlobId& content : confirmed_) {
      if (!released_.contains(content) && !first.contents.contains(content))
        return "content " + std::to_string(content[15] + content[14] * 256) + " is lost" + when;
    }
    for (Writer& writer : writers_) {
      const std::string other = tree_of(writer).text;
      if (other != first.text) return "two writers differ" + std::string{when} + ":\n" + other + "\n" + first.text;
    }
    Writer fresh;
    fresh.state = directory_ / "fresh";
    std::filesystem::remove_all(fresh.state);
    fresh.clock.now = writers_[0].clock.now;
    if (!mount(fresh)) return "a fresh reader can't be mounted" + std::string{when};
    const std::string read = tree_of(fresh).text;
    if (read != first.text) return "a fresh reader differs" + std::string{when} + ":\n" + read + "\n" + first.text;
    return {};
  }
  std::string check() {
    if (std::string broken = quieten(); !broken.empty()) return broken;
    if (std::string broken = compare(", once all is quiet"); !broken.empty()) return broken;
    // Days go by: snapshots are made, logs dropped.
    for (int day = 0; day < 4; ++day) {
      pass(25h);
      if (std::string broken = come_to_rest(); !broken.empty()) return broken + ", days later";
    }
    for (Writer& writer : writers_) {
      const IndexStatus status = writer.index->status();
      if (status.operations != 0) return "the log does not get shorter: " + std::to_string(status.operations);
    }
    if (std::string broken = compare(", days later"); !broken.empty()) return broken;
    // One is away for a month, and given up by the others.
    kill(writers_.back());
    pass(31 * 24h);
    std::string broken = come_to_rest();
    if (broken.empty() && !mount(writers_.back())) broken = "a writer can't be mounted";
    if (broken.empty()) broken = come_to_rest();
    return broken.empty() ? compare(", a month later") : broken + ", a month later";
  }

  const std::filesystem::path directory_;
  std::shared_ptr<MemoryStore> store_ = std::make_shared<MemoryStore>();
  std::array<Writer, kWriters> writers_;
  std::uint64_t contents_ = 0;
  std::set<BlobId> confirmed_, released_;
};

}  // namespace

std::string run_schedule(const Schedule& schedule, const std::filesystem::path& directory) {
  World world{directory};
  return world.run(schedule);
}

}  // namespace spotfs
