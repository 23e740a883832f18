# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running machines: waited for, signalled, stopped."""

import errno
import os
import signal as signals
import threading
import weakref
from ctypes import byref, c_int, c_size_t, c_uint32, c_void_p, string_at
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from ._control import Control
from ._errors import Finding, failure
from ._library import Diag, library, text
from ._time import Deadline, milliseconds, wait_readable


class VM(Control):
    """A machine that was started.  At the end of its `with` block it is killed
    if it still runs, and what the start made is removed; as it is when this
    object, or the process, ends otherwise.

    Threads may share it: a call waits for another's that is under way, but
    wait() and event() leave room for others while there is nothing to do."""

    def __init__(self, handle: c_void_p, plan: Any,
                 findings: Sequence[Finding] = ()) -> None:
        self._handle = handle
        self._plan = plan  # which the handle may point into
        self._findings = tuple(findings)
        self._process = os.getpid()
        self._free = weakref.finalize(self, library.vmspec_vm_free, handle)
        # A signal's handler may come in the midst of a call, hence the R.
        self._lock = threading.RLock()
        self._returncode: Optional[int] = None

    def __enter__(self) -> "VM":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kills the machine if it still runs, and forgets it: only what
        `returncode` and `findings` say is left."""
        with self._lock:
            # A fork has a copy of this, but the machine is its parent's.
            if (self._free.alive and self._returncode is None
                    and os.getpid() == self._process):
                self._end(0)
            self._free()

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Handles belong to one thread at a time."""
        with self._lock:
            if not self._free.alive:
                raise ValueError("this machine was closed")
            return function(self._handle, *arguments)

    @property
    def findings(self) -> Tuple[Finding, ...]:
        """Warnings of the start, such as "qmp.silent"."""
        return self._findings

    # ---- the process -------------------------------------------------------

    @property
    def pid(self) -> int:
        """QEMU's process, which is no child of this one."""
        return int(self._call(library.vmspec_vm_pid))

    @property
    def pidfd(self) -> int:
        """Readable when QEMU has ended; belongs to this object."""
        return int(self._call(library.vmspec_vm_pidfd))

    def fileno(self) -> int:
        """The pidfd, for select() and its like."""
        return self.pidfd

    def kill(self, signal: int = signals.SIGKILL) -> None:
        """Sends QEMU a signal.  ProcessLookupError: it has ended."""
        result = self._call(library.vmspec_vm_kill, signal)
        if result < 0:
            raise failure(result, "cannot signal the machine", ())

    # ---- the end -----------------------------------------------------------

    @property
    def returncode(self) -> Optional[int]:
        """QEMU's exit status, or the negative number of the signal that ended
        it; None if poll(), wait(), stop() and close() have not seen its
        end."""
        return self._returncode

    def _ended(self, result: int, status: c_int) -> Optional[int]:
        if result == -errno.ETIME:
            return None
        if result < 0:
            raise failure(result, "cannot tell how the machine ended", ())
        self._returncode = os.waitstatus_to_exitcode(status.value)
        return self._returncode

    def _end(self, grace: int) -> None:
        status = c_int()
        result = self._call(library.vmspec_vm_stop, grace, byref(status))
        if result != -errno.ECHILD:
            self._ended(result, status)

    def poll(self) -> Optional[int]:
        """Looks whether the machine has ended: its returncode, or None.
        ChildProcessError: it has, but nobody knows how, since somebody killed
        vmspec-keeper."""
        if self._returncode is None:
            status = c_int()
            return self._ended(
                self._call(library.vmspec_vm_wait, 0, byref(status)), status)
        return self._returncode

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits until the machine has ended and everything is removed, and
        returns its returncode.  After `timeout` seconds raises TimeoutError,
        and the machine runs on."""
        deadline = Deadline(timeout)
        code = self.poll()
        while code is None:
            if not wait_readable(self.pidfd, deadline):
                raise failure(-errno.ETIME, "the machine has not ended within "
                              f"{timeout} seconds", ())
            code = self.poll()
        return code

    def stop(self, grace: float = 10.0) -> int:
        """Ends the machine within `grace` seconds, and returns its returncode:
        by its power button, of which the guest has six tenths of the time to
        take notice; by QMP's quit, SIGTERM, and at last SIGKILL, each a tenth
        after the other.  0 kills at once."""
        if self._returncode is None:
            status = c_int()
            self._ended(self._call(library.vmspec_vm_stop, milliseconds(grace),
                                   byref(status)), status)
        assert self._returncode is not None
        return self._returncode

    # ---- why ---------------------------------------------------------------

    @property
    def last_words(self) -> bytes:
        """The last 64 KiB of what QEMU wrote to standard error."""
        with self._lock:
            size = c_size_t()
            words = self._call(library.vmspec_vm_last_words, byref(size))
            if not words:
                raise MemoryError
            return string_at(words, size.value)

    def explain(self) -> List[Finding]:
        """Why a machine that has ended did so.  Empty if it was a success, or
        still runs."""
        with Diag() as diag:
            result = self._call(library.vmspec_vm_explain, diag.pointer)
            if result != -errno.EIO:
                diag.must(result, "cannot explain the machine's end")
            return diag.findings()

    @property
    def accel(self) -> str:
        """"kvm", "tcg" or "hvf", as QEMU says it, or as the plan does without
        QMP; "" if neither knows."""
        return text(self._call(library.vmspec_vm_accel)) or ""

    def host_port(self, index: int) -> int:
        """The host's port that leads to network.forward_ports[index]; where
        any_host_port is on, the one that QEMU has taken."""
        port = c_uint32()
        with Diag() as diag:
            result = self._call(library.vmspec_vm_host_port, index,
                                diag.pointer, byref(port))
            if result == -errno.ENOENT:
                raise IndexError(f"there is no network.forward_ports[{index}]")
            diag.must(result, "cannot tell the port")
        return port.value


def clean(directory: Union[str, bytes, "os.PathLike[str]"]) -> int:
    """Removes what killed machines have left in a directory such as /tmp, and
    returns the number of their directories.  A start does this for the
    directory that it uses."""
    removed = c_size_t()
    result = library.vmspec_clean(os.fsencode(directory), byref(removed))
    if result < 0:
        raise failure(result, f"cannot clean {os.fsdecode(directory)}", ())
    return removed.value
