# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running machines that are asked: by QMP, and by the guest's agent."""

import base64
import errno
import json
import os
import time
from ctypes import byref, c_char_p, c_void_p
from typing import (Any, Callable, Dict, Iterator, Mapping, NamedTuple,
                    Optional, Sequence, Tuple, Union)

from ._async import awaited, readable, sleep
from ._errors import RefusedError, failure
from ._library import Diag, c_text, library, text
from ._time import ROUND, Deadline, milliseconds, wait_readable
from ._types import STRUCTS

_SECONDS = 10.0  # that an answer may take
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.2
(_POWERDOWN, _RESET, _QUIT, _PAUSE, _CONTINUE) = range(1, 6)

Argument = Union[str, bytes, "os.PathLike[str]"]


class Event(NamedTuple):
    """What QEMU tells without being asked."""

    name: str             # "SHUTDOWN"
    data: Dict[str, Any]
    time: float           # seconds since 1970, as QEMU gives it
    lost: int             # events before this one, which came while more than
    #                       1000 waited


class ExecResult(NamedTuple):
    """What became of a program in the guest."""

    exit_code: Optional[int]  # None if a signal ended it
    signal: Optional[int]
    output: bytes
    error: bytes
    truncated: bool           # the agent did not keep all output


def _event(address: Optional[int]) -> Event:
    event: Any = STRUCTS["vmspec_event"].from_address(address or 0)
    return Event(text(event.name) or "", json.loads(event.data),
                 event.seconds + event.microseconds / 1e6, event.lost)


def _no_event(timeout: Optional[float]) -> Exception:
    return failure(-errno.ETIME, f"no event within {timeout} seconds", ())


def _result(status: Mapping[str, Any]) -> ExecResult:
    return ExecResult(
        status.get("exitcode"), status.get("signal"),
        base64.b64decode(status.get("out-data", "")),
        base64.b64decode(status.get("err-data", "")),
        status.get("out-truncated", False)
        or status.get("err-truncated", False))


def _to_json(arguments: Optional[Mapping[str, Any]],
             named: Mapping[str, Any]) -> Optional[bytes]:
    both = {**(arguments or {}), **named}
    return json.dumps(both).encode() if both else None


def _program(argv: Sequence[Argument]) -> Dict[str, Any]:
    """The arguments of guest-exec."""
    if isinstance(argv, (str, bytes)) or not argv:
        raise TypeError(f"this takes a program and arguments, not {argv!r}")
    words = [os.fsdecode(word) for word in argv]
    return {"path": words[0], "arg": words[1:], "capture-output": True}


def _pauses(argv: Sequence[Argument], deadline: Deadline) -> Iterator[float]:
    """Between two looks at a program."""
    pause = _FIRST_PAUSE
    while True:
        left = deadline.left()
        yield min(pause, left)
        if left == 0:
            raise failure(-errno.ETIME, f"{os.fsdecode(argv[0])} has not ended "
                          "in time", ())
        pause = min(pause * 2, _LONGEST_PAUSE)


class Events:
    """What VM.events() gives, for both kinds of loop."""

    def __init__(self, vm: "Control") -> None:
        self._vm = vm

    def __iter__(self) -> "Events":
        return self

    def __next__(self) -> Event:
        try:
            event = self._vm._next_event()
        except ConnectionError:
            event = None
        if event is None:
            raise StopIteration
        return event

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Event:
        try:
            return await self._vm.event_async()
        except ConnectionError:
            raise StopAsyncIteration from None


class Control:
    """What a running machine can be asked.  Answers are waited for `timeout`
    seconds; then TimeoutError is raised.  ConnectionError: there is no socket,
    or QEMU has ended.  RefusedError: QEMU, or the agent, said no."""

    _lock: Any

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        raise NotImplementedError

    def _ask(self, command: str, function: Callable[..., Any],
             before: Tuple[Any, ...], *after: Any) -> None:
        """Before and after the arguments are those around the diag."""
        with Diag() as diag:
            result = self._call(function, *before, diag.pointer, *after)
            try:
                diag.must(result, f"cannot ask for {command}")
            except RefusedError as error:
                for finding in error.findings:
                    error.desc = finding.text.partition(
                        f"refused {command}: ")[2]
                raise

    def _command(self, function: Callable[..., Any], command: str,
                 arguments: Optional[bytes], timeout: float) -> Any:
        answer = c_char_p()
        with self._lock:
            self._ask(command, function, (c_text(command), arguments,
                                          milliseconds(timeout)), byref(answer))
            return json.loads(answer.value or b"null")

    # ---- QMP ---------------------------------------------------------------

    def qmp(self, command: str, arguments: Optional[Mapping[str, Any]] = None,
            /, *, timeout: float = _SECONDS, **named: Any) -> Any:
        """Any command of QMP; returns its answer.  Arguments are keywords, or
        a mapping, as many names have hyphens:

            vm.qmp("device_del", id="disk1")
            vm.qmp("human-monitor-command", {"command-line": "info usb"})
        """
        return self._command(library.vmspec_vm_qmp, command,
                             _to_json(arguments, named), timeout)

    def _control(self, action: int, what: str, timeout: float) -> None:
        self._ask(what, library.vmspec_vm_control,
                  (action, milliseconds(timeout)))

    def powerdown(self, timeout: float = _SECONDS) -> None:
        """Presses the power button.  What the guest makes of it is seen by
        wait(); see stop()."""
        self._control(_POWERDOWN, "a power-down", timeout)

    def reset(self, timeout: float = _SECONDS) -> None:
        """Presses the reset button."""
        self._control(_RESET, "a reset", timeout)

    def quit(self, timeout: float = _SECONDS) -> None:
        """Ends QEMU at once, with its images written."""
        self._control(_QUIT, "its end", timeout)

    def pause(self, timeout: float = _SECONDS) -> None:
        """Stops the processors."""
        self._control(_PAUSE, "a pause", timeout)

    def resume(self, timeout: float = _SECONDS) -> None:
        """Goes on after pause(), or starts what -S has left waiting."""
        self._control(_CONTINUE, "going on", timeout)

    def status(self, timeout: float = _SECONDS) -> str:
        """"running", "paused", "shutdown", ...: QMP's RunState."""
        status = c_char_p()
        with self._lock:
            self._ask("query-status", library.vmspec_vm_status,
                      (milliseconds(timeout),), byref(status))
            return text(status.value) or ""

    qmp_async = awaited(qmp)
    powerdown_async = awaited(powerdown)
    reset_async = awaited(reset)
    quit_async = awaited(quit)
    pause_async = awaited(pause)
    resume_async = awaited(resume)
    status_async = awaited(status)

    # ---- events ------------------------------------------------------------

    @property
    def event_fd(self) -> int:
        """Readable when an event may have come: take events() until there is
        none then, and once before the first poll and after other calls, as
        they may have read events.  -1 without QMP, or after its end."""
        return int(self._call(library.vmspec_vm_event_fd))

    def _next_event(self) -> Optional[Event]:
        event = c_void_p()
        with self._lock:
            result = self._call(library.vmspec_vm_event, byref(event))
            if result == -errno.EAGAIN:
                return None
            if result < 0:
                raise failure(result, "no event will come", ())
            return _event(event.value)

    def events(self) -> Events:
        """Those that have come, in a "for" loop, which does not wait; and all
        that come until QEMU has ended in an "async for" loop."""
        return Events(self)

    def event(self, timeout: Optional[float] = None) -> Event:
        """Waits for the next event, for `timeout` seconds.  ConnectionError:
        there will be none, as QEMU has ended."""
        deadline = Deadline(timeout)
        event = self._next_event()
        while event is None:
            if not wait_readable(self.event_fd, deadline):
                raise _no_event(timeout)
            event = self._next_event()
        return event

    async def event_async(self, timeout: Optional[float] = None) -> Event:
        """event(), as a coroutine.  If the task is cancelled no event is
        lost."""
        deadline = Deadline(timeout)
        while True:
            fd = -1
            # While another thread's call is under way, this one does not wait.
            if self._lock.acquire(blocking=False):
                try:
                    event = self._next_event()
                    fd = self.event_fd
                finally:
                    self._lock.release()
                if event is not None:
                    return event
            if deadline.left() == 0:
                raise _no_event(timeout)
            await readable(fd, min(deadline.left(), ROUND))

    # ---- the guest's agent -------------------------------------------------

    def agent(self, command: str,
              arguments: Optional[Mapping[str, Any]] = None, /, *,
              timeout: float = _SECONDS, **named: Any) -> Any:
        """Any command of the guest's agent (qemu-ga); as qmp() otherwise.
        guest-shutdown and its like have no answer: {}."""
        return self._command(library.vmspec_vm_agent, command,
                             _to_json(arguments, named), timeout)

    agent_async = awaited(agent)

    def exec(self, argv: Sequence[Argument],
             timeout: float = _SECONDS) -> ExecResult:
        """Runs a program in the guest by its agent, and waits for its end.
        TimeoutError: it runs on."""
        # Not the library's function for this, in which Ctrl-C would wait and
        # other threads, too; a look at the program is short.
        deadline = Deadline(timeout)
        pid = self.agent("guest-exec", _program(argv), timeout=timeout)["pid"]
        for pause in _pauses(argv, deadline):
            status = self.agent("guest-exec-status", pid=pid)
            if status["exited"]:
                break
            time.sleep(pause)
        return _result(status)

    async def exec_async(self, argv: Sequence[Argument],
                         timeout: float = _SECONDS) -> ExecResult:
        """exec(), as a coroutine.  If the task is cancelled the program runs
        on."""
        deadline = Deadline(timeout)
        pid = (await self.agent_async("guest-exec", _program(argv),
                                      timeout=timeout))["pid"]
        for pause in _pauses(argv, deadline):
            status = await self.agent_async("guest-exec-status", pid=pid)
            if status["exited"]:
                break
            await sleep(pause)
        return _result(status)
