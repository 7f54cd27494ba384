#include "mount/relay/membership_files.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/bottle/id_card.hpp"

namespace spot::relay {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 64 << 10;

Failure failure_of(const fs::path& path, std::error_code why) {
  return {why, printable(path.string()) + ": " + why.message()};
}
Failure last_failure(const fs::path& path) { return failure_of(path, {errno, std::system_category()}); }

Answer<Bytes> read_file(const fs::path& path) {
  // Not to be kept waiting by a pipe.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return last_failure(path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return last_failure(path);
  if (!S_ISREG(info.st_mode)) return Failure{Errc::bad_argument, printable(path.string()) + ": not a file"};
  Bytes content(kMaxFile + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t n = ::read(file.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return last_failure(path);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMaxFile) return Failure{Errc::too_large, printable(path.string()) + ": larger than 64 KiB"};
  content.resize(size);
  return content;
}

// In one step, so that a relay never reads half of it.
Answer<void> replace_file(const fs::path& path, BytesView content) {
  const fs::path temporary = path.string() + "." + std::to_string(::getpid());
  {
    const Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644)};
    if (!file) return last_failure(temporary);
    if (!write_all(file.get(), content) || ::fsync(file.get()) != 0) {
      Failure failure = last_failure(temporary);
      ::unlink(temporary.c_str());
      return failure;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
  Failure failure = last_failure(path);
  ::unlink(temporary.c_str());
  return failure;
}

// RFC 7468.
Result<PublicKey> parse_public_pem(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----", kEnd = "-----END PUBLIC KEY-----";
  const auto begin = text.find(kBegin);
  const auto end = text.find(kEnd, begin == text.npos ? begin : begin + kBegin.size());
  if (begin == text.npos || end == text.npos) return fail(Errc::malformed);
  std::string base64{text.substr(begin + kBegin.size(), end - begin - kBegin.size())};
  std::erase_if(base64, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  const auto pkix = from_any_base64(base64);
  if (!pkix) return pkix.error();
  return PublicKey::parse(*pkix);
}

}  // namespace

Answer<void> make_group_directory(const fs::path& directory) {
  std::error_code ec;
  fs::create_directories(directory, ec);
  if (ec) return failure_of(directory, ec);
  return {};
}

Answer<Membership> read_membership(const fs::path& file) {
  const auto content = read_file(file);
  if (!content) return content.error();
  auto membership = decode_membership(*content);
  if (!membership || membership->subject.empty())
    return Failure{Errc::malformed, printable(file.string()) + ": not the membership of anyone"};
  return *std::move(membership);
}

Answer<void> write_membership(const fs::path& directory, const PrivateKey& group, const PublicKey& member, bool valid,
                              UnixSeconds now) {
  if (const auto made = make_group_directory(directory); !made) return made;
  // Of two programs that change one membership, the later one must see what the first has written.
  const Descriptor lock{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return last_failure(directory);
  const fs::path file = directory / (base64url(group.public_key().hash()) + "." + base64url(member.hash()) +
                                     std::string{kMembershipSuffix});
  UnixSeconds issued = now;
  if (const auto before = read_membership(file)) issued = std::max(issued, before->issued + 1);
  const auto membership = make_membership(member.pkix(), group, valid ? "valid" : "suspended", issued);
  if (!membership) return Failure{membership.error(), "the group's key can't sign: " + membership.error().message()};
  return replace_file(file, encode_membership(*membership));
}

Answer<PublicKey> read_member(const fs::path& file, UnixSeconds now) {
  const auto content = read_file(file);
  if (!content) return content.error();
  if (auto key = parse_public_pem(as_text(*content))) return *std::move(key);
  if (const auto card = IdCard::load(*content, now)) {
    if (auto key = PublicKey::parse(card->self())) return *std::move(key);
  }
  return Failure{Errc::malformed, printable(file.string()) +
                                      ": not a public key (PEM) or an ID card; a mount has them as self/public.pem"
                                      " and cards/k.HASH"};
}

}  // namespace spot::relay
