# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rows of "companions": what a machine is accelerated by."""

import errno
from typing import Any

import vmspec

from companions_scene import equal, finding, Place, QUIET


def plan(place: Place, accel: Any, **host: Any) -> vmspec.Plan:
    spec = vmspec.Spec(memory=64, graphics=False, builtin_drives=False,
                       qemu=vmspec.Qemu(accel=accel, builtin_network=False, options=[*QUIET, "-S"]))
    environment = [f"{name}={value}" for name, value in place.environment({}).items()]
    return vmspec.Plan(spec, vmspec.host_detect(spec, vmspec.Host(
        environment=environment, directory=str(place.directory), **host)))


def row_accel(place: Place) -> None:
    """QEMU says which one it has; with "prefer" it runs whatever /dev/kvm is like."""
    with place.start(plan(place, "off")) as vm:
        equal(vm.accel, "tcg", "without acceleration")
    preferred = plan(place, "prefer")
    with place.start(preferred) as vm:
        assert vm.accel in ("kvm", "tcg"), vm.accel
        equal(vm.accel == "kvm", vm.qmp("query-kvm")["enabled"], "KVM")
    for kvm in ("absent", "denied", "no-hardware"):
        with place.start(plan(place, "prefer", kvm=kvm)) as vm:
            equal(vm.accel, "tcg", f"with KVM {kvm}")
    place.nothing_left()


def row_required_accel(place: Place) -> None:
    """What keeps KVM from being used is explained."""
    for kvm, words in (("absent", "there is no /dev/kvm"), ("denied", "may not be opened; add the user to its group"),
                       ("no-hardware", "no vmx or svm")):
        error = place.fails(plan(place, "require", kvm=kvm), errno.ENOEXEC)
        finding(error, "qemu.kvm-unusable", "qemu.accel", words)
    place.nothing_left()
