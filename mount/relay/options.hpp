// What a relay is told, with its limits.
//
// Identities cost nothing to make and nobody who connects is trusted, so everything that a connection can make the
// relay hold has a bound here.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "client/base/clock.hpp"
#include "client/crypto/hash.hpp"
#include "mount/relay/tables.hpp"

namespace spot::relay {

struct Limits {
  std::chrono::milliseconds handshake{10'000};  // from accept to the end of the handshake
  std::chrono::milliseconds ask_again{10'000};  // least, for a new card: clients leave who asks ten times a minute
  std::chrono::milliseconds stalled{20'000};    // how long one packet may take to be sent
  std::chrono::minutes remembered_for{5};       // how long an answer goes to the connection that asked
  std::size_t remembered = 4'096;               // messages of a connection that wait for one
  std::size_t handshake_packet = 64 << 10;      // bytes of a packet before the handshake is done
  std::size_t in_flight = 256;                  // queries of a connection that the database works on
  std::size_t outbox_pause = 2 << 20;           // bytes that wait to be sent, beyond which nothing more is read
  std::size_t outbox_full = 16 << 20;           // the same, beyond which messages of others are refused
  std::size_t connections = 10'000;             // in all
  std::size_t connections_per_address = 256;    // from one IPv4 address or IPv6 /64
  std::size_t connections_per_identity = 64;
  std::size_t subscriptions = 1'024;          // cards of which a connection hears
  std::int64_t messages_per_second = 50'000;  // of one connection; 0: no limit
  std::int64_t message_burst = 100'000;
};

inline constexpr std::size_t kMaxBlobSize = 49'152;
inline constexpr std::size_t kMaxKeySize = 1'024;

struct RelayOptions {
  std::filesystem::path data;    // made where it is missing, mode 0700
  std::filesystem::path groups;  // of memberships (membership_files.hpp), made where it is missing; empty: none
  std::string name = "relay";    // <srv> in addresses: letters, digits, '-' and '_'
  std::vector<Sha256> allow;     // the identities that may connect; none: all
  Quota quota;
  Limits limits;
  const Clock* clock = &Clock::system();
};

}  // namespace spot::relay
