// RAII over a C handle: `using PKey = Handle<EVP_PKEY, &EVP_PKEY_free>;`
#pragma once

#include <memory>

namespace spot {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};

template <class T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

}  // namespace spot
