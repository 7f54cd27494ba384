// `status`: one JSON object with stable keys, and `pending`.
//
// Thread: any; never waits for the network.
#pragma once

#include "fs/tree/control/control.hpp"
#include "fs/tree/control/lines.hpp"

namespace spotfs::tree {

// Texts of errors have names in them, which are the business of the user who mounted.
enum class StatusFor { owner, others };
std::string status_text(const ControlOptions& control, StatusFor reader);

// `pending`: lines of JSON; empty where nothing is.
std::string pending_text(const ControlOptions& control);

// Seconds since it last stored something; 0 where its clock is ahead.
std::int64_t head_age(const WriterStatus& writer, spot::Clock::Wall now);
// A writer as status and the command `writers` show it; `now`: of the wall clock.
json::object writer_json(const WriterStatus& writer, spot::Clock::Wall now);

}  // namespace spotfs::tree
