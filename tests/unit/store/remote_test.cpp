#include "fs/store/remote.hpp"

#include <filesystem>

#include "mount/relay/relay.hpp"
#include "tests/conformance/blob_store_suite.hpp"
#include "tests/fake/run_on.hpp"
#include "tests/unit/client/client_fixture.hpp"

namespace spotfs {

namespace {

// A client of the real relay, in this process.
class RemoteFixture {
 protected:
  RemoteFixture() {
    std::string path = std::filesystem::temp_directory_path() / "spotfs-store-XXXXXX";
    directory_ = ::mkdtemp(path.data());
    spot::relay::RelayOptions options;
    options.data = directory_;
    relay_ = spot::relay::Relay::open(context_.get_executor(), options).value();
    spot::ClientOptions client;
    std::vector<spot::PrivateKey> keys{spot::PrivateKey::generate(spot::KeyType::p256).value()};
    client.keys = std::make_shared<const spot::Keychain>(spot::Keychain::of(std::move(keys)).value());
    client.dialer = relay_->dialer();
    client_ = spot::Client::make(context_.get_executor(), std::move(client)).value();
    client_->start();
    store_ = std::make_unique<RemoteStore>(client_);
  }
  ~RemoteFixture() {
    run(client_->close());
    store_.reset();
    client_.reset();
    relay_->stop();
    context_.restart();
    context_.run();
    relay_.reset();
    std::filesystem::remove_all(directory_);
  }

  BlobStore& store() { return *store_; }
  template <class T>
  T run(asio::awaitable<T> work) {
    return spot::fake::run_on(context_, std::move(work));
  }

 private:
  std::filesystem::path directory_;
  asio::io_context context_{1};
  std::shared_ptr<spot::relay::Relay> relay_;
  std::shared_ptr<spot::Client> client_;
  std::unique_ptr<RemoteStore> store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Remote, BlobStoreSuite, RemoteFixture);

// What a server says of a missing key is learnt, not assumed.
class Missing : public spot::ClientTest {
 protected:
  using Answers = std::function<spot::Message(const std::string& key, spot::Message answer)>;

  void answer_fetches(Answers answers) {
    relay_->answer = [answers](const spot::Message& question, spot::Message answer) -> std::optional<spot::Message> {
      if (question.recipient != "@/fetch_blob") return answer;
      const std::string key = spot::to_string(spot::decode_bottle(question.body)->message);
      return answers(key, std::move(answer));
    };
  }
  static spot::Message error(spot::Message answer, const std::string& text) {
    answer.flags = spot::flag::response | spot::flag::error | spot::flag::not_bottle;
    answer.body = spot::to_bytes(text);
    return answer;
  }
  Answer<Bytes> fetch(const std::string& key) { return run(store_.fetch(key)); }

  RemoteStore store_{online()};
};

TEST_F(Missing, IsTheErrorThatARandomKeyGets) {
  answer_fetches([](const std::string&, spot::Message answer) { return error(std::move(answer), "nichts da"); });
  EXPECT_EQ(fetch("a").error().code, Errc::not_found);
}

TEST_F(Missing, IsTheSameErrorWithAnotherKeyInIt) {
  answer_fetches([](const std::string& key, spot::Message answer) {
    return error(std::move(answer), "no value for " + key + " here");
  });
  EXPECT_EQ(fetch("a long key").error().code, Errc::not_found);
}

TEST_F(Missing, IsToldOfAnyKeyThatIsAPartOfTheError) {
  answer_fetches([](const std::string&, spot::Message answer) { return error(std::move(answer), "blob not found"); });
  for (const char* key : {"b", "not", "blob not found", " "})
    EXPECT_EQ(fetch(key).error().code, Errc::not_found) << key;
}

TEST_F(Missing, IsNoOtherError) {
  answer_fetches([](const std::string& key, spot::Message answer) {
    return error(std::move(answer), key == "a" ? "the disk is on fire" : "nichts da");
  });
  EXPECT_EQ(fetch("a").error().code, Errc::remote_error);
}

TEST_F(Missing, IsNotEvenOurRelaysErrorWhereThisServerSaysAnother) {
  answer_fetches([](const std::string& key, spot::Message answer) {
    return error(std::move(answer), key == "a" ? "blob not found" : "nichts da");
  });
  EXPECT_EQ(fetch("a").error().code, Errc::remote_error);
}

TEST_F(Missing, MayBeAnEmptyValue) {
  answer_fetches([](const std::string&, spot::Message answer) {
    answer.body.clear();
    return answer;
  });
  EXPECT_EQ(fetch("a").error().code, Errc::not_found);
}

}  // namespace

}  // namespace spotfs
