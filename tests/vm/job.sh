#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Inside the machine: runs tests and switches it off. run.sh appends what to run.
set -u
PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/root LC_ALL=C.UTF-8
export PATH HOME LC_ALL

# main FILE OR OPTION OF PYTEST...
# shellcheck disable=SC2154 # assigned by what run.sh appends
main() {
    mount --bind "$modules" /lib/modules
    modprobe -a tun veth
    cd "$top/tests/netns" || busybox poweroff -f
    set -a
    # shellcheck disable=SC1091 # exists in the machine only
    . /out/environment
    set +a
    export IPMODD_SLOW="$slow"
    python3 -B run.py --color=no --junitxml=/out/result.xml "$@" </dev/null
    busybox poweroff -f
}
