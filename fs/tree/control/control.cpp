#include "fs/tree/control/control.hpp"

#include "fs/tree/control/ctl_file.hpp"
#include "fs/tree/control/metrics.hpp"
#include "fs/tree/control/status.hpp"
#include "fs/tree/fixed_directory.hpp"
#include "fs/tree/text_file.hpp"

namespace spotfs::tree {

spot::Answer<std::shared_ptr<const ControlledDisk>> ControlOptions::get_disk() const {
  std::shared_ptr<const ControlledDisk> there = disk();
  if (!there) return spot::Failure{Errc::offline, "the disk is not there yet"};
  return there;
}

NodePtr make_control(ControlOptions options) {
  const auto control = std::make_shared<const ControlOptions>(std::move(options));
  const auto status = [control](const Caller& caller) -> Result<Bytes> {
    const bool is_owner = caller.uid == control->access.uid || caller.uid == 0;
    return spot::to_bytes(status_text(*control, is_owner ? StatusFor::owner : StatusFor::others));
  };
  const auto pending = [control]() -> Result<Bytes> { return spot::to_bytes(pending_text(*control)); };
  const auto metrics = [control]() -> Result<Bytes> { return spot::to_bytes(metrics_text(*control)); };
  const auto errors = [control]() -> Result<Bytes> { return spot::to_bytes(errors_text(*control->book)); };
  std::vector<NamedNode> files{{"ctl", std::make_shared<CtlFile>(control)},
                               {"errors", std::make_shared<TextFile>(errors, 0600, control->access)},
                               {"metrics", std::make_shared<TextFile>(metrics, 0444, control->access)},
                               {"pending", std::make_shared<TextFile>(pending, 0600, control->access)},
                               {"status", std::make_shared<TextFile>(status, 0444, control->access)}};
  return std::make_shared<FixedDirectory>(std::move(files), 0555, control->access);
}

}  // namespace spotfs::tree
