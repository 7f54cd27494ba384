// Bytes, and bytes that wipe themselves.
//
// Thread: values; no shared state. Lifetime: a BytesView borrows, its owner must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spot {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

template <std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;

// Overwrites memory in a way that the compiler does not leave out.
void wipe(void* data, std::size_t size) noexcept;

// Memory that is wiped before it is given back.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() noexcept = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) { return std::allocator<T>{}.allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept {
    wipe(p, n * sizeof(T));
    std::allocator<T>{}.deallocate(p, n);
  }
  template <class U>
  bool operator==(const WipingAllocator<U>&) const noexcept {
    return true;
  }
};

// Secrets: keys, and what a key opens until it is handed out.
using SecretBytes = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

inline BytesView view(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(BytesView bytes) { return {bytes.begin(), bytes.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(view(text)); }
inline std::string to_string(BytesView bytes) { return std::string{as_text(bytes)}; }

inline void append(Bytes& to, BytesView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// True if both have the same bytes. Not constant time: for public values.
bool equal(BytesView a, BytesView b) noexcept;

}  // namespace spot
