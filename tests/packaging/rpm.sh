#!/usr/bin/env bash
# Makes the RPMs of a build, and installs, uses and removes them. By hand, as root, with /dev/fuse and a mirror:
#
#   tests/packaging/rpm.sh BUILD     BUILD: configured with -DCMAKE_INSTALL_PREFIX=/usr, and built
#
# All mounts and processes are in namespaces of their own, and end with them. Dependencies and scripts are not tried:
# what is installed is Debian's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/packaging/by_hand.sh
source "$here/by_hand.sh"
names=(spotfs spot-relay spot-devel)

if [[ ${SPOTFS_INSIDE:-} != yes ]]; then
  (($# == 1)) || fail "give the directory of a build"
  packages=none # of Debian
  prepare none rpm
  cd "$1"
  echo "== the packages"
  cpack -G RPM -B "$work/rpms" >"$work/cpack.log" || fail "cpack: $(tail -n 5 "$work/cpack.log")"
  again_inside "$work"
  exit
fi

# --- Inside ------------------------------------------------------------------------------------------------------------

cd "$1"
mkdir root mnt
mount -t tmpfs none root
root=$PWD/root
in_root() { rpm --root "$root" "$@" 2> >(grep -v 'Alien\|you are doing' >&2); }
files() { find root -mindepth 1 ! -path 'root/var/*' ! -type d | sort; }

echo "== installed"
in_root --initdb
before=$(files)
in_root --install --nodeps --noscripts rpms/*.rpm
in_root --verify --nodeps "${names[@]}" || fail "what is installed differs from the packages"
for path in usr/sbin/mount.spotfs usr/sbin/umount.fuse.spotfs usr/share/man/man8/mount.spotfs.8 etc/spotfs/example.conf \
  usr/include/spot/client/client.hpp; do
  [[ -e root/$path ]] || fail "$path is not there"
done

echo "== used"
spotfs=("$root/usr/bin/spotfs" -o "identity=$PWD/identity,state=$PWD/state,cache=$PWD/cache")
"${spotfs[@]}" "embedded:$PWD/store" mnt
echo kept >mnt/files/kept
"$root/usr/bin/spotfsctl" umount mnt
"${spotfs[@]}" "embedded:$PWD/store" mnt
[[ $(cat mnt/files/kept) == kept ]] || fail "what was written is gone"
"$root/usr/bin/spotfsctl" umount mnt
"$root/usr/bin/spot-relay" --version | grep -q '^spot-relay ' || fail "spot-relay"

echo "== removed"
in_root --erase --noscripts "${names[@]}"
left=$(files | comm -13 <(echo "$before") -)
[[ -z $left ]] || fail "files are left: $left"
echo "== all is well"
