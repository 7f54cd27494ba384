// A directory for a disk cache, and a clock that a test sets.
#pragma once

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fs/store/cache_directory.hpp"

namespace spotfs {

class SetClock final : public spot::Clock {
 public:
  Wall wall() const override { return wall_; }
  Steady steady() const override { return wall_.time_since_epoch(); }
  void pass(std::chrono::nanoseconds time) { wall_ += time; }

 private:
  Wall wall_{std::chrono::hours{24 * 365 * 50}};
};

class CacheFiles {
 public:
  CacheFiles() {
    std::string path = std::filesystem::temp_directory_path() / "spotfs-cache-XXXXXX";
    root_ = ::mkdtemp(path.data());
  }
  ~CacheFiles() { std::filesystem::remove_all(root_); }
  CacheFiles(const CacheFiles&) = delete;

  CacheDirectory::Options options(std::uint64_t limit = std::uint64_t{1} << 30) const {
    CacheDirectory::Options out;
    out.directory = directory();
    out.secret.assign(32, 7);
    out.scope = "wss://relay";
    out.limit = limit;
    out.clock = &clock_;
    return out;
  }
  // As a mount that begins finds it.
  std::unique_ptr<CacheDirectory> open(std::uint64_t limit = std::uint64_t{1} << 30) const {
    return CacheDirectory::open(options(limit)).value();
  }

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path directory() const { return root_ / "cache/identity"; }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator{directory()}) out.push_back(entry.path());
    return out;
  }
  std::filesystem::path only_file() const {
    EXPECT_EQ(files().size(), 1U);
    return files().front();
  }
  static std::string content(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  static void overwrite(const std::filesystem::path& file, std::string_view content) {
    std::ofstream{file, std::ios::binary | std::ios::trunc} << content;
  }
  static mode_t mode_of(const std::filesystem::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  SetClock& clock() { return clock_; }

 private:
  std::filesystem::path root_;
  SetClock clock_;
};

}  // namespace spotfs
