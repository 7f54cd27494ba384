// Which store a record has to be of, however it was sealed.
#include "fs/index/record.hpp"

namespace spotfs {

using spot::fail;

Result<Bytes> RecordSealer::open(RecordKind kind, const std::string& key, const StoreSecret& store,
                                 BytesView sealed) const {
  Result<Store> opened = open_any(kind, key, sealed);
  if (!opened) return opened.error();
  if (opened->store.id != store.id) return fail(Errc::wrong_name);
  if (carries_secret(kind) && opened->store.secret != store.secret) return fail(Errc::wrong_name);
  return std::move(opened->payload);
}

Result<RecordSealer::Store> RecordSealer::open_store(const std::string& key, BytesView sealed) const {
  return open_any(RecordKind::store, key, sealed);
}

}  // namespace spotfs
