// Values: the content of a key, sealed for our own card and bound to its key, store and version; or plain, as another
// client of this identity stored it.
//
// Thread: any, immutable. Errors: file_too_large beyond the limit; wrong_name for the value of another key or store, or
// of another kind; malformed for a reference that no disk writes; those of open_sealed.
// Source: blobs.md, "Value"; protocol.md, "Sealed".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/crypto/keychain.hpp"
#include "fs/content/reference.hpp"
#include "fs/index/stamp.hpp"
#include "fs/tree/file.hpp"

namespace spotfs::tree {

using Text = std::shared_ptr<const Bytes>;  // content that does not change; never null

struct Value {
  Text content;
  std::optional<Stamp> version = {};        // none: plain
  std::optional<Reference> reference = {};  // where the content is instead: `content` is empty then

  std::uint64_t size() const noexcept { return reference ? reference->size : content->size(); }
  // As the inode has it.
  std::optional<Reference> inode_reference() const {
    return reference ? reference : Reference::of_value(content->size());
  }
  bool same_content(const Value& other) const { return reference == other.reference && *content == *other.content; }
};

class ValueSealer {
 public:
  ValueSealer(std::shared_ptr<const spot::Keychain> keys, const BlobId& store);

  std::size_t limit() const noexcept { return limit_; }  // bytes of content
  Result<Bytes> seal(const std::string& key, const Stamp& version, BytesView content) const;
  Result<Bytes> seal(const std::string& key, const Value& value) const;  // not a plain one
  Result<Value> open(const std::string& key, BytesView bottle) const;

 private:
  Result<Bytes> seal_any(const std::string& key, const Stamp& version, BytesView content,
                         const std::optional<Reference>& reference) const;

  const std::shared_ptr<const spot::Keychain> keys_;
  const BlobId store_;
  std::vector<spot::PublicKey> recipients_, signers_;
  std::size_t limit_ = 0;
};

}  // namespace spotfs::tree
