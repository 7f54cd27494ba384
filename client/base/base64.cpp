#include "client/base/base64.hpp"

#include <algorithm>

#include "client/base/encoding.hpp"

namespace spot {

std::string base64(BytesView bytes) {
  std::string out = base64url(bytes);
  std::ranges::replace(out, '-', '+');
  std::ranges::replace(out, '_', '/');
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

}  // namespace spot
