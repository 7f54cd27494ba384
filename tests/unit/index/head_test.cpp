#include "fs/index/head.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "fs/index/record.hpp"
#include "tests/unit/bad_input.hpp"
#include "tests/unit/index/encoded.hpp"

namespace spotfs {
namespace {

using Names = std::vector<std::string>;

const auto decode_a_head = [](BytesView bytes) { return decode_head(bytes).has_value(); };
const auto decode_a_list = [](BytesView bytes) { return decode_log_list(bytes).has_value(); };
const auto decode_the_writers = [](BytesView bytes) { return decode_writers(bytes).has_value(); };
const auto decode_a_record = [](BytesView bytes) { return decode_store_record(bytes).has_value(); };

TEST(Head, ComesBackFromItsBytes) {
  EXPECT_EQ(decode_head(encode(full_head())).value(), full_head());
  EXPECT_EQ(decode_head(encode(Head{})).value(), Head{});
}

TEST(Head, RefusesBadInput) { spot::expect_refusals(encode(full_head()), decode_a_head); }

TEST(Head, RefusesAnotherTypeOfEachField) {
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(full_head())), decode_a_head),
            (Names{"2.0 as null", "3 as null", "3.4 as null"}));
}

TEST(Head, RefusesMapsOutOfOrder) {
  Bytes encoded = encode(full_head());
  const auto first = std::search_n(encoded.begin(), encoded.end(), 16, 7);
  const auto second = std::search_n(encoded.begin(), encoded.end(), 16, 8);
  ASSERT_NE(second, encoded.end());
  std::swap_ranges(first, first + 16, second);
  EXPECT_FALSE(decode_a_head(encoded));
}

TEST(Head, RefusesNumbersAndHostsThatAreTooLarge) {
  Head head = full_head();
  head.counter = kMaxCounter + 1;
  EXPECT_FALSE(decode_a_head(encode(head)));
  head = full_head();
  head.host.assign(kMaxHost + 1, 'h');
  EXPECT_FALSE(decode_a_head(encode(head)));
  head = full_head();
  head.snapshot->tree.height = 65;
  EXPECT_FALSE(decode_a_head(encode(head)));
}

TEST(Head, RefusesMoreThanARecordHolds) {
  Head head = full_head();
  while (encode(head).size() <= kMaxRecord) head.log.pieces.push_back({blob_id(9), stamp_at(9)});
  EXPECT_FALSE(decode_a_head(encode(head)));
  head.log.pieces.pop_back();
  EXPECT_TRUE(decode_a_head(encode(head)));
}

TEST(LogListEncoding, ComesBackFromItsBytes) {
  EXPECT_EQ(decode_log_list(encode(full_log_list())).value(), full_log_list());
  EXPECT_EQ(decode_log_list(encode(LogList{})).value(), LogList{});
}

TEST(LogListEncoding, RefusesBadInput) { spot::expect_refusals(encode(full_log_list()), decode_a_list); }

TEST(LogListEncoding, RefusesAnotherTypeOfEachField) {
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(full_log_list())), decode_a_list), (Names{"0 as null"}));
}

TEST(LogListEncoding, RefusesMoreThanABlobHolds) {
  LogList list;
  while (encode(list).size() <= kMaxLogList) list.pieces.push_back({blob_id(9), stamp_at(9)});
  EXPECT_FALSE(decode_a_list(encode(list)));
}

TEST(WritersRecord, ComesBackFromItsBytes) {
  EXPECT_EQ(decode_writers(encode(full_writers())).value(), full_writers());
  EXPECT_EQ(decode_writers(encode(Writers{})).value(), Writers{});
}

TEST(WritersRecord, RefusesBadInput) { spot::expect_refusals(encode(full_writers()), decode_the_writers); }

TEST(WritersRecord, RefusesAnotherTypeOfEachField) {
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(full_writers())), decode_the_writers), Names{});
}

TEST(WritersRecord, RefusesMoreThanARecordHolds) {
  Writers writers;
  for (std::uint16_t i = 0; encode(writers).size() <= kMaxRecord; ++i) {
    WriterId id{};
    id[0] = static_cast<std::uint8_t>(i >> 8);
    id[1] = static_cast<std::uint8_t>(i);
    writers[id] = {std::string(kMaxHost, 'h'), stamp_at(i), false};
  }
  EXPECT_FALSE(decode_the_writers(encode(writers)));
}

TEST(WritersRecord, MergesWhatIsMissingAndWhatSaysMore) {
  Writers ours{{blob_id(1), {"a", stamp_at(5), false}}, {blob_id(2), {"", stamp_at(5), true}}};
  const Writers theirs{{blob_id(1), {"", stamp_at(4), true}},
                       {blob_id(2), {"b", stamp_at(9), false}},
                       {blob_id(3), {"c", stamp_at(1), false}}};
  EXPECT_TRUE(merge(ours, theirs));
  EXPECT_EQ(ours, (Writers{{blob_id(1), {"", stamp_at(4), true}},
                           {blob_id(2), {"", stamp_at(5), true}},
                           {blob_id(3), {"c", stamp_at(1), false}}}));
  EXPECT_FALSE(merge(ours, theirs));
}

TEST(StoreRecordEncoding, ComesBackFromItsBytes) {
  for (const bool last : {false, true}) {
    const StoreRecord record{blob_id(7), last};
    EXPECT_EQ(decode_store_record(encode(record)).value(), record);
  }
}

TEST(StoreRecordEncoding, RefusesBadInput) {
  spot::expect_refusals(encode(StoreRecord{blob_id(7), true}), decode_a_record);
}

TEST(StoreRecordEncoding, RefusesAnotherTypeOfEachField) {
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(StoreRecord{blob_id(7), true})), decode_a_record), Names{});
}

}  // namespace
}  // namespace spotfs
