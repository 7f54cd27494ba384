// `metrics`: what the mount has done, in figures, as Prometheus reads them (text format 0.0.4).
//
// Thread: any; never waits for the network.
#pragma once

#include "fs/tree/control/control.hpp"

namespace spotfs::tree {

std::string metrics_text(const ControlOptions& control);

}  // namespace spotfs::tree
