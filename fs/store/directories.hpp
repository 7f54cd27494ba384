// Directories that a mount keeps things in.
//
// Thread: any. Errors: those of the system, with the path as text.
#pragma once

#include <filesystem>

#include "client/base/failure.hpp"

namespace spotfs {

// What errno says.
spot::Failure system_failure(const std::filesystem::path& path);

// Makes it, mode 0700, and what is missing above it. One that is there is left as it is.
spot::Answer<void> make_directories(const std::filesystem::path& path);

// What it says of its files is on the disk when this returns.
spot::Answer<void> sync_directory(const std::filesystem::path& path);

}  // namespace spotfs
