// What a transport that can tell it is besides: why the peer has ended the connection.
//
// Thread: the transport's strand. Lifetime: the transport's.
#pragma once

#include <string>

namespace spot {

class Refusable {
 public:
  virtual ~Refusable() = default;
  // The peer's own words, where it wants no more of this client (RFC 6455: 1008, 1013); empty: it did not say so.
  virtual std::string refusal() const = 0;
};

}  // namespace spot
