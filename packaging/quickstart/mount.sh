# shellcheck shell=bash
# The mount of quickstart.sh: where it may be, how it begins and ends. Sourced; needs record.sh.
# shellcheck disable=SC2154 # $home and $record are record.sh's, $dir and $source_dir quickstart.sh's

program=/usr/bin/spotfs

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

# What the process behind our mount runs, or nothing: after an update, a program that is deleted; before there were
# packages, one in /usr/local.
running() {
  local process
  while IFS= read -r process; do
    if as_root cat "$process/cmdline" 2>/dev/null | tr '\0' '\n' | grep -qxF "embedded:$home/store"; then
      as_root readlink "$process/exe" || true
      return
    fi
  done < <(as_root find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' \
    \( -lname "$program" -o -lname "${program}[. ]*" -o -lname "/usr/local/bin/spotfs*" \) -printf '%h\n' 2>/dev/null)
}

# Ends the mount and waits until all of it is stored.
unmount() {
  local where=$1 waited=0
  [[ -z $(mount_type "$where") ]] || as_root umount "$where" 2>/dev/null ||
    fail "$where is in use: let its users (a shell there?) leave it, and start again"
  while [[ -n $(running) ]]; do
    ((waited++ < 600)) || fail "the filesystem of $where still stores what was written: start again when it is done"
    sleep 0.1
  done
}

step_mount() {
  local user last path made=()
  user=$(mount_user)
  last=$(remembered mounted)
  if [[ $last == "$dir" && -n $(mount_type "$dir") && $(running) == "$program" ]]; then
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
  forget mounted
  echo "$dir" | remember mounted
  as_user "$user" "$program" -o "identity=$home/identity,state=$home/state" "embedded:$home/store" "$dir" ||
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
For a mount at each boot: man spotfs, and $(printf '%q' "$source_dir/README.md")
To take it away: $(printf '%q' "$source_dir/packaging/quickstart.sh") --uninstall
END
}
