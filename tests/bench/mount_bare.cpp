// The least that a filesystem can be: names, attributes and contents from memory by libfuse's low-level API, in
// libfuse's own loop. What a mount is measured against.
//
//   bench_mount_bare DIR FILES ENTRY-TIMEOUT      serves DIR/blobs/<0 … FILES-1>, 45,056 bytes each, in the foreground
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sys/stat.h>

#include "fs/fuse/libfuse.hpp"

namespace {

constexpr fuse_ino_t kDirectory = 2;
constexpr fuse_ino_t kFirstFile = 3;
constexpr std::size_t kSize = 45'056;
constexpr double kLong = 3'600;

fuse_ino_t files = 0;
double entry_timeout = 0;
const std::string content(kSize, 'x');

struct stat attributes(fuse_ino_t inode) {
  struct stat info {};
  info.st_ino = inode;
  info.st_mode = inode < kFirstFile ? S_IFDIR | 0755U : S_IFREG | 0644U;
  info.st_nlink = 1;
  info.st_size = inode < kFirstFile ? 0 : kSize;
  return info;
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  fuse_entry_param entry{};
  entry.entry_timeout = entry.attr_timeout = parent == FUSE_ROOT_ID ? kLong : entry_timeout;
  const std::string_view text{name};
  if (parent == FUSE_ROOT_ID && text == "blobs") {
    entry.ino = kDirectory;
  } else {
    fuse_ino_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parent != kDirectory || ec != std::errc{} || end != text.data() + text.size() || number >= files) {
      fuse_reply_err(request, ENOENT);
      return;
    }
    entry.ino = kFirstFile + number;
  }
  entry.attr = attributes(entry.ino);
  fuse_reply_entry(request, &entry);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  const struct stat info = attributes(inode);
  fuse_reply_attr(request, &info, kLong);
}

void open(fuse_req_t request, fuse_ino_t, fuse_file_info* info) { fuse_reply_open(request, info); }

void read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info*) {
  const std::size_t begin = std::min(static_cast<std::size_t>(offset), kSize);
  fuse_reply_buf(request, content.data() + begin, std::min(size, kSize - begin));
}

void flush(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }
void release(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }

int serve(const char* directory) {
  fuse_lowlevel_ops table{};
  table.lookup = &lookup;
  table.getattr = &getattr;
  table.open = &open;
  table.read = &read;
  table.flush = &flush;
  table.release = &release;
  char program[] = "bench_mount_bare";
  char* arguments[] = {program, nullptr};
  fuse_args args{1, arguments, 0};
  fuse_session* const session = fuse_session_new(&args, &table, sizeof table, nullptr);
  if (session == nullptr || fuse_set_signal_handlers(session) != 0 || fuse_session_mount(session, directory) != 0)
    return 1;
  fuse_loop_config* const config = fuse_loop_cfg_create();
  fuse_session_loop_mt(session, config);
  fuse_loop_cfg_destroy(config);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  files = std::strtoul(argv[2], nullptr, 10);
  entry_timeout = std::strtod(argv[3], nullptr);
  return serve(argv[1]);
}
