# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running machines: waited for, signalled, stopped."""

import errno
import os
import signal as signals
import threading
import weakref
from ctypes import byref, c_int, c_size_t, c_uint32, c_void_p, string_at
from typing import Any, Callable, List, Optional, Sequence, Tuple, Union

from ._async import awaited, in_thread, readable, to_the_end
from ._control import Control
from ._errors import Finding, failure
from ._library import Diag, c_text, library, text
from ._time import Deadline, milliseconds, wait_readable


def _free(handle: c_void_p, lock: Any) -> None:
    # Only at the end of the interpreter can a thread still be in a call; then
    # the machine ends with the process.
    if lock.acquire(blocking=False):
        try:
            library.vmspec_vm_free(handle)
        finally:
            lock.release()


class VM(Control):
    """A machine that was started.  At the end of its `with` block it is killed
    if it still runs, and what the start made is removed; as it is when this
    object, or the process, ends otherwise.

    Threads may share it: a call waits for another's that is under way, but
    wait() and event() leave room for others while there is nothing to do.

    What takes its time is there for asyncio, too: the coroutines are called
    ..._async and do not hold up the loop, "async with" is like "with", and
    "async for" takes events() as they come.  Both kinds of call may be mixed,
    and loops may run in any thread."""

    def __init__(self, plan: Any) -> None:
        # What was started is owned before it is there, so that nothing that
        # comes in between can leave it running.
        self._handle = c_void_p()
        self._plan = plan  # which the handle may point into
        self._findings: Tuple[Finding, ...] = ()
        self._process = os.getpid()
        # Signals' handlers may come in the midst of a call, hence the R.  The
        # second is for what need not wait for other calls.
        self._lock = threading.RLock()
        self._alive = threading.RLock()
        self._free = weakref.finalize(self, _free, self._handle, self._lock)
        self._pid, self._pidfd = 0, -1
        self._returncode: Optional[int] = None

    def _started(self, findings: Sequence[Finding]) -> None:
        """The handle leads to a machine now."""
        self._findings = tuple(findings)
        self._pid = library.vmspec_vm_pid(self._handle)
        self._pidfd = library.vmspec_vm_pidfd(self._handle)

    def __enter__(self) -> "VM":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> "VM":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if self._returncode is not None:
            state = f"ended with {self._returncode}"
        else:
            state = "running" if self._free.alive else "closed"
        return (f"<vmspec.VM {self._plan.spec.name!r}, pid {self._pid}, "
                f"{state}>")

    def close(self) -> None:
        """Kills the machine if it still runs, and forgets it: only what
        `returncode` and `findings` say is left."""
        # A fork has a copy of this, but the machine is its parent's.
        if os.getpid() == self._process and self._returncode is None:
            try:
                self._signal(signals.SIGKILL)  # ends others' calls
            except OSError:
                pass
        with self._lock, self._alive:
            if (self._free.alive and self._handle and self._returncode is None
                    and os.getpid() == self._process):
                try:
                    self._see(library.vmspec_vm_stop, 0)
                except ChildProcessError:
                    pass
            self._free()

    def _signal(self, signal: int) -> bool:
        """False if it has to be done by the handle, which may be in use."""
        with self._alive:
            if not self._free.alive or self._pidfd < 0:
                return False
            signals.pidfd_send_signal(self._pidfd, signal)
            return True

    async def aclose(self) -> None:
        """close(), as a coroutine.  If the task is cancelled the machine is
        closed first."""
        await to_the_end(self.close)

    def _check_open(self) -> None:
        if not self._free.alive:
            raise ValueError("this machine was closed")

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Handles belong to one thread at a time."""
        with self._lock:
            self._check_open()
            return function(self._handle, *arguments)

    @property
    def findings(self) -> Tuple[Finding, ...]:
        """Warnings of the start, such as "qmp.silent"."""
        return self._findings

    # ---- the process -------------------------------------------------------

    @property
    def pid(self) -> int:
        """QEMU's process, which is no child of this one."""
        self._check_open()
        return self._pid

    @property
    def pidfd(self) -> int:
        """Readable when QEMU has ended; belongs to this object.  -1 before
        Linux 5.3."""
        self._check_open()
        return self._pidfd

    def fileno(self) -> int:
        """The pidfd, for select() and its like."""
        return self.pidfd

    def kill(self, signal: int = signals.SIGKILL) -> None:
        """Sends QEMU a signal, whatever other threads ask meanwhile.
        ProcessLookupError: it has ended."""
        try:
            sent = self._signal(signal)
        except OSError as error:
            raise failure(-(error.errno or errno.EIO),
                          "cannot signal the machine", ()) from None
        if not sent:
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

    def _see(self, function: Callable[..., int], milliseconds: int) -> None:
        """Notes how it has ended, if it has."""
        status = c_int()
        result = self._call(function, milliseconds, byref(status))
        if result == 0:
            self._returncode = os.waitstatus_to_exitcode(status.value)
        elif result != -errno.ETIME:
            raise failure(result, "cannot tell how the machine ended", ())

    def poll(self) -> Optional[int]:
        """Looks whether the machine has ended: its returncode, or None.
        ChildProcessError: it has, but nobody knows how, since somebody killed
        vmspec-keeper."""
        with self._lock:
            if self._returncode is None:
                self._see(library.vmspec_vm_wait, 0)
            return self._returncode

    def _still_running(self, timeout: Optional[float]) -> Exception:
        return failure(-errno.ETIME, "the machine has not ended within "
                       f"{timeout} seconds", ())

    def wait(self, timeout: Optional[float] = None) -> int:
        """Waits until the machine has ended and everything is removed, and
        returns its returncode.  After `timeout` seconds raises TimeoutError,
        and the machine runs on."""
        deadline = Deadline(timeout)
        code = self.poll()
        while code is None:
            if not wait_readable(self.pidfd, deadline):
                raise self._still_running(timeout)
            code = self.poll()
        return code

    async def wait_async(self, timeout: Optional[float] = None) -> int:
        """wait(), as a coroutine.  If the task is cancelled the machine runs
        on."""
        deadline = Deadline(timeout)
        while self._returncode is None:
            if await readable(self.pidfd, deadline.left()):
                # There may be helpers to wait for, and files to remove.
                await in_thread(self.poll)
            if self._returncode is None and deadline.left() == 0:
                raise self._still_running(timeout)
        return self._returncode

    def stop(self, grace: float = 10.0) -> int:
        """Ends the machine within `grace` seconds, and returns its returncode:
        by its power button, of which the guest has six tenths of the time to
        take notice; by QMP's quit, SIGTERM, and at last SIGKILL, each a tenth
        after the other.  0 kills at once."""
        with self._lock:
            if self._returncode is None:
                self._see(library.vmspec_vm_stop, milliseconds(grace))
            assert self._returncode is not None
            return self._returncode

    stop_async = awaited(stop)

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

    host_port_async = awaited(host_port)


def clean(directory: Union[str, bytes, "os.PathLike[str]"]) -> int:
    """Removes what killed machines have left in a directory such as /tmp, and
    returns the number of their directories.  A start does this for the
    directory that it uses."""
    removed = c_size_t()
    result = library.vmspec_clean(c_text(directory), byref(removed))
    if result < 0:
        raise failure(result, f"cannot clean {os.fsdecode(directory)}", ())
    return removed.value
