#include "fs/content/reference.hpp"

#include <gtest/gtest.h>

namespace spotfs {

namespace {

TEST(Reference, TakesTheLowestLevelThatHoldsTheSize) {
  EXPECT_EQ(level_for(1), 0);
  EXPECT_EQ(level_for(kChunkSize), 0);
  EXPECT_EQ(level_for(kChunkSize + 1), 1);
  EXPECT_EQ(level_for(kChunkSize * kIndexFanOut), 1);
  EXPECT_EQ(level_for(kChunkSize * kIndexFanOut + 1), 2);
  EXPECT_LE(level_for(kMaxFileSize), 5);
}

Result<std::optional<Reference>> decode(const Bytes& encoded) {
  cbor::Reader reader{encoded};
  return decode_reference(reader);
}

TEST(Reference, ReadsBackWhatItWrote) {
  const std::optional<Reference> references[] = {std::nullopt, Reference{5, 0, BlobId{1, 2, 3}},
                                                 Reference{kChunkSize + 1, 1, BlobId{9}}, Reference::of_value(17)};
  for (const auto& reference : references) {
    cbor::Writer out;
    encode(out, reference);
    const auto read = decode(out.take());
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, reference);
  }
}

TEST(Reference, RefusesALevelThatDoesNotFitTheSize) {
  for (const Reference& wrong :
       {Reference{5, 1, BlobId{1}}, Reference{kChunkSize + 1, 0, BlobId{1}}, Reference{0, 0, BlobId{1}}}) {
    cbor::Writer out;
    encode(out, std::optional{wrong});
    EXPECT_FALSE(decode(out.take()));
  }
}

}  // namespace

}  // namespace spotfs
