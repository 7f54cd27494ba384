#!/usr/bin/env bash
# Runs quickstart.sh as a new user would, in a Debian of its own that has nothing. By hand, as root, with /dev/fuse and a
# mirror. It builds everything, 20 minutes and more:
#
#   tests/packaging/quickstart.sh [DIR]     DIR: keeps what is compiled, for the next time
#
# All mounts and processes are in namespaces of their own, and end with them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/packaging/by_hand.sh
source "$here/by_hand.sh"
tree="/home/new/spot fs"
built=$tree/build-quickstart/spotfs-build

if [[ ${SPOTFS_INSIDE:-} != yes ]]; then
  keep=${1:-}
  packages=none # of its own making
  prepare none mmdebstrap
  mmdebstrap --variant=minbase --include=ca-certificates,sudo bookworm "$work/root"
  cp /etc/resolv.conf "$work/root/etc/resolv.conf"
  mkdir -p "$work/root$tree"
  (cd "$top" && git ls-files -z --cached --others --exclude-standard --deduplicate | tar -c --null -T -) |
    tar -x -C "$work/root$tree"
  if [[ -n $keep && -d $keep/spotfs-build ]]; then
    mkdir -p "$(dirname "$work/root$built")"
    mv "$keep/spotfs-build" "$work/root$built"
  fi
  status=0
  again_inside "$work/root" || status=$?
  if [[ -n $keep ]]; then
    mkdir -p "$keep"
    mv -t "$keep" "$work/root/built/spotfs-build" "$work/root/built/packages" 2>/dev/null ||
      mv -t "$keep" "$work/root$built" || true
  fi
  exit "$status"
fi

# --- Inside ------------------------------------------------------------------------------------------------------------

root=$1
mount -t proc proc "$root/proc"
[[ -e $root/dev/fuse ]] || mknod "$root/dev/fuse" c 10 229
chmod 0666 "$root/dev/fuse"
cd "$root"

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
  ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} "$@"; }
as() { in_root su - "$1" -c "$2"; }
quickstart="sudo '$tree/packaging/quickstart.sh'"
run() { as new "$quickstart $*" 2>&1 </dev/null | tee -a /dev/stderr; }
says() { grep -qE -- "$2" <<<"$1" || fail "nothing about \"$2\" in: $1"; }
# The last line is what systemd, which comes with the units, leaves when it is purged.
files() { find . -xdev \( -path ./proc -o -path ./home -o -path ./built -o -path ./var/lib/dpkg -o -path ./var/log \
  -o -path ./var/cache -o -path ./var/lib/apt -o -path ./tmp -o -path ./run -o -path ./etc/machine-id -o -path ./etc/mtab \
  -o -path ./root/.ssh -o -path ./var/lib/private -o -path ./var/lib/systemd \) -prune -o -print | sort; }
all_packages() { in_root dpkg-query -W -f="\${Package} \${db:Status-Abbrev}\n" | sort; }
# Which program it is: another mount at the same place may have the number of the device again.
process() { as new "sed -n 's/.*\"pid\": *\([0-9]*\).*/\1/p' /mnt/spot/.spotfs/status"; }

in_root useradd --create-home new
in_root useradd --create-home other
echo 'new ALL=(ALL) NOPASSWD: ALL' >etc/sudoers.d/new
in_root chown -R new: /home/new
files >/tmp/before.$$
packages_before=$(all_packages)

echo "== who has no rights is told so"
if said=$(as other "'$tree/packaging/quickstart.sh'" 2>&1 </dev/null); then fail "it worked without rights"; fi
says "$said" 'run it as root or with sudo; missing packages: .*debhelper'

echo "== the first time"
time said=$(run)
says "$said" '^\[4/4\] mounting embedded: at /mnt/spot as new'
as new 'echo kept >/mnt/spot/files/kept && cat /mnt/spot/self/id' | grep -q '^k\.' || fail "the mount does not work"
[[ $(in_root dpkg-query -W -f="\${db:Status-Status}" spotfs) == installed ]] || fail "spotfs is no package"
[[ -z $(find "./$tree" -user root) ]] || fail "root's files are left in the tree"
mkdir -p built/packages
cp "./$tree"/build-quickstart/packages/* built/packages

echo "== a second time changes nothing"
mounted=$(process)
[[ -n $mounted ]] || fail "no pid in the status"
said=$(run)
says "$said" '^\[3/4\] installing: spotfs is up to date'
says "$said" '^\[4/4\] mount: /mnt/spot is mounted'
[[ $(process) == "$mounted" ]] || fail "it was mounted anew"

echo "== an update, over what an older one left in /usr/local"
install -D /dev/stdin usr/local/bin/spotfs <<<'#!/bin/false'
mkdir -p usr/local/share/older
echo /usr/local/bin/spotfs >var/lib/spotfs/quickstart/record/files
echo /usr/local/share/older >var/lib/spotfs/quickstart/record/directories
touch "./$tree/build-quickstart/CMakeCache.txt"
echo '# updated' >>"./$tree/packaging/examples/fstab"
run >/dev/null
grep -q '# updated' usr/share/doc/spotfs/examples/fstab || fail "the update is not installed"
[[ ! -e usr/local/bin/spotfs && ! -e usr/local/share/older ]] || fail "the older one is left"
[[ ! -e ./$tree/build-quickstart/CMakeCache.txt ]] || fail "the older build is left"
[[ $(process) != "$mounted" ]] || fail "the mount is the one before the update"
[[ $(as new 'cat /mnt/spot/files/kept') == kept ]] || fail "what was written is gone"

echo "== away and back"
mv "./$built" built
run --uninstall --keep-data --keep-packages --yes >/dev/null
[[ ! -e usr/bin/spotfs && -d var/lib/spotfs/quickstart/store ]] || fail "--keep-data"
as new "mkdir '$tree/build-quickstart'"
mv built/spotfs-build "./$tree/build-quickstart"
run "'/home/new/a place'" >/dev/null
[[ $(as new "cat '/home/new/a place/files/kept'") == kept ]] || fail "what was kept is gone"

echo "== away"
mv "./$built" built
run --uninstall --yes >/dev/null
[[ ! -e ./home/new/a\ place && ! -e ./$tree/build-quickstart ]] || fail "a directory is left"
left=$(comm -13 <(echo "$packages_before") <(all_packages))
[[ -z $left ]] || fail "packages are left: $left"
left=$(files | comm -13 /tmp/before.$$ -)
rm /tmp/before.$$
[[ -z $left ]] || fail "files are left: $left"
echo "== all is well"
