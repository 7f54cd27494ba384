// What the kernel asks for, and what it is answered.
#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/unit/fuse/session_fixture.hpp"

namespace spotfs::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t root_id = FUSE_ROOT_ID;
constexpr std::uint64_t nobody = 4711;

using Kernel = FakeKernel;

TEST_F(SessionTest, IsReadyOnceInitHasBeenAnswered) {
  begin();
  EXPECT_TRUE(session_->wait_ready(std::chrono::seconds{10}));
}

TEST_F(SessionTest, LeavesLocksAndPrivilegesToTheKernel) {
  SessionOptions options;
  auto session = Session::attach(io_, root_, notifier_, options, kernel_.device());
  session_ = *std::move(session);
  session_->start();
  const auto out = kernel_.init().as<fuse_init_out>();
  EXPECT_EQ(out.flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_HANDLE_KILLPRIV | FUSE_WRITEBACK_CACHE), 0U);
  EXPECT_NE(out.flags & FUSE_ATOMIC_O_TRUNC, 0U);
  EXPECT_GE(out.max_write, 1U << 20);
}

TEST_F(SessionTest, LetsTheKernelAskForSeveralNamesOfADirectoryAtOnce) {
  auto session = Session::attach(io_, root_, notifier_, {}, kernel_.device());
  session_ = *std::move(session);
  session_->start();
  EXPECT_NE(kernel_.init().as<fuse_init_out>().flags & FUSE_PARALLEL_DIROPS, 0U);
}

TEST_F(SessionTest, FindsAFileAndReadsIt) {
  root_->put("hello", "hello, world");
  begin();
  const auto entry = kernel_.lookup(root_id, "hello").as<fuse_entry_out>();
  EXPECT_EQ(entry.attr.size, 12U);
  const std::uint64_t handle = kernel_.open(entry.nodeid);
  EXPECT_EQ(kernel_.read(entry.nodeid, handle, 0, 4096).body, "hello, world");
  EXPECT_EQ(kernel_.read(entry.nodeid, handle, 7, 3).body, "wor");
  EXPECT_EQ(kernel_.read(entry.nodeid, handle, 100, 3).body, "");
}

// Memory has it only from its beginning; the rest comes two bytes at a time.
class CachedFile final : public OpenFile {
 public:
  std::optional<Content> read_now(std::uint64_t offset, std::size_t size) override {
    if (offset == 0) return content_.part(0, size);
    return std::nullopt;
  }
  asio::awaitable<Result<Content>> read(Caller, std::uint64_t offset, std::size_t size) override {
    co_return content_.part(offset, std::min<std::size_t>(size, 2));
  }

 private:
  const Content content_{spot::to_bytes(std::string_view{"cached"})};
};

class CachedNode final : public Node {
 public:
  asio::awaitable<Result<Attributes>> attributes(Caller) override { co_return Attributes{}; }
  asio::awaitable<Result<Opened>> open(Caller, int) override { co_return Opened{std::make_shared<CachedFile>()}; }
};

TEST_F(SessionTest, ReadsFromMemoryAndAsksTheFileOnlyForTheRest) {
  begin(std::make_shared<CachedNode>());
  const std::uint64_t handle = kernel_.open(root_id);
  EXPECT_EQ(kernel_.read(root_id, handle, 0, 4).body, "cach");
  EXPECT_EQ(kernel_.read(root_id, handle, 2, 4).body, "ch");
}

TEST_F(SessionTest, WritesWhatItIsGiven) {
  const auto file = root_->put("f", "abc");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  fuse_write_in in{};
  in.fh = kernel_.open(id, O_RDWR);
  in.offset = 2;
  in.size = 4;
  EXPECT_EQ(kernel_.ask(FUSE_WRITE, id, Kernel::raw(in) + "wxyz").as<fuse_write_out>().size, 4U);
  EXPECT_EQ(file->content(), "abwxyz");
}

TEST_F(SessionTest, AppendsAtTheNodesOwnEnd) {
  const auto file = root_->put("f", "abc");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  fuse_write_in in{};
  in.fh = kernel_.open(id, O_WRONLY | O_APPEND);
  in.offset = 0;  // what the kernel believes
  in.flags = O_WRONLY | O_APPEND;
  in.size = 1;
  kernel_.ask(FUSE_WRITE, id, Kernel::raw(in) + "d");
  EXPECT_EQ(file->content(), "abcd");
}

TEST_F(SessionTest, TellsThatANameIsNotThere) {
  begin();
  EXPECT_EQ(kernel_.lookup(root_id, "missing").error, -ENOENT);
}

TEST_F(SessionTest, TellsForHowLongANameIsNotThere) {
  memory_->timeout = std::chrono::milliseconds{1500};
  begin();
  const auto entry = kernel_.lookup(root_id, "missing").as<fuse_entry_out>();
  EXPECT_EQ(entry.nodeid, 0U);
  EXPECT_EQ(entry.entry_valid, 1U);
  EXPECT_EQ(entry.entry_valid_nsec, 500'000'000U);
}

TEST_F(SessionTest, CreatesAFileThatIsOpen) {
  begin();
  fuse_create_in in{};
  in.flags = O_RDWR;
  in.mode = S_IFREG | 0640;
  const auto answer = kernel_.ask(FUSE_CREATE, root_id, Kernel::raw(in) + Kernel::name("new"));
  ASSERT_EQ(answer.error, 0);
  EXPECT_EQ(answer.as<fuse_entry_out>().attr.mode, S_IFREG | 0640U);
  EXPECT_EQ(session_->open_handles(), 1U);
  EXPECT_EQ(kernel_.ask(FUSE_CREATE, root_id, Kernel::raw(in) + Kernel::name("new")).error, -EEXIST);
}

TEST_F(SessionTest, ChangesAttributes) {
  root_->put("f", "abcdef");
  begin();
  fuse_setattr_in in{};
  in.valid = FATTR_SIZE | FATTR_MODE | FATTR_MTIME;
  in.size = 2;
  in.mode = S_IFREG | 0600;
  in.mtime = 1'000'000'000'000;  // later than 64 bits of nanoseconds can tell
  const auto out = kernel_.ask(FUSE_SETATTR, kernel_.id_of(root_id, "f"), Kernel::raw(in)).as<fuse_attr_out>();
  EXPECT_EQ(out.attr.size, 2U);
  EXPECT_EQ(out.attr.mode, S_IFREG | 0600U);
  EXPECT_EQ(out.attr.mtime, 9'223'372'036U);
}

TEST_F(SessionTest, RenamesWithTheFlagsThatItKnows) {
  const auto a = root_->put("a", "1");
  root_->put("b", "2");
  begin();
  fuse_rename2_in in{};
  in.newdir = root_id;
  const std::string names = Kernel::name("a") + Kernel::name("b");
  in.flags = RENAME_NOREPLACE;
  EXPECT_EQ(kernel_.ask(FUSE_RENAME2, root_id, Kernel::raw(in) + names).error, -EEXIST);
  in.flags = RENAME_WHITEOUT;
  EXPECT_EQ(kernel_.ask(FUSE_RENAME2, root_id, Kernel::raw(in) + names).error, -EINVAL);
  in.flags = RENAME_EXCHANGE;
  EXPECT_EQ(kernel_.ask(FUSE_RENAME2, root_id, Kernel::raw(in) + names).error, 0);
  in.newdir = nobody;
  EXPECT_EQ(kernel_.ask(FUSE_RENAME2, root_id, Kernel::raw(in) + names).error, -ESTALE);
}

TEST_F(SessionTest, TellsTheSizeOfAnXattrToACallerWithoutRoom) {
  begin();
  fuse_setxattr_in set{};
  set.size = 5;
  // The short form, which is what a session that did not ask for more is sent.
  const std::string head = Kernel::raw(set).substr(0, FUSE_COMPAT_SETXATTR_IN_SIZE);
  ASSERT_EQ(kernel_.ask(FUSE_SETXATTR, root_id, head + Kernel::name("user.x") + "value").error, 0);
  fuse_getxattr_in get{};
  EXPECT_EQ(kernel_.ask(FUSE_GETXATTR, root_id, Kernel::raw(get) + Kernel::name("user.x")).as<fuse_getxattr_out>().size,
            5U);
  get.size = 4;
  EXPECT_EQ(kernel_.ask(FUSE_GETXATTR, root_id, Kernel::raw(get) + Kernel::name("user.x")).error, -ERANGE);
  get.size = 100;
  EXPECT_EQ(kernel_.ask(FUSE_GETXATTR, root_id, Kernel::raw(get) + Kernel::name("user.x")).body, "value");
  EXPECT_EQ(kernel_.ask(FUSE_LISTXATTR, root_id, Kernel::raw(get)).body, Kernel::name("user.x"));
  EXPECT_EQ(kernel_.ask(FUSE_GETXATTR, root_id, Kernel::raw(get) + Kernel::name("user.y")).error, -ENODATA);
}

TEST_F(SessionTest, SeeksThroughAFileThatKnowsNoHoles) {
  root_->put("f", "abcdef");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  fuse_lseek_in in{};
  in.fh = kernel_.open(id);
  in.offset = 2;
  in.whence = SEEK_DATA;
  EXPECT_EQ(kernel_.ask(FUSE_LSEEK, id, Kernel::raw(in)).as<fuse_lseek_out>().offset, 2U);
  in.whence = SEEK_HOLE;
  EXPECT_EQ(kernel_.ask(FUSE_LSEEK, id, Kernel::raw(in)).as<fuse_lseek_out>().offset, 6U);
  in.offset = 6;
  EXPECT_EQ(kernel_.ask(FUSE_LSEEK, id, Kernel::raw(in)).error, -ENXIO);
}

TEST_F(SessionTest, RefusesNodesAndHandlesThatItNeverGave) {
  begin();
  EXPECT_EQ(kernel_.lookup(nobody, "x").error, -ESTALE);
  EXPECT_EQ(kernel_.ask(FUSE_GETATTR, nobody, Kernel::raw(fuse_getattr_in{})).error, -ESTALE);
  EXPECT_EQ(kernel_.read(root_id, nobody, 0, 10).error, -EBADF);
  EXPECT_EQ(kernel_.read(root_id, nobody, 0, 4096, FUSE_READDIR).error, -EBADF);
  fuse_release_in in{};
  in.fh = nobody;
  EXPECT_EQ(kernel_.ask(FUSE_RELEASE, root_id, Kernel::raw(in)).error, -EBADF);
  EXPECT_EQ(kernel_.ask(FUSE_RELEASEDIR, root_id, Kernel::raw(in)).error, -EBADF);
  fuse_link_in link{};
  link.oldnodeid = nobody;
  EXPECT_EQ(kernel_.ask(FUSE_LINK, root_id, Kernel::raw(link) + Kernel::name("l")).error, -ESTALE);
  fuse_copy_file_range_in copy{};
  copy.fh_in = nobody;
  EXPECT_EQ(kernel_.ask(FUSE_COPY_FILE_RANGE, root_id, Kernel::raw(copy)).error, -EBADF);
}

TEST_F(SessionTest, ReleasesAFileOnce) {
  root_->put("f", "");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  fuse_release_in in{};
  in.fh = kernel_.open(id);
  EXPECT_EQ(kernel_.ask(FUSE_RELEASE, id, Kernel::raw(in)).error, 0);
  EXPECT_EQ(kernel_.ask(FUSE_RELEASE, id, Kernel::raw(in)).error, -EBADF);
  end();
  EXPECT_EQ(memory_->releases, 1);
  EXPECT_EQ(memory_->open_files, 0);
}

TEST_F(SessionTest, ReleasesAtItsEndWhatIsStillOpen) {
  root_->put("f", "");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  kernel_.open(id);
  kernel_.open(id);
  kernel_.unmount();
  session_->wait();
  EXPECT_EQ(memory_->releases, 2);
  EXPECT_EQ(memory_->open_files, 0);
}

TEST_F(SessionTest, LetsGoOfAllNodesAtItsEnd) {
  const std::weak_ptr<MemoryNode> file = root_->put("f", "");
  begin();
  kernel_.open(kernel_.id_of(root_id, "f"));
  kernel_.open(root_id, 0, FUSE_OPENDIR);
  end();
  EXPECT_EQ(root_.use_count(), 1);
  root_.reset();
  EXPECT_TRUE(file.expired());
}

TEST_F(SessionTest, ForgetsANodeWhenAllReferencesAreTakenBack) {
  root_->put("f", "");
  begin();
  const std::uint64_t id = kernel_.id_of(root_id, "f");
  EXPECT_EQ(kernel_.id_of(root_id, "f"), id);
  kernel_.forget(id, 1);
  EXPECT_EQ(kernel_.ask(FUSE_GETATTR, id, Kernel::raw(fuse_getattr_in{})).error, 0);
  kernel_.forget(id, 1);
  // The two readers may take the next request before they are done with this one.
  while (session_->known_nodes() != 1) std::this_thread::yield();
  EXPECT_EQ(kernel_.ask(FUSE_GETATTR, id, Kernel::raw(fuse_getattr_in{})).error, -ESTALE);
  EXPECT_NE(kernel_.id_of(root_id, "f"), id);
}

TEST_F(SessionTest, ForgetsManyNodesAtOnce) {
  std::string body = Kernel::raw(fuse_batch_forget_in{3, 0});
  for (const char* name : {"a", "b", "c"}) root_->put(name, "");
  begin();
  for (const char* name : {"a", "b", "c"}) body += Kernel::raw(fuse_forget_one{kernel_.id_of(root_id, name), 1});
  EXPECT_EQ(session_->known_nodes(), 4U);
  kernel_.send(FUSE_BATCH_FORGET, 0, body);
  while (session_->known_nodes() != 1) std::this_thread::yield();
}

TEST_F(SessionTest, KeepsTheRootWhateverIsForgotten) {
  begin();
  kernel_.forget(root_id, 1000);
  kernel_.forget(nobody, 1);
  EXPECT_EQ(kernel_.ask(FUSE_GETATTR, root_id, Kernel::raw(fuse_getattr_in{})).error, 0);
}

TEST_F(SessionTest, CountsWhatItIsAskedFor) {
  begin();
  kernel_.lookup(root_id, "missing");
  kernel_.lookup(root_id, "missing");
  for (const OperationCount& count : session_->operation_counts()) {
    if (count.name != "lookup") continue;
    EXPECT_EQ(count.calls, 2U);
    EXPECT_EQ(count.failures, 2U);
    EXPECT_EQ(count.took.count(), 2U);
    EXPECT_GT(count.took.seconds, 0.0);
    return;
  }
  FAIL() << "lookup is not counted";
}

class Broken final : public Node {
 public:
  asio::awaitable<Result<Attributes>> attributes(Caller) override {
    Attributes attributes;
    attributes.mode = S_IFDIR | 0755;
    co_return attributes;
  }
  asio::awaitable<Result<Entry>> lookup(Caller, std::string name) override {
    if (name == "throws") throw std::runtime_error{"this node is broken"};
    if (name == "no memory") throw std::bad_alloc{};
    if (name == "not implemented") co_return fail(ENOSYS);
    if (name == "no errno") co_return std::error_code{100'000, std::generic_category()};
    co_return Entry{};
  }
  // Not a coroutine: it throws before there is one.
  asio::awaitable<Result<std::string>> read_link(Caller) override { throw std::runtime_error{"no coroutine"}; }
  asio::awaitable<Result<Opened>> open(Caller, int) override { co_return Opened{}; }
  asio::awaitable<Result<Entry>> make_directory(Caller, std::string, mode_t) override { co_return Entry{}; }
};

TEST_F(SessionTest, AnswersWhateverANodeDoes) {
  begin(std::make_shared<Broken>());
  EXPECT_EQ(kernel_.lookup(root_id, "throws").error, -EIO);
  while (log().empty()) std::this_thread::yield();  // the answer goes first
  EXPECT_THAT(log(), ElementsAre(HasSubstr("this node is broken")));
  EXPECT_EQ(kernel_.lookup(root_id, "no memory").error, -ENOMEM);
  EXPECT_EQ(kernel_.lookup(root_id, "not implemented").error, -EOPNOTSUPP);
  EXPECT_EQ(kernel_.lookup(root_id, "no errno").error, -EIO);
  EXPECT_EQ(kernel_.ask(FUSE_READLINK, root_id).error, -EIO);
  EXPECT_EQ(kernel_.ask(FUSE_OPEN, root_id, Kernel::raw(fuse_open_in{})).error, -EIO);
  EXPECT_EQ(kernel_.ask(FUSE_MKDIR, root_id, Kernel::raw(fuse_mkdir_in{}) + Kernel::name("x")).error, -EIO);
}

}  // namespace
}  // namespace spotfs::test
