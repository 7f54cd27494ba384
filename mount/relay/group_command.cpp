// `spot-relay group key|add|rm`: what the owner of a group does, on any machine; no relay is asked.
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "client/base/encoding.hpp"
#include "client/crypto/keystore.hpp"
#include "mount/relay/membership_files.hpp"
#include "mount/relay/program.hpp"

namespace spot::relay {
namespace {

struct Arguments {
  std::filesystem::path key, groups;
  std::vector<std::string> members;
};

int say(const Failure& failure) {
  std::fprintf(stderr, "spot-relay: %s\n", failure.text.c_str());
  return 1;
}

Failure unusable(const std::filesystem::path& directory, const Failure& failure) {
  const std::error_code why = failure.code;
  std::string text = printable(directory.string()) + ": ";
  if (why == Errc::bad_permissions) {
    text += "the group's key must belong to you alone (chmod 700 the directory, 600 the key)";
  } else if (why == Errc::not_found) {
    text += "there is no key of a group; spot-relay group key --key makes one";
  } else if (failure.text.empty()) {
    text += why.message();
  } else {
    text = printable(failure.text);
  }
  return {why, std::move(text)};
}

int print_key(const Arguments& arguments) {
  const auto loaded = load_or_create_keys(arguments.key);
  if (!loaded) return say(unusable(arguments.key, loaded.error()));
  std::printf("%s\n", base64url(loaded->keychain.self().public_key().pkix()).c_str());
  return 0;
}

int change(const Arguments& arguments, bool valid) {
  const auto loaded = load_keys(arguments.key);
  if (!loaded) return say(unusable(arguments.key, loaded.error()));
  const UnixSeconds now = std::chrono::floor<std::chrono::seconds>(Clock::system().wall().time_since_epoch()).count();
  // All of them are read before the first is changed.
  std::vector<PublicKey> members;
  for (const std::string& file : arguments.members) {
    auto member = read_member(file, now);
    if (!member) return say(member.error());
    members.push_back(*std::move(member));
  }
  for (const PublicKey& member : members) {
    const auto written = write_membership(arguments.groups, loaded->keychain.self(), member, valid, now);
    if (!written) return say(written.error());
  }
  return 0;
}

}  // namespace

int run_group_command(int argc, char** argv) {
  // A key is in our memory.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);

  Arguments arguments;
  CLI::App app{"Groups and their members, as a relay with --groups gives them out.", "spot-relay group"};
  app.require_subcommand(1);
  auto* const key =
      app.add_subcommand("key", "Print the group's public key, for -o groups=; make it where it is missing");
  auto* const add = app.add_subcommand("add", "Sign that these are members");
  auto* const remove = app.add_subcommand("rm", "Sign that these are no members any more");
  for (auto* const command : {key, add, remove})
    command->add_option("--key", arguments.key, "Directory of the group's private key, mode 0700")->required();
  for (auto* const command : {add, remove}) {
    command->add_option("--groups", arguments.groups, "Directory of memberships, made where it is missing")->required();
    command->add_option("MEMBER", arguments.members, "Files: a public key (self/public.pem) or ID card (cards/k.HASH)")
        ->required();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    // CLI11 says that a command is missing.
    const auto unknown = app.get_subcommands().empty() ? app.remaining() : std::vector<std::string>{};
    const std::string why = unknown.empty() ? e.what() : "\"" + printable(unknown.front()) + "\" is no command";
    std::fprintf(stderr, "spot-relay: %s; see spot-relay group --help\n", why.c_str());
    return 2;
  }
  return key->parsed() ? print_key(arguments) : change(arguments, add->parsed());
}

}  // namespace spot::relay
