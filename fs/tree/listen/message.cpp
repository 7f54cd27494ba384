#include "fs/tree/listen/message.hpp"

#include <cerrno>
#include <charconv>

#include <unistd.h>

#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "fs/tree/outgoing/file.hpp"
#include "fs/tree/text_file.hpp"

namespace spotfs::tree {
namespace {

using Number = Mailbox::Number;

// As std::to_string writes it.
std::optional<Number> number_of(const std::string& name) {
  Number number = 0;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (wrong != std::errc{} || end != name.data() + name.size() || std::to_string(number) != name) return std::nullopt;
  return number;
}

// Immutable for as long as it is there: of its exact size, and the kernel may keep it.
class PartFile final : public ListenNode {
 public:
  using Read = Content (*)(const Mailbox::QuestionPtr&);

  PartFile(ListenHubPtr hub, MailboxPtr mailbox, Number number, Read read)
      : ListenNode{std::move(hub), S_IFREG | 0400}, mailbox_{std::move(mailbox)}, number_{number}, read_{read} {}

  asio::awaitable<Result<Attributes>> attributes(Caller) override {
    const Mailbox::QuestionPtr question = mailbox_->find(number_);
    if (!question) co_return fail(ESTALE);
    Attributes out = own();
    out.size = out.allocated = read_(question).bytes().size();
    out.timeout = kLongTimeout;  // an open file stays whole when the message is over
    co_return out;
  }

  asio::awaitable<Result<Opened>> open(Caller caller, int flags) override {
    if ((flags & O_ACCMODE) != O_RDONLY) co_return fail(EACCES);
    const Result<void> allowed = check(caller, R_OK);
    if (!allowed) co_return allowed.error();
    const Mailbox::QuestionPtr question = mailbox_->find(number_);
    if (!question) co_return fail(ESTALE);
    Opened opened{std::make_shared<TextReader>(read_(question))};
    opened.keep_cache = true;
    opened.no_flush = true;
    co_return opened;
  }

 private:
  const MailboxPtr mailbox_;
  const Number number_;
  const Read read_;
};

Content body_of(const Mailbox::QuestionPtr& question) { return {question->message().body, question}; }

Content sender_of(const Mailbox::QuestionPtr& question) {
  return Content{spot::to_bytes(sender_line(question->message()))};
}

spot::HandlerResult reply_with(Bytes text) { return std::optional{std::move(text)}; }

spot::HandlerResult error_with(Bytes text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return spot::Failure{Errc::remote_error, spot::to_string(text)};
}

// `reply` and `error`.
class AnswerFile final : public OutgoingFile {
 public:
  using Make = spot::HandlerResult (*)(Bytes text);

  AnswerFile(ListenHubPtr hub, MailboxPtr mailbox, Number number, Make make)
      : OutgoingFile{hub->options.access, hub->attributes(S_IFREG | 0200)},
        hub_{std::move(hub)},
        mailbox_{std::move(mailbox)},
        number_{number},
        make_{make} {}

 private:
  Result<std::shared_ptr<Outgoing>> begin(const Caller& caller) override {
    if (!mailbox_->find(number_)) return fail(ESTALE);
    OutgoingOptions settings = hub_->outgoing(caller);
    settings.deliver = [mailbox = mailbox_, number = number_, make = make_](Bytes text) {
      return Mailbox::answer(mailbox, number, make(std::move(text)));
    };
    settings.refused = [mailbox = mailbox_, number = number_](std::error_code why) {
      mailbox->answer_refused(number, why);
    };
    settings.check = [mailbox = mailbox_, number = number_]() -> std::error_code {
      return mailbox->find(number) ? std::error_code{} : fail(ESTALE);
    };
    return std::make_shared<Outgoing>(std::move(settings));
  }

  const ListenHubPtr hub_;
  const MailboxPtr mailbox_;
  const Number number_;
  const Make make_;
};

class MessageDirectory final : public ListenFolder {
 public:
  MessageDirectory(const ListenHubPtr& hub, const MailboxPtr& mailbox, Number number)
      : ListenFolder{hub},
        mailbox_{mailbox},
        number_{number},
        files_{{"body", std::make_shared<PartFile>(hub, mailbox, number, body_of)},
               {"error", std::make_shared<AnswerFile>(hub, mailbox, number, error_with)},
               {"from", std::make_shared<PartFile>(hub, mailbox, number, sender_of)},
               {"reply", std::make_shared<AnswerFile>(hub, mailbox, number, reply_with)}} {}
  ~MessageDirectory() override { mailbox_->nodes.forget(number_); }

 private:
  Result<NodePtr> child(const Caller&, const std::string& name) override {
    if (!mailbox_->find(number_)) return fail(ESTALE);
    const auto file = files_.find(name);
    if (file == files_.end()) return fail(ENOENT);
    return file->second;
  }
  std::set<std::string> names(const Caller&) override {
    std::set<std::string> out;
    if (!mailbox_->find(number_)) return out;
    for (const auto& [name, file] : files_) out.insert(name);
    return out;
  }

  const MailboxPtr mailbox_;
  const Number number_;
  const std::map<std::string, NodePtr> files_;
};

}  // namespace

Result<NodePtr> InboxDirectory::child(const Caller&, const std::string& name) {
  const std::optional<Number> number = number_of(name);
  if (!number) return fail(ENOENT);
  if (!mailbox_->find(*number)) return fail(mailbox_->is_over(*number) ? ESTALE : ENOENT);
  return mailbox_->nodes.get(*number,
                             [&]() -> NodePtr { return std::make_shared<MessageDirectory>(hub(), mailbox_, *number); });
}

std::set<std::string> InboxDirectory::names(const Caller&) {
  std::set<std::string> out;
  for (const Number number : mailbox_->given_out()) out.insert(std::to_string(number));
  return out;
}

asio::awaitable<Result<void>> InboxDirectory::remove_directory(Caller caller, std::string name) {
  const Result<void> allowed = check(caller, W_OK | X_OK);
  if (!allowed) co_return allowed.error();
  const std::optional<Number> number = number_of(name);
  if (!number) co_return fail(ENOENT);
  co_return mailbox_->decline(*number);
}

std::string sender_line(const spot::Incoming& message) {
  std::string name = spot::printable(message.sender);
  if (const auto from = spot::Address::parse(message.sender)) {
    name = from->canonical_target();
    if (from->endpoint == "." || from->endpoint == "..") {
      name += "/\\x2e" + from->endpoint.substr(1);
    } else if (!from->endpoint.empty()) {
      name += "/" + spot::printable(from->endpoint);
    }
  }
  return (message.verified ? "" : "unverified ") + name + "\n";
}

}  // namespace spotfs::tree
