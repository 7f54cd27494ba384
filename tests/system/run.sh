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
  mmdebstrap --variant=minbase --include=autofs,ca-certificates,dbus,mount,systemd,systemd-sysv \
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
# shellcheck source=tests/system/machine.sh
source "$here/machine.sh"

boot "spotfs@ at once, and a relay"
inside systemctl enable --now spotfs@example spot-relay 2>/dev/null
mounted /mnt/spot || fail "spotfs@example does not mount"
grep -q 'Status: "online"' <(inside systemctl status spotfs@example) || fail "no status of spotfs@example"
inside sh -c 'echo one >/mnt/spot/files/one'
certificate=$(inside journalctl -u spot-relay -o cat | sed -n 's/.*clients use -o ca=//p' | head -n 1)
[[ -n $certificate ]] || fail "the relay says nothing of its certificate"
relay_options=ca=$certificate,writeback
cat >"$root/etc/spotfs/relay.conf" <<END
SOURCE=wss://127.0.0.1:8443
DIRECTORY=/srv/relay
OPTIONS=$relay_options
END
# The same by fstab, with a state of its own: it stops before the relay does, as it would before the network.
inside mkdir -p /mnt/unit
cat >"$root/etc/fstab" <<END
wss://127.0.0.1:8443 /mnt/unit spotfs _netdev,noauto,uhelper=spotfs,x-systemd.requires=spot-relay.service,$relay_options,state=/var/lib/spotfs/unit 0 0
END
inside systemctl daemon-reload

echo "== a stop waits until all is stored: a service, and a unit of fstab"
for unit in spotfs@relay.service:/srv/relay mnt-unit.mount:/mnt/unit; do
  where=${unit#*:}
  unit=${unit%:*}
  inside systemctl start "$unit"
  write_with_relay_asleep "$where/files/$unit"
  inside systemctl stop --no-block "$unit"
  sleep 3
  [[ $(inside systemctl show -P ActiveState "$unit") == deactivating ]] || fail "$unit did not wait for the relay"
  wake_relay
  wait_for is_inactive "$unit"
  not_mounted "$where" || fail "$where is mounted after a stop"
  [[ $(elsewhere "$unit") == "$sum" ]] || fail "a stop of $unit lost what was written"
done

echo "== a shutdown waits, too"
for unit in spotfs@relay.service:/srv/relay mnt-unit.mount:/mnt/unit; do
  where=${unit#*:}
  unit=${unit%:*}
  inside systemctl start "$unit"
  write_with_relay_asleep "$where/files/$unit-2"
  (sleep 3 && wake_relay) &
  shut_down
  boot "the relay, and what was mounted at boot, but not $where"
  mounted /mnt/spot || fail "spotfs@example is not mounted at boot"
  [[ $(inside cat /mnt/spot/files/one) == one ]] || fail "a file is gone after a reboot"
  not_mounted "$where" || fail "$where is mounted at boot"
  [[ $(elsewhere "$unit-2") == "$sum" ]] || fail "a shutdown lost what was written in $where"
done

echo "== a shutdown without a relay goes on after drain=, and the next boot stores what was written"
sed -i 's/^OPTIONS=.*/&,drain=2/' "$root/etc/spotfs/relay.conf"
inside systemctl enable --now spotfs@relay 2>/dev/null
write_with_relay_asleep /srv/relay/files/third
kill -KILL "$(relay_process)"
inside systemctl stop spot-relay
shut_down
boot "with what is left"
wait_for mounted /srv/relay
inside spotfsctl flush /srv/relay
inside systemctl disable --now spotfs@relay 2>/dev/null
[[ $(elsewhere third) == "$sum" ]] || fail "what a shutdown left is lost"

echo "== fstab: on first use, at boot, and relays that are not there or never answer"
inside mkdir -p /mnt/first /mnt/boot /mnt/away /mnt/silent /mnt/late
cat >"$root/etc/systemd/system/silent.socket" <<END
[Socket]
ListenStream=127.0.0.1:9443
[Install]
WantedBy=sockets.target
END
printf '[Service]\nExecStart=/bin/sleep infinity\n' >"$root/etc/systemd/system/silent.service"
inside systemctl enable silent.socket 2>/dev/null
cat >"$root/etc/fstab" <<END
wss://127.0.0.1:8443 /mnt/first spotfs _netdev,nofail,x-systemd.automount,uhelper=spotfs,x-systemd.idle-timeout=2,subtree=files,ca=$certificate,state=/var/lib/spotfs/first,cache=none 0 0
embedded:/var/lib/spotfs/other /mnt/boot spotfs nofail,allow_other 0 0
wss://192.0.2.1 /mnt/away spotfs _netdev,nofail,mount_timeout=2 0 0
wss://127.0.0.1:9443 /mnt/silent spotfs _netdev,nofail,mount_timeout=5 0 0
wss://192.0.2.1 /mnt/late fuse.spotfs _netdev,nofail,delay_connect 0 0
END
shut_down
boot "with fstab"
mounted /mnt/boot || fail "a line of fstab is not mounted at boot"
wait_for mounted /mnt/late
not_mounted /mnt/away || fail "a mount without a relay is there"
not_mounted /mnt/silent || fail "a mount with a relay that never answers is there"
not_mounted /mnt/first || fail "it is mounted before its first use"
# With a state and cache of its own: what this machine has seen can be read without a relay, too.
inside systemctl stop spot-relay
! inside cat /mnt/first/third >/dev/null 2>&1 || fail "a first use without its relay succeeded"
inside systemctl start spot-relay
wait_for first_use_works
mounted /mnt/first || fail "it is not mounted after its first use"
wait_for not_mounted /mnt/first
[[ $(inside cat /mnt/first/third | sha256sum) == "$sum" ]] || fail "the second use of an automount"

echo "== autofs, with the map of the examples"
inside systemctl stop spotfs@example
cp "$root/usr/share/doc/spotfs/examples/auto.spotfs" "$root/etc/auto.spotfs"
echo '/spot /etc/auto.spotfs --timeout=3' >"$root/etc/auto.master.d/spot.autofs"
inside systemctl restart autofs
[[ $(inside cat /spot/home/files/one) == one ]] || fail "autofs does not mount on first use"
mounted /spot/home || fail "autofs shows something else"
wait_for not_mounted /spot/home
inside systemctl stop autofs
inside systemctl start spotfs@example

echo "== an upgrade and a removal with live mounts"
device=$(inside stat -c %d /mnt/spot /mnt/boot)
pid=$(inside systemctl show -P MainPID spotfs@example)
relay=$(relay_process)
inside sh -c "dpkg -i /debs/*.deb" >/dev/null
[[ $(inside systemctl show -P MainPID spotfs@example) == "$pid" && $(inside stat -c %d /mnt/spot /mnt/boot) == "$device" ]] ||
  fail "an upgrade restarted a mount"
inside systemctl -q is-active spot-relay || fail "an upgrade ended the relay"
[[ $(relay_process) != "$relay" ]] || fail "the relay is the one before its upgrade"
said=$(inside apt-get remove -qq -y spotfs 2>&1)
[[ $said == *"/mnt/spot"* && $said == *"/mnt/boot"* ]] || fail "a removal does not say which mounts go on: $said"
[[ $(inside cat /mnt/spot/files/one) == one && $(inside stat -c %d /mnt/boot) == "${device#*$'\n'}" ]] ||
  fail "a removal ended a mount"
shut_down
echo "== all is well"
