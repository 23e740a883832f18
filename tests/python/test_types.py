# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the types that the package says it has."""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
BINDING = TOP / "bindings" / "python"
sys.path.insert(0, str(BINDING))

import vmspec  # noqa: E402  (needs the path above)

OLDEST = (3, 9)

# Every line that says so is wrong, and mypy has to say so, too.
USER = """\
import asyncio, pathlib, subprocess, sys, vmspec
from typing import List, Optional
spec = vmspec.Spec(name='a', boot=vmspec.Boot(
    kernel=pathlib.Path('/k')), memory=1)
argv: List[str] = vmspec.Plan(spec).argv
def tell(step: str, done: int, total: int) -> bool:
    return done > total
step: vmspec.Step = vmspec.Plan(spec).steps[0]
vmspec.Plan(spec).prepare(['disk', step], progress=tell)
vmspec.Plan(spec).start(sync=False, progress=tell)
vmspec.Plan(spec).start(stdin=subprocess.DEVNULL, stdout=1,
    stderr=open('/dev/null'), descriptors={5: sys.stdin})
vmspec.Plan(spec).start(stdout='log')  # type: ignore[arg-type]
with vmspec.Plan(spec).start(guest_agent=True) as vm:
    event: vmspec.Event = vm.event(1.5)
    seen: List[vmspec.Event] = list(vm.events())
    code: Optional[int] = vm.returncode or vm.poll()
    out: bytes = vm.exec(['/bin/true'], 5).output
    port: int = vm.host_port(0) + vm.wait() + vm.stop(2)
    vm.qmp('device_del', id='a', timeout=1)
    vm.qmp('a', 1)  # type: ignore[arg-type]
    vm.stop('soon')  # type: ignore[arg-type]
left: int = vmspec.clean(pathlib.Path('/tmp'))
vmspec.create_image(vmspec.Image(file='a', size=1 << 20),
    progress=lambda step, done, total: None)
below: Optional[vmspec.ImageInfo] = vmspec.image_info(
    pathlib.Path('a'), 'qcow2').backing
vmspec.make_system_image(vmspec.SystemImage(file='a'),
    environment={'PATH': '/bin'})
guest: vmspec.GuestSettings = vmspec.Plan(spec).guest
fstab: str = vmspec.Plan(spec).guest_text('fstab') + vmspec.Plan(spec).guest_text('units')
needs: List[vmspec.KernelNeed] = guest.kernel_needs or []
found: List[vmspec.Finding] = [
    *vmspec.check_kernel_config(guest, pathlib.Path('c')),
    *vmspec.check_kernel_modules(vmspec.Plan(spec), b'm')]
vmspec.check_kernel_config(spec, 'c')  # type: ignore[arg-type]
vmspec.Plan(spec).guest_text('fstb')  # type: ignore[arg-type]
vmspec.Spec(guest=vmspec.Guest(hostname='a', mounts=True,
    credentials=[vmspec.Credential(name='a', value='b')]))
vmspec.image_info('a', 'zip')  # type: ignore[arg-type]
vmspec.create_image(spec)  # type: ignore[arg-type]
vmspec.create_image(vmspec.Image(), progress=1)  # type: ignore[arg-type]
vmspec.Spec(memory='1')  # type: ignore[arg-type]
vmspec.Spec(arch='z80')  # type: ignore[arg-type]
vmspec.Spec(memroy=1)  # type: ignore[call-arg]
spec = vmspec.apply_settings(spec, 'memory=1')
vmspec.apply_settings(spec, memory=1)  # type: ignore[call-arg]
row: vmspec.Option = next(vmspec.options())
try:
    vmspec.Plan(vmspec.read_xml('a.xml'))
except vmspec.DescriptionError as error:
    lines: List[Optional[int]] = [f.line for f in error.findings]
except (vmspec.TimedOutError, vmspec.UnsupportedError) as other:
    print(other.what, other.errno)
async def main() -> int:
    await vmspec.create_image_async(vmspec.Image(file='a', size=1),
                                    progress=tell)
    await vmspec.Plan(spec).prepare_async(['disk'], sync=True)
    await vmspec.Plan(spec).start_async(stdout='log')  # type: ignore[arg-type]
    await vmspec.Plan(spec).start_async(qpm=True)  # type: ignore[call-arg]
    async with await vmspec.Plan(spec).start_async(qmp=True) as vm:
        async for event in vm.events():
            name: str = event.name
        for event in vm.events():
            when: float = event.time
        status: str = await vm.status_async(timeout=1)
        await vm.qmp_async('device_del', id='a')
        await vm.qmp_async('a', 1)  # type: ignore[arg-type]
        await vm.powerdown_async('soon')  # type: ignore[arg-type]
        out: bytes = (await vm.exec_async(['/bin/true'])).output
        one: vmspec.Event = await vm.event_async(1)
        wrong: str = await vm.wait_async()  # type: ignore[assignment]
        return await vm.stop_async(2) + await vm.host_port_async(0)
code = asyncio.run(main())
code = vmspec.Plan(spec).start().wait_async()  # type: ignore[assignment]
"""

# Of what is made from the table only the types are written by hand, and what
# begins with an underscore is nobody's business.
NOT_COMPARED = r"""
vmspec\._.*
vmspec\.nixos(\..*)?
vmspec\.\w+\.__signature__
"""


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)

    def run_tool(self, name, *arguments):
        tool = shutil.which(name)
        if tool is None:
            self.skipTest(f"{name} is not there")
        done = subprocess.run(
            [tool, *arguments], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, cwd=self.directory,
            env={**os.environ, "MYPYPATH": str(BINDING)})
        self.assertEqual(done.returncode, 0, done.stdout)


class Written(Case):
    def test_they_are_those_of_the_table(self):
        written = self.directory / "stubs"
        subprocess.run([sys.executable, BINDING / "generate-stubs.py",
                        "-o", written], check=True)
        self.assertEqual(
            written.read_text(),
            (BINDING / "vmspec" / "__init__.pyi").read_text(),
            "run bindings/python/generate-stubs.py")

    def test_they_are_what_is_there_at_run_time(self):
        allowed = self.directory / "allowed"
        allowed.write_text(NOT_COMPARED)
        self.run_tool("stubtest", "--concise", "--ignore-unused-allowlist",
                      "--allowlist", str(allowed), "vmspec")

    def test_the_list_of_what_is_public_is_complete(self):
        module = ast.parse((BINDING / "vmspec" / "__init__.pyi").read_text())
        names = {name.asname or name.name for node in module.body
                 if isinstance(node, ast.ImportFrom)
                 for name in node.names if name.asname}
        names |= {node.name for node in module.body
                  if isinstance(node, (ast.FunctionDef, ast.ClassDef,
                                       ast.AsyncFunctionDef))}
        self.assertEqual({name for name in names if name[0] != "_"},
                         set(vmspec.__all__))


class Checked(Case):
    """With the oldest Python that is supported, so that nothing is used which
    it does not have."""

    def test_the_package_and_its_users(self):
        user = self.directory / "user.py"
        user.write_text(USER)
        version = ".".join(map(str, OLDEST))
        self.run_tool("mypy", "--strict", "--python-version", version,
                      "--cache-dir", str(self.directory / "cache"),
                      str(BINDING / "vmspec"),
                      str(BINDING / "build_backend.py"), str(user))

    def test_everything_can_be_read_by_it(self):
        files = [*BINDING.rglob("*.py"), *(TOP / "tests").rglob("*.py"),
                 *(TOP / "doc").rglob("*.py")]
        self.assertGreater(len(files), 30)
        for file in files:
            ast.parse(file.read_text(encoding="utf-8"), str(file),
                      feature_version=OLDEST)


if __name__ == "__main__":
    outcome.main()
