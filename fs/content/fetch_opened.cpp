#include "fs/content/fetch_opened.hpp"

namespace spotfs {

asio::awaitable<Answer<Bytes>> fetch_opened(BlobStore& store, const ContentCipher& cipher, ContentKind kind, BlobId id,
                                            std::optional<std::size_t> size) {
  const std::string key = content_key(id);
  for (bool again = false;; again = true) {
    const Answer<Bytes> bottle = co_await store.fetch(key);
    if (!bottle) co_return bottle.error();
    Result<Bytes> opened = size ? cipher.open(kind, id, *bottle, *size) : cipher.open(kind, id, *bottle);
    if (opened) co_return *std::move(opened);
    const bool was_copy = store.distrust(key);
    if (again || !was_copy) co_return Failure{opened.error(), key};
  }
}

}  // namespace spotfs
