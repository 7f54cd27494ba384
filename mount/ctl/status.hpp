// `.spotfs/status` and `.spotfs/metrics` of a mount, read.
//
// Thread: any; neither waits for the network. Errors: one line for the user.
#pragma once

#include <map>
#include <string>

#include <boost/json/object.hpp>

#include "client/base/failure.hpp"
#include "client/base/histogram.hpp"

namespace spotfs::ctl {

namespace json = boost::json;

spot::Answer<json::object> read_status(const std::string& mount);
std::string status_text(const json::object& status);  // for people
// Changes and blobs that are not stored yet.
std::uint64_t left_of(const json::object& status);

struct OperationFigures {
  spot::Histogram::Figures took;
  std::uint64_t failures = 0;
};
using Operations = std::map<std::string, OperationFigures>;

spot::Answer<Operations> read_operations(const std::string& mount);
// Lines that are none of spotfs_operation_… are passed over.
Operations parse_operations(std::string_view metrics);

}  // namespace spotfs::ctl
