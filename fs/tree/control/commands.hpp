// The commands of `.spotfs/ctl`, by name.
//
// A command is a coroutine: it says lines while it works, and its end is its outcome. To add one: a file of its own,
// and a row in commands.cpp.
//
// Thread: any. Lifetime: a command keeps what it uses.
#pragma once

#include <optional>

#include "fs/tree/control/control.hpp"
#include "fs/tree/control/exchange.hpp"

namespace spotfs::tree {

using Outcome = asio::awaitable<spot::Answer<void>>;
using Words = std::vector<std::string>;

struct Command {
  std::string_view name;       // its first words
  std::string_view arguments;  // as they are shown
  std::size_t least, most;     // arguments
  Outcome (*run)(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
  bool has_input = false;   // its last argument is how many bytes follow the line
  bool asks_peers = false;  // the group of peers may give it, too, where its first argument is an identity's address
};

struct Called {
  const Command* command = nullptr;
  Words arguments;
  std::uint64_t input = 0;  // bytes
};

// Errors: bad_argument, with a line for the user.
spot::Answer<Called> find_command(std::string_view line);
// Whether it does no more than the files of endpoints/ let the group of peers do.
bool is_for_peers(const Called& called);

Outcome run_flush(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_check(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_scrub(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_writers(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_retire(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_conflicts(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_forget(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_log(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_reconnect(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_query(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_send(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_ping(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_time(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_card(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_group(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_blob_get(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_blob_put(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_blob_rm(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);
Outcome run_blob_ls(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words arguments);

}  // namespace spotfs::tree
