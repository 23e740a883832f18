# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running machines."""

import errno
import math
import os
import signal as signals
import weakref
from ctypes import byref, c_int, c_void_p, pointer
from typing import Any, Optional

from ._errors import failure
from ._library import Diag, library
from ._stages import address
from ._types import CLASSES, to_c
from ._work import Work


class VM:
    """A machine that was started.  At the end of its `with` block it is killed
    if it still runs, and what the start made is removed."""

    def __init__(self, handle: c_void_p, plan: Any) -> None:
        self._handle = handle
        self._plan = plan  # which the handle may point into
        self._free = weakref.finalize(self, library.vmspec_vm_free, handle)
        self._status: Optional[int] = None

    def __enter__(self) -> "VM":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kills the machine if it still runs, and forgets it."""
        self._free()

    def _open(self) -> c_void_p:
        if not self._free.alive:
            raise ValueError("this machine was closed")
        return self._handle

    @property
    def pid(self) -> int:
        """QEMU's process."""
        return int(library.vmspec_vm_pid(self._open()))

    @property
    def pidfd(self) -> int:
        """Readable when QEMU has ended; belongs to this object."""
        return int(library.vmspec_vm_pidfd(self._open()))

    def fileno(self) -> int:
        """The pidfd, for select() and its like."""
        return self.pidfd

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits for the end and returns QEMU's exit status, or the negative
        number of the signal that ended it.  After `timeout` seconds raises
        TimeoutError, and the machine runs on."""
        if self._status is None:
            milliseconds = -1 if timeout is None else min(
                math.ceil(max(timeout, 0) * 1000), 2 ** 31 - 1)
            status = c_int()
            result = library.vmspec_vm_wait(
                self._open(), milliseconds, byref(status))
            if result == -errno.ETIME:
                raise TimeoutError(f"still running after {timeout} seconds")
            if result < 0:
                raise failure(result, "cannot wait for the machine", ())
            self._status = status.value
        return os.waitstatus_to_exitcode(self._status)

    @property
    def returncode(self) -> Optional[int]:
        """As from wait(), or None if the machine was not seen to end."""
        if self._status is None:
            return None
        return os.waitstatus_to_exitcode(self._status)

    def kill(self, signal: int = signals.SIGKILL) -> None:
        """Sends QEMU a signal."""
        result = library.vmspec_vm_kill(self._open(), signal)
        if result < 0:
            raise failure(result, "cannot signal the machine", ())


def start(plan: Any, handle: c_void_p, force: bool, work: Work) -> VM:
    """See Plan.start()."""
    how = to_c(CLASSES["vmspec_start"](force=force))
    how.work = pointer(work.struct)
    vm = c_void_p()
    with Diag() as diag:
        result = library.vmspec_vm_start(
            handle, address(how), diag.pointer, byref(vm))
        try:
            work.must(diag, result, "cannot start this machine")
        except BaseException:
            library.vmspec_vm_free(vm)
            raise
    return VM(vm, plan)
