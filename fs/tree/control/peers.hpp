// What is asked of the relay and of peers, each as the line that tells its outcome: by commands of a mount, and by
// spotfsctl where there is none.
//
//   {"event": "reply", "address": …, "base64": …, "text": … where it is UTF-8}
//   {"event": "sent", "address": …}
//   {"event": "pong", "address": …, "milliseconds": …}
//   {"event": "time", "time": RFC 3339, "seconds": …, "offset_ms": what this machine's clock is behind}
//   {"event": "card", "address": …, and what card.json says}
//   {"event": "group", "group": its key, "members": their addresses}
//
// Thread: any. Lifetime: keep the client. Errors: bad_argument with a sentence, refused, too_large; those of
// Client::query. A query is sent at most once.
#pragma once

#include "client/client.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::tree {

using spot::Bytes;
namespace asio = boost::asio;
using Asked = asio::awaitable<spot::Answer<json::object>>;
using ClientPtr = std::shared_ptr<spot::Client>;

// May this be asked, and by this many bytes? As those below check it, for who wants to know before there is a body.
spot::Answer<void> check_query(const std::string& address, std::uint64_t size);

Asked ask_query(ClientPtr client, std::string address, Bytes body, spot::Timeout timeout);
// `from`: an endpoint of ours that an answer may be sent to; empty: none.
Asked ask_send(ClientPtr client, std::string address, Bytes body, std::string from);
// Of an identity, or "@".
Asked ask_ping(ClientPtr client, std::string address, spot::Timeout timeout, const spot::Clock* clock);
Asked ask_time(ClientPtr client, const spot::Clock* clock);
Asked ask_card(ClientPtr client, std::string address);
// key: the group's public key, base64url.
Asked ask_group(ClientPtr client, std::string key);

}  // namespace spotfs::tree
