#include "fs/index/check_log.hpp"

#include "fs/content/check.hpp"
#include "fs/index/op.hpp"

namespace spotfs {

asio::awaitable<Answer<std::vector<LostBlob>>> check_log(std::shared_ptr<const SealedStore> store, LogList log) {
  std::vector<LostBlob> lost;
  for (std::size_t lists = 0; lists < kMaxLists; ++lists) {
    for (const PieceRef& piece : log.pieces) {
      const Answer<Bytes> encoded = co_await store->fetch_content(ContentKind::log, piece.id);
      if (!encoded && !cannot_be_had(encoded.error().code)) co_return encoded.error();
      std::error_code why = encoded ? std::error_code{} : encoded.error().code;
      if (encoded) {
        const Result<std::vector<Operation>> operations = decode_piece(*encoded);
        if (!operations || operations->back().stamp != piece.last) why = make_error_code(Errc::malformed);
      }
      if (why) lost.push_back(LostBlob{piece.id, why});
    }
    if (!log.older) break;
    const BlobId id = *log.older;
    const Answer<Bytes> encoded = co_await store->fetch_content(ContentKind::log, id);
    if (!encoded && !cannot_be_had(encoded.error().code)) co_return encoded.error();
    const Result<LogList> older = encoded ? decode_log_list(*encoded) : Result<LogList>{encoded.error().code};
    if (!older) {
      lost.push_back(LostBlob{id, older.error()});
      break;
    }
    log = *older;
  }
  co_return lost;
}

}  // namespace spotfs
