// Bad input for a decoder of CBOR, made from good input, and what a decoder may do with it: give an error, within
// bounded memory. What leaves it as an exception fails the test.
//
// Whoever links bad_input.cpp has the operator new of its executable counted.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/base/bytes.hpp"

namespace spot {

struct BadInput {
  std::string name;  // the path of the item that was changed, and how: "3.0 as text"
  Bytes bytes;
};

std::vector<BadInput> truncated(BytesView good);       // at every length; and with one byte too many
std::vector<BadInput> wrong_types(BytesView good);     // each item as one of each other type
std::vector<BadInput> duplicate_keys(BytesView good);  // each map with its first and its last pair once more
std::vector<BadInput> nested(BytesView good);          // each item as 10,000 arrays, maps and tags in each other
std::vector<BadInput> oversized(BytesView good);       // each item with lengths that promise up to 2^63 items

// Bytes that operator new has given to this thread so far.
std::size_t allocated_bytes() noexcept;

// The names of those that `decode` takes: it gives something that is true if so.
template <class Decode>
std::vector<std::string> taken(const std::vector<BadInput>& inputs, Decode decode) {
  std::vector<std::string> out;
  for (const BadInput& input : inputs) {
    const Bytes bytes = input.bytes;
    const std::size_t before = allocated_bytes();
    bool is_taken = false;
    EXPECT_NO_THROW(is_taken = static_cast<bool>(decode(BytesView{bytes}))) << input.name;
    EXPECT_LE(allocated_bytes() - before, 64 * 1024 + 64 * bytes.size()) << input.name;
    if (is_taken) out.push_back(input.name);
  }
  return out;
}

// For a decoder that takes nothing of the kind. Whether it takes items of other types is for `wrong_types` to tell.
template <class Decode>
void expect_refusals(BytesView good, Decode decode) {
  ASSERT_TRUE(static_cast<bool>(decode(good)));
  const std::vector<std::string> none;
  EXPECT_EQ(taken(truncated(good), decode), none);
  EXPECT_EQ(taken(duplicate_keys(good), decode), none);
  EXPECT_EQ(taken(nested(good), decode), none);
  EXPECT_EQ(taken(oversized(good), decode), none);
}

}  // namespace spot
