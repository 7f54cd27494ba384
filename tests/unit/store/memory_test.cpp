#include "fs/store/memory.hpp"

#include <boost/asio/io_context.hpp>

#include "tests/conformance/blob_store_suite.hpp"
#include "tests/unit/spawn.hpp"

namespace spotfs {

namespace {

class MemoryFixture {
 protected:
  MemoryStore& store() { return store_; }
  template <class T>
  T run(asio::awaitable<T> work) {
    auto result = spot::test::spawn(context_, std::move(work));
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
