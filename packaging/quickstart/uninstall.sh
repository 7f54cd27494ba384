# shellcheck shell=bash
# quickstart.sh --uninstall. Sourced; needs record.sh, install.sh and mount.sh.
# shellcheck disable=SC2154 # $home and $record are record.sh's, $programs install.sh's, the answers quickstart.sh's

ask() {
  local answer
  [[ $yes == no && -t 0 && -t 1 ]] || return 0
  read -r -p "$1 [y/N] " answer
  [[ $answer == [yY]* ]]
}

# Those of the names in stdin that are still installed.
installed() {
  local names missing
  mapfile -t names
  mapfile -t missing < <(missing_packages "${names[@]}")
  printf '%s\n' "${names[@]}" | grep -vxF -f <(printf '%s\n' "${missing[@]}") || true
}
purge() { as_root env DEBIAN_FRONTEND=noninteractive apt-get purge -qq -y "$@"; }

remove_programs() {
  local ours others
  mapfile -t ours < <(remembered packages | grep -xF -f <(printf '%s\n' "${programs[@]}") | installed)
  if ((${#ours[@]} == 0)); then return; fi
  echo "removing ${ours[*]}"
  others=$(findmnt -rno TARGET -t fuse.spotfs | paste -sd ' ' || true)
  if [[ -n $others ]]; then echo "these mounts of spotfs go on until they are unmounted: $others"; fi
  # What spotfs says of its data, we say ourselves; of a relay's we know nothing.
  purge "${ours[@]}" 2>&1 | { grep '^spot-relay: ' || true; }
}

# Packages that came with us, and that nothing else needs: apt itself, which suggests dpkg-dev, did without it before.
remove_packages() {
  local ours unneeded
  mapfile -t ours < <(remembered packages | installed)
  ((${#ours[@]} > 0)) || return 0
  as_root apt-mark auto "${ours[@]}" >/dev/null
  mapfile -t unneeded < <(apt-get autoremove --simulate -o APT::AutoRemove::SuggestsImportant=false \
    -o APT::AutoRemove::RecommendsImportant=false 2>/dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
    grep -xF -f <(printf '%s\n' "${ours[@]}"))
  ((${#unneeded[@]} > 0)) || return 0
  echo "removing ${#unneeded[@]} packages that came with it, about a minute"
  purge "${unneeded[@]}" >/dev/null
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
  remove_programs
  remove_older
  remembered mount_directories | sort -r | while IFS= read -r path; do
    as_root rmdir --ignore-fail-on-non-empty -- "$path" 2>/dev/null || true
  done
  remembered build | while IFS= read -r path; do
    if [[ -f $path/build.log || -f $path/CMakeCache.txt ]]; then as_root rm -rf -- "$path"; fi
  done
  if [[ $keep_packages == no ]] && ask "Remove the packages that came with it and that nothing else needs?"; then
    remove_packages
    as_root rm -rf "$record"
  else
    # Still ours, should we be installed and taken away once more.
    [[ ! -d $record ]] || as_root find "$record" -mindepth 1 ! -name packages -delete
  fi
  if [[ $keep_data == no ]] && ask "Delete the keys and all that is stored, in $home?"; then
    as_root rm -rf "$home"
    as_root rmdir --ignore-fail-on-non-empty "$(dirname "$home")"
    echo "done: nothing is left"
  else
    echo "done; the keys and what is stored are left in $home"
  fi
}
