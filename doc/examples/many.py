# SPDX-License-Identifier: LGPL-2.1-or-later
"""Three machines at once, in one event loop: a line for each event, and for each
end.

    python3 many.py vmlinuz initrd.img
"""

import asyncio
import subprocess
import sys
from typing import List

import vmspec

MACHINES = 3


async def run(spec: vmspec.Spec, name: str) -> int:
    plan = vmspec.Plan(vmspec.apply_settings(spec, f"name={name}"))
    async with await plan.start_async(
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as vm:
        async for event in vm.events():  # until QEMU has closed its socket
            print(f"{name}: {event.name} {event.data}")
        status = await vm.wait_async()
        print(f"{name}: ended, {status}")
        for finding in vm.explain():
            print(f"{name}: {finding}", file=sys.stderr)
        return status


async def main(kernel: str = "vmlinuz", initrd: str = "initrd.img") -> int:
    spec = vmspec.Spec(graphics=False, disk=vmspec.Disk(image=""),
                       boot=vmspec.Boot(kernel=kernel, initrd=initrd))
    results: List[object] = await asyncio.gather(
        *(run(spec, f"machine{i}") for i in range(MACHINES)),
        return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            print(result, file=sys.stderr)
    return 0 if all(result == 0 for result in results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
