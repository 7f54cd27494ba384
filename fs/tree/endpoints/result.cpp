#include "fs/tree/endpoints/result.hpp"

#include <cerrno>
#include <cstring>

#include "client/base/encoding.hpp"
#include "fs/tree/endpoints/asker.hpp"
#include "fs/tree/interrupt.hpp"
#include "fs/tree/text_file.hpp"
#include "fs/tree/time_text.hpp"

namespace spotfs::tree {
namespace {

constexpr mode_t kMode = 0600;

// What both kinds of file have in common: whose they are, and when they may be opened.
class ResultFile : public Node {
 public:
  ResultFile(const HubPtr& hub, AskerKey key, ResultKind kind, std::uint64_t number)
      : hub_{hub}, key_{std::move(key)}, kind_{kind}, attributes_{hub->attributes("@", S_IFREG, kMode)} {
    attributes_.uid = key_.uid;
    attributes_.inode = number;
  }

  asio::awaitable<Result<Attributes>> attributes(Caller caller) override {
    Attributes out = attributes_;
    out.size = out.allocated = size();
    const HubPtr hub = hub_.lock();
    if (!hub) co_return out;
    const auto asker = hub->askers.find(key_);
    const std::uint64_t shown = asker ? asker->inode_number(*this, kind_, out.inode) : out.inode;
    out.inode = hub->keep_number(caller.tid, out.inode, shown);
    co_return out;
  }

  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
    co_await ends_at_once();
    if ((flags & O_ACCMODE) != O_RDONLY) co_return fail(EACCES);
    const HubPtr hub = hub_.lock();
    if (!hub) co_return make_error_code(Errc::stopping);
    if (caller.uid != key_.uid) co_return fail(ESTALE);  // each user finds another file by this name
    if (!hub->is_expected(caller.tid, key_)) {
      const Result<void> settled = co_await Asker::settle(hub->asker(key_), kind_, (flags & O_NONBLOCK) != 0);
      if (!settled) co_return settled.error();
      if (!is_newest(hub->finished(key_))) {
        hub->expect(caller.tid, key_);
        co_return fail(ESTALE);
      }
    }
    co_return opened();
  }

 protected:
  HubPtr hub() const { return hub_.lock(); }
  const AskerKey& key() const noexcept { return key_; }
  ResultKind kind() const noexcept { return kind_; }

 private:
  virtual std::uint64_t size() const = 0;
  virtual bool is_newest(const std::optional<Finished>& last) const = 0;
  virtual Result<Opened> opened() const = 0;

  const std::weak_ptr<Hub> hub_;
  const AskerKey key_;
  const ResultKind kind_;
  Attributes attributes_;
};

// A reply, and the room that it takes.
struct Reply {
  Reply(Bytes b, Share s) : bytes{std::move(b)}, share{std::move(s)} {}
  const Bytes bytes;
  const Share share;
};

class ReplyFile final : public ResultFile {
 public:
  ReplyFile(const HubPtr& hub, const AskerKey& key, std::uint64_t number, const std::shared_ptr<const Reply>& reply)
      : ResultFile{hub, key, ResultKind::reply, number}, reply_{reply}, size_{reply->bytes.size()} {}
  ReplyFile(const HubPtr& hub, const AskerKey& key, std::uint64_t number, std::error_code error)
      : ResultFile{hub, key, ResultKind::reply, number}, error_{error} {}

 private:
  std::uint64_t size() const override { return size_; }
  bool is_newest(const std::optional<Finished>& last) const override { return last && last->reply.get() == this; }
  Result<Opened> opened() const override {
    if (error_) return error_;
    const std::shared_ptr<const Reply> reply = reply_.lock();
    if (!reply) return fail(ESTALE);  // forgotten
    Opened opened{std::make_shared<TextReader>(Content{BytesView{reply->bytes}, reply})};
    opened.keep_cache = true;
    opened.no_flush = true;
    return opened;
  }

  const std::weak_ptr<const Reply> reply_;
  const std::size_t size_ = 0;
  const std::error_code error_;
};

class ErrorFile final : public ResultFile {
 public:
  ErrorFile(const HubPtr& hub, const AskerKey& key, std::uint64_t number, std::string_view line)
      : ResultFile{hub, key, ResultKind::error, number}, line_{spot::to_bytes(line)} {}

 private:
  std::uint64_t size() const override { return line_.bytes().size(); }
  bool is_newest(const std::optional<Finished>& last) const override { return last && last->error.get() == this; }
  Result<Opened> opened() const override {
    Opened opened{std::make_shared<TextReader>(line_)};
    opened.keep_cache = true;
    opened.no_flush = true;
    return opened;
  }

  const Content line_;
};

class NoResult final : public ResultFile {
 public:
  NoResult(const HubPtr& hub, const AskerKey& key, ResultKind kind) : ResultFile{hub, key, kind, new_inode_number()} {}
  ~NoResult() override {
    if (const HubPtr still = hub()) still->no_results.forget({key(), kind()});
  }

 private:
  std::uint64_t size() const override { return text().size(); }
  bool is_newest(const std::optional<Finished>& last) const override {
    return !last || (kind() == ResultKind::reply && !last->reply);
  }
  Result<Opened> opened() const override {
    if (kind() == ResultKind::reply) return fail(ENODATA);
    Opened opened{std::make_shared<TextReader>(Content{spot::to_bytes(text())})};
    opened.direct_io = true;  // it changes when another user asks
    opened.no_flush = true;
    return opened;
  }
  // Who did ask, where this user did not.
  std::string text() const {
    const HubPtr still = hub();
    if (!still || kind() == ResultKind::reply) return {};
    std::string out;
    for (const uid_t uid : still->askers_of(key().address)) {
      if (uid == key().uid) continue;
      out += (out.empty() ? "no query by user id " + std::to_string(key().uid) + "; one by user id " : ", ") +
             std::to_string(uid);
    }
    return out.empty() ? out : out + "\n";
  }
};

std::string line_of(const Hub& hub, const AskerKey& key, std::error_code why, std::string_view text) {
  const char* name = ::strerrorname_np(spot::to_errno(why));
  return time_text(hub.options.clock->wall(), Precision::seconds) + " " + (name == nullptr ? "EIO" : name) + " " +
         spot::printable(key.address) + " " + (text.empty() ? why.message() : spot::printable(text)) + "\n";
}

// To whoever reads a kept EINTR or ECANCELED it would say that he himself was interrupted, and to try again.
spot::Failure kept(spot::Failure failure) {
  const int number = failure.code ? spot::to_errno(failure.code) : 0;
  if (number != EINTR && number != ECANCELED) return failure;
  return {Errc::timed_out, "interrupted: the outcome is unknown"};
}

}  // namespace

NodePtr result_of(const HubPtr& hub, const AskerKey& key, ResultKind kind) {
  if (const std::optional<Finished> last = hub->finished(key)) {
    if (NodePtr known = kind == ResultKind::reply ? last->reply : last->error) return known;
  }
  return hub->no_results.get({key, kind}, [&]() -> NodePtr { return std::make_shared<NoResult>(hub, key, kind); });
}

Finished make_results(const HubPtr& hub, const AskerKey& key, const spot::Answer<Bytes>& answer,
                      std::uint64_t reply_number, std::uint64_t error_number) {
  Share share{hub->room};
  spot::Failure failure = answer ? spot::Failure{} : kept(answer.error());
  if (answer && !share.take(answer->size()))
    failure = spot::Failure{fail(ENOBUFS), "answered, but too many replies are kept open to keep this one"};
  Finished out;
  if (failure.code) {
    out.reply = std::make_shared<ReplyFile>(hub, key, reply_number, failure.code);
    out.error = make_error(hub, key, failure, error_number);
  } else {
    const auto reply = std::make_shared<const Reply>(*answer, std::move(share));
    out.reply = std::make_shared<ReplyFile>(hub, key, reply_number, reply);
    out.error = no_error(hub, key, error_number);
    out.content = reply;
    out.size = reply->bytes.size();
  }
  return out;
}

NodePtr make_error(const HubPtr& hub, const AskerKey& key, const spot::Failure& given, std::uint64_t number) {
  const spot::Failure failure = kept(given);
  return std::make_shared<ErrorFile>(hub, key, number, line_of(*hub, key, failure.code, failure.text));
}

NodePtr no_error(const HubPtr& hub, const AskerKey& key, std::uint64_t number) {
  return std::make_shared<ErrorFile>(hub, key, number, "");
}

}  // namespace spotfs::tree
