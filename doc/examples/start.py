# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts a machine, waits for it, and stops it if it takes longer than a minute.

    python3 start.py vmlinuz initrd.img
"""

import sys

import vmspec


def main(kernel: str = "vmlinuz", initrd: str = "initrd.img") -> int:
    spec = vmspec.Spec(
        name="example", graphics=False,
        boot=vmspec.Boot(kernel=kernel, initrd=initrd),
        disk=vmspec.Disk(image=""))  # none: the root is a tmpfs
    try:
        with vmspec.Plan(spec).start() as vm:
            print(f"process {vm.pid}, by {vm.accel}", file=sys.stderr)
            try:
                status = vm.wait(60)
            except TimeoutError:
                status = vm.stop(grace=10)
            for finding in vm.explain():
                print(finding, file=sys.stderr)
            return status
    except vmspec.Error as error:
        for finding in error.findings:
            print(finding, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
