// libfuse's low-level header, the one way it is included.
#pragma once

#define FUSE_USE_VERSION 314
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <fuse3/fuse_lowlevel.h>
#pragma GCC diagnostic pop
