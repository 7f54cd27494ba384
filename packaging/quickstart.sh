#!/bin/bash
# From a fresh Debian to a mounted Spot filesystem, and back: see usage().
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=packaging/debian.sh
. "$source_dir/packaging/debian.sh"

prefix=/usr/local
home=/var/lib/spotfs/quickstart # all that is made outside the prefix: identity/, state/, store/ and our record/
record=$home/record
build=$source_dir/build-quickstart

usage() {
  cat <<'END'
usage: packaging/quickstart.sh [DIR]
       packaging/quickstart.sh --uninstall [--keep-data] [--keep-packages] [--yes]

Installs the packages that spotfs needs, builds and installs it in /usr/local, makes an identity,
and mounts a store of its own on this machine at DIR (default /mnt/spot). Run it as root, with sudo,
or as a user who may use sudo. Run it again after an update: it does what is left to do.

  --uninstall      unmount, and take all of it away: program, keys, stored data, packages
  --keep-data      with --uninstall: leave the keys and what is stored
  --keep-packages  with --uninstall: leave the packages that came with it
  --yes            with --uninstall: don't ask
  --help           this text
END
}

fail() {
  echo "quickstart.sh: $*" >&2
  exit 1
}
bad_usage() {
  echo "quickstart.sh: $*; see --help" >&2
  exit 2
}
step() { echo "[$1/4] $2"; }

# Runs a command as the user $1, who is us, or whom only root can be.
as_user() {
  local user=$1
  shift
  if [[ $user == "$(id -un)" ]]; then
    "$@"
  elif [[ $user == root ]]; then
    as_root "$@"
  else
    as_root runuser -u "$user" -- "$@"
  fi
}

# Lines of stdin are added to the record NAME.
remember() {
  as_root install -d -m 0755 "$home" "$record"
  { cat "$record/$1" 2>/dev/null || true; cat; } | sort -u | as_root tee "$record/$1.new" >/dev/null
  as_root mv "$record/$1.new" "$record/$1"
}
remembered() { cat "$record/$1" 2>/dev/null || true; }

mount_type() { findmnt --noheadings --first-only --output FSTYPE --mountpoint "$1" || true; }

# The user whose mount it is: the one of the last time, the one who called sudo, or us.
mount_user() {
  local user
  user=$(remembered user)
  if [[ -z $user ]]; then
    user=$(id -un)
    if ((EUID == 0)) && [[ -n ${SUDO_USER:-} ]]; then user=$SUDO_USER; fi
    # Some machines give /dev/fuse to root alone.
    if ! as_user "$user" test -r /dev/fuse -a -w /dev/fuse; then user=root; fi
  fi
  echo "$user"
}

check_directory() {
  local type
  [[ $dir != / ]] || fail "/ cannot be the mount point: name another directory"
  type=$(mount_type "$dir")
  if [[ -n $type ]]; then
    [[ $dir == "$(remembered mounted)" ]] || fail "$dir is already a mount ($type): name another directory"
  elif [[ -e $dir ]]; then
    [[ -d $dir ]] || fail "$dir is not a directory: name another"
    [[ -z $(as_root ls -A "$dir") ]] || fail "$dir is not empty: name another directory"
  fi
}

check_fuse() {
  [[ -e /dev/fuse ]] || as_root modprobe fuse 2>/dev/null || true
  [[ -e /dev/fuse ]] || fail "there is no /dev/fuse: load the module fuse, or give the container that device"
}

step_packages() {
  local packages missing before after
  mapfile -t packages < <(build_packages)
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if ((${#missing[@]} == 0)); then
    step 1 "packages: all there"
    return
  fi
  step 1 "packages, 1 to 3 minutes: ${missing[*]}"
  before=$(dpkg-query -W -f='${Package}\n' | sort -u)
  # What an interrupted run brought is remembered too.
  after=0
  install_packages "${missing[@]}" || after=$?
  comm -13 <(echo "$before") <(dpkg-query -W -f='${Package}\n' | sort -u) | remember packages
  ((after == 0)) || exit 1
}

# As the owner of the source tree where sudo can be them: nothing of root's is left in it.
builder() {
  local owner
  owner=$(stat -c %U "$source_dir")
  if ((EUID == 0)) && [[ $owner == "${SUDO_USER:-}" ]]; then echo "$owner"; else id -un; fi
}

step_build() {
  local jobs log user
  jobs=$(jobs_that_fit)
  user=$(builder)
  log=$build/quickstart.log
  step 2 "building, about $((12 / jobs + 1)) minutes with $jobs job(s) the first time"
  as_user "$user" mkdir -p "$build" 2>/dev/null || fail "$source_dir is not writable for $user: copy it to where it is"
  echo "$build" | remember build
  as_user "$user" cmake -S "$source_dir" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF \
    -DCMAKE_INSTALL_PREFIX="$prefix" 2>&1 | as_user "$user" tee "$log" >/dev/null ||
    fail "cmake failed: $(grep -m1 -A2 'CMake Error' "$log" | paste -sd ' '); all of it is in $log"
  if [[ -t 1 ]]; then
    as_user "$user" ninja -C "$build" -j "$jobs" || fail "the build failed, see the lines above"
  else
    as_user "$user" ninja -C "$build" -j "$jobs" 2>&1 | as_user "$user" tee "$log" >/dev/null ||
      { tail -n 20 "$log" >&2; fail "the build failed; all of it is in $log"; }
  fi
}

step_install() {
  local manifest stage path
  step 3 "installing in $prefix, a few seconds"
  stage=$(mktemp -d)
  # To a stage first: it shows which files there will be, and which folders will be new.
  DESTDIR=$stage cmake --install "$build" >/dev/null || fail "cmake --install failed"
  manifest=$(cd "$stage" && find . ! -type d -printf '/%P\n')
  (cd "$stage" && find . -mindepth 1 -type d -printf '/%P\n') | while IFS= read -r path; do
    [[ -d $path ]] || echo "$path"
  done | remember directories
  rm -rf "$stage"
  # What an older version had and this one has not goes.
  remembered files | while IFS= read -r path; do
    grep -qxF -- "$path" <<<"$manifest" || as_root rm -f -- "$path"
  done
  [[ ! -e $record/files ]] || as_root rm "$record/files"
  echo "$manifest" | remember files
  as_root cmake --install "$build" >/dev/null || fail "cmake --install failed"
  # Its record of what was installed is root's; the next build may be another user's.
  as_root rm -f "$build/install_manifest.txt"
}

program() { remembered files | grep -m1 '/spotfs$' || fail "the build has no program spotfs"; }

# Whether the process behind our mount still runs.
is_running() {
  local process
  while IFS= read -r process; do
    if tr '\0' '\n' <"$process/cmdline" 2>/dev/null | grep -qxF "embedded:$home/store"; then return 0; fi
  done < <(as_root find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$(program)*" -printf '%h\n' 2>/dev/null)
  return 1
}

# Ends the mount and waits until all of it is stored.
unmount() {
  local where=$1 waited=0
  [[ -z $(mount_type "$where") ]] || as_root umount "$where" 2>/dev/null ||
    fail "$where is in use: let its users (a shell there?) leave it, and start again"
  while is_running; do
    ((waited++ < 600)) || fail "the filesystem of $where still stores what was written: start again when it is done"
    sleep 0.1
  done
}

step_mount() {
  local changed=$1 user last path made=()
  user=$(mount_user)
  last=$(remembered mounted)
  if [[ $last == "$dir" && -n $(mount_type "$dir") && $changed == no ]]; then
    step 4 "mount: $dir is mounted"
    return
  fi
  step 4 "mounting embedded: at $dir as $user, a few seconds"
  if [[ -n $last ]]; then unmount "$last"; fi
  path=$dir
  while [[ ! -e $path ]]; do
    made+=("$path")
    path=$(dirname "$path")
  done
  if ((${#made[@]} > 0)); then
    printf '%s\n' "${made[@]}" | remember mount_directories
    as_root mkdir -p -- "$dir"
    as_root chown -- "$user" "$dir"
  elif ! as_user "$user" test -w "$dir"; then
    fail "$user may not write to $dir, so not mount there: name another directory"
  fi
  for path in identity state store; do
    [[ -d $home/$path ]] || as_root install -d -m 0700 -o "$user" "$home/$path"
  done
  echo "$user" | remember user
  as_root rm -f "$record/mounted"
  echo "$dir" | remember mounted
  as_user "$user" "$(program)" -o "identity=$home/identity,state=$home/state" "embedded:$home/store" "$dir" ||
    fail "the mount failed, see the line above"
}

show_next() {
  local q
  q=$(printf '%q' "$dir")
  cat <<END

$dir is mounted. Type next:

  cp -a ANYTHING $q/files/
  echo hello > $q/blobs/greeting && cat $q/blobs/greeting
  cat $q/self/id
  truncate -s 0 $q/endpoints/@/version/request && cat $q/endpoints/@/version/reply

The keys are in $home/identity: whoever has them is you. Keep a copy.
After a reboot: $(printf '%q' "$source_dir/packaging/quickstart.sh") $q
To take it away: $(printf '%q' "$source_dir/packaging/quickstart.sh") --uninstall
END
}

ask() {
  local answer
  [[ $yes == no && -t 0 && -t 1 ]] || return 0
  read -r -p "$1 [y/N] " answer
  [[ $answer == [yY]* ]]
}

# Packages that came with us, and that nothing else needs.
remove_packages() {
  local ours unneeded
  mapfile -t ours < <(missing_packages_inverse "$(remembered packages)")
  ((${#ours[@]} > 0)) || return 0
  as_root apt-mark auto "${ours[@]}" >/dev/null
  mapfile -t unneeded < <(apt-get autoremove --simulate 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
    grep -xF -f <(printf '%s\n' "${ours[@]}"))
  ((${#unneeded[@]} > 0)) || return 0
  echo "removing ${#unneeded[@]} packages that came with it, about a minute"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get purge -qq -y "${unneeded[@]}" >/dev/null
}
missing_packages_inverse() {
  local name
  for name in $1; do
    [[ -n $(missing_packages "$name") ]] || echo "$name"
  done
}

uninstall() {
  local path
  if [[ ! -d $home ]]; then
    echo "nothing to take away: quickstart.sh has installed nothing here"
    return
  fi
  path=$(remembered mounted)
  if [[ -n $path ]]; then
    echo "unmounting $path"
    unmount "$path"
  fi
  echo "removing the program from $prefix"
  remembered files | while IFS= read -r path; do as_root rm -f -- "$path"; done
  { remembered directories; remembered mount_directories; } | sort -r | while IFS= read -r path; do
    as_root rmdir --ignore-fail-on-non-empty -- "$path" 2>/dev/null || true
  done
  remembered build | while IFS= read -r path; do
    if [[ -f $path/CMakeCache.txt ]]; then as_root rm -rf -- "$path"; fi
  done
  if [[ $keep_packages == no ]] && ask "Remove the packages that came with it and that nothing else needs?"; then
    remove_packages
  fi
  as_root rm -rf "$record"
  if [[ $keep_data == no ]] && ask "Delete the keys and all that is stored, in $home?"; then
    as_root rm -rf "$home"
    as_root rmdir --ignore-fail-on-non-empty "$(dirname "$home")"
    echo "done: nothing is left"
  else
    echo "done; the keys and what is stored are left in $home"
  fi
}

dir=
action=install
keep_data=no
keep_packages=no
yes=no
while (($# > 0)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --uninstall) action=uninstall ;;
    --keep-data) keep_data=yes ;;
    --keep-packages) keep_packages=yes ;;
    --yes) yes=yes ;;
    -*) bad_usage "unknown option $1" ;;
    '') bad_usage "the directory's name is empty" ;;
    *)
      [[ -z $dir ]] || bad_usage "one directory, not both $dir and $1"
      dir=$1
      ;;
  esac
  shift
done
if [[ $action == install && $keep_data$keep_packages$yes != nonono ]]; then
  bad_usage "--keep-data, --keep-packages and --yes go with --uninstall"
fi
if [[ $action == uninstall && -n $dir ]]; then bad_usage "--uninstall takes no directory"; fi
command -v apt-get >/dev/null || fail "this is for Debian, and there is no apt-get here; README.md tells how to build"

if ! can_be_root; then
  [[ $action == install ]] || fail "run it as root or with sudo"
  mapfile -t packages < <(build_packages)
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if ((${#missing[@]} > 0)); then fail "run it as root or with sudo; missing packages: ${missing[*]}"; fi
  fail "run it as root or with sudo; no package is missing"
fi
if [[ $action == uninstall ]]; then
  uninstall
  exit 0
fi

dir=$(realpath -m -- "${dir:-/mnt/spot}")
check_fuse
check_directory
know_packages || exit 1
step_packages
step_build
before=$(sha256sum "$(remembered files | grep -m1 '/spotfs$')" 2>/dev/null || true)
step_install
if [[ $before == "$(sha256sum "$(program)")" ]]; then step_mount no; else step_mount yes; fi
show_next
