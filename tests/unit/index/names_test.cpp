#include "fs/index/names.hpp"

#include <gtest/gtest.h>

#include "fs/index/inode.hpp"

namespace spotfs {
namespace {

const InodeId kId = Stamp::of(1'790'000'000'123, 4, {0x01, 0x02, 0xAB, 0xCD});
const std::string kTail = ".conflict-20260921T141320Z-abcd";

TEST(Names, ConflictNamesTellWhenAndWhose) {
  EXPECT_EQ(conflict_name("report.txt", kId, 1), "report.txt" + kTail);
  EXPECT_EQ(conflict_name("report.txt", kId, 2), "report.txt" + kTail + ".2");
  EXPECT_EQ(conflict_name("report.txt", kId, 10), "report.txt" + kTail + ".10");
}

TEST(Names, ConflictNamesOfLongNamesHave255Bytes) {
  const std::string name = conflict_name(std::string(255, 'n'), kId, 1);
  EXPECT_EQ(name.size(), kMaxName);
  EXPECT_TRUE(name.ends_with(kTail));
}

TEST(Names, CutsNoCharacterInTwo) {
  EXPECT_EQ(cut_name("a\xC3\xA9", 3), "a\xC3\xA9");
  EXPECT_EQ(cut_name("a\xC3\xA9", 2), "a");
  EXPECT_EQ(cut_name("a\xF0\x9F\x98\x80", 4), "a");
  EXPECT_EQ(cut_name("abc", 2), "ab");
  EXPECT_EQ(cut_name("abc", 0), "");
}

TEST(Names, CutsBackOverAtMostThreeBytes) {
  const std::string no_text(10, '\x80');
  EXPECT_EQ(cut_name(no_text, 8).size(), 5u);
  EXPECT_EQ(cut_name(no_text, 2).size(), 0u);
}

TEST(Names, FindsAConflictNameOfTheSameStem) {
  EXPECT_TRUE(same_stem("a", "a"));
  EXPECT_TRUE(same_stem("a", "a" + kTail));
  EXPECT_TRUE(same_stem("a" + kTail, "a"));
  EXPECT_TRUE(same_stem("a" + kTail, "a" + kTail + ".2"));
  EXPECT_FALSE(same_stem("a", "b" + kTail));
  EXPECT_FALSE(same_stem("ab", "a" + kTail));
}

TEST(Names, FindsAConflictNameThatWasCut) {
  const std::string name(250, 'n');
  EXPECT_TRUE(same_stem(name, conflict_name(name, kId, 1)));
  EXPECT_TRUE(same_stem(name, conflict_name(name, kId, 12)));
  EXPECT_FALSE(same_stem(std::string(100, 'n'), conflict_name(name, kId, 1)));
}

TEST(Names, LostOnesAreCalledByTheirId) { EXPECT_EQ(lost_name(kId), "#01a0c4506c7b00040102abcd"); }

TEST(Names, OfDirectoriesAreAnyBytesButASlashAndNul) {
  EXPECT_TRUE(is_name("\xFF\n"));
  EXPECT_TRUE(is_name("..."));
  EXPECT_TRUE(is_name(std::string(255, 'x')));
  for (const std::string& name : {std::string{}, std::string{"."}, std::string{".."}, std::string{"/"},
                                  std::string{"\0", 1}, std::string(256, 'x')})
    EXPECT_FALSE(is_name(name));
}

}  // namespace
}  // namespace spotfs
