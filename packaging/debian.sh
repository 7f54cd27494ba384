# shellcheck shell=bash
# What the scripts here and tests/run.sh share: Debian's package names, the right to install them, and how many jobs fit.
# Sourced; sets nothing but the names defined here.

# Boost 1.81 is the oldest that serves, and the newest of Debian 12; later releases have later ones.
boost_version() {
  local version
  for version in 1.81 1.83 1.88 1.90; do
    if apt-cache show --no-all-versions "libboost${version}-dev" >/dev/null 2>&1; then
      echo "$version"
      return
    fi
  done
  echo 1.81
}

# What it takes to compile, to make packages of that, and to run it: one name a line.
build_packages() {
  local boost
  boost=$(boost_version)
  printf '%s\n' cmake "libboost${boost}-dev" "libboost-json${boost}-dev" libcbor-dev libcli11-dev libfmt-dev libfuse3-dev \
    libspdlog-dev libsqlite3-dev libssl-dev libsystemd-dev ninja-build pkg-config
}
package_tools() { printf '%s\n' build-essential debhelper; }
run_packages() { printf '%s\n' ca-certificates fuse3 openssl; }

# Those of the names in the arguments that are not installed.
missing_packages() {
  local name
  for name in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || echo "$name"
  done
}

# Installed packages that the Boost which we need does not live beside.
boost_conflicts() {
  local wanted name
  wanted=libboost$(boost_version)-dev
  apt-cache show --no-all-versions "$wanted" 2>/dev/null | sed -n 's/^Conflicts: //p' | tr ',' '\n' |
    sed 's/(.*//; s/[[:space:]]//g' | while read -r name; do
    if [[ -n $name && -z $(missing_packages "$name") ]]; then echo "$name"; fi
  done
}

# As root, or through sudo where it can ask or need not.
can_be_root() {
  ((EUID == 0)) || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; }
}
as_root() {
  if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi
}

# A machine that never fetched the lists knows no package.
know_packages() {
  apt-cache show --no-all-versions cmake >/dev/null 2>&1 || as_root apt-get update -qq ||
    { echo "apt-get update failed: check the network and apt's sources" >&2; return 1; }
}

# Installs its arguments and removes nothing. On failure it has said why in one line.
install_packages() {
  local arguments=(--no-remove --no-install-recommends "$@") log conflicts
  if ! log=$(as_root apt-get install --simulate "${arguments[@]}" 2>&1); then
    conflicts=$(boost_conflicts | paste -sd ' ')
    if [[ -n $conflicts ]]; then
      echo "libboost$(boost_version)-dev conflicts with $conflicts, which is installed, and nothing is removed here:" \
        "run 'apt-get remove $conflicts' if you can do without, and start again" >&2
    else
      echo "apt-get cannot install $*: $(grep -m1 '^E: ' <<<"$log" || tail -n1 <<<"$log")" >&2
    fi
    return 1
  fi
  # The lists may be older than what the mirrors still have.
  apt_install "${arguments[@]}" || { as_root apt-get update -qq && apt_install "${arguments[@]}"; } ||
    { echo "apt-get install failed, see the lines above" >&2; return 1; }
}
apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold "$@" >/dev/null
}

# One file that uses Beast takes 1.3 GB to compile: min(cores, free memory / 1.5 GB), at least 1.
jobs_that_fit() {
  local cores fit
  cores=$(nproc)
  fit=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  if ((fit < 1)); then fit=1; fi
  echo $((fit < cores ? fit : cores))
}
