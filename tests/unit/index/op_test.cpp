#include "fs/index/op.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "client/base/encoding.hpp"
#include "tests/unit/bad_input.hpp"
#include "tests/unit/index/encoded.hpp"

namespace spotfs {
namespace {

using Names = std::vector<std::string>;

const auto decode = [](BytesView bytes) { return decode_operation(bytes).has_value(); };

// Makes and other kinds that are for some kinds of inodes alone.
Bytes make_with(const std::function<void(NewInode&)>& change) {
  Make make{{kRoot, "a"}, std::nullopt, {}};
  change(make.inode);
  return encode(Operation{stamp_at(1), make});
}

Bytes encoded_piece(const std::vector<Operation>& operations) {
  std::vector<Bytes> out;
  for (const Operation& operation : operations) out.push_back(encode(operation));
  return encode_piece(out);
}

TEST(Operation, OfEachKindComesBackFromItsBytes) {
  for (const Operation& operation : each_operation()) {
    const Result<Operation> decoded = decode_operation(encode(operation));
    ASSERT_TRUE(decoded) << operation.action.index();
    EXPECT_EQ(*decoded, operation);
  }
}

TEST(Operation, OfEveryVectorComesBackFromItsBytes) {
  for (const VectorRow& row : vector_rows())
    for (const Operation& operation : row.operations) EXPECT_EQ(decode_operation(encode(operation)).value(), operation);
}

// Disks that exist must stay readable.
TEST(Operation, HasTheBytesThatTheDesignGives) {
  Make make{{kRoot, "f"}, std::nullopt, {}};
  make.inode.mode = 0644;
  EXPECT_EQ(spot::hex(encode(Operation{stamp_at(0x0102, 3, 4), make})),
            "86014c000000000102000300000004"
            "4c0000000000000000000000004166f6"
            "a20001031901a4");
  EXPECT_EQ(spot::hex(encode(Operation{stamp_at(0x0102, 3, 4), Write{kBlobs, {}, {}, {5, 6}, 0}})),
            "87064c000000000102000300000004"
            "4c000000000000000000000001f6f682050600");
}

TEST(Operation, RefusesBadInput) {
  for (const Operation& operation : each_operation()) spot::expect_refusals(encode(operation), decode);
}

TEST(Operation, RefusesAnotherTypeOfEachField) {
  const std::vector<Operation> operations = each_operation();
  const Names make = spot::taken(spot::wrong_types(encode(operations[0])), decode);
  EXPECT_EQ(make, (Names{"4 as null", "4.1 as null", "5.6.0 as unsigned", "5.7.0 as negative", "5.8.0 as negative"}));
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[1])), decode), (Names{"4 as null", "4.1 as null"}));
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[2])), decode), (Names{"5 as null"}));
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[3])), decode), (Names{"7 as null", "7.1 as null"}));
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[4])), decode), Names{});
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[5])), decode),
            (Names{"3 as null", "4 as null", "5.0 as negative"}));
  EXPECT_EQ(spot::taken(spot::wrong_types(encode(operations[6])), decode),
            (Names{"3.3.0 as negative", "3.4.0 as negative", "3.5.0 as null", "3.5.1 as bytes"}));
}

TEST(Operation, RefusesNamesThatNoDirectoryCanHold) {
  for (const std::string& name : {std::string{}, std::string{"."}, std::string{".."}, std::string{"a/b"},
                                  std::string{"a\0b", 3}, std::string(256, 'n')}) {
    EXPECT_FALSE(decode(encode(Operation{stamp_at(1), Unlink{{kRoot, name}, stamp_at(2), {}}}))) << name;
    EXPECT_FALSE(decode(encode(Operation{stamp_at(1), Move{{kRoot, "a"}, stamp_at(2), {kRoot, name}, {}}}))) << name;
  }
  EXPECT_TRUE(decode(encode(Operation{stamp_at(1), Unlink{{kRoot, std::string(255, '\xFF')}, stamp_at(2), {}}})));
}

TEST(Operation, RefusesXattrsThatAreTooMany) {
  Set set{stamp_at(2), {}};
  set.changes.xattrs = {{"user.a", std::string(kMaxXattrs - 6, 'x')}};
  EXPECT_TRUE(decode(encode(Operation{stamp_at(1), set})));
  set.changes.xattrs["user.b"] = std::nullopt;
  EXPECT_FALSE(decode(encode(Operation{stamp_at(1), set})));
}

TEST(Operation, RefusesAMakeOfNoKindThatCanBeMade) {
  for (const Kind kind : {Kind::alias, Kind::removed, Kind{0}, Kind{10}})
    EXPECT_FALSE(decode(make_with([&](NewInode& inode) { inode.kind = kind; })));
}

TEST(Operation, RefusesFieldsThatItsKindDoesNotHave) {
  EXPECT_FALSE(decode(make_with([](NewInode& inode) {
    inode.kind = Kind::directory;
    inode.version = stamp_at(1);
  })));
  EXPECT_FALSE(decode(make_with([](NewInode& inode) { inode.target = "x"; })));
  EXPECT_FALSE(decode(make_with([](NewInode& inode) { inode.kind = Kind::symlink; })));
  EXPECT_FALSE(decode(make_with([](NewInode& inode) { inode.device = {1, 2}; })));
  EXPECT_FALSE(decode(make_with([](NewInode& inode) { inode.reference = reference_of(3); })));
  EXPECT_TRUE(decode(make_with([](NewInode& inode) {
    inode.kind = Kind::block_device;
    inode.device = {1, 2};
  })));
}

TEST(Operation, RefusesModesBeyondThePermissionBits) {
  EXPECT_TRUE(decode(make_with([](NewInode& inode) { inode.mode = 07777; })));
  EXPECT_FALSE(decode(make_with([](NewInode& inode) { inode.mode = 010000; })));
}

TEST(Operation, RefusesStampsAfterTheYear9999) {
  EXPECT_TRUE(decode(encode(Operation{stamp_at(253'402'300'799'999), Set{kRoot, {}}})));
  EXPECT_FALSE(decode(encode(Operation{stamp_at(253'402'300'800'000), Set{kRoot, {}}})));
}

TEST(Operation, RefusesNanosecondsOfASecondAndMore) {
  EXPECT_FALSE(decode(encode(Operation{stamp_at(1), Write{stamp_at(2), {}, {}, {0, 1'000'000'000}, 0}})));
}

TEST(Operation, RefusesAReferenceOfAnotherLevel) {
  Reference reference = reference_of(kChunkSize);
  EXPECT_FALSE(decode(encode(Operation{stamp_at(1), Write{stamp_at(2), {}, reference, {}, 0}})));
  reference.level = 1;
  EXPECT_TRUE(decode(encode(Operation{stamp_at(1), Write{stamp_at(2), {}, reference, {}, 0}})));
}

TEST(Operation, NamesTheInodesThatItConcerns) {
  const InodeId directory = stamp_at(1), file = stamp_at(2), other = stamp_at(3);
  const std::vector<std::vector<InodeId>> expected{{stamp_at(11), directory, other},
                                                   {file, directory, other},
                                                   {file, directory},
                                                   {file, directory, directory, other},
                                                   {file, other, directory, directory},
                                                   {file},
                                                   {file}};
  const std::vector<Operation> operations = each_operation();
  for (std::size_t i = 0; i < operations.size(); ++i) EXPECT_EQ(named_inodes(operations[i]), expected[i]) << i;
}

TEST(Piece, ComesBackFromItsBytes) {
  EXPECT_EQ(decode_piece(encoded_piece(each_operation())).value(), each_operation());
}

TEST(Piece, RefusesBadInput) {
  spot::expect_refusals(encoded_piece(each_operation()),
                        [](BytesView bytes) { return decode_piece(bytes).has_value(); });
}

TEST(Piece, RefusesNothing) { EXPECT_FALSE(decode_piece(encoded_piece({}))); }

TEST(Piece, RefusesOperationsOutOfOrderOrOfTwoRuns) {
  const Set set{kRoot, {}};
  EXPECT_TRUE(decode_piece(encoded_piece({{stamp_at(1), set}, {stamp_at(2), set}})));
  EXPECT_FALSE(decode_piece(encoded_piece({{stamp_at(2), set}, {stamp_at(1), set}})));
  EXPECT_FALSE(decode_piece(encoded_piece({{stamp_at(1), set}, {stamp_at(1), set}})));
  EXPECT_FALSE(decode_piece(encoded_piece({{stamp_at(1, 0, 1), set}, {stamp_at(2, 0, 2), set}})));
}

TEST(Piece, HasAtMost45056Bytes) {
  std::vector<Operation> operations;
  while (encoded_piece(operations).size() + 40 <= kMaxPiece)
    operations.push_back({stamp_at(operations.size() + 1), Set{kRoot, {}}});
  const auto decodes = [&] { return decode_piece(encoded_piece(operations)).has_value(); };
  EXPECT_TRUE(decodes());
  while (encoded_piece(operations).size() <= kMaxPiece)
    operations.push_back({stamp_at(operations.size() + 1), Set{kRoot, {}}});
  EXPECT_FALSE(decodes());
}

}  // namespace
}  // namespace spotfs
