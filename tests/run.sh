#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing, builds four times and runs every suite:
#   build/gcc       gcc, warnings as errors: all suites
#   build/sanitize  gcc with the address and undefined sanitizers: all suites but service and style
#   build/thread    gcc with the thread sanitizer: suite threads, which is all that is built
#   build/clang     clang with both sanitizers, warnings as errors: the fuzz targets and a short run of each.
#                   That clang takes all other files without a warning, style says.
# Tests in namespaces mostly wait. So several run at a time, and what only computes (the other builds,
# unit tests, fuzzers) runs beside them and gives way to them; what measures runs alone, last.
# The other builds are for reports of a sanitizer: optimized less, which takes a third of the time, and
# with no more than line numbers.
# A file of tests that depend on real time is run once more, alone, if it failed (summary.py): if it passes
# then, it counts as passed and is named as `unsteady`. At most eight, and only while there is time.
# The last line is `N passed, N failed, N skipped`; the lines above it name what failed or was skipped.
# `sh tests/run.sh SUITE...` runs only the named suites (unit golden fuzz netns service style threads);
# `old`, which has to be named, is the netns suite as on older kernels; netns has a selection of it.
# `steps` likewise: a fault of the kernel at every request of a repair, not at each fourth only.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

begin=$(date +%s)
repeat_until=$((begin + 17 * 60)) # no repetition goes on beyond this

# shellcheck disable=SC2086 # lists of words by intention
install_missing $build_packages $test_libraries || exit 1

build=${IPMODD_BUILD:-build}
suites=${*:-unit golden fuzz netns service style threads}
jobs=$((3 * $(nproc))) # of tests that mostly wait
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

# sanitizing DIRECTORY TARGET OPTION...: the same for a build whose reports name lines.
sanitizing() {
    configure "$@" -Dc_args=-g1 -Db_lundef=false
}

# run_suites DIRECTORY LOG SUITE... [-- OPTION...]: those of the wanted suites that are named.
run_suites() {
    directory=$1
    log=$2
    shift 2
    chosen=
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        case " $suites " in
        *" ${1%-alone} "*) chosen="$chosen --suite $1" ;;
        esac
        shift
    done
    [ -n "$chosen" ] || return 0
    [ $# -eq 0 ] || shift
    echo "$directory/meson-logs/$log.json" >>"$logs"
    # shellcheck disable=SC2086 # a list of options by intention
    meson test -C "$directory" --no-rebuild --print-errorlogs --logbase "$log" $chosen "$@" || true
}

# in_namespaces DIRECTORY SUITE...: those of the suites that need no machine of their own.
in_namespaces() {
    run_suites "$@" -- --no-suite netns-alone --num-processes "$jobs"
}

# computing DIRECTORY SUITE...: they get what the tests in namespaces leave, so their time is longer.
computing() {
    directory=$1
    shift
    run_suites "$directory" computing "$@" -- --timeout-multiplier 4
}

# All that is no test in namespaces, each part as soon as it can. The first is waited for.
build_and_compute() {
    sanitizing "$build/sanitize" all -Doptimization=1 -Db_sanitize=address,undefined ||
        { echo "the sanitizer build failed"; return 1; }
    : >"$sanitize_built"
    computing "$build/gcc" unit golden fuzz style
    computing "$build/sanitize" unit golden fuzz
    sanitizing "$build/thread" threads -Doptimization=1 -Db_sanitize=thread ||
        { echo "the build for the thread sanitizer failed"; return 1; }
    computing "$build/thread" threads
    CC=clang sanitizing "$build/clang" fuzzers -Doptimization=0 -Dfuzz=true -Db_sanitize=address,undefined ||
        { echo "the clang build failed"; return 1; }
    computing "$build/clang" fuzz
}

# beside FUNCTION: starts it in the background, at a lower priority; said is what it said so far.
beside() {
    said=$build/$1.log
    (renice -n 10 "$(sh -c 'echo $PPID')" && "$1") >"$said" 2>&1 &
    other=$!
}

# joined: waits for what was started so, shows what it said, and returns what it did.
joined() {
    wait "$other"
    result=$?
    cat "$said"
    return $result
}

mkdir -p "$build"
logs=$build/logs
: >"$logs"
sanitize_built=$build/sanitize.built

# shellcheck disable=SC2086 # a list of words by intention
install_missing $test_packages >"$build/packages.log" 2>&1 &
installing=$!
configure "$build/gcc" all || { echo "the gcc build failed"; exit 1; }
wait "$installing" || { cat "$build/packages.log"; exit 1; }
rm -f "$build"/*/meson-logs/*.json "$sanitize_built"

beside build_and_compute
in_namespaces "$build/gcc" beside netns old steps service
until [ -e "$sanitize_built" ]; do
    # It is gone where the build failed.
    kill -0 "$other" 2>/dev/null || break
    sleep 1
done
[ ! -e "$sanitize_built" ] || in_namespaces "$build/sanitize" beside netns
joined || exit 1
run_suites "$build/gcc" alone netns-alone
run_suites "$build/sanitize" alone netns-alone
echo "all suites took $(($(date +%s) - begin)) s"

# shellcheck disable=SC2046 # a list of files by intention
exec python3 tests/summary.py "$repeat_until" $(cat "$logs")
