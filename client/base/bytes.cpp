#include "client/base/bytes.hpp"

#include <algorithm>
#include <cstring>

namespace spot {

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

bool equal(BytesView a, BytesView b) noexcept { return std::ranges::equal(a, b); }

}  // namespace spot
