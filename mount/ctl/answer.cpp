#include "mount/ctl/answer.hpp"

#include "client/base/base64.hpp"
#include "client/base/encoding.hpp"
#include "fs/tree/control/lines.hpp"
#include "mount/ctl/child.hpp"

namespace spotfs::ctl {
namespace {

json::object line_of(const char* event, const Received& message) {
  json::object out{{"event", event}};
  out["from"] = message.sender;
  out["verified"] = message.verified;
  return out;
}

std::string without_newlines(const std::string& text) { return text.substr(0, text.find_last_not_of('\n') + 1); }

}  // namespace

Reply reply_to(const Received& message, const Invocation& line, int stop, Output& output) {
  if (line.command.empty()) {
    json::object out = line_of("message", message);
    out["base64"] = spot::base64(spot::view(message.body));
    if (spot::is_utf8(message.body)) out["text"] = message.body;
    output.line(message.sender + ": " + spot::printable(message.body, message.body.size() * 4), out);
    if (!output.flush()) return {Reply::Kind::error, "the listener can't write it down"};
    return {};
  }
  Program program;
  program.words = {"/bin/sh", "-c", line.command};
  program.environment = {{"SPOT_SENDER", message.sender},
                         {"SPOT_ENDPOINT", line.endpoint},
                         {"SPOT_VERIFIED", message.verified ? "1" : "0"}};
  program.input = message.body;
  program.stop = stop;
  const auto ended = run_program(program);
  json::object out = line_of("answered", message);
  Reply reply{Reply::Kind::error, {}};
  if (!ended) {
    out["text"] = tree::sentence_of(ended.error());
    reply.text =
        ended.error().code == spot::Errc::stopping ? "the listener ends" : "the command can't be run, or says too much";
    if (!output.is_json()) output.fail(ended.error());
  } else {
    out["code"] = ended->code;
    const std::string errors = without_newlines(ended->errors);
    if (ended->code == 0)
      reply = {Reply::Kind::answer, ended->out};
    else
      reply.text = errors.empty() ? "exit code " + std::to_string(ended->code) : errors;
  }
  if (output.is_json()) {
    output.line({}, out);
    output.flush();
  }
  return reply;
}

}  // namespace spotfs::ctl
