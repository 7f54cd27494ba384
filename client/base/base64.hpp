// RFC 4648 section 4, with padding: what `base64 -d` takes. The decoder is from_any_base64().
//
// Thread: any.
#pragma once

#include <string>

#include "client/base/bytes.hpp"

namespace spot {

std::string base64(BytesView bytes);

}  // namespace spot
