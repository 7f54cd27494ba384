// blob get|put|rm|ls through a mount.
#include "client/base/encoding.hpp"
#include "fs/tree/control/words.hpp"
#include "mount/ctl/channel.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/run.hpp"

namespace spotfs::ctl {
namespace {

constexpr std::size_t kPart = std::size_t{64} << 10;

std::string describe_blob(const json::object& line) { return spot::printable(string_of(line, "key")); }
std::string describe_nothing(const json::object&) { return {}; }

int get(const Invocation& line, Channel& channel, Output& output) {
  if (const auto sent = channel.send("blob get " + tree::quoted_word(line.key)); !sent)
    return output.fail(sent.error());
  int code = kDone;
  const auto received = channel.receive([&](const json::object& said) {
    if (said.contains("error")) {
      code = output.fail(string_of(said, "error"), std::string{string_of(said, "text")});
    } else if (output.is_json()) {
      output.line({}, said);
    } else if (const auto part = spot::from_any_base64(string_of(said, "base64")); part && !part->empty()) {
      output.bytes(spot::as_text(*part));
    }
    return code == kDone && output.works();
  });
  if (!received) return output.fail(received.error());
  return code;
}

int put(const Invocation& line, Channel& channel, Output& output) {
  auto input = Input::open(line.input);
  if (!input) return output.fail(input.error());
  const std::string command = "blob put " + tree::quoted_word(line.key) + " " + std::to_string(input->size());
  if (const auto sent = channel.send(command); !sent) return output.fail(sent.error());
  for (std::uint64_t left = input->size(); left != 0;) {
    const auto part = input->read(static_cast<std::size_t>(std::min<std::uint64_t>(left, kPart)));
    if (!part) return output.fail(part.error());
    if (part->empty()) return output.fail("EIO", "the input became shorter while it was read");
    if (const auto sent = channel.send_input(*part); !sent) return output.fail(sent.error());
    left -= part->size();
  }
  int code = kDone;
  const auto received = channel.receive([&](const json::object& said) {
    if (said.contains("error"))
      code = output.fail(string_of(said, "error"), std::string{string_of(said, "text")});
    else if (output.is_json())
      output.line({}, said);
    return true;
  });
  if (!received) return output.fail(received.error());
  return code;
}

}  // namespace

int run_blob_on_mount(const Invocation& line, Output& output) {
  if (line.what == What::blob_ls)
    return run_on_mount(line, "blob ls" + (line.key.empty() ? "" : " " + tree::quoted_word(line.key)), describe_blob,
                        output);
  if (line.what == What::blob_rm)
    return run_on_mount(line, "blob rm " + tree::quoted_word(line.key), describe_nothing, output);
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  auto channel = Channel::open(place->directory, may_go_directly(line.what));
  if (!channel) return output.fail(channel.error());
  return line.what == What::blob_get ? get(line, *channel, output) : put(line, *channel, output);
}

}  // namespace spotfs::ctl
