# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests whose root is put together in the initial RAM disk as their description's mount table says.

The initial RAM disk is the demo guest's with another first program.  This plays udev's part, has vmspec-run's hook
mount what is needed for boot below /sysroot, and goes there: to the program that init= names, or else, with busybox in
/bin, to the script of Machine.script().
"""

from guest import check

INIT = r"""#!/bin/sh
export PATH=/bin
trap 'poweroff -f' EXIT

text_at () {
    dd if="$1" bs=1 skip="$2" count="$3" 2> /dev/null | tr -d '\0'
}

# busybox has no blkid, and nothing else links labels.
link_label () {
    case $(od -An -tx1 -j 1080 -N 2 "$1" | tr -d ' ') in 53ef) label=$(text_at "$1" 1144 16) ;; esac
    case $(od -An -tx1 -j 1024 -N 4 "$1" | tr -d ' ') in e2e1f5e0) label=$(text_at "$1" 1088 16) ;; esac
    [ -z "$label" ] || ln -sf "$1" "/dev/disk/by-label/$label"
}

play_udev () {
    mkdir -p /dev/disk/by-label
    while sleep 0.1; do
        for device in /dev/vd? /dev/sd? /dev/nvme?n?; do
            [ -b "$device" ] || continue
            [ -e "/run/${device##*/}" ] && continue
            label=
            link_label "$device"
            : > "/run/${device##*/}"
        done
    done
}

# kernel_parameter NAME: its value, nothing if it was not given.
kernel_parameter () {
    tr ' ' '\n' < /proc/cmdline | sed -n "s|^$1=||p" | tail -n 1
}

mkdir -p /proc /sys /dev /run /sysroot
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
dmesg -n 1
play_udev &
udev=$!
if ! sh /hook /sysroot; then
    echo "the hook has failed"
    exit 1
fi
kill $udev
init=$(kernel_parameter init)
store=$(kernel_parameter vmspec.store)
if [ -n "$store" ]; then
    # Where the store is on the host, and in paths on the command line.
    mkdir -p "/sysroot${store%/*}"
    ln -sfn /nix/store "/sysroot$store"
fi
for directory in proc sys dev; do
    mkdir -p /sysroot/$directory
    mount -o move /$directory /sysroot/$directory
done
if [ -n "$init" ]; then
    exec switch_root /sysroot "$init"
fi
cp -a /bin /sysroot
exec switch_root /sysroot /bin/sh -c '
    cd /tmp/xchg
    ./run > report.txt 2>&1
    echo "exit status of xchg/run: $?" >> report.txt
    sync
    poweroff -f'
"""


def hook(machine, file):
    """The script that mounts what is needed for boot below the directory that is its first argument."""
    return machine.ask(file, "--guest=hook")


def boot(machine, file):
    """One boot with a hook that is made for this description, whose initial RAM disk is initrd.img."""
    machine.initrd({"init": INIT, "hook": hook(machine, file)})
    # A kernel without a first program, told to reboot, ends.
    output = machine.boot(file, "--", "-no-reboot")
    check((machine.xchg / "report.txt").exists(), "the guest left no report; it said:\n" + output)
    return machine.report()
