#!/bin/bash
# From a fresh Debian to a mounted Spot filesystem, and back: see usage().
set -euo pipefail

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=packaging/debian.sh
. "$source_dir/packaging/debian.sh"
# shellcheck source=packaging/quickstart/record.sh
. "$source_dir/packaging/quickstart/record.sh"
# shellcheck source=packaging/quickstart/install.sh
. "$source_dir/packaging/quickstart/install.sh"
# shellcheck source=packaging/quickstart/mount.sh
. "$source_dir/packaging/quickstart/mount.sh"
# shellcheck source=packaging/quickstart/uninstall.sh
. "$source_dir/packaging/quickstart/uninstall.sh"

build=$source_dir/build-quickstart

usage() {
  cat <<'END'
usage: packaging/quickstart.sh [DIR]
       packaging/quickstart.sh --uninstall [--keep-data] [--keep-packages] [--yes]

Installs what it takes to build spotfs, builds its Debian packages (packaging/build-deb.sh) and installs them, makes an
identity, and mounts a store of its own on this machine at DIR (default /mnt/spot). Run it as root, with sudo, or as a
user who may use sudo. Run it again after an update: it does what is left to do.

  --uninstall      unmount, and take all of it away: program, keys, stored data, packages
  --keep-data      with --uninstall: leave the keys and what is stored
  --keep-packages  with --uninstall: leave the packages that came to build it
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
  mapfile -t packages < <(build_packages; package_tools; run_packages)
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
step_install
step_mount
show_next
