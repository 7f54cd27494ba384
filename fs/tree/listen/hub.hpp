// What all nodes of listen/ share.
//
// Thread: any. Lifetime: shared by the nodes and mailboxes.
#pragma once

#include <atomic>

#include "client/net/deadline.hpp"
#include "client/proto/replay.hpp"
#include "fs/tree/listen/listen.hpp"
#include "fs/tree/node_table.hpp"
#include "fs/tree/outgoing/outgoing.hpp"

namespace spotfs::tree {

// A message that is held, and the room that it takes.
struct HeldQuestion {
  HeldQuestion(std::shared_ptr<spot::Question> q, Share s) : question{std::move(q)}, share{std::move(s)} {}
  std::shared_ptr<spot::Question> question;
  Share share;
};

class ListenHub {
 public:
  explicit ListenHub(ListenOptions given);
  ~ListenHub();
  ListenHub(const ListenHub&) = delete;
  ListenHub& operator=(const ListenHub&) = delete;

  const ListenOptions options;
  const std::shared_ptr<spot::DeadlineQueue> deadlines;
  const std::shared_ptr<Room> waiting;  // for messages that came
  const std::shared_ptr<Room> written;  // for those that are written
  NodeTable<std::string> nodes;         // of packets, by path below listen/

  // Of a message; none is given twice, so that nobody answers another one than he read.
  std::uint64_t next_number() noexcept { return ++last_number_; }
  // Whether this message of its sender comes for the first time, whatever it is sealed in.
  bool is_new(const spot::Incoming& message);

  // For a message that this caller writes; what is to be done with it is left open.
  OutgoingOptions outgoing(const Caller& caller) const;

  Attributes attributes(mode_t mode) const;  // type and permission bits
  // Answers all of them with that error, in the background; each keeps its room until then. Offline it gives up: nobody
  // would hear of it.
  void refuse(std::vector<HeldQuestion> questions, spot::Failure why) const;

 private:
  std::atomic<std::uint64_t> last_number_{0};
  spot::Synchronized<spot::ReplayCache> seen_;
};

using ListenHubPtr = std::shared_ptr<ListenHub>;

}  // namespace spotfs::tree
