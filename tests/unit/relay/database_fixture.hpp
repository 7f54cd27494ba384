// A database in a directory of its own, and a way to wait for its coroutines.
#pragma once

#include <filesystem>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "client/base/encoding.hpp"
#include "mount/relay/sqlite_database.hpp"
#include "tests/unit/spawn.hpp"

namespace spot::relay {

struct TemporaryDirectory {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("spot_relay_" + hex(random_array<8>()));
  TemporaryDirectory() { std::filesystem::create_directories(path); }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

template <class T>
T wait_for(asio::io_context& context, asio::awaitable<T> work) {
  auto result = spot::test::spawn(context, std::move(work));
  context.restart();
  context.run();
  return result.get();
}

inline Sha256 identity(std::uint8_t number) {
  Sha256 hash{};
  hash.fill(number);
  return hash;
}

}  // namespace spot::relay
