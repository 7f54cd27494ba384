// Content blobs as plaintext, checked.
//
// Thread: any; what is referred to must outlive the call. Errors: those of the store; not_sealed, bad_signature,
// malformed and too_large as seal.hpp has them, with the key as text.
#pragma once

#include <optional>

#include "fs/content/seal.hpp"
#include "fs/store/blob_store.hpp"

namespace spotfs {

// With a `size`, the plaintext must have it. What does not open may be a bad copy: that is asked for once more.
asio::awaitable<Answer<Bytes>> fetch_opened(BlobStore& store, const ContentCipher& cipher, ContentKind kind, BlobId id,
                                            std::optional<std::size_t> size = {});

}  // namespace spotfs
