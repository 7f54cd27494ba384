// Content blobs: chunks, indexes, pieces of log and tree nodes, each written once under a random id.
//
// Only who knows the store's secret can make one, so they need no signature: a bottle of format 0 around AES-256-GCM,
// under a key of its own for each kind and id, bound to the blob's key. One plaintext for each id, ever.
//
// Thread: any, immutable. Errors: not_sealed (another shape), bad_signature (another kind, id, store or content),
// malformed (another size than its place asks for), too_large. Source: files.md, "Content blob".
#pragma once

#include <string>

#include "fs/content/reference.hpp"

namespace spotfs {

enum class ContentKind : char { data = 'd', index = 'i', log = 'l', tree = 't' };

inline constexpr std::size_t kMaxContent = kChunkSize;  // bytes of a plaintext

std::string content_key(const BlobId& id);  // .spotfs/c/<22 characters>

class ContentCipher {
 public:
  ContentCipher(const BlobId& store, spot::SecretBytes secret) : store_{store}, secret_{std::move(secret)} {}

  Result<Bytes> seal(ContentKind kind, const BlobId& id, BytesView plaintext) const;
  Result<Bytes> open(ContentKind kind, const BlobId& id, BytesView bottle) const;
  // The same, and it must have `size` bytes.
  Result<Bytes> open(ContentKind kind, const BlobId& id, BytesView bottle, std::size_t size) const;

 private:
  spot::SecretBytes key_of(ContentKind kind, const BlobId& id) const;

  BlobId store_;
  spot::SecretBytes secret_;
};

}  // namespace spotfs
