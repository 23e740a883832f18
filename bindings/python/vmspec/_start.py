# SPDX-License-Identifier: LGPL-2.1-or-later
"""A plan becomes a running machine."""

import errno
import subprocess
from ctypes import byref, c_void_p, pointer
from typing import Any, Dict, List, Mapping, Optional, Protocol, Union

from ._errors import Finding, MachineError
from ._library import Diag, Where, library
from ._time import milliseconds
from ._types import CLASSES, Struct, address, to_c
from ._vm import VM
from ._work import Work


class _HasDescriptor(Protocol):
    def fileno(self) -> int: ...


#: A descriptor, or what has one.
Descriptor = Union[int, _HasDescriptor]


def _number(file: Descriptor) -> int:
    return file if isinstance(file, int) else int(file.fileno())


def _standard(name: str, file: Optional[Descriptor]) -> Dict[str, Any]:
    """The members of vmspec_start for one of the standard descriptors."""
    if file is None:
        return {}
    if file == subprocess.DEVNULL:
        return {name: "null"}
    if file in (subprocess.PIPE, subprocess.STDOUT):
        raise ValueError(f"standard {name} takes no PIPE or STDOUT: pass an "
                         "end of os.pipe(), or the same file twice")
    return {name: "descriptor", f"{name}_fd": _number(file)}


def _descriptors(files: Mapping[int, Descriptor]) -> List[Struct]:
    cls = CLASSES["vmspec_descriptor"]
    return [cls(number=number, fd=_number(file))
            for number, file in files.items()]


def how(stdin: Optional[Descriptor], stdout: Optional[Descriptor],
        stderr: Optional[Descriptor], ready_timeout: Optional[float],
        descriptors: Mapping[int, Descriptor], **said: Any) -> Struct:
    """What Plan.start() was told, as the library takes it."""
    # Of what is not said an older library need not know.
    said = {name: value for name, value in said.items() if value is not None}
    return CLASSES["vmspec_start"](
        **_standard("input", stdin), **_standard("output", stdout),
        **_standard("error", stderr),
        ready_timeout=None if ready_timeout is None
        else max(milliseconds(ready_timeout), 1),
        descriptors=_descriptors(descriptors), **said)


def _failed(vm: VM) -> MachineError:
    findings: List[Finding] = list(vm.findings)
    if not any(finding.severity == "error" for finding in findings):
        findings += vm.explain()  # it was ready, but not for long
    error = MachineError(errno.EIO, "the machine failed", findings)
    error.returncode = vm.returncode or 0
    error.last_words = vm.last_words
    return error


def start(plan: Any, handle: c_void_p, how: Struct, work: Work,
          where: Where) -> VM:
    """See Plan.start()."""
    struct = to_c(how)
    struct.work = pointer(work.struct)
    vm = VM(plan)
    try:
        with Diag(where) as diag:
            work.must(diag, library.vmspec_vm_start(
                handle, address(struct), diag.pointer, byref(vm._handle)),
                "cannot start this machine")
            vm._started(diag.findings())
        if getattr(how, "qmp") is not False and vm.poll():
            raise _failed(vm)
    except BaseException:
        vm.close()
        raise
    return vm
