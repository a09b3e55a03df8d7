#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds four times and runs every suite:
#   build/gcc       gcc, warnings as errors: all suites
#   build/sanitize  gcc with the address and undefined sanitizers: all suites but service and style
#   build/thread    gcc with the thread sanitizer: suite threads, which is all that is built
#   build/clang     clang, warnings as errors, with the fuzz targets: a short run of each target
# The last line is `N passed, N failed, N skipped`; the lines above it name what failed or was skipped.
# `sh tests/run.sh SUITE...` runs only the named suites (unit golden fuzz netns service style threads);
# `old`, which has to be named, is the netns suite as on older kernels; netns has a selection of it.
# `steps` likewise: a fault of the kernel at every request of a repair, not at each fourth only.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

# shellcheck disable=SC2086 # lists of words by intention
install_missing $build_packages $test_packages || exit 1

build=${IPMODD_BUILD:-build}
suites=${*:-unit golden fuzz netns service style threads}
PATH=/usr/bin:/usr/sbin:/bin:/sbin:$PATH # Debian's python3 is the one that sees scapy
export PATH

# configure DIRECTORY TARGET OPTION...: sets a build up, or leaves an existing one, and builds TARGET.
configure() {
    directory=$1
    target=$2
    shift 2
    [ -f "$directory/build.ninja" ] || meson setup "$directory" -Dwerror=true "$@" || return 1
    ninja -C "$directory" "$target"
}

# run_suites DIRECTORY SUITE...: those of the wanted suites that are named.
run_suites() {
    directory=$1
    shift
    chosen=
    for suite in "$@"; do
        case " $suites " in
        *" $suite "*) chosen="$chosen --suite $suite" ;;
        esac
    done
    [ -n "$chosen" ] || return 0
    # shellcheck disable=SC2086 # a list of options by intention
    meson test -C "$directory" --no-rebuild --print-errorlogs $chosen || true
    logs="$logs $directory/meson-logs/testlog.json"
}

logs=
configure "$build/gcc" all || { echo "the gcc build failed"; exit 1; }
configure "$build/sanitize" all -Db_sanitize=address,undefined -Db_lundef=false ||
    { echo "the sanitizer build failed"; exit 1; }
configure "$build/thread" threads -Db_sanitize=thread -Db_lundef=false ||
    { echo "the build for the thread sanitizer failed"; exit 1; }
CC=clang configure "$build/clang" all -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false ||
    { echo "the clang build failed"; exit 1; }

rm -f "$build"/*/meson-logs/testlog.json
run_suites "$build/gcc" unit golden fuzz netns old steps service style
run_suites "$build/sanitize" unit golden fuzz netns
run_suites "$build/thread" threads
run_suites "$build/clang" fuzz

# shellcheck disable=SC2086 # a list of files by intention
exec python3 tests/summary.py $logs
