#include "fs/tree/cards/card.hpp"

#include <algorithm>
#include <cerrno>

#include "client/proto/address.hpp"
#include "fs/tree/interrupt.hpp"
#include "fs/tree/self/self.hpp"
#include "fs/tree/text_file.hpp"

namespace spotfs::tree {
namespace {

constexpr std::string_view kJson = ".json";
constexpr mode_t kMode = S_IFREG | 0400;

// The same for all that a name has meant: tools that copy compare it before and after an open.
std::uint64_t inode_number(const CardName& name) {
  constexpr std::uint64_t kBegin = std::uint64_t{1} << 61;  // beyond new_inode_number()
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = (number << 8) | name.hash[i];
  return kBegin | (((number << 1) | (name.form == CardForm::json ? 1 : 0)) & (kBegin - 1));
}

// What both kinds of file have in common.
class CardFile : public Node {
 public:
  CardFile(std::shared_ptr<Cards> cards, Cards::Key key)
      : cards_{std::move(cards)}, key_{std::move(key)}, attributes_{own_attributes(cards_->access, kMode)} {
    attributes_.inode = inode_number(key_.first);
  }
  ~CardFile() override { cards_->nodes.forget(key_); }

  asio::awaitable<Result<void>> access(Caller caller, int mask) override {
    co_return cards_->access.check(attributes_, caller, mask);
  }
  asio::awaitable<Result<Attributes>> attributes(Caller) override { co_return attributes_; }

 protected:
  Result<void> check_open(const Caller& caller, int flags) const {
    if ((flags & O_ACCMODE) != O_RDONLY) return fail(EACCES);
    return cards_->access.check(attributes_, caller, R_OK);
  }
  Cards& cards() const noexcept { return *cards_; }
  const CardName& name() const noexcept { return key_.first; }
  Attributes& mutable_attributes() noexcept { return attributes_; }

 private:
  const std::shared_ptr<Cards> cards_;
  const Cards::Key key_;
  Attributes attributes_;
};

class KnownCardFile final : public CardFile {
 public:
  KnownCardFile(std::shared_ptr<Cards> cards, Cards::Key key, Bytes content, spot::UnixSeconds issued)
      : CardFile{std::move(cards), std::move(key)}, content_{std::move(content)} {
    Attributes& attributes = mutable_attributes();
    attributes.size = attributes.allocated = content_.bytes().size();
    attributes.mtime = Time{std::chrono::seconds{std::max<spot::UnixSeconds>(issued, 0)}};
    attributes.timeout = kLongTimeout;
  }

  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
    const Result<void> allowed = check_open(caller, flags);
    if (!allowed) co_return allowed.error();
    Opened opened{std::make_shared<TextReader>(content_)};
    opened.keep_cache = true;
    opened.no_flush = true;
    co_return opened;
  }

 private:
  const Content content_;
};

class UnknownCardFile final : public CardFile {
 public:
  using CardFile::CardFile;

  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
    co_await ends_at_once();
    const Result<void> allowed = check_open(caller, flags);
    if (!allowed) co_return allowed.error();
    if (const auto met = cards().client->known_card(name().hash)) {
      // By a descriptor, not by its name: there is nothing to be looked up once more.
      Opened opened{std::make_shared<TextReader>(Content{content_of(*met, name().form)})};
      opened.direct_io = true;
      opened.no_flush = true;
      co_return opened;
    }
    const auto found = co_await cards().client->get_id_card_bin(name().hash);
    if (!found) co_return found.error().code;
    co_return fail(ESTALE);
  }
};

}  // namespace

Result<CardName> CardName::parse(const std::string& name) {
  CardName out;
  std::string_view target = name;
  if (target.ends_with(kJson)) {
    target.remove_suffix(kJson.size());
    out.form = CardForm::json;
  }
  const auto address = spot::Address::parse(target);
  if (!address || address->kind != spot::AddressKind::identity) return fail(ENOENT);
  out.hash = address->hash;
  if (spot::identity_target(out.hash) != target) return fail(ENOENT);
  return out;
}

std::string CardName::text() const {
  return spot::identity_target(hash) + std::string{form == CardForm::json ? kJson : ""};
}

Bytes content_of(const spot::SignedCard& card, CardForm form) {
  return form == CardForm::json ? spot::to_bytes(card_json(card.card)) : card.encoded;
}

NodePtr Cards::node(const CardName& name) {
  const auto card = client->known_card(name.hash);
  const Key key{name, card ? spot::sha256(card->encoded) : spot::Sha256{}};
  return nodes.get(key, [&]() -> NodePtr {
    if (!card) return std::make_shared<UnknownCardFile>(shared_from_this(), key);
    return std::make_shared<KnownCardFile>(shared_from_this(), key, content_of(*card, name.form), card->card.issued());
  });
}

}  // namespace spotfs::tree
