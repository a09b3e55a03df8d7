#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots another kernel under QEMU with this host's files, and runs tests of tests/netns inside.
#   sh tests/vm/run.sh [-k PACKAGE]... [FILE OR OPTION OF PYTEST...]
# PACKAGE is a Debian package with a kernel, or a .deb file; Ubuntu's are in two. See README.md. The
# last line is `N passed, N failed, N skipped`; 77 = this host can't.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cd "$top" || exit 1
. tests/packages.sh

kernels=
while getopts k: option; do
    case $option in
    k) kernels="$kernels $OPTARG" ;;
    *) sed -n '3,6s/^# //p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- test_forwarding.py test_transparent.py test_divert.py test_routing.py \
    test_edit.py test_offload.py test_merge.py test_answer.py test_life.py test_firewall.py

build=$top/${IPMODD_BUILD:-build}
cache=$build/vm
mkdir -p "$cache"
work=$(mktemp -d "$cache/run-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tree=$work/tree
out=$work/out

# fetch PACKAGE: the .deb file of the kernel that a package is, or depends on.
fetch() {
    case $1 in
    *.deb) realpath "$1"; return ;;
    esac
    name=$(apt-cache depends --important "$1" |
        sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
    name=${name:-$1}
    ls "$cache/${name}"_*.deb 2>/dev/null && return
    (cd "$cache" && apt-get download -q "$name" >/dev/null) || return 1
    ls "$cache/${name}"_*.deb
}

# Modules that the root file system needs, in the order of their dependencies.
modules_for_root() {
    for module in virtio_pci 9pnet_virtio 9p overlay; do
        modprobe -S "$release" -d "$tree" --show-depends "$module" || return 1
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# A file system in memory that mounts this host's.
make_initramfs() {
    root=$work/initramfs
    mkdir -p "$root/bin" "$root/modules" "$root/dev" "$root/proc" "$root/lower" "$root/upper" \
        "$root/new" || return 1
    cp "$(command -v busybox)" "$root/bin/" || return 1
    number=100
    modules_for_root >"$work/modules" || return 1
    while read -r module; do
        cp "$module" "$root/modules/$number-$(basename "$module")" || return 1
        number=$((number + 1))
    done <"$work/modules"
    cp "$here/init.sh" "$root/init" && chmod 755 "$root/init" || return 1
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initramfs.cpio"
}

# What runs inside: the tests that are asked for, with programs that no build replaces meanwhile.
write_job() {
    while IFS='=' read -r name value; do
        if [ -f "$value" ]; then
            cp "$value" "$out/" || return 1
            value=/out/$(basename "$value")
        fi
        echo "$name='$value'"
    done <"$build/gcc/tests/netns/environment" >"$out/environment" || return 1
    {
        cat "$here/job.sh"
        echo "top='$top' modules='$tree/lib/modules' slow='${IPMODD_SLOW:-10}'"
        printf 'main'
        for word in "$@"; do
            printf " '%s'" "$word"
        done
        echo
    } >"$out/job"
}

# shellcheck disable=SC2086 # lists of words by intention
install_missing $build_packages $test_packages $vm_packages || exit 77
[ -f "$build/gcc/build.ninja" ] || meson setup "$build/gcc" -Dwerror=true || exit 1
ninja -C "$build/gcc" >/dev/null || exit 1

mkdir "$tree" "$out"
for kernel in ${kernels:-linux-image-amd64}; do
    package=$(fetch "$kernel" | tail -n 1)
    [ -f "$package" ] || { echo "skipped: there is no package $kernel"; exit 77; }
    dpkg -x "$package" "$tree" || exit 1
done
release=$(basename "$tree"/boot/vmlinuz-*)
release=${release#vmlinuz-}
depmod -b "$tree" "$release" || exit 1
make_initramfs || exit 1
write_job "$@" || exit 1

echo "kernel $release"
timeout "${IPMODD_VM_SECONDS:-7200}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 \
    -m 2048 -display none -no-reboot -nodefaults -serial stdio \
    -kernel "$tree/boot/vmlinuz-$release" -initrd "$work/initramfs.cpio" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off init_on_alloc=0 rdinit=/init" \
    -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
    -virtfs "local,path=$out,mount_tag=out,security_model=none" </dev/null
python3 tests/vm/result.py "$out/result.xml"
