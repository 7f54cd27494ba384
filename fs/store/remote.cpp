#include "fs/store/remote.hpp"

#include "client/base/encoding.hpp"
#include "client/crypto/hash.hpp"

namespace spotfs {

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// Can the answer of a server for one key be its way to say that there is none? What asks for less, or for patience, can
// not.
bool is_about_a_key(const Failure& failure) noexcept {
  return failure.code == Errc::not_found || failure.code == Errc::remote_error;
}

}  // namespace

asio::awaitable<Answer<RemoteStore::Missing>> RemoteStore::missing() {
  std::optional<Missing> known = missing_.with([](const std::optional<Missing>& missing) { return missing; });
  if (known) co_return std::move(*known);
  const std::string key = ".spotfs/c/" + spot::base64url(spot::random_array<16>());
  const Answer<Bytes> answer = co_await client_->fetch_bottle(key);
  Missing out;
  if (answer) {
    if (!answer->empty()) co_return Failure{Errc::malformed, "the server has a value for a key that nobody stored"};
    out.is_empty_value = true;
  } else if (is_about_a_key(answer.error())) {
    out.key = key;
    out.text = answer.error().text;
  } else {
    co_return answer.error();
  }
  missing_.with([&](std::optional<Missing>& missing) { missing = out; });
  co_return out;
}

asio::awaitable<Answer<Bytes>> RemoteStore::judge(std::string key, Answer<Bytes> answer) {
  const bool is_value = answer && !answer->empty();
  if (is_value || (!answer && !is_about_a_key(answer.error()))) co_return answer;
  const Answer<Missing> what = co_await missing();
  if (!what) co_return what.error();
  if (answer) co_return what->is_empty_value ? Failure{Errc::not_found} : Failure{Errc::malformed, key};
  Failure failure = answer.error();
  const bool is_missing = !what->is_empty_value && failure.text == replaced(what->text, what->key, key);
  failure.code = make_error_code(is_missing ? Errc::not_found : Errc::remote_error);
  co_return failure;
}

asio::awaitable<Answer<Bytes>> RemoteStore::fetch(std::string key) {
  Answer<Bytes> answer = co_await client_->fetch_bottle(key);
  co_return co_await judge(std::move(key), std::move(answer));
}

asio::awaitable<Answer<void>> RemoteStore::store(std::string key, Bytes bottle) {
  co_return co_await client_->store_bottle(std::move(key), std::move(bottle));
}

asio::awaitable<Answer<void>> RemoteStore::erase(std::string key) {
  const std::string asked = key;
  Answer<void> answer = co_await client_->delete_blob(std::move(key));
  if (answer || !is_about_a_key(answer.error())) co_return answer;
  // A server may call it an error that there is nothing to delete.
  const Answer<Bytes> judged = co_await judge(asked, Answer<Bytes>{answer.error()});
  if (judged.error().code == Errc::not_found) co_return Answer<void>{};
  co_return judged.error();
}

asio::awaitable<Answer<std::vector<Bytes>>> RemoteStore::sync() { co_return co_await client_->sync_blobs(); }

}  // namespace spotfs
