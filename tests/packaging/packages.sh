#!/usr/bin/env bash
# Builds the Debian packages, and tries them in a Debian of their own. By hand, as root, with /dev/fuse and a mirror:
#
#   tests/packaging/packages.sh [DIR]     DIR: of packages that packaging/build-deb.sh has built
#
# All mounts and processes are in namespaces of their own, and end with them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/packaging/by_hand.sh
source "$here/by_hand.sh"

if [[ ${SPOTFS_INSIDE:-} != yes ]]; then
  prepare "${1:-}" lintian mmdebstrap dpkg-dev
  echo "== lintian"
  lintian --allow-root --fail-on error "$packages"/spotfs_*.changes
  echo "== a Debian"
  mmdebstrap --variant=minbase --include=ca-certificates bookworm "$work/root"
  install -d "$work/root/packages" "$work/root/example"
  cp "$packages"/*.deb "$work/root/packages"
  cp "$here"/example/* "$work/root/example"
  cp /etc/resolv.conf "$work/root/etc/resolv.conf"
  again_inside "$work/root"
  exit
fi

# --- Inside ------------------------------------------------------------------------------------------------------------

root=$1
mount -t proc proc "$root/proc"
[[ -e $root/dev/fuse ]] || mknod -m 0600 "$root/dev/fuse" c 10 229
cd "$root"

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} "$@"; }
package() { (cd packages && ls "$1"_[0-9]*.deb); }
says() { grep -qF -- "$2" <<<"$1" || fail "nothing about \"$2\" in: $1"; }
files() { find . -xdev \( -path ./proc -o -path ./packages -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache/apt \
  -o -path ./var/lib/apt -o -path ./tmp -o -path ./run -o -path ./var/cache/ldconfig \) -prune -o -print | sort; }
install_package() { in_root apt-get install -qq -y --no-install-recommends "$@" 2>&1; }
# The same package as a later version, without a second build.
later() {
  dpkg-deb -R "packages/$(package "$1")" later
  sed -i 's/^Version: .*/&+1/' later/DEBIAN/control
  dpkg-deb -b --root-owner-group later "packages/$1+1.deb" >/dev/null
  rm -r later
}
wait_for() {
  local tries=0
  until "$@"; do
    ((++tries < 300)) || fail "did not come true within 30 s: $*"
    sleep 0.1
  done
}

echo "== install spotfs"
in_root apt-get update -qq
# What comes for others, and stays, is not ours to take away.
install_package fuse3 systemd mount >/dev/null
mapfile -t needs < <(dpkg-deb -f "packages/$(package spotfs)" Depends | tr ',' '\n' | sed 's/(.*//; s/|.*//; s/ //g')
install_package "${needs[@]}" >/dev/null
files >before
install_package "/packages/$(package spotfs)" >/dev/null
[[ $(stat -c '%a %U' etc/spotfs/identity) == '700 root' ]] || fail "the mode of /etc/spotfs/identity"
[[ -f etc/spotfs/example.conf ]] || fail "no example in /etc/spotfs"
in_root spotfsctl --version

echo "== a mount lives through an upgrade, a removal and a purge"
mkdir -p mnt/spot
in_root spotfs embedded:/var/lib/spotfs/store /mnt/spot
echo kept >mnt/spot/files/kept
# A name that says where it is; a mount that ended and another one at the same place would have another device.
device=$(stat -c %d mnt/spot)
alive() { [[ $(cat mnt/spot/files/kept) == kept && $(stat -c %d mnt/spot) == "$device" ]] || fail "the mount is gone after $1"; }
later spotfs
says "$(install_package /packages/spotfs+1.deb)" /mnt/spot
alive "an upgrade"
says "$(in_root apt-get remove -qq -y spotfs 2>&1)" /mnt/spot
alive "a removal"
says "$(in_root apt-get purge -qq -y spotfs 2>&1)" "/var/lib/spotfs is left"
alive "a purge"
in_root umount /mnt/spot
rmdir mnt/spot

echo "== a purge leaves what is the user's alone"
install_package "/packages/$(package spotfs)" >/dev/null
in_root apt-get purge -qq -y spotfs >/dev/null 2>&1
left=$(files | comm -13 before - | grep -vE '^\./(etc/spotfs(/identity(/.*)?)?|var/lib/spotfs(/.*)?|before)$' || true)
[[ -z $left ]] || fail "left after a purge: $left"
rm -rf etc/spotfs var/lib/spotfs

echo "== mount, fstab and umount"
install_package "/packages/$(package spotfs)" >/dev/null
mkdir -p mnt/spot mnt/disk
in_root mount -t fuse.spotfs -o subtree=files embedded:/var/lib/spotfs/disk /mnt/disk
echo here >mnt/disk/a
[[ $(in_root findmnt -rno FSTYPE /mnt/disk) == fuse.spotfs ]] || fail "findmnt does not see it"
in_root umount /mnt/disk
wait_for in_root spotfs -o subtree=files embedded:/var/lib/spotfs/disk /mnt/disk
[[ $(cat mnt/disk/a) == here ]] || fail "what was written is gone"
in_root umount /mnt/disk
grep '^embedded:' "usr/share/doc/spotfs/examples/fstab" >etc/fstab
in_root mount -a
[[ -d mnt/spot/files ]] || fail "mount -a did not mount"
in_root mount -a # a second time changes nothing
[[ $(in_root findmnt -rno TARGET -t fuse.spotfs) == /mnt/spot ]] || fail "mount -a mounted twice"
echo hello | in_root spotfsctl blob put greeting
[[ $(in_root spotfsctl blob get greeting) == hello ]] || fail "spotfsctl blob"
in_root umount /mnt/spot

echo "== the relay"
install_package "/packages/$(package spot-relay)" >/dev/null
in_root getent passwd spot-relay >/dev/null || fail "there is no user spot-relay"
install -d -m 0700 -o "$(in_root id -u spot-relay)" -g "$(in_root id -g spot-relay)" var/lib/spot-relay
in_root setpriv --reuid spot-relay --regid spot-relay --clear-groups \
  spot-relay --data /var/lib/spot-relay --self-signed --listen 127.0.0.1:18443 >relay.log 2>&1 &
relay=$!
wait_for grep -q 'listens on' relay.log
certificate=$(sed -n 's/.*clients use -o ca=//p' relay.log)
in_root spotfs -o "ca=$certificate,cache=none" wss://127.0.0.1:18443 /mnt/spot
echo there >mnt/spot/files/there
in_root umount /mnt/spot
wait_for in_root spotfs -o "ca=$certificate,cache=none,subtree=files" wss://127.0.0.1:18443 /mnt/disk
[[ $(cat mnt/disk/there) == there ]] || fail "what was written is gone"
in_root umount /mnt/disk
kill "$(pgrep -P "$relay")"
wait "$relay" || fail "the relay ended with an error"
says "$(in_root apt-get purge -qq -y spot-relay 2>&1)" "/var/lib/spot-relay is left"

echo "== libspot-dev"
install_package "/packages/$(package libspot-dev)" cmake make g++ >/dev/null
cat >built.sh <<'END'
set -e
cmake -S /example -B /tmp/built >/dev/null
cmake --build /tmp/built >/dev/null
# shellcheck disable=SC2046
g++ -std=c++20 -o /tmp/example /example/main.cpp $(pkg-config --cflags --libs spot)
/tmp/built/example /tmp/keys
/tmp/example /tmp/keys
END
mapfile -t said < <(in_root bash /built.sh)
[[ ${said[0]:-} == k.* && ${said[0]} == "${said[1]:-}" ]] || fail "the example says ${said[*]}"
echo "== all is well"
