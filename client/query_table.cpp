#include "client/query_table.hpp"

#include <vector>

namespace spot {

QueryTable::Ticket::Ticket(QueryTable& table, const Uuid& id, SessionId session) : table_{table}, id_{id} {
  table_.entries_.with([&](auto& entries) { entries.emplace(id_, Entry{session, reply_}); });
}

QueryTable::Ticket::~Ticket() {
  table_.entries_.with([&](auto& entries) { entries.erase(id_); });
}

bool QueryTable::deliver(Message reply) {
  const Reply::Pointer waiting = entries_.with([&](auto& entries) -> Reply::Pointer {
    const auto at = entries.find(reply.id);
    return at == entries.end() ? nullptr : at->second.reply;
  });
  return waiting && waiting->give(std::move(reply));
}

void QueryTable::fail(SessionId session, Errc error) {
  std::vector<Reply::Pointer> lost;
  entries_.with([&](auto& entries) {
    for (const auto& [id, entry] : entries) {
      if (session == 0 || entry.session == session) lost.push_back(entry.reply);
    }
  });
  for (const auto& reply : lost) reply->give(Failure{error});
}

std::size_t QueryTable::size() const {
  return entries_.with([](const auto& entries) { return entries.size(); });
}

}  // namespace spot
