#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# The first process of the machine: mounts the host's files, read only and with an overlay in
# memory, and hands over to /out/job.
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
for module in /modules/*; do
    $bb insmod "$module"
done
options=trans=virtio,version=9p2000.L,msize=262144
$bb mount -t 9p -o "ro,$options,cache=loose" root /lower
$bb mount -t tmpfs tmpfs /upper
$bb mkdir /upper/files /upper/work
$bb mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay /new
cd /new || exec $bb poweroff -f
$bb mount -t proc proc proc
$bb mount -t sysfs sys sys
$bb mount -t devtmpfs dev dev
for folder in run tmp dev/shm dev/pts out lib/modules; do
    $bb mkdir -p $folder
done
$bb mount -t cgroup2 groups sys/fs/cgroup
for folder in run tmp dev/shm; do
    $bb mount -t tmpfs tmpfs $folder
done
$bb mount -t devpts devpts dev/pts
$bb mount -t 9p -o "$options" out out
# The programs that the kernel starts, modprobe above all, are looked for in the root directory.
exec $bb switch_root /new /bin/sh /out/job
