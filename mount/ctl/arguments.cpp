#include "mount/ctl/arguments.hpp"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <unistd.h>

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
    add_disk_commands();
    add_blob_commands();
    app_.footer(
        "DIR is the directory of a mount, or any path in it; left out, the mount of the current directory, or the "
        "only one there is.\nExit codes: 0 done, 1 failed (fsck, scrub: something is not whole), 2 wrong usage, "
        "3 no connection, 4 no answer in time, 5 the other side answered with an error.");
  }

  boost::system::result<Invocation, int> parse(int argc, char** argv) {
    try {
      std::vector<char*> words{argv, argv + argc};
      keep_id(words);
      app_.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == 0) return app_.exit(e);  // --help, --version
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
  void take_place(CLI::App* command) { command->add_option("DIR", line_.place, "The mount"); }

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
    blob->add_option("--mount", line_.place, "Through this mount (DIR)");
    blob->add_option("--source", source_, "Without a mount: embedded:DIR, wss://HOST[:PORT][,…] or spot:");
    blob->add_option("-o", options_, "With --source: identity=DIR, ca=FILE and other options of spotfs")
        ->allow_extra_args(false);
    CLI::App* const get = add(*blob, "get", "Write the value to standard output", What::blob_get);
    CLI::App* const put = add(*blob, "put", "Store a value", What::blob_put);
    CLI::App* const rm = add(*blob, "rm", "Delete a value", What::blob_rm);
    for (CLI::App* const command : {get, put, rm}) command->add_option("KEY", line_.key)->required();
    put->add_option("FILE", line_.input, "Default: standard input");
    add(*blob, "ls", "List the keys that the mounts have stored or met", What::blob_ls)
        ->add_option("PREFIX", line_.key);
  }

  boost::system::result<Invocation, int> complete() {
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
  std::string progress_ = "auto", source_;
  std::vector<std::string> options_;
};

}  // namespace

boost::system::result<Invocation, int> parse_arguments(int argc, char** argv) { return Parser{}.parse(argc, argv); }

}  // namespace spotfs::ctl
