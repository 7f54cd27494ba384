# shellcheck shell=bash
# What quickstart.sh remembers, and as whom it does something. Sourced; needs debian.sh.

home=/var/lib/spotfs/quickstart # what is made outside the packages: identity/, state/, store/ and our record/
record=$home/record             # a file for each kind of thing that was made, one a line

# Lines of stdin are added to the record NAME.
remember() {
  as_root install -d -m 0755 "$home" "$record"
  { remembered "$1"; cat; } | sort -u | as_root tee "$record/$1.new" >/dev/null
  as_root mv "$record/$1.new" "$record/$1"
}
remembered() { cat "$record/$1" 2>/dev/null || true; }
forget() { if [[ -e $record/$1 ]]; then as_root rm "$record/$1"; fi; }

# Runs a command as the user $1, who is us, or whom only root can be.
as_user() {
  local user=$1
  shift
  if [[ $user == "$(id -un)" ]]; then
    "$@"
  elif [[ $user == root ]]; then
    as_root "$@"
  else
    # A home of root's is of no use to them.
    as_root runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"
  fi
}

# install_packages, which remembers what came with it, also where that is interrupted.
bring_packages() {
  local before failed=0
  before=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sort -u)
  install_packages "$@" || failed=1
  comm -13 <(echo "$before") <(dpkg-query -W -f='${db:Status-Status} ${Package}\n' | sort -u) | cut -d' ' -f2 |
    remember packages
  ((failed == 0)) || exit 1
}
