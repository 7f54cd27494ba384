#include "fs/tree/control/commands.hpp"

#include <array>
#include <charconv>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "fs/tree/control/words.hpp"

namespace spotfs::tree {
namespace {

using spot::Answer;
using spot::Failure;

const std::array kCommands{
    Command{"flush", "", 0, 0, run_flush},
    Command{"fsck", "[repair] [accept-older]", 0, 2, run_check},
    Command{"scrub", "", 0, 0, run_scrub},
    Command{"writers retire", "ID", 1, 1, run_retire},
    Command{"writers", "", 0, 0, run_writers},
    Command{"conflicts", "PATH", 1, 1, run_conflicts},
    Command{"blob get", "KEY", 1, 1, run_blob_get},
    Command{"blob put", "KEY SIZE", 2, 2, run_blob_put, true},
    Command{"blob rm", "KEY", 1, 1, run_blob_rm},
    Command{"blob ls", "[PREFIX]", 0, 1, run_blob_ls},
    Command{"query", "ADDRESS [SECONDS] SIZE", 2, 3, run_query, true, true},
    Command{"send", "ADDRESS [ENDPOINT] SIZE", 2, 3, run_send, true, true},
    Command{"ping", "ADDRESS [SECONDS]", 1, 2, run_ping, false, true},
    Command{"time", "", 0, 0, run_time},
    Command{"card", "[ADDRESS]", 0, 1, run_card, false, true},
    Command{"group", "KEY", 1, 1, run_group},
    Command{"log", "[follow|LEVEL]", 0, 1, run_log},
    Command{"reconnect", "", 0, 0, run_reconnect},
    Command{"forget", "PATH", 1, 1, run_forget},
};

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

// How many of the words the command's name is; 0: it is another.
std::size_t named_by(const Command& command, const Words& words) {
  const std::size_t space = command.name.find(' ');
  if (space == std::string_view::npos) return !words.empty() && words[0] == command.name ? 1 : 0;
  const bool is_it =
      words.size() > 1 && words[0] == command.name.substr(0, space) && words[1] == command.name.substr(space + 1);
  return is_it ? 2 : 0;
}

std::string usage(const Command& command) {
  std::string text{command.name};
  if (!command.arguments.empty()) text.append(" ").append(command.arguments);
  return text;
}

}  // namespace

Answer<Called> find_command(std::string_view line) {
  const Answer<Words> words = split_words(line);
  if (!words) return words.error();
  for (const Command& command : kCommands) {
    const std::size_t named = named_by(command, *words);
    if (named == 0) continue;
    Called out;
    out.command = &command;
    out.arguments.assign(words->begin() + static_cast<std::ptrdiff_t>(named), words->end());
    const std::size_t count = out.arguments.size();
    if (count < command.least || count > command.most) return wrong("write it as: " + usage(command));
    if (!command.has_input) return out;
    const std::string& size = out.arguments.back();
    const auto [end, ec] = std::from_chars(size.data(), size.data() + size.size(), out.input);
    if (ec != std::errc{} || end != size.data() + size.size())
      return wrong("\"" + spot::printable(size) + "\" is no number of bytes; write it as: " + usage(command));
    return out;
  }
  std::string known;
  for (const Command& command : kCommands) known.append(known.empty() ? "" : ", ").append(command.name);
  return wrong("unknown command \"" + spot::printable(words->empty() ? "" : words->front()) + "\"; there are " + known);
}

bool is_for_peers(const Called& called) {
  if (!called.command->asks_peers || called.arguments.empty()) return false;
  // Whose answers go to an endpoint of this identity: listen/ is its own.
  if (called.command->run == run_send && called.arguments.size() > 2) return false;
  const auto to = spot::Address::parse(called.arguments[0]);
  return to && to->kind == spot::AddressKind::identity;
}

}  // namespace spotfs::tree
