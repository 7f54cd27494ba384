#!/bin/bash
# Builds the Debian packages of this tree; see usage().
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck source=packaging/debian.sh
. "$top/packaging/debian.sh"

usage() {
  cat <<'END'
usage: packaging/build-deb.sh [--no-debug] [--keep DIR] OUTDIR

Builds the packages spotfs, spot-relay and libspot-dev of this tree, with their debug symbols, and puts them in OUTDIR.
What is needed to build is installed if root or sudo can do that.

  --no-debug  no debug symbols, in less time
  --keep DIR  build in DIR and leave there what was compiled: the next time compiles what has changed
END
}
fail() {
  echo "build-deb.sh: $*" >&2
  exit 1
}
bad_usage() {
  echo "build-deb.sh: $*; see --help" >&2
  exit 2
}

debug=yes
keep=
out=
while (($# > 0)); do
  case $1 in
    --help | -h) usage; exit 0 ;;
    --no-debug) debug=no ;;
    --keep)
      [[ -n ${2:-} ]] || bad_usage "--keep needs a directory"
      keep=$2
      shift
      ;;
    -*) bad_usage "unknown option $1" ;;
    '') bad_usage "the directory's name is empty" ;;
    *)
      [[ -z $out ]] || bad_usage "one directory, not both $out and $1"
      out=$1
      ;;
  esac
  shift
done
[[ -n $out ]] || bad_usage "OUTDIR is missing"
mkdir -p -- "$out"
out=$(cd -- "$out" && pwd -P)

mapfile -t packages < <(build_packages)
mapfile -t tools < <(package_tools)
mapfile -t missing < <(missing_packages "${packages[@]}" "${tools[@]}")
if ((${#missing[@]})); then
  can_be_root || fail "missing packages, and neither root nor sudo to install them: ${missing[*]}"
  know_packages
  install_packages "${missing[@]}"
fi

# Everything is made in a directory that is ours alone, whatever else is in DIR.
if [[ -n $keep ]]; then
  mkdir -p -- "$keep"
  work=$(cd -- "$keep" && pwd -P)/spotfs-build
  mkdir -p -- "$work"
  find "$work" -maxdepth 1 -type f -delete
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
tree=$work/source
new=$work/source.new
rm -rf "$new"
mkdir "$new"

# What git knows of and what is new, as it is in the working tree; without git, all but builds. Files keep their times, so
# that only what has changed is compiled again.
cd "$top"
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git ls-files -z --cached --others --exclude-standard --deduplicate |
    while IFS= read -r -d '' path; do if [[ -e $path || -L $path ]]; then printf '%s\0' "$path"; fi; done |
    tar -c --null -T - | tar -x -C "$new"
else
  tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$new"
fi

comma_list() { paste -sd, | sed 's/,/, /g'; }
cp -r packaging/debian "$new/debian"
build_depends=$(printf '%s\n' "debhelper-compat (= 13)" "${packages[@]}" | comma_list)
libspot_depends=$(printf '%s\n' "${packages[@]}" | grep -E '^(libboost.*|libcbor|libssl)-dev$|^pkg-config$' |
  comma_list)
sed -e "s/@BUILD_DEPENDS@/$build_depends/" -e "s/@LIBSPOT_DEPENDS@/$libspot_depends/" \
  packaging/debian/control.in >"$new/debian/control"
rm "$new/debian/control.in"

# What differs from what was built is newer than that, whatever its time says.
if [[ -d $tree ]]; then
  (cd "$new" && find . -type f -print0) |
    while IFS= read -r -d '' path; do cmp -s "$new/$path" "$tree/$path" || touch "$new/$path"; done
fi
# A build that was made elsewhere, and moved, is of no use to cmake.
for built in "$tree"/obj-*; do
  if grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$tree" "$built/CMakeCache.txt"; then mv -t "$new" "$built"; fi
done
rm -rf "$tree"
mv "$new" "$tree"

# The build has a home of its own: the compiler cache of this user would not be found.
if command -v ccache >/dev/null; then
  CCACHE_DIR=${CCACHE_DIR:-$(ccache --get-config cache_dir)}
  export CCACHE_DIR
fi
options="parallel=$(jobs_that_fit)"
if [[ $debug == no ]]; then options+=" noautodbgsym"; fi
export DEB_BUILD_OPTIONS="$options ${DEB_BUILD_OPTIONS:-}"
# Nothing to clean: of an earlier build there is only what shall stay.
(cd "$tree" && dpkg-buildpackage -b -nc -us -uc)
find "$work" -maxdepth 1 -type f -exec mv -t "$out" {} +
