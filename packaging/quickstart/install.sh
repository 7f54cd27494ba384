# shellcheck shell=bash
# The steps of quickstart.sh from sources to an installed package. Sourced; needs record.sh.
# shellcheck disable=SC2154 # $source_dir, $build and $record are quickstart.sh's and record.sh's

programs=(spotfs spot-relay)

step_packages() {
  local packages missing
  mapfile -t packages < <(build_packages; package_tools; run_packages)
  mapfile -t missing < <(missing_packages "${packages[@]}")
  if ((${#missing[@]} == 0)); then
    step 1 "packages: all there"
    return
  fi
  step 1 "packages, 1 to 3 minutes: ${missing[*]}"
  bring_packages "${missing[@]}"
}

# As the owner of the source tree where sudo can be them: nothing of root's is left in it.
builder() {
  local owner
  owner=$(stat -c %U "$source_dir")
  if ((EUID == 0)) && [[ $owner == "${SUDO_USER:-}" ]]; then echo "$owner"; else id -un; fi
}

# How far it is, in one line of the terminal: the build says [3/120] for each file.
show_progress() {
  local line
  while IFS= read -r line; do
    if [[ -t 1 && $line =~ ^\[[0-9]+/[0-9]+\] ]]; then printf '\r%s ' "${BASH_REMATCH[0]}"; fi
  done
  if [[ -t 1 ]]; then printf '\r%20s\r' ''; fi
}

step_build() {
  local jobs log user
  jobs=$(jobs_that_fit)
  user=$(builder)
  log=$build/build.log
  step 2 "building the packages, about $((20 / jobs + 1)) minutes with $jobs job(s) the first time"
  as_user "$user" mkdir -p "$build" 2>/dev/null || fail "$source_dir is not writable for $user: copy it to where it is"
  [[ ! -d $build/spotfs-build ]] || as_user "$user" test -w "$build/spotfs-build" ||
    fail "$build is not writable for $user, who builds now: delete it, or build as the one who did"
  echo "$build" | remember build
  as_user "$user" rm -rf "$build/packages"
  as_user "$user" env DEB_BUILD_OPTIONS=terse "$source_dir/packaging/build-deb.sh" --no-debug --keep "$build" "$build/packages" \
    2>&1 | as_user "$user" tee "$log" | show_progress ||
    { tail -n 20 "$log" >&2; fail "the build failed; all of it is in $log"; }
}

step_install() {
  local built name stage sums missing
  built=()
  for name in "${programs[@]}"; do built+=("$build/packages/$name"_[0-9]*.deb); done
  sums=$(sha256sum "${built[@]}" | cut -d' ' -f1 | sort) # as they are remembered
  mapfile -t missing < <(missing_packages "${programs[@]}")
  if [[ ${#missing[@]} == 0 && $sums == "$(remembered sums)" ]]; then
    step 3 "installing: spotfs is up to date"
  else
    step 3 "installing spotfs and spot-relay, less than a minute"
    # Where apt, which gives up root to read, finds them, too.
    stage=$(mktemp -d)
    chmod 0755 "$stage"
    install -m 0644 -t "$stage" "${built[@]}"
    forget sums
    bring_packages --reinstall --allow-downgrades "$stage"/*.deb
    rm -rf "$stage"
    echo "$sums" | remember sums
  fi
  remove_older
}

# Before there were packages, it was installed in /usr/local, and built without them.
remove_older() {
  local path
  remembered files | while IFS= read -r path; do as_root rm -f -- "$path"; done
  remembered directories | sort -r | while IFS= read -r path; do
    as_root rmdir --ignore-fail-on-non-empty -- "$path" 2>/dev/null || true
  done
  forget files
  forget directories
  remembered build | while IFS= read -r path; do
    if [[ -f $path/CMakeCache.txt ]]; then as_root find "$path" -mindepth 1 -maxdepth 1 \
      ! -name spotfs-build ! -name packages ! -name build.log -exec rm -rf {} +; fi
  done
}
