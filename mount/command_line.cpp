#include "mount/command_line.hpp"

#include <algorithm>
#include <iterator>

#include "client/base/encoding.hpp"

namespace spotfs::mount {
namespace {

using spot::Answer;
using spot::Errc;
using spot::Failure;

Failure wrong(std::string text) { return {Errc::bad_argument, std::move(text)}; }

class Parser {
 public:
  Parser(std::span<const char* const> arguments, Dialect dialect) : rest_{arguments} {
    line_.is_helper = dialect == Dialect::helper;
  }

  Answer<CommandLine> parse(uid_t user);

 private:
  Answer<void> take_word(std::string_view word);
  Answer<void> take_own_option(std::string_view word);
  Answer<void> take_letters(std::string_view letters);
  Answer<std::string_view> take_value(char option, std::string_view attached);
  Answer<void> apply_lists();
  Answer<void> complete_line(uid_t user);

  std::span<const char* const> rest_;
  bool options_over_ = false;
  bool sloppy_ = false;
  std::vector<std::string_view> words_, lists_;
  CommandLine line_;
};

Answer<CommandLine> Parser::parse(uid_t user) {
  while (!rest_.empty()) {
    const std::string_view word = rest_.front();
    rest_ = rest_.subspan(1);
    if (const Answer<void> taken = take_word(word); !taken) return taken.error();
    if (line_.what != CommandLine::What::mount) return line_;
  }
  if (const Answer<void> applied = apply_lists(); !applied) return applied.error();
  if (const Answer<void> completed = complete_line(user); !completed) return completed.error();
  return line_;
}

Answer<void> Parser::take_word(std::string_view word) {
  if (options_over_ || !word.starts_with('-') || word == "-") {
    words_.push_back(word);
  } else if (word == "--") {
    options_over_ = true;
  } else if (word == "-h" || word == "--help") {
    line_.what = CommandLine::What::help;
  } else if (word == "-V" || word == "--version") {
    line_.what = CommandLine::What::version;
  } else {
    return line_.is_helper ? take_letters(word.substr(1)) : take_own_option(word);
  }
  return {};
}

Answer<void> Parser::take_own_option(std::string_view word) {
  if (word == "-f") {
    line_.options.foreground = true;
  } else if (word == "-d") {
    line_.options.foreground = true;
    lists_.push_back("log=debug");
  } else if (word.starts_with("-o")) {
    const auto list = take_value('o', word.substr(2));
    if (!list) return list.error();
    lists_.push_back(*list);
  } else {
    return wrong("unknown option " + spot::printable(word) + "; see spotfs --help");
  }
  return {};
}

// mount(8) gives one at a time; its manual allows -sfnv.
Answer<void> Parser::take_letters(std::string_view letters) {
  for (; !letters.empty(); letters.remove_prefix(1)) {
    const char letter = letters.front();
    switch (letter) {
      case 's': sloppy_ = true; continue;
      case 'f': line_.fake = true; continue;
      case 'n': line_.no_mtab = true; continue;
      case 'v': line_.verbose = true; continue;
      case 'o':
      case 't':
      case 'N': break;
      default: return wrong("unknown option -" + spot::printable(letters.substr(0, 1)) + "; see mount.spotfs(8)");
    }
    const auto value = take_value(letter, letters.substr(1));
    if (!value) return value.error();
    if (letter == 'o') lists_.push_back(*value);
    if (letter == 'N') line_.name_space = *value;
    return {};
  }
  return {};
}

Answer<std::string_view> Parser::take_value(char option, std::string_view attached) {
  if (!attached.empty()) return attached;
  if (rest_.empty() && option == 'o') return wrong("-o needs a list of options behind it; see spotfs --help");
  if (rest_.empty()) {
    std::string text = "-? needs a value behind it";
    text[1] = option;
    return wrong(std::move(text));
  }
  const std::string_view value = rest_.front();
  rest_ = rest_.subspan(1);
  return value;
}

Answer<void> Parser::apply_lists() {
  for (const std::string_view list : lists_) {
    if (const Answer<void> applied = apply_options(line_.options, list, sloppy_); !applied) return applied;
    auto words = split_options(list);
    if (!words) return words.error();
    std::move(words->begin(), words->end(), std::back_inserter(line_.words));
  }
  return {};
}

Answer<void> Parser::complete_line(uid_t user) {
  if (words_.size() != 2) {
    return wrong(words_.size() < 2 ? "give what to mount and where: spotfs [options] SOURCE DIR; see spotfs --help"
                                   : "unexpected \"" + spot::printable(words_[2]) + "\": give SOURCE and DIR alone");
  }
  auto source = Source::parse(words_[0]);
  if (!source) return source.error();
  if (words_[1].empty()) return wrong("the name of the directory is empty");
  line_.options.source = *std::move(source);
  line_.options.directory = words_[1];
  if (!line_.options.remount) return complete(line_.options, user);
  line_.what = CommandLine::What::remount;
  return {};
}

}  // namespace

Dialect dialect_of(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  return name.starts_with("mount.") ? Dialect::helper : Dialect::own;
}

Answer<CommandLine> parse_command_line(std::span<const char* const> arguments, uid_t user, Dialect dialect) {
  return Parser{arguments, dialect}.parse(user);
}

std::string help_text() {
  return R"(spotfs shows the Spot network as files.

  spotfs [-f] [-d] [-o OPTION[,OPTION…]] SOURCE DIR

SOURCE
  embedded:DIR              a relay within this program, which keeps everything in DIR
  wss://HOST[:PORT][,…]     these relays
  spot:                     the public network

  -f                        stay in the foreground, log to standard error
  -d                        the same, and say more (log=debug)
  -h, --help  -V, --version

Options of spotfs; times are seconds, or with a unit: 500ms, 30s, 5m, 1h
  identity=DIR              private keys (root: /etc/spotfs/identity, others: ~/.config/spot)
  state=DIR                 what this machine must not lose (root: /var/lib/spotfs/state, others: ~/.local/state/spotfs)
  cache=DIR|none            sealed copies for fast reads, and for reading without a connection (root:
                            /var/cache/spotfs, others: ~/.cache/spotfs; embedded: none)
  cache_size=1G             memory=64M             K, M, G, T: 1,024 each
  writeback                 close and fsync mean: on the disk of this machine; it is uploaded afterwards
  offline=stale|fail        without a connection, show what is cached, or nothing of it
  ca=FILE                   trust the certificates of this PEM file, not the system's
  listen=ADDRESS:PORT       embedded: other clients may come in here, over TLS
  allow=k.HASH[:k.HASH…]    with listen: these identities too, not ours alone
  timeout=30                for blobs          query_timeout=30    for a query, card look-up included
  listen_timeout=60         for an answer to what came to listen/, then its sender gets an error
  mount_timeout=15          until it works     offline_grace=3     without a connection, before an error
  keepalive=15              between pings      drain=60            for what is not stored yet, at the end
  commit=1                  a change is told to other mounts after this time
  refresh=1                 how often other mounts' changes are looked for
  scrub=7d                  everything is read again within this time, to see that it is there; 0: never
  subtree=files             the disk alone: files/ is the root
  uid=USER                  gid=GROUP              have what has no owner of its own (who mounts)
  umask=MASK                bits that no mode shows, in octal; fmask=MASK of files, dmask=MASK of directories
  size=SIZE                 what df shows as the whole
  delay_connect             mount although there is no connection yet
  plain=any|new|none        values that another client stored without our binding to key and time
  bind=any|require          messages without our binding to endpoint and time
  conflicts=keep|last       of a store that is made now: whether a lost update is kept beside the winner
  accept_store              take a store that is not the one which this source had before
  expect=DIGEST             fail where the store shows less than another mount's status said (its digest)
  peers=GROUP               this group may use the endpoints of peers, too
  groups=KEY[:KEY…]         take memberships of these groups (public keys, base64url)
  threads=N                 log=debug|info|warning|error

Options of mount(8): ro, allow_other (brings default_permissions), default_permissions, noexec, noatime, nodiratime,
relatime, strictatime, nosymfollow, sync, dirsync, context=…; allow_suid and allow_dev for root, nosuid and nodev
otherwise; remount for a change of ro, rw and those with no… of a mount that is there; the rest of what mount(8) lists
is accepted and changes nothing.

Ends with umount DIR or fusermount3 -u DIR, or with SIGTERM. Exit codes are those of mount(8): 1 wrong usage or no
permission, 2 the system failed, 32 the mount failed.
)";
}

}  // namespace spotfs::mount
