#!/usr/bin/env bash
# Boots a Debian 12 with systemd as its first process (systemd-nspawn), with the packages installed: mounts at boot, on
# first use and without a relay, and whether stops and shutdowns wait until all is stored. By hand, as root, with
# /dev/fuse, /dev/autofs and a mirror; some minutes:
#
#   tests/system/run.sh [DIR]     DIR: of packages that packaging/build-deb.sh has built
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tests/packaging/by_hand.sh
source "$here/../packaging/by_hand.sh"

if [[ ${SPOTFS_INSIDE:-} != yes ]]; then
  prepare "${1:-}" mmdebstrap systemd-container dpkg-dev
  mkdir "$work/debs"
  cp "$packages"/spotfs_*.deb "$packages"/spot-relay_*.deb "$work/debs"
  # shellcheck disable=SC2016  # $1 is mmdebstrap's
  mmdebstrap --variant=minbase --include=ca-certificates,dbus,mount,systemd,systemd-sysv \
    --customize-hook="copy-in $work/debs /" \
    --customize-hook='chroot "$1" sh -c "apt-get update -qq && apt-get install -qq -y /debs/*.deb"' bookworm "$work/root"
  # nspawn keeps what it knows of machines in /run.
  again_inside "$work"
  exit
fi

# --- Inside ------------------------------------------------------------------------------------------------------------

work=$1
root=$work/root
mount -t tmpfs tmpfs /run
machine=

wait_for() {
  local tries=0
  until "$@"; do
    ((++tries < 600)) || fail "did not come true within a minute: $*"
    sleep 0.1
  done
}
first_process() { pgrep -P "$machine" -f systemd >/dev/null; }
inside() { nsenter --all --target "$(pgrep -P "$machine" | head -n 1)" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
booted() { [[ $(inside systemctl is-system-running 2>/dev/null) == @(running|degraded) ]]; }
boot() {
  echo "== boot: $*"
  systemd-nspawn --quiet --register=no --keep-unit --directory="$root" --boot --private-network --bind=/dev/fuse \
    --bind=/dev/autofs --console=pipe </dev/null >>"$work/console" 2>&1 &
  machine=$!
  wait_for first_process
  wait_for booted
  inside systemctl is-active multi-user.target >/dev/null || fail "multi-user.target is not reached"
}
shut_down() {
  inside systemctl poweroff --no-block >/dev/null 2>&1
  wait "$machine" || fail "the machine ended with an error"
}
mounted() { inside findmnt -rno TARGET -t fuse.spotfs | grep -qxF "$1"; }
not_mounted() { ! mounted "$1"; }
# Another machine of this identity, with a state of its own: it knows what the relay knows.
elsewhere() {
  inside spotfs -o "ca=$certificate,state=/tmp/elsewhere,cache=none,subtree=files" wss://127.0.0.1:8443 /mnt
  inside cat "/mnt/$1" | sha256sum
  inside umount /mnt
}

boot "spotfs@ at once, and a relay"
inside systemctl enable --now spotfs@example spot-relay 2>/dev/null
mounted /mnt/spot || fail "spotfs@example does not mount"
grep -q 'Status: "online"' <(inside systemctl status spotfs@example) || fail "no status of spotfs@example"
inside sh -c 'echo one >/mnt/spot/files/one'
certificate=$(inside journalctl -u spot-relay -o cat | sed -n 's/.*clients use -o ca=//p' | head -n 1)
[[ -n $certificate ]] || fail "the relay says nothing of its certificate"

echo "== a stop waits until all is stored"
cat >"$root/etc/spotfs/relay.conf" <<END
SOURCE=wss://127.0.0.1:8443
DIRECTORY=/srv/relay
OPTIONS=ca=$certificate,writeback
END
inside systemctl enable --now spotfs@relay 2>/dev/null
inside sh -c 'head -c 100M /dev/urandom >/srv/relay/files/large'
sum=$(inside cat /srv/relay/files/large | sha256sum)
inside systemctl stop spotfs@relay
not_mounted /srv/relay || fail "it is mounted after a stop"
[[ $(elsewhere large) == "$sum" ]] || fail "a stop lost what was written"

echo "== a shutdown waits, too"
inside systemctl start spotfs@relay
inside sh -c 'head -c 100M /dev/urandom >/srv/relay/files/second'
sum=$(inside cat /srv/relay/files/second | sha256sum)
shut_down
boot "all mounts are there again"
mounted /mnt/spot || fail "spotfs@example is not mounted at boot"
[[ $(inside cat /mnt/spot/files/one) == one ]] || fail "a file is gone after a reboot"
wait_for mounted /srv/relay
inside systemctl stop spotfs@relay
[[ $(elsewhere second) == "$sum" ]] || fail "a shutdown lost what was written"
inside systemctl disable spotfs@relay 2>/dev/null

echo "== fstab: a mount on first use, one at boot, and two whose relay is not there"
inside mkdir -p /mnt/first /mnt/boot /mnt/away /mnt/late
cat >"$root/etc/fstab" <<END
wss://127.0.0.1:8443 /mnt/first fuse.spotfs _netdev,nofail,x-systemd.automount,x-systemd.idle-timeout=2,subtree=files,ca=$certificate 0 0
embedded:/var/lib/spotfs/other /mnt/boot fuse.spotfs nofail,allow_other 0 0
wss://192.0.2.1 /mnt/away fuse.spotfs _netdev,nofail,mount_timeout=2 0 0
wss://192.0.2.1 /mnt/late fuse.spotfs _netdev,nofail,delay_connect 0 0
END
shut_down
boot "with fstab"
mounted /mnt/boot || fail "a line of fstab is not mounted at boot"
wait_for mounted /mnt/late
not_mounted /mnt/away || fail "a mount without a relay is there"
not_mounted /mnt/first || fail "it is mounted before its first use"
[[ $(inside cat /mnt/first/large | wc -c) == $((100 << 20)) ]] || fail "the first use of an automount"
mounted /mnt/first || fail "it is not mounted after its first use"
wait_for not_mounted /mnt/first

echo "== an upgrade with a live mount"
device=$(inside stat -c %d /mnt/spot)
pid=$(inside systemctl show -P MainPID spotfs@example)
inside sh -c "dpkg -i /debs/spotfs_*.deb" >/dev/null
[[ $(inside systemctl show -P MainPID spotfs@example) == "$pid" && $(inside stat -c %d /mnt/spot) == "$device" ]] ||
  fail "an upgrade restarted a mount"
inside apt-get remove -qq -y spotfs >/dev/null 2>&1
[[ $(inside cat /mnt/spot/files/one) == one ]] || fail "a removal ended a mount"
shut_down
echo "== all is well"
