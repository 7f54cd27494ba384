# shellcheck shell=bash
# The machine of run.sh, which boots, is asked and shut down, and its relay, which can be stopped and go on.
# Sourced inside of run.sh's namespaces, of which all processes are ours; sets `machine` and `sum`.
# shellcheck disable=SC2154 # $root, $work and $certificate are run.sh's

machine=

wait_for() {
  local tries=0
  until "$@"; do
    ((++tries < 900)) || fail "did not come true within 90 s: $*"
    sleep 0.1
  done
}
first_process() { pgrep -P "$machine" -f systemd >/dev/null; }
inside() { nsenter --all --target "$(pgrep -P "$machine" | head -n 1)" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  LC_ALL=C.UTF-8 "$@"; }
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
is_inactive() { [[ $(inside systemctl show -P ActiveState "$1") == @(inactive|failed) ]]; }
first_use_works() { [[ $(inside cat /mnt/first/third 2>/dev/null | sha256sum) == "$sum" ]]; }

relay_process() { pgrep -f '^/usr/bin/spot-relay --data'; }
wake_relay() { kill -CONT "$(relay_process)"; }
# Writes a file to a mount with writeback while its relay takes nothing: all of it waits. Sets `sum`. The first write to a
# new store needs the relay, so there is one before.
write_with_relay_asleep() {
  head -c 20M /dev/urandom >"$root/sample"
  sum=$(sha256sum <"$root/sample")
  inside sh -c "echo >'$1.before' && spotfsctl flush '${1%/*}'" >/dev/null
  kill -STOP "$(relay_process)"
  inside cp /sample "$1"
}
# The sum of a file as another machine of this identity sees it, with a state of its own: what the relay knows.
elsewhere() {
  inside spotfs -o "ca=$certificate,state=/tmp/elsewhere.$RANDOM,cache=none,subtree=files" wss://127.0.0.1:8443 /mnt
  inside cat "/mnt/$1" | sha256sum
  inside umount /mnt
}
