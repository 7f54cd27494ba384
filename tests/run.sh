#!/usr/bin/env bash
# Installs what the tests need, builds, and runs every test through ctest. Arguments go to ctest: tests/run.sh -R bottle
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=packaging/debian.sh
source "$top/packaging/debian.sh"

can_be_root || echo "not root and no sudo: going on with what is installed" >&2
if can_be_root; then
  know_packages
  # The shells are for the queries that each of them writes in its own way, and for their completions.
  mapfile -t wanted < <(build_packages; run_packages; printf '%s\n' ccache clang-14 clang-format-14 g++ git \
    libbenchmark-dev libclang-rt-14-dev libgmock-dev libgtest-dev shellcheck \
    busybox curl dash dbench fio fish groff-base iproute2 ksh93u+m mandoc mksh perl procps python3 python3-venv rsync socat \
    stress-ng systemd tar util-linux vim wget zsh)
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
fi

jobs=$(jobs_that_fit)
builds=$top/build
mkdir -p "$builds"

# say_if_full GIB DIRECTORY PURPOSE
say_if_full() {
  local free
  free=$(($(df --output=avail -k "$2" | tail -n 1) >> 20))
  if ((free < $1)); then
    echo "only $free GiB are free in $2: $3 may need $1; free some if what follows ends with \"No space left on device\"" >&2
  fi
}
say_if_full 10 "$builds" "the three builds"
say_if_full 5 "${TMPDIR:-/tmp}" "mounts of large files"

# build NAME CMAKE-ARGUMENT …, with its share of the processors as `share` says
share=(chrt --other 0)
build() {
  local name=$1
  shift
  echo "== building $name with $jobs jobs" >&2
  cmake -S "$top" -B "$builds/$name" -G Ninja -DBUILD_TESTING=ON "$@" >"$builds/$name.configure.log" ||
    { cat "$builds/$name.configure.log" >&2; exit 1; }
  "${share[@]}" cmake --build "$builds/$name" --parallel "$jobs"
}

cd "$top"
git ls-files -z '*.cpp' '*.hpp' | xargs -0 --no-run-if-empty clang-format-14 --dry-run --Werror
git ls-files -z '*.sh' .ci/run | xargs -0 --no-run-if-empty shellcheck -x

build_sanitized() {
  local name
  for name in address thread; do
    build "$name" -DSPOTFS_SANITIZE="$name" -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 || return
  done
}

build main -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O2 -g1 -DNDEBUG" # lines, but no types

# What cannot run here (no root, no /dev/fuse, no registry or Rust in reach) is skipped and says so; CI=true makes it fail.
test_in() { ctest --test-dir "$1" --output-on-failure --no-tests=error --parallel "$jobs" "${@:2}"; }
mounts=0 others=0
if (($#)); then
  build_sanitized
else
  # Tests of mounts wait more than they compute: the sanitizers' builds take the time that they leave.
  (share=(chrt --idle 0) && build_sanitized) >"$builds/sanitized.log" 2>&1 &
  sanitized=$!
  test_in "$builds/main" -L mount | tee "$builds/mount.log" || mounts=1
  echo "== building address and thread: what is left of it" >&2
  wait "$sanitized" || { tail -n 100 "$builds/sanitized.log" >&2; exit 1; }
  set -- -LE mount
fi
# One run of ctest over the three builds, so that its summary tells of all.
printf 'subdirs("%s")\n' "$builds/main" "$builds/address" "$builds/thread" >"$builds/CTestTestfile.cmake"
test_in "$builds" "$@" || others=1
if ((mounts)); then # said again where it is looked for
  echo "== mounts that failed, from $builds/mount.log" >&2
  grep -v ' Passed \|^ *Start ' "$builds/mount.log" | tail -n 100
fi
exit "$((mounts || others))"
