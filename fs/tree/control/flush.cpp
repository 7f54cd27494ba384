// flush: all that was written, closed or not, is stored, told to the others, and on the store's disk.
#include "fs/tree/control/commands.hpp"

namespace spotfs::tree {

Outcome run_flush(std::shared_ptr<const ControlOptions> control, ExchangePtr, Words) {
  const auto disk = control->get_disk();
  if (!disk) co_return disk.error();
  const Result<void> stored = co_await (*disk)->flush();
  if (!stored) co_return spot::Failure{stored.error()};
  co_return co_await (*disk)->index->sync();
}

}  // namespace spotfs::tree
