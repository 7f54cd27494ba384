// How far each relay of a source can be reached, and what its clock says.
#include <algorithm>
#include <cstdlib>

#include "client/base/encoding.hpp"
#include "client/net/probe.hpp"
#include "client/proto/link.hpp"
#include "fs/tree/control/peers.hpp"
#include "mount/ctl/direct.hpp"
#include "mount/ctl/doctor.hpp"
#include "mount/ctl/fields.hpp"

namespace spotfs::ctl {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;
using spot::Host;
using spot::Probe;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kStep = 5s;     // for each step of a probe
constexpr std::chrono::milliseconds kProbe = 1min;  // name resolution has its own limits
constexpr std::chrono::milliseconds kHandshake = 10s;
constexpr std::chrono::milliseconds kSpare = 10s;
constexpr std::chrono::milliseconds kNotable = 30s;
constexpr std::chrono::milliseconds kTooMuch = 10min;  // messages that are further off are refused
constexpr std::chrono::sys_days kOldest{std::chrono::year{2026} / 1 / 1};
constexpr std::chrono::sys_days kNewest{std::chrono::year{2100} / 1 / 1};

Finding unreachable(std::string check, std::string text, std::string todo) {
  Finding out = Finding::failure(std::move(check), std::move(text), std::move(todo));
  out.is_offline = true;
  return out;
}

std::string tls_advice(std::error_code why) {
  if (why == Errc::bad_certificate) return "trust the one who issued its certificate: --ca FILE, -o ca=FILE of a mount";
  if (why == Errc::wrong_host) return "use the name that is in its certificate";
  if (why == Errc::no_tls) return "check the port: something else listens there";
  return "see whether the network lets TLS through";
}

Finding finding_of(const std::string& check, const Probe& probe, const std::filesystem::path& ca) {
  using Step = Probe::Step;
  const std::string why = spot::printable(probe.why.message());
  const bool is_silent = probe.why.category() != spot::category() || probe.why == Errc::timed_out;
  switch (probe.at) {
    case Step::done: break;
    case Step::certificates:
      return Finding::failure(check,
                              "certificates: none (PEM) can be read from " +
                                  (ca.empty() ? "the system's directory" : spot::printable(ca.string())),
                              ca.empty() ? "install the package ca-certificates" : "give another file by --ca");
    case Step::name:
      return unreachable(check, "name resolution: " + why, "check the name, the network, and /etc/resolv.conf");
    case Step::tcp:
      return unreachable(check, "TCP: " + why, "see whether the relay runs, its port, and the firewalls in between");
    case Step::tls: {
      Finding out = Finding::failure(check, "TLS: " + why, tls_advice(probe.why));
      out.is_offline = is_silent;
      return out;
    }
    case Step::websocket: {
      Finding out = Finding::failure(check, "WebSocket: " + why, "check host and port: this seems to be no relay");
      out.is_offline = is_silent;
      return out;
    }
  }
  return Finding::ok(check, "found by name, reached, certificate right");
}

Probe probed(const Answer<Probe>& answer) {
  return answer ? *answer : Probe{Probe::Step::name, answer.error().code};  // what else has no limit of its own?
}

// The relays that discovery names.
std::vector<std::string> discover(const mount::Options& options, mount::Loop& loop, const Tell& tell) {
  const std::string name = spot::ClientOptions{}.discovery_host;
  const std::string check = "host " + name;
  const auto host = Host::parse(name);
  const Probe probe = probed(loop.run(spot::probe_tls(options.ca, *host, kStep), kProbe));
  if (probe.at != Probe::Step::done) {
    tell(finding_of(check, probe, options.ca));
    return {};
  }
  const auto hosts = loop.run(spot::probe_discovery(options.ca, name, kStep), kProbe);
  if (!hosts) {
    tell(unreachable(check, "discovery: " + tree::sentence_of(hosts.error()),
                     "try again later, or name relays: wss://HOST"));
    return {};
  }
  tell(Finding::ok(check, "names " + count_text(hosts->size(), "relay", "relays")));
  return *hosts;
}

}  // namespace

void check_hosts(const mount::Options& options, mount::Loop& loop, const Tell& tell) {
  std::vector<std::string> hosts = options.source.hosts;
  if (options.source.kind == mount::Source::Kind::discovery) hosts = discover(options, loop, tell);
  if (hosts.size() > spot::kMaxHosts) hosts.resize(spot::kMaxHosts);
  for (const std::string& name : hosts) {
    const std::string check = "host " + spot::printable(name);
    const auto host = Host::parse(name);
    if (!host) {
      tell(Finding::failure(check, "no host name", "give HOST[:PORT]"));
      continue;
    }
    tell(finding_of(check, probed(loop.run(spot::probe_relay(options.ca, *host, kStep), kProbe)), options.ca));
  }
}

std::vector<Finding> check_relay(const mount::Options& options) {
  mount::Options quick = options;
  quick.mount_timeout = std::min(options.mount_timeout, kHandshake);
  Direct direct{quick};
  if (const auto connected = direct.connect(); !connected) {
    return {Finding::failure("handshake", tree::sentence_of(connected.error()),
                             "see the relay's log: whether it takes this identity")};
  }
  std::vector<Finding> out{Finding::ok("handshake", "a relay takes " + direct.client()->target_id())};
  const auto time = direct.run(tree::ask_time(direct.client(), &spot::Clock::system()), options.timeout + kSpare);
  if (time)
    out.push_back(judge_offset(std::chrono::milliseconds{static_cast<std::int64_t>(real_of(*time, "offset_ms"))}));
  else
    out.push_back(Finding::warning("clock", "not compared with a relay's: " + tree::sentence_of(time.error()),
                                   "try again later"));
  return out;
}

Finding check_clock(const Machine& machine) {
  const spot::Clock::Wall now = machine.clock->wall();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string text = moment_text(seconds > 0 ? static_cast<std::uint64_t>(seconds) : 0);
  if (now >= kOldest && now < kNewest) return Finding::ok("clock", text);
  return Finding::failure("clock", text + " can't be", "set the clock: timedatectl set-ntp true");
}

Finding judge_offset(std::chrono::milliseconds behind) {
  const std::chrono::milliseconds by{std::abs(behind.count())};
  const std::string side = behind.count() > 0 ? " behind" : " ahead";
  if (by < kNotable) return Finding::ok("clock", std::to_string(by.count()) + " ms" + side + " of the relay's");
  const std::string text = std::to_string(by.count() / 1'000) + " s" + side + " of the relay's";
  const std::string todo = "set the clock: timedatectl set-ntp true";
  return by < kTooMuch ? Finding::warning("clock", text, todo) : Finding::failure("clock", text, todo);
}

}  // namespace spotfs::ctl
