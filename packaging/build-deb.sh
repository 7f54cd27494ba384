#!/bin/bash
# Builds the Debian packages of this tree: packaging/build-deb.sh OUTDIR
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=packaging/debian.sh
. "$top/packaging/debian.sh"

if (($# != 1)) || [[ $1 == -* ]]; then
  echo "usage: packaging/build-deb.sh OUTDIR   (spotfs, spot-relay, libspot-dev and their debug symbols go there)" >&2
  exit 2
fi
mkdir -p -- "$1"
out=$(cd -- "$1" && pwd -P)

mapfile -t packages < <(build_packages | grep -vx 'g++'; echo debhelper)
if can_be_root; then
  know_packages
  mapfile -t missing < <(missing_packages "${packages[@]}" g++ dpkg-dev)
  if ((${#missing[@]})); then install_packages "${missing[@]}"; fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)
tree=$work/spotfs-$version
mkdir "$tree"

# What git knows of and what is new, as it is in the working tree; without git, all but builds.
cd "$top"
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    while IFS= read -r -d '' path; do if [[ -e $path || -L $path ]]; then printf '%s\0' "$path"; fi; done |
    tar -c --null -T - | tar -x -C "$tree"
else
  tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$tree"
fi

comma_list() { paste -sd, | sed 's/,/, /g'; }
cp -r packaging/debian "$tree/debian"
build_depends=$(printf '%s\n' "debhelper-compat (= 13)" "${packages[@]}" | grep -vx debhelper | comma_list)
libspot_depends=$(printf '%s\n' "${packages[@]}" | grep -E '^(libboost.*|libcbor|libssl)-dev$|^pkg-config$' |
  comma_list)
sed -e "s/@BUILD_DEPENDS@/$build_depends/" -e "s/@LIBSPOT_DEPENDS@/$libspot_depends/" \
  packaging/debian/control.in >"$tree/debian/control"
rm "$tree/debian/control.in"

# The build has a home of its own: the compiler cache of this user would not be found.
if command -v ccache >/dev/null; then
  CCACHE_DIR=${CCACHE_DIR:-$(ccache --get-config cache_dir)}
  export CCACHE_DIR
fi
DEB_BUILD_OPTIONS="parallel=$(jobs_that_fit) ${DEB_BUILD_OPTIONS:-}"
export DEB_BUILD_OPTIONS
(cd "$tree" && dpkg-buildpackage -b -us -uc)
find "$work" -maxdepth 1 -type f -exec mv -t "$out" {} +
