#include "client/crypto/keystore.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <sys/stat.h>

#include "tests/unit/crypto/key_types.hpp"

namespace spot {
namespace {

namespace fs = std::filesystem;

class KeyStore : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "spot-keys-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    base_ = name;
  }
  void TearDown() override { fs::remove_all(base_); }

  void write(const std::string& name, BytesView content, mode_t mode = 0600) {
    const fs::path path = directory() / name;
    std::ofstream{path}.write(reinterpret_cast<const char*>(content.data()), static_cast<long>(content.size()));
    chmod(path.c_str(), mode);
  }
  void make_directory() {
    fs::create_directories(directory());
    chmod(directory().c_str(), 0700);
  }
  static mode_t mode_of(const fs::path& path) {
    struct stat info {};
    stat(path.c_str(), &info);
    return info.st_mode & 07777;
  }
  fs::path directory() const { return base_ / "spot"; }

  fs::path base_;
};

TEST_F(KeyStore, MakesAP256KeyWhereThereIsNone) {
  const LoadedKeys made = load_or_create_keys(directory()).value();
  EXPECT_TRUE(made.created);
  EXPECT_EQ(made.keychain.self().type(), KeyType::p256);
  EXPECT_EQ(mode_of(directory()), 0700U);
  EXPECT_EQ(mode_of(directory() / "id_ecdsa.key"), 0600U);
  const LoadedKeys again = load_or_create_keys(directory()).value();
  EXPECT_FALSE(again.created);
  EXPECT_EQ(again.keychain.self().public_key(), made.keychain.self().public_key());
}

TEST_F(KeyStore, TakesTheFirstSigningKeyByNameAsSelf) {
  make_directory();
  write("id_a.key", key_of(KeyType::x25519).to_pem().value());
  write("id_ecdsa.key", key_of(KeyType::p256).to_pem().value());
  write("id_ed25519.key", key_of(KeyType::ed25519).to_pem().value());
  const Keychain keys = load_keys(directory()).value().keychain;
  EXPECT_EQ(keys.keys().size(), 3U);
  EXPECT_EQ(keys.self().public_key(), key_of(KeyType::p256).public_key());
}

TEST_F(KeyStore, WarnsOfAFileThatIsNotAKeyAndNamesIt) {
  make_directory();
  write("id_bad.key", view("nonsense"));
  write("id_ecdsa.key", key_of(KeyType::p256).to_pem().value());
  const LoadedKeys loaded = load_keys(directory()).value();
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_NE(loaded.warnings.front().find("id_bad.key"), std::string::npos);
}

TEST_F(KeyStore, RefusesAKeyThatOthersCanRead) {
  make_directory();
  write("id_ecdsa.key", key_of(KeyType::p256).to_pem().value(), 0640);
  EXPECT_EQ(load_or_create_keys(directory()).error().code, Errc::bad_permissions);
}

TEST_F(KeyStore, RefusesADirectoryThatOthersCanEnter) {
  make_directory();
  write("id_ecdsa.key", key_of(KeyType::p256).to_pem().value());
  chmod(directory().c_str(), 0755);
  EXPECT_EQ(load_keys(directory()).error().code, Errc::bad_permissions);
}

TEST_F(KeyStore, MakesNoNewIdentityBesideAKeyThatCanNotBeUsed) {
  make_directory();
  write("id_ecdsa.key", view("not a key"));
  const Failure failure = load_or_create_keys(directory()).error();
  EXPECT_EQ(failure.code, Errc::bad_key);
  EXPECT_NE(failure.text.find("id_ecdsa.key: "), std::string::npos);
  EXPECT_EQ(std::distance(fs::directory_iterator{directory()}, fs::directory_iterator{}), 1);
  EXPECT_EQ(fs::file_size(directory() / "id_ecdsa.key"), 9U);
}

TEST_F(KeyStore, SaysThatThereIsNoKeyWithoutMakingOne) {
  EXPECT_EQ(load_keys(directory()).error().code, Errc::not_found);
  EXPECT_FALSE(fs::exists(directory()));
}

TEST(Keychain, NeedsAKeyThatCanSign) { EXPECT_EQ(Keychain::of({key_of(KeyType::x25519)}).error(), Errc::bad_argument); }

}  // namespace
}  // namespace spot
