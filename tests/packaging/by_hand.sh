# shellcheck shell=bash
# What packages.sh and tests/system/run.sh share: they are run by root, and begin with packages and a work directory.
# Sourced; sets `top`, and what is defined here.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
# shellcheck source=packaging/debian.sh
source "$top/packaging/debian.sh"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
((EUID == 0)) || fail "run it as root"

# prepare PACKAGES NAME…: installs Debian packages of these names, and sets `work`, which goes at exit, and `packages`,
# the directory of ours: PACKAGES, or, where that is empty, one that is built now.
prepare() {
  local missing
  packages=$1
  shift
  know_packages
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
  work=$(mktemp -d)
  trap 'rm -rf --one-file-system "$work"' EXIT
  if [[ -z $packages ]]; then
    packages=$work/packages
    "$top/packaging/build-deb.sh" "$packages"
  fi
}
# again_inside ARGUMENT…: the script once more, in namespaces of its own that end with it.
again_inside() {
  SPOTFS_INSIDE=yes unshare --mount --pid --fork --kill-child --mount-proc --propagation private bash "$0" "$@"
}
