// How the command ends: mount(8)'s exit codes, and one line for the user.
//
// Thread: values.
#pragma once

#include <string>

#include "client/base/failure.hpp"

namespace spotfs::mount {

enum class Exit : int {
  success = 0,
  usage = 1,        // wrong usage, or no permission
  system = 2,       // no memory, no process, no descriptor
  interrupted = 8,  // by the user
  failed = 32,
};

struct Outcome {
  Exit code = Exit::success;
  std::string text;  // empty after a success
};

// The line says what the failure's text does not say by itself.
Outcome outcome_of(const spot::Failure& failure);
std::string line_of(const spot::Failure& failure);

}  // namespace spotfs::mount
