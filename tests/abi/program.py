# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others write in Python, for each version of the library; "versions" runs
it.

usage: program.py KEEPER DIRECTORY
"""

import sys

import vmspec


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("this was accepted")


def main(keeper, directory):
    spec = vmspec.apply_settings(vmspec.Spec(
        name="demo", boot=vmspec.Boot(direct=False),
        disk=vmspec.Disk(image=""),
        qemu=vmspec.Qemu(binary=f"{directory}/qemu"),
        shares=[vmspec.Share(tag="a", source="/a, b", target="/a")]),
        "memory=77")
    assert vmspec.read_xml(vmspec.write_xml(spec)) == spec
    host = vmspec.host_detect(spec, vmspec.Host(
        directory=directory, environment=[f"TMPDIR={directory}"]))
    assert vmspec.resolve(spec, host).memory == 77
    assert not [finding for finding in vmspec.check(spec, host)
                if finding.severity == "error"]
    plan = vmspec.Plan(spec, host)
    assert plan.argv[0] == f"{directory}/qemu"
    if hasattr(vmspec, "GuestSettings"):
        assert plan.guest.file_systems
    else:
        refused(vmspec.UnsupportedError, lambda: plan.guest)
    with plan.start(force=True, qmp=False, keeper=keeper) as vm:
        assert vm.wait(60) == 7
    spec.shares[0].target = "not absolute"
    assert refused(vmspec.DescriptionError,
                   lambda: vmspec.Plan(spec, host)).findings
    refused(TypeError, lambda: vmspec.Spec(tomorrow=1))


main(*sys.argv[1:])
