#include "mount/ctl/arguments.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "client/base/encoding.hpp"
#include "mount/ctl/output.hpp"

namespace spotfs::ctl {
namespace {

constexpr std::size_t kIdLength = 22;  // characters of base64url

class Parser {
 public:
  Parser() {
    app_.set_version_flag("--version", "spotfsctl " SPOTFS_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_flag("--json", line_.json, "One JSON object a line, errors too");
    app_.add_option("--progress", progress_, "A progress bar on standard error: auto (on a terminal), always, never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    add_mount_commands();
    add_peer_commands();
    add_disk_commands();
    add_blob_commands();
    add_setup_commands();
    app_.footer(
        "DIR is the directory of a mount, or any path in it; left out, the mount of the current directory, or the "
        "only one there is.\nExit codes: 0 done, 1 failed (fsck, scrub: something is not whole), 2 wrong usage, "
        "3 no connection, or the other side has none, 4 no answer in time: the outcome is unknown, 5 the other side "
        "answered with an error.");
  }

  boost::system::result<Invocation, int> parse(int argc, char** argv) {
    try {
      std::vector<char*> words{argv, argv + argc};
      keep_id(words);
      app_.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == 0) return app_.exit(e);  // --help, --version
      // CLI11 says that a command is missing.
      if (const auto unknown = app_.remaining(); app_.get_subcommands().empty() && !unknown.empty())
        return wrong("\"" + spot::printable(unknown.front()) + "\" is no command");
      return wrong(e.what());
    }
    line_.progress = progress_ == "always" ? When::always : progress_ == "never" ? When::never : When::automatic;
    return complete();
  }

 private:
  CLI::App* add(CLI::App& to, const char* name, const char* text, What what) {
    CLI::App* const command = to.add_subcommand(name, text);
    command->callback([this, what] { line_.what = what; });
    return command;
  }
  // An empty name would stand for the only mount there is.
  static std::string check_name(const std::string& name) { return name.empty() ? "the name is empty" : ""; }
  static std::string check_key(const std::string& key) { return key.empty() ? "the key is empty" : ""; }
  static std::string check_command(const std::string& text) { return text.empty() ? "the command is empty" : ""; }
  CLI::Option* take_place(CLI::App* command, const char* name = "DIR", const char* text = "The mount") {
    return command->add_option(name, line_.place, text)->check(check_name);
  }

  // By which mount, or without one.
  void take_way(CLI::App* command) {
    take_place(command, "--mount", "Through this mount (DIR)");
    command->add_option("--source", source_, "Without a mount: embedded:DIR, wss://HOST[:PORT][,…] or spot:")
        ->check(check_name);
    command->add_option("-o", options_, "With --source: identity=DIR, ca=FILE and other options of spotfs")
        ->allow_extra_args(false);
  }
  void take_timeout(CLI::App* command) {
    command->add_option("--timeout", line_.timeout, "Seconds to wait for the answer")->check(CLI::Range(1, 3'600));
  }

  void add_mount_commands() {
    add(app_, "list", "List the mounts of this machine", What::list);
    take_place(add(app_, "status", "Show the connections, the disk, its caches and its other writers", What::status));
    CLI::App* const top = add(app_, "top", "Show what the mount is asked for, again and again", What::top);
    take_place(top);
    top->add_option("--interval", line_.interval, "Seconds between two looks; 1")->check(CLI::Range(0.1, 3'600.0));
    top->add_option("--count", line_.count, "How often; without an end");
    CLI::App* const log = add(app_, "log", "Show what the mount has logged lately", What::log);
    take_place(log);
    log->add_flag("--follow,-f", line_.follow, "And go on");
    log->add_option("--level", line_.level, "Log this, and what is worse, from now on")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    take_place(add(app_, "umount", "End the mount, and wait until all is stored", What::umount))->required();
    take_place(add(app_, "reconnect", "Make the connections anew, at once", What::reconnect));
    take_place(add(app_, "forget", "Drop what is cached of a file's name, or of a peer's card", What::forget), "PATH",
               "In files/, blobs/, cards/ or endpoints/ of a mount")
        ->required();
  }

  void add_peer_commands() {
    CLI::App* const query = add(app_, "query", "Ask an endpoint, and write its answer to standard output", What::query);
    CLI::App* const send = add(app_, "send", "Send an endpoint a message without an answer", What::send);
    CLI::App* const ping = add(app_, "ping", "How long an identity, or the relay, takes to answer", What::ping);
    CLI::App* const time = add(app_, "time", "Ask the relay for the time", What::time);
    CLI::App* const card = add(app_, "card", "Show the ID card of an identity", What::card);
    CLI::App* const group = add(app_, "group", "List the members of a group", What::group);
    CLI::App* const listen = add(app_, "listen", "Take the messages for an endpoint of this identity", What::listen);
    for (CLI::App* const command : {query, send}) {
      command->add_option("ADDRESS", line_.address, "k.HASH/ENDPOINT, g.HASH/ENDPOINT or @/ENDPOINT")->required();
      command->add_option("BODY", line_.body, "Default: nothing; -: standard input");
    }
    send->add_option("--from", line_.endpoint, "The endpoint of ours that it comes from");
    ping->add_option("ADDRESS", line_.address, "k.HASH; default: the relay");
    card->add_option("ADDRESS", line_.address, "k.HASH; default: this identity");
    group->add_option("KEY", line_.key, "Its public key (PKIX, in base64url)")->required();
    listen->add_option("ENDPOINT", line_.endpoint)->required();
    listen
        ->add_option("--exec", line_.command,
                     "A command for the shell that answers each message: the body is its input, SPOT_SENDER and "
                     "SPOT_ENDPOINT are in its environment, its output is the answer, or its errors where it fails")
        ->check(check_command);
    listen->add_option("--count", line_.count, "End after so many messages");
    take_timeout(query);
    take_timeout(ping);
    for (CLI::App* const command : {query, send, ping, time, card, group, listen}) take_way(command);
  }

  void add_disk_commands() {
    take_place(add(app_, "flush", "Store all that was written, and wait until it is on the relay's disk", What::flush));
    CLI::App* const fsck = add(app_, "fsck", "Read everything again, and say by path what can't be had", What::fsck);
    take_place(fsck);
    fsck->add_flag("--repair", line_.repair, "Move what is not whole to lost+found; drop what nothing is left of");
    fsck->add_flag("--accept-older", line_.accept_older,
                   "Take what the relay shows of writers that it shows an older state of");
    take_place(add(app_, "scrub", "The same, and store again what is lost but cached here", What::scrub));
    CLI::App* const conflicts =
        add(app_, "conflicts", "List the files that were kept beside a winner, below a directory", What::conflicts);
    take_place(conflicts);

    CLI::App* const writers = app_.add_subcommand("writers", "List the mounts that change this disk");
    take_place(writers);
    CLI::App* const retire = writers->add_subcommand("retire", "End a writer that will not come back");
    retire->add_option("ID", line_.writer, "As `spotfsctl writers` shows it")->required();
    take_place(retire);
    writers->callback([this, retire] { line_.what = retire->parsed() ? What::retire : What::writers; });
  }

  void add_blob_commands() {
    CLI::App* const blob = app_.add_subcommand("blob", "The values of blobs/, by key");
    blob->require_subcommand(1);
    blob->fallthrough();
    take_way(blob);
    CLI::App* const get = add(*blob, "get", "Write the value to standard output", What::blob_get);
    CLI::App* const put = add(*blob, "put", "Store a value", What::blob_put);
    CLI::App* const rm = add(*blob, "rm", "Delete a value", What::blob_rm);
    for (CLI::App* const command : {get, put, rm}) command->add_option("KEY", line_.key)->required()->check(check_key);
    put->add_option("FILE", line_.input, "Default: standard input");
    add(*blob, "ls", "List the keys that the mounts have stored or met", What::blob_ls)
        ->add_option("PREFIX", line_.key);
  }

  void add_setup_commands() {
    CLI::App* const doctor =
        add(app_, "doctor", "Check this machine, the keys and the relays, and say what to do", What::doctor);
    doctor->add_option("SOURCE", source_, "Its relays, too: embedded:DIR, wss://HOST[:PORT][,…] or spot:");
    doctor->add_option("--identity", identity_, "Directory of the private keys");
    doctor->add_option("--state", state_, "Directory of the states");
    doctor->add_option("--ca", ca_, "Trust the certificates of this PEM file, not the system's");
    doctor->add_option("-o", options_, "Options that the mount would have")->allow_extra_args(false);
    CLI::App* const fstab = add(app_, "fstab", "Print the line of /etc/fstab for a mount", What::fstab);
    fstab->add_option("SOURCE", source_, "embedded:DIR, wss://HOST[:PORT][,…] or spot:")->required();
    fstab->add_option("DIR", directory_, "Where to mount it")->required();
    fstab->add_option("-o", options_, "More options of spotfs; with noauto it is not for the boot")
        ->allow_extra_args(false);
  }

  // What a mount would be told.
  boost::system::result<Invocation, int> complete_setup() {
    mount::Options options;
    if (!source_.empty() || line_.what == What::fstab) {
      auto source = mount::Source::parse(source_);
      if (!source) return wrong(source.error().text);
      options.source = *std::move(source);
    }
    for (const std::string& list : options_) {
      if (const auto applied = mount::apply_options(options, list); !applied) return wrong(applied.error().text);
      line_.options.append(line_.options.empty() ? "" : ",").append(list);
    }
    std::error_code ec;
    const auto absolute = [&](const std::string& path) {
      const auto whole = std::filesystem::absolute(path, ec).lexically_normal();
      return whole.has_filename() ? whole : whole.parent_path();
    };
    if (!identity_.empty()) options.identity = absolute(identity_);
    if (!state_.empty()) options.state = absolute(state_);
    if (!ca_.empty()) options.ca = absolute(ca_);
    if (line_.what == What::fstab) {
      if (directory_.empty()) return wrong("the name of the directory is empty");
      options.directory = absolute(directory_).string();
    }
    if (ec) return wrong(ec.message());
    // Root mounts what is in fstab.
    const uid_t user = line_.what == What::fstab ? 0 : ::getuid();
    if (const auto completed = mount::complete(options, user); !completed) return wrong(completed.error().text);
    line_.direct = std::move(options);
    return line_;
  }

  boost::system::result<Invocation, int> complete() {
    if (line_.what == What::doctor || line_.what == What::fstab) return complete_setup();
    if (std::isnan(line_.interval)) return wrong("--interval: nan is no number of seconds");  // within every range
    if (source_.empty() && !options_.empty()) return wrong("-o goes with --source");
    if (source_.empty()) return line_;
    if (!line_.place.empty()) return wrong("give --mount or --source, not both");
    if (line_.what == What::blob_ls) return wrong("blob ls needs a mount: a relay lists nothing");
    mount::Options options;
    auto source = mount::Source::parse(source_);
    if (!source) return wrong(source.error().text);
    options.source = *std::move(source);
    for (const std::string& list : options_) {
      if (const auto applied = mount::apply_options(options, list); !applied) return wrong(applied.error().text);
    }
    if (const auto completed = mount::complete(options, ::getuid()); !completed) return wrong(completed.error().text);
    line_.direct = std::move(options);
    return line_;
  }

  // One id in 64 begins with a hyphen, and is no option all the same.
  static void keep_id(std::vector<char*>& words) {
    static char separator[] = "--";
    const auto retire = std::find(words.begin(), words.end(), std::string_view{"retire"});
    if (retire == words.end() || std::next(retire) == words.end()) return;
    const std::string_view id = *std::next(retire);
    if (id.size() == kIdLength && id.front() == '-') words.insert(std::next(retire), separator);
  }

  int wrong(const std::string& what) { return Output{line_.json}.fail("EINVAL", what + "; see spotfsctl --help"); }

  CLI::App app_{"Controls mounts of spotfs, and reaches the values of an identity.", "spotfsctl"};
  Invocation line_;
  std::string progress_ = "auto", source_, directory_, identity_, state_, ca_;
  std::vector<std::string> options_;
};

}  // namespace

boost::system::result<Invocation, int> parse_arguments(int argc, char** argv) { return Parser{}.parse(argc, argv); }

}  // namespace spotfs::ctl
