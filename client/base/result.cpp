#include "client/base/result.hpp"

#include <cerrno>

namespace spot {
namespace {

struct Row {
  int number;
  const char* text;
};

constexpr Row row(Errc e) noexcept {
  switch (e) {
    case Errc::not_found: return {ENOENT, "no such key, name or endpoint"};
    case Errc::card_unknown: return {EHOSTUNREACH, "the relay knows no ID card for this address"};
    case Errc::peer_offline: return {EHOSTUNREACH, "the recipient is not online"};
    case Errc::no_such_endpoint: return {ENOENT, "the other side has no such endpoint"};
    case Errc::offline: return {ENETDOWN, "no connection to a relay"};
    case Errc::timed_out: return {ETIMEDOUT, "no answer before the deadline"};
    case Errc::cancelled: return {EINTR, "interrupted"};
    case Errc::stopping: return {ENETDOWN, "the client is stopping"};
    case Errc::connection_lost: return {ETIMEDOUT, "the connection was lost before the answer: the outcome is unknown"};
    case Errc::malformed: return {EBADMSG, "not in the form that the protocol demands"};
    case Errc::not_sealed: return {EBADMSG, "not a sealed message"};
    case Errc::bad_signature: return {EBADMSG, "a signature does not verify"};
    case Errc::wrong_signer: return {EBADMSG, "not signed by the one who should have"};
    case Errc::not_for_us: return {EBADMSG, "not encrypted for a key of ours"};
    case Errc::wrong_name: return {EBADMSG, "made for another key, address or endpoint"};
    case Errc::rollback: return {EBADMSG, "older than what was seen before"};
    case Errc::replay: return {EBADMSG, "a message that was received before"};
    case Errc::bad_key: return {EBADMSG, "not a valid public or private key"};
    case Errc::unsupported_key: return {EBADMSG, "a type of key that this build does not support"};
    case Errc::no_recipient: return {EBADMSG, "there is no key to encrypt for"};
    case Errc::bad_card: return {EBADMSG, "not a valid ID card of this address"};
    case Errc::remote_error: return {EREMOTEIO, "the other side answered with an error"};
    case Errc::too_large: return {EMSGSIZE, "too large for one message"};
    case Errc::file_too_large: return {EFBIG, "too large for this file"};
    case Errc::name_too_long: return {ENAMETOOLONG, "the name is too long"};
    case Errc::quota_exceeded: return {EDQUOT, "the relay's quota for this identity is used up"};
    case Errc::rate_exceeded: return {EREMOTEIO, "the relay asks to slow down"};
    case Errc::read_only: return {EROFS, "mounted read-only"};
    case Errc::refused: return {EPERM, "not allowed here"};
    case Errc::bad_certificate: return {ENETDOWN, "the relay's certificate is not trusted"};
    case Errc::wrong_host: return {ENETDOWN, "the relay's certificate is for another host"};
    case Errc::no_tls: return {ENETDOWN, "the relay does not speak TLS as it must"};
    case Errc::bad_handshake: return {ENETDOWN, "the relay's handshake is not acceptable"};
    case Errc::discovery_failed: return {ENETDOWN, "the list of relays could not be had"};
    case Errc::bad_argument: return {EINVAL, "invalid argument"};
    case Errc::bad_permissions: return {EACCES, "the permissions of a secret file are too open"};
    case Errc::crypto_failed: return {EIO, "a cryptographic operation failed"};
    case Errc::storage_failed: return {EIO, "the local database failed"};
    case Errc::lost: return {EIO, "the relay has lost what it had acknowledged, and no copy is left here"};
  }
  return {EIO, "unknown error"};
}

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "spot"; }
  std::string message(int value) const override { return row(static_cast<Errc>(value)).text; }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {row(static_cast<Errc>(value)).number, std::generic_category()};
  }
};

}  // namespace

const std::error_category& category() noexcept {
  static const Category instance;
  return instance;
}

int to_errno(std::error_code ec) noexcept {
  if (!ec) return 0;
  if (ec.category() == category()) return row(static_cast<Errc>(ec.value())).number;
  if (ec.category() == std::generic_category() || ec.category() == std::system_category()) return ec.value();
  return EIO;
}

}  // namespace spot
