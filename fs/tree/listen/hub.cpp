#include "fs/tree/listen/hub.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "client/proto/address.hpp"

namespace spotfs::tree {
namespace {

constexpr std::size_t kRoom = std::size_t{64} << 20;

asio::awaitable<void> answer_all(std::vector<HeldQuestion> questions, spot::Failure why, Share /*sending*/) {
  for (HeldQuestion& held : questions) {
    const auto question = std::exchange(held.question, nullptr);
    const Share share = std::move(held.share);
    if (!question->is_query()) continue;
    spot::HandlerResult result{why};
    const spot::Answer<void> sent = co_await question->answer(std::move(result));
    // The others would wait as long for nothing.
    if (!sent && (sent.error().code == Errc::offline || sent.error().code == Errc::stopping)) co_return;
  }
}

}  // namespace

ListenHub::ListenHub(ListenOptions given)
    : options{std::move(given)},
      deadlines{std::make_shared<spot::DeadlineQueue>(options.executor)},
      waiting{std::make_shared<Room>(kRoom)},
      written{std::make_shared<Room>(kRoom)} {}

ListenHub::~ListenHub() { deadlines->close(); }

bool ListenHub::is_new(const spot::Incoming& message) {
  const auto from = spot::Address::parse(message.sender);
  Bytes identity = spot::to_bytes(from ? from->canonical_target() : message.sender);
  // What is not verified must not stand in the way of what is.
  identity.push_back(message.verified ? 1 : 0);
  identity.insert(identity.end(), message.id.begin(), message.id.end());
  const spot::Sha256 digest = spot::sha256(identity);
  return seen_.with([&](spot::ReplayCache& seen) { return seen.remember(digest); });
}

OutgoingOptions ListenHub::outgoing(const Caller& caller) const {
  OutgoingOptions out;
  out.executor = options.executor;
  if (const std::optional<Thread> thread = options.find_thread(caller.tid)) out.opener = thread->group;
  out.find_thread = options.find_thread;
  out.room = written;
  return out;
}

Attributes ListenHub::attributes(mode_t mode) const {
  Attributes out = own_attributes(options.access, mode);
  out.atime = out.mtime = out.ctime = options.clock->wall();
  return out;
}

void ListenHub::refuse(std::vector<HeldQuestion> questions, spot::Failure why) const {
  if (questions.empty()) return;
  Share sending{options.sending};
  sending.take(1);
  asio::co_spawn(options.executor, answer_all(std::move(questions), std::move(why), std::move(sending)),
                 asio::detached);
}

}  // namespace spotfs::tree
