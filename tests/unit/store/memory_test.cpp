#include "fs/store/memory.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include "tests/conformance/blob_store_suite.hpp"

namespace spotfs {

namespace {

class MemoryFixture {
 protected:
  MemoryStore& store() { return store_; }
  template <class T>
  T run(asio::awaitable<T> work) {
    auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
    context_.restart();
    context_.run();
    return result.get();
  }

 private:
  asio::io_context context_{1};
  MemoryStore store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BlobStoreSuite, MemoryFixture);

}  // namespace

}  // namespace spotfs
