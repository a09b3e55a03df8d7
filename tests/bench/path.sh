#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds a release, and measures what needs no network: a packet on its
# path through many rules, loading them, large sets, and a capture through a rule.
#   sudo sh tests/bench/path.sh [--check] [--rounds N] [--rules N]
# README.md says how to read the tables.
set -eu
cd "$(dirname "$0")/../.."
. tests/packages.sh

# shellcheck disable=SC2086 # a list of words by intention
install_missing $build_packages

PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH
export PATH
out=${IPMODD_BUILD:-build}/bench
mkdir -p "$out"
release=$out/release
[ -f "$release/build.ninja" ] ||
    meson setup "$release" -Dbuildtype=release -Dtests=false -Dbench=true >"$out/build.log"
ninja -C "$release" >>"$out/build.log" || { tail -n 40 "$out/build.log" && exit 1; }

check=
for argument; do
    [ "$argument" = --check ] && check=--check
done
failed=0
"$release/tests/bench/bench_path" "$@" || failed=1
for kind in ipv4 ipv6; do
    # shellcheck disable=SC2086 # no word where there is none
    "$release/tests/bench/bench_prefix_set" $check $kind || failed=1
done
# shellcheck disable=SC2086
python3 -B tests/bench/replay.py $check "$release/src/ipmodctl" || failed=1
exit $failed
