# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small Linux system whose first program is systemd, made from a distribution's packages.

Nothing is installed and no maintainer script is run: the packages are unpacked into a tree, which becomes an ext4 file
system in a qcow2 image by the project's own system image function.  The image knows of no share, host name or key.  It
boots by the demo guest's kernel with an initial RAM disk that only finds the root disk.

    root = systemd_root.made()      # a directory with root.qcow2 and initrd.img, kept in the build directory's cache
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import initrd
import packages
from guest import cache, program, run

SUITE = "trixie"            # the first of Debian whose systemd, 257, reads the credential fstab.extra (since 254)

WANTED = ("systemd", "kmod")            # with all that they depend on
ALONE = ("base-files", "busybox-static")        # without: links of directories, and what else a shell needs

# By the kernel's request, or systemd's: the rest of what a distribution has.
MODULES = ("9p", "9pnet_virtio", "dmi-sysfs", "qemu_fw_cfg", "virtio_pci", "virtio_blk", "virtio_net", "virtio_rng",
           "virtio_console", "ext4", "overlay", "evdev")

# What no guest of a test reads.
UNUSED = ("usr/share/man", "usr/share/locale", "usr/share/i18n", "usr/share/lintian",
          "usr/share/bash-completion", "usr/share/zsh", "usr/share/perl5", "usr/share/bug", "usr/share/debconf",
          "usr/lib/udev/hwdb.d", "usr/lib/systemd/catalog", "usr/lib/x86_64-linux-gnu/gconv", "var/lib/systemd/catalog")

# What a small system does without, and a processor that is imitated takes long for.
MASKED = ("getty.target", "systemd-logind.service", "systemd-hwdb-update.service", "ldconfig.service", "timers.target",
          "systemd-journal-catalog-update.service", "systemd-update-done.service", "systemd-journal-flush.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "sys-fs-fuse-connections.mount", "sys-kernel-config.mount", "run-lock.mount", "systemd-random-seed.service",
          "systemd-sysctl.service", "systemd-modules-load.service", "systemd-sysusers.service",
          "proc-sys-fs-binfmt_misc.automount", "systemd-hostnamed.socket", "systemd-user-sessions.service")

# Of the programs that make units at the start of systemd, those that such a system has nothing for.
GENERATORS_MASKED = tuple(f"systemd-{name}-generator" for name in (
    "getty", "gpt-auto", "hibernate-resume", "rc-local", "run", "ssh", "system-update", "sysv", "tpm2"))

PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
GROUP = "".join(f"{name}:x:{number}:\n" for name, number in {
    "root": 0, "adm": 4, "tty": 5, "disk": 6, "lp": 7, "kmem": 15, "dialout": 20, "cdrom": 24, "tape": 26, "audio": 29,
    "utmp": 43, "video": 44, "users": 100, "nogroup": 65534}.items())

INIT = """#!/bin/sh
# Loads what the root disk needs, and goes there; all else is the system's.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
modprobe -a virtio_pci virtio_blk ext4
for try in 1 2 3 4 5 6 7 8 9 10; do
    [ -b /dev/vda ] && break
    sleep 0.1
done
mount -t ext4 /dev/vda /root
umount /proc /sys
mount --move /dev /root/dev
exec switch_root /root /usr/lib/systemd/systemd
echo "there is no root" > /dev/console
poweroff -f
"""


def _tree(scratch, kernel):
    """The root directory."""
    names = [*packages.closure(*WANTED, suite=SUITE), *ALONE]
    top = scratch / "tree"
    shutil.copytree(packages.unpacked(*names, suite=SUITE), top, symlinks=True)
    for name in UNUSED:
        shutil.rmtree(top / name, ignore_errors=True)
    for name in ("dev", "proc", "sys", "run", "tmp", "mnt", "root", "home", "etc/systemd/system", "var/log"):
        (top / name).mkdir(parents=True, exist_ok=True)
    (top / "etc/passwd").write_text(PASSWD)
    (top / "etc/group").write_text(GROUP)
    (top / "etc/machine-id").write_text("")     # each machine has its own, and none is a first boot
    (top / "etc/fstab").write_text("# nothing but the root, which the kernel's parameters name\n")
    for name in MASKED:
        (top / "etc/systemd/system" / name).symlink_to("/dev/null")
    (top / "etc/systemd/system-generators").mkdir()
    for name in GENERATORS_MASKED:
        (top / "etc/systemd/system-generators" / name).symlink_to("/dev/null")
    busybox = top / "usr/bin/busybox"
    for name in run("busybox", "--list").split():
        if not any(os.path.lexists(top / "usr" / directory / name) for directory in ("bin", "sbin")):
            (top / "usr/bin" / name).symlink_to(busybox.name)
    initrd.add_modules(top, kernel, MODULES)
    return top


def _make(scratch, to):
    kernel = cache / "kernel/root"
    top = _tree(scratch, kernel)
    to.mkdir()
    initrd.make(to / "initrd.img", top / "usr/bin/busybox", kernel, ("virtio_pci", "virtio_blk", "ext4"), INIT)
    run(program, "--make-system-image", to / "root.qcow2", f"tree={top}", "partition_table=none", "root_owned=on",
        "size=256M", "label=systemd-root", "format=qcow2")


def made():
    """A directory with the image and its initial RAM disk."""
    release = (cache / "kernel/release").read_text().strip()
    made_of = Path(__file__).read_bytes() + Path(initrd.__file__).read_bytes() + release.encode()
    top = cache / f"systemd-root-{hashlib.sha256(made_of).hexdigest()[:16]}"
    with open(cache / "systemd-root.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not top.exists():
            for old in cache.glob("systemd-root-*"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(prefix="new.systemd-root.", dir=cache) as scratch:
                _make(Path(scratch), Path(scratch) / "made")
                (Path(scratch) / "made").rename(top)
    return top
