#include "fs/tree/cards/cards.hpp"

#include <unistd.h>

#include "fs/tree/cards/card.hpp"

namespace spotfs::tree {
namespace {

class CardsDirectory final : public Node {
 public:
  explicit CardsDirectory(std::shared_ptr<Cards> cards)
      : cards_{std::move(cards)}, attributes_{own_attributes(cards_->access, S_IFDIR | 0700)} {
    attributes_.timeout = kLongTimeout;
  }

  asio::awaitable<Result<Attributes>> attributes(Caller) override { co_return attributes_; }
  asio::awaitable<Result<void>> access(Caller caller, int mask) override {
    co_return cards_->access.check(attributes_, caller, mask);
  }

  asio::awaitable<Result<Entry>> lookup(Caller caller, std::string name) override {
    const Result<void> allowed = cards_->access.check(attributes_, caller, X_OK);
    if (!allowed) co_return allowed.error();
    const Result<CardName> parsed = CardName::parse(name);
    if (!parsed) co_return parsed.error();
    const NodePtr node = cards_->node(*parsed);
    const Result<Attributes> attributes = co_await node->attributes(caller);
    if (!attributes) co_return attributes.error();
    co_return Entry{node, *attributes};
  }

  asio::awaitable<Result<std::vector<Listed>>> list(Caller caller, std::string after, std::size_t limit) override {
    std::map<std::string, CardName> names;
    for (const spot::Sha256& hash : cards_->client->known_cards()) {
      for (const CardForm form : {CardForm::binary, CardForm::json}) {
        const CardName name{hash, form};
        names.emplace(name.text(), name);
      }
    }
    std::vector<Listed> listed;
    for (auto next = names.upper_bound(after); next != names.end() && listed.size() < limit; ++next) {
      const NodePtr node = cards_->node(next->second);
      const Result<Attributes> attributes = co_await node->attributes(caller);
      if (!attributes) co_return attributes.error();
      listed.emplace_back(next->first, Entry{node, *attributes});
    }
    co_return listed;
  }

 private:
  const std::shared_ptr<Cards> cards_;
  Attributes attributes_;
};

}  // namespace

NodePtr make_cards(std::shared_ptr<spot::Client> client, Access access) {
  return std::make_shared<CardsDirectory>(std::make_shared<Cards>(std::move(client), access));
}

}  // namespace spotfs::tree
