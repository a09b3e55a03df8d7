#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds a release, and measures ipmodd beside its alternatives:
#   sh tests/bench/run.sh [--rounds N] [--seconds S] [--only CONTENDER,...] [--load LOAD,...]
#                         [--retakes N] [--check]
# Tables come on stdout; build/bench/ has result.json, plots and the build. README.md says how to
# read them.
set -eu
cd "$(dirname "$0")/../.."
. tests/packages.sh

# shellcheck disable=SC2086 # lists of words by intention
install_missing $build_packages $bench_packages

PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH
export PATH
out=${IPMODD_BUILD:-build}/bench
mkdir -p "$out"
release=$out/release
[ -f "$release/build.ninja" ] ||
    meson setup "$release" -Dbuildtype=release -Dtests=false -Dbench=true >"$out/build.log"
ninja -C "$release" >>"$out/build.log" || { tail -n 40 "$out/build.log" && exit 1; }
exec python3 tests/bench/bench.py --programs "$release/tests/bench" --out "$out" "$@"
