#!/usr/bin/env bash
# Installs `re`, the published command line of the Communications Mining API (crate reinfer-cli), as target/tools/bin/re.
#
# usage: install_re.sh
#
# Its build script downloads the sources of libpff, which reads .pst files, from GitHub unless they are built already. So that no more than
# crates.io is needed, Debian's libpff (packages libpff-dev and libbfio-dev) is put where it looks; where they are missing the download is left
# to it. With libssl-dev and pkg-config the OpenSSL of the system is used, else one is built from source. Three minutes on two cores, a gigabyte
# in target/tools-build, which may be deleted afterwards.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

version=0.43.0
tools=$PWD/target/tools
build=$PWD/target/tools-build
if [[ -x $tools/bin/re && $("$tools/bin/re" --version 2>/dev/null) == "re $version" ]]; then
  echo "re $version is there"
  exit 0
fi

if command -v pkg-config >/dev/null && pkg-config --exists openssl; then
  export OPENSSL_NO_VENDOR=1
fi

# The library's own directory in its sources, as its build leaves it.
place=$build/debug/deps/libpff-20231205/libpff/.libs
libraries=/usr/lib/$(cc -dumpmachine)
if [[ -f $libraries/libpff.a && -f $libraries/libbfio.a && ! -f $place/libpff.a ]]; then
  mkdir -p "$place"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$libraries/libpff.a" "$work/libpff.a"
  # Both libraries carry copies of the same helpers: those of the second are hidden.
  ld -r --whole-archive "$libraries/libbfio.a" -o "$work/bfio.o"
  objcopy --wildcard --keep-global-symbol='libbfio_*' "$work/bfio.o"
  ar r "$work/libpff.a" "$work/bfio.o" 2>/dev/null
  mv "$work/libpff.a" "$place/libpff.a"
fi

CARGO_TARGET_DIR=$build cargo install reinfer-cli --version "$version" --locked --debug --root "$tools"
