// writers: the mounts that change this disk, and the end of one that will not come back.
#include "client/base/encoding.hpp"
#include "fs/tree/control/commands.hpp"
#include "fs/tree/control/status.hpp"

namespace spotfs::tree {

Outcome run_writers(std::shared_ptr<const ControlOptions> control, ExchangePtr exchange, Words) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  if (const spot::Answer<void> fresh = co_await (*disk)->index->refresh(); !fresh) co_return fresh;
  const IndexStatus status = (*disk)->index->status();
  json::object self;
  self["event"] = "writer";
  self["id"] = spot::base64url(status.writer);
  self["self"] = true;
  const Result<void> said = co_await exchange->say(std::move(self));
  if (!said) co_return spot::Failure{said.error()};
  for (const WriterStatus& writer : status.others) {
    json::object line{{"event", "writer"}, {"self", false}};
    for (auto& [name, value] : writer_json(writer, control->clock->wall())) line[name] = value;
    const Result<void> told = co_await exchange->say(std::move(line));
    if (!told) co_return spot::Failure{told.error()};
  }
  co_return spot::Answer<void>{};
}

Outcome run_retire(std::shared_ptr<const ControlOptions> control, ExchangePtr, Words arguments) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const Result<Bytes> id = spot::from_base64url(arguments[0]);
  WriterId writer{};
  if (!id || id->size() != writer.size())
    co_return spot::Failure{Errc::bad_argument, "\"" + spot::printable(arguments[0]) +
                                                    "\" is no id of a writer: give one that `writers` shows"};
  std::ranges::copy(*id, writer.begin());
  co_return co_await (*disk)->index->retire(writer);
}

}  // namespace spotfs::tree
