// A file of cards/. Each card is a file of its own, of its exact size, and stays what it was opened for; one that is
// not known yet is found when it is opened, and that open is ESTALE: the kernel looks the name up once more, and opens
// what it then finds.
//
// Thread: any. Lifetime: shared by the nodes.
#pragma once

#include "fs/tree/cards/cards.hpp"
#include "fs/tree/node_table.hpp"

namespace spotfs::tree {

enum class CardForm { binary, json };

struct CardName {
  spot::Sha256 hash{};
  CardForm form = CardForm::binary;
  auto operator<=>(const CardName&) const = default;

  static Result<CardName> parse(const std::string& name);  // ENOENT
  std::string text() const;
};

struct Cards : std::enable_shared_from_this<Cards> {
  // With what the card has in it; empty: it is not known.
  using Key = std::pair<CardName, spot::Sha256>;

  Cards(std::shared_ptr<spot::Client> c, Access a) : client{std::move(c)}, access{a} {}
  // What the name means now.
  NodePtr node(const CardName& name);

  const std::shared_ptr<spot::Client> client;
  const Access access;
  NodeTable<Key> nodes;
};

// What the file of a known card holds.
Bytes content_of(const spot::SignedCard& card, CardForm form);

}  // namespace spotfs::tree
