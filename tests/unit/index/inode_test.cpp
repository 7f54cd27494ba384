#include "fs/index/inode.hpp"

#include <gtest/gtest.h>

#include "fs/index/apply.hpp"
#include "tests/unit/bad_input.hpp"
#include "tests/unit/index/encoded.hpp"

namespace spotfs {
namespace {

Bytes encoded(const Inode& inode) {
  cbor::Writer out;
  encode(out, inode);
  return out.take();
}

Result<Inode> decoded(BytesView bytes) {
  cbor::Reader reader{bytes};
  Result<Inode> out = decode_inode(reader);
  if (out && !reader.at_end()) return spot::fail(Errc::malformed);
  return out;
}

const auto decode = [](BytesView bytes) { return decoded(bytes).has_value(); };

TEST(Inode, ComesBackFromItsBytes) {
  Inode symlink;
  symlink.kind = Kind::symlink;
  symlink.target = std::string(kMaxTarget, 't');
  Inode device;
  device.kind = Kind::character_device;
  device.device = {1, 0xFFFF'FFFF};
  Inode alias;
  alias.kind = Kind::alias;
  alias.alias_of = stamp_at(4);
  alias.since = stamp_at(5);
  Inode removed;
  removed.kind = Kind::removed;
  removed.since = stamp_at(6);
  for (const Inode& inode : {full_inode(), Inode{}, symlink, device, alias, removed}) {
    const Result<Inode> again = decoded(encoded(inode));
    ASSERT_TRUE(again) << static_cast<int>(inode.kind);
    EXPECT_EQ(*again, inode);
  }
}

TEST(Inode, LeavesOutWhatIsDefault) { EXPECT_EQ(encoded(Inode{}), (Bytes{0xA1, 0x00, 0x01})); }

TEST(Inode, RefusesBadInput) { spot::expect_refusals(encoded(full_inode()), decode); }

TEST(Inode, RefusesAnotherTypeOfEachField) {
  EXPECT_EQ(spot::taken(spot::wrong_types(encoded(full_inode())), decode),
            (std::vector<std::string>{"2 as null", "6.0 as negative", "7.0 as negative", "8.0 as negative",
                                      "9.0 as negative"}));
}

TEST(Inode, OfEveryStateComesBackFromItsBytes) {
  for (const VectorRow& row : vector_rows()) {
    State state = fresh_state();
    for (const Operation& operation : row.operations) apply(state, operation);
    state.each_inode(
        [&](const InodeId&, const InodePtr& inode) { EXPECT_EQ(decoded(encoded(*inode)).value(), *inode); });
  }
}

TEST(Inode, RefusesFieldsOutOfOrderAndUnknownOnes) {
  EXPECT_FALSE(decode(Bytes{0xA2, 0x03, 0x01, 0x00, 0x01}));
  EXPECT_FALSE(decode(Bytes{0xA2, 0x00, 0x01, 0x18, 0x18, 0x01}));
  EXPECT_FALSE(decode(Bytes{0xA0}));
}

}  // namespace
}  // namespace spotfs
