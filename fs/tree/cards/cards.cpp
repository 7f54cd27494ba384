#include "fs/tree/cards/cards.hpp"

#include "fs/tree/cards/card.hpp"
#include "fs/tree/named_directory.hpp"

namespace spotfs::tree {
namespace {

class CardsDirectory final : public NamedDirectory {
 public:
  explicit CardsDirectory(std::shared_ptr<Cards> cards)
      : NamedDirectory{cards->access, 0700}, cards_{std::move(cards)} {}

 private:
  Result<NodePtr> child(const Caller&, const std::string& name) override {
    const Result<CardName> parsed = CardName::parse(name);
    if (!parsed) return parsed.error();
    return cards_->node(*parsed);
  }
  std::set<std::string> names(const Caller&) override {
    std::set<std::string> out;
    for (const spot::Sha256& hash : cards_->client->known_cards()) {
      out.insert(CardName{hash, CardForm::binary}.text());
      out.insert(CardName{hash, CardForm::json}.text());
    }
    return out;
  }

  const std::shared_ptr<Cards> cards_;
};

}  // namespace

NodePtr make_cards(std::shared_ptr<spot::Client> client, Access access) {
  return std::make_shared<CardsDirectory>(std::make_shared<Cards>(std::move(client), access));
}

}  // namespace spotfs::tree
