// listen: takes the messages for an endpoint of this identity, by the files of a mount, or by a client of our own.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/base/descriptor.hpp"
#include "client/base/encoding.hpp"
#include "client/proto/address.hpp"
#include "client/proto/error_text.hpp"
#include "fs/tree/control/lines.hpp"
#include "mount/ctl/answer.hpp"
#include "mount/ctl/direct.hpp"
#include "mount/ctl/fields.hpp"
#include "mount/ctl/mounts.hpp"
#include "mount/ctl/questions.hpp"
#include "mount/ctl/run.hpp"
#include "mount/ctl/shared_endpoint.hpp"
#include "mount/ctl/status.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Failure;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kFlush = 10s;
// Of an endpoint, in bytes: in its address k.HASH/ stands before it.
constexpr std::size_t kMostName = spot::kMaxNameSize - 46;
constexpr std::size_t kMostBody = std::size_t{1} << 20;

// A descriptor that is readable once SIGINT or SIGTERM has come. They stay pending, and so are never missed.
Answer<spot::Descriptor> take_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  // Before there are other threads: they must not take one either.
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  spot::Descriptor signals{::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals) return tree::about("signalfd", {errno, std::generic_category()});
  return signals;
}

Failure too_large(const Received& message) {
  return {std::error_code{EMSGSIZE, std::generic_category()},
          message.sender + ": " + std::string{spot::kAnswerTooLarge}};
}

void tell_begin(const std::string& address, Output& output) {
  if (output.is_json()) {
    output.line({}, {{"event", "listening"}, {"address", address}});
    output.flush();
  } else if (::isatty(STDERR_FILENO) == 1) {
    std::fprintf(stderr, "spotfsctl: listens at %s\n", address.c_str());
  }
}

// --- By a mount ------------------------------------------------------------------------------------------------------

Failure about(const std::string& path, int number) { return tree::about(path, {number, std::generic_category()}); }

Answer<std::string> read_all(const spot::Descriptor& file, const std::string& path) {
  if (!file) return about(path, errno);
  std::string all;
  std::array<char, 65'536> part{};
  for (;;) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size < 0) return about(path, errno);
    if (size == 0) return all;
    all.append(part.data(), static_cast<std::size_t>(size));
    if (all.size() > kMostBody) return about(path, EFBIG);
  }
}

Answer<std::string> read_all(const std::string& path) {
  return read_all(spot::Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}, path);
}

// The next message; nothing where the end has come, or another reader took it.
Answer<std::optional<std::string>> read_next(const std::string& path, const Ends& ends) {
  const spot::Descriptor file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!file) return about(path, errno);
  std::array<pollfd, 3> all{{{file.get(), POLLIN, 0}, ends.entries()[0], ends.entries()[1]}};
  if (::poll(all.data(), all.size(), -1) < 0 && errno != EINTR) return about(path, errno);
  if (all[1].revents != 0 || all[2].revents != 0 || all[0].revents == 0) return std::optional<std::string>{};
  Answer<std::string> text = read_all(file, path);
  if (!text && spot::to_errno(text.error().code) == EAGAIN) return std::optional<std::string>{};
  if (!text) return text.error();
  return std::optional{text->substr(0, text->find('\n'))};
}

Answer<void> write_all(const std::string& path, const std::string& text) {
  if (text.empty()) return ::truncate(path.c_str(), 0) == 0 ? Answer<void>{} : Answer<void>{about(path, errno)};
  spot::Descriptor file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file) return about(path, errno);
  if (!spot::write_all(file.get(), spot::view(text))) return about(path, errno);
  // Its close says what became of it.
  return ::close(file.release()) == 0 ? Answer<void>{} : Answer<void>{about(path, errno)};
}

// "inbox/7" and nothing else: what the mount gives is a name below the endpoint.
bool is_message(std::string_view name) {
  constexpr std::string_view kInbox = "inbox/";
  if (!name.starts_with(kInbox) || name.size() == kInbox.size()) return false;
  return name.substr(kInbox.size()).find_first_not_of("0123456789") == name.npos;
}

Answer<void> answer_one(const std::string& message, const Invocation& line, const Ends& ends, Output& output) {
  const Answer<std::string> from = read_all(message + "/from"), body = read_all(message + "/body");
  if (!from) return from.error();
  if (!body) return body.error();
  constexpr std::string_view kUnverified = "unverified ";
  Received received;
  received.verified = !from->starts_with(kUnverified);
  received.sender = from->substr(received.verified ? 0 : kUnverified.size());
  received.sender = spot::printable(received.sender.substr(0, received.sender.find('\n')));
  received.body = *body;
  const Reply reply = reply_to(received, line, ends.signals(), output);
  switch (reply.kind) {
    case Reply::Kind::none: return ::rmdir(message.c_str()) == 0 ? Answer<void>{} : Answer<void>{about(message, errno)};
    case Reply::Kind::error: return write_all(message + "/error", reply.text);
    case Reply::Kind::answer: break;
  }
  const Answer<void> answered = write_all(message + "/reply", reply.text);
  const bool fits = answered || spot::to_errno(answered.error().code) != EMSGSIZE;
  return fits ? answered : too_large(received);  // the mount has said so to the sender
}

bool is_gone(const Failure& why) {
  const int number = spot::to_errno(why.code);
  return number == ESTALE || number == ENOENT;
}

Failure taken_away(const std::string& endpoint) {
  return {std::error_code{ESTALE, std::generic_category()},
          spot::printable(endpoint) + " was taken away: nobody listens there any more"};
}

// In order, or not: a mount that is gone is no transport endpoint to who listened by it.
Failure without_its_mount(const std::string& endpoint, const Failure& why) {
  if (is_gone(why)) return taken_away(endpoint);
  if (!is_end_of_mount(why)) return why;
  return {std::error_code{ENETDOWN, std::generic_category()},
          spot::printable(endpoint) + ": the mount has ended, nobody listens there any more"};
}

int take_from_mount(const std::string& endpoint, const Invocation& line, const Ends& ends, Output& output) {
  const auto is_over = [&] { return !output.works() || ends.have_come(); };
  for (unsigned count = 0; !is_over() && (line.count == 0 || count < line.count);) {
    const Answer<std::optional<std::string>> next = read_next(endpoint + "/next", ends);
    if (!next) return output.fail(without_its_mount(endpoint, next.error()));
    if (!*next) continue;
    const std::string& name = **next;
    if (!is_message(name)) return output.fail("EBADMSG", endpoint + "/next names no message");
    const auto answered = answer_one(endpoint + "/" + name, line, ends, output);
    // One that nobody waits for any more is no reason to end.
    if (!answered) output.fail(answered.error());
    ++count;
  }
  return ends.exit_code();
}

int listen_on_mount(const Invocation& line, const Ends& ends, Output& output) {
  const auto place = find_place(line.place);
  if (!place) return output.fail(place.error());
  const auto status = read_status(place->directory);
  if (!status) return output.fail(status.error());
  const auto endpoint = SharedEndpoint::open(place->directory, line.endpoint);
  if (!endpoint) return output.fail(endpoint.error());
  tell_begin(text_of(*status, "identity") + "/" + line.endpoint, output);
  return take_from_mount(endpoint->path(), line, ends, output);
}

// --- By a client of our own ------------------------------------------------------------------------------------------

using QuestionPtr = Questions::Pointer;

Answer<void> answer_question(Direct& direct, const QuestionPtr& question, const Invocation& line, const Ends& ends,
                             Output& output) {
  const spot::Incoming& message = question->message();
  Received received;
  received.sender = spot::printable(message.sender);
  received.verified = message.verified;
  received.body = spot::to_string(message.body);
  const Reply reply = reply_to(received, line, ends.signals(), output);
  if (reply.kind == Reply::Kind::none && !question->is_query()) return {};
  spot::HandlerResult result{Failure{spot::Errc::refused, "declined"}};
  if (reply.kind == Reply::Kind::answer) result = std::optional{spot::to_bytes(reply.text)};
  if (reply.kind == Reply::Kind::error) result = Failure{spot::Errc::remote_error, reply.text};
  Answer<void> sent = direct.run(question->answer(std::move(result)), kFlush);
  if (sent || sent.error().code != spot::Errc::too_large) return sent;
  sent = direct.run(question->answer(Failure{spot::Errc::too_large, std::string{spot::kAnswerTooLarge}}), kFlush);
  return sent ? Answer<void>{too_large(received)} : sent;
}

int listen_directly(const Invocation& line, const Ends& ends, Output& output) {
  Direct direct{*line.direct};
  if (const auto connected = direct.connect(); !connected) return output.fail(connected.error());
  const auto questions = std::make_shared<Questions>();
  const auto set = direct.client()->set_taker(
      line.endpoint, [questions](QuestionPtr question) { return questions->put(std::move(question)); });
  if (!set)
    return output.fail("EBUSY",
                       spot::printable(line.endpoint) + ": the client itself answers there, take another name");
  tell_begin(direct.client()->target_id() + "/" + line.endpoint, output);
  bool any = false;
  for (unsigned count = 0; output.works() && (line.count == 0 || count < line.count); ++count) {
    const QuestionPtr question = questions->take(ends);
    if (!question) break;
    any = true;
    const auto answered = answer_question(direct, question, line, ends, output);
    // One that nobody waits for any more is no reason to end.
    if (!answered) output.fail(answered.error());
  }
  static_cast<void>(direct.client()->set_taker(line.endpoint, {}));
  for (const QuestionPtr& question : questions->close()) {
    any = true;
    const spot::HandlerResult ends_now{Failure{spot::Errc::stopping, "the listener ends"}};
    if (!direct.run(question->answer(ends_now), kFlush)) break;
  }
  if (!any) return ends.exit_code();
  const auto sent = direct.drain(kFlush);
  return sent ? ends.exit_code() : output.fail(sent.error());
}

}  // namespace

int run_listen(const Invocation& line, Output& output) {
  if (line.endpoint.size() > kMostName)
    return output.fail("EINVAL", "\"" + spot::printable(line.endpoint) + "\" is too long: at most " +
                                     std::to_string(kMostName) + " bytes of a name fit into an address");
  const bool is_name = !line.endpoint.empty() && line.endpoint.find('/') == std::string::npos && line.endpoint != "." &&
                       line.endpoint != ".." && spot::Address::parse("@/" + line.endpoint);
  if (!is_name)
    return output.fail("EINVAL",
                       "\"" + spot::printable(line.endpoint) + "\" is no endpoint: give a name without a slash");
  const auto signals = take_signals();
  if (!signals) return output.fail(signals.error());
  const Ends ends{signals->get(), output.is_json() || line.command.empty()};
  return line.direct ? listen_directly(line, ends, output) : listen_on_mount(line, ends, output);
}

}  // namespace spotfs::ctl
