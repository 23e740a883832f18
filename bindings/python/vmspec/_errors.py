# SPDX-License-Identifier: LGPL-2.1-or-later
"""Findings of the library, and the exceptions that carry them."""

import errno
import os
from typing import Dict, NamedTuple, Optional, Sequence, Tuple, Type


class Finding(NamedTuple):
    """One thing that is wrong with a description, or may be."""

    severity: str  # "warning", "blocker" or "error"
    id: str        # stable: "forward-port.guest-udp"
    path: str      # "network.forward_ports[2].proto"; may be empty
    text: str      # what is wrong and what to do about it
    file: Optional[str] = None  # of an XML description
    line: Optional[int] = None

    def __str__(self) -> str:
        place = f"{self.file or '<text>'}:{self.line}: " if self.line else ""
        path = f"{self.path}: " if self.path else ""
        return f"{place}{self.severity}: {path}{self.text} [{self.id}]"


class Error(OSError):
    """A call that failed, with everything that was found on the way.  str()
    shows all of it.

    errno      the library's status, of errno's numbers
    strerror   the same in words
    what       what could not be done
    findings   of all severities, in their order

    Where Python has an exception for a status, it is one of these, too:

    DescriptionError     ValueError
    Cancelled            the progress function has said so
    RefusedError         QEMU, or the guest's agent, has said no
    BlockedError         it is known that the machine cannot work
    MachineError         the machine has ended too early
    NotFoundError        FileNotFoundError
    ExistsError          FileExistsError
    DeniedError          PermissionError
    DirectoryError       IsADirectoryError
    NoDirectoryError     NotADirectoryError
    TimedOutError        TimeoutError
    ClosedError          ConnectionError
    GoneError            ProcessLookupError
    LostError            ChildProcessError
    UnsupportedError     NotImplementedError
    """

    def __init__(self, number: int, what: str,
                 findings: Sequence[Finding] = ()) -> None:
        super().__init__(number, os.strerror(number))
        self.what = what
        self.findings: Tuple[Finding, ...] = tuple(findings)

    def __str__(self) -> str:
        lines = [f"{self.what}: {self.strerror}"]
        lines += (str(finding) for finding in self.findings)
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}({self.errno}, {self.what!r}, "
                f"{self.findings!r})")


class DescriptionError(Error, ValueError):
    """What was described makes no machine or no image, or a file is not what it
    was given as: see findings."""


class Cancelled(Error):
    """The progress function ended the work.  What was not complete is gone."""


class RefusedError(Error):
    """QEMU, or the guest's agent, refused a command."""

    desc: str = ""  # why, in its own words


class BlockedError(Error):
    """A blocker refuses the start: see findings.  Plan.start (force=True) starts
    the machine all the same."""


class MachineError(Error):
    """A machine that failed before it was ready."""

    returncode: int = 0     # as VM.returncode
    last_words: bytes = b""   # as VM.last_words


# So that "except FileNotFoundError" sees them, as with open().


class NotFoundError(Error, FileNotFoundError):
    """A file, a program or a step is not there."""


class ExistsError(Error, FileExistsError):
    """What was to be made is there: nothing is replaced."""


class DeniedError(Error, PermissionError):
    """This user may not do that."""


class DirectoryError(Error, IsADirectoryError):
    """A directory is where a file was meant."""


class NoDirectoryError(Error, NotADirectoryError):
    """Something else is where a directory was meant."""


class TimedOutError(Error, TimeoutError):
    """It did not happen within the time that was given."""


class ClosedError(Error, ConnectionError):
    """There is no socket to ask by, or QEMU has ended."""


class GoneError(Error, ProcessLookupError):
    """The machine has ended."""


class LostError(Error, ChildProcessError):
    """The machine has ended, and how is not known."""


class UnsupportedError(Error, NotImplementedError):
    """The library is too old to have this function, or the system is, or it was
    built without the part that this needs."""


_KINDS: Dict[int, Type[Error]] = {
    errno.EINVAL: DescriptionError,
    errno.ECANCELED: Cancelled,
    errno.ENOENT: NotFoundError,
    errno.EEXIST: ExistsError,
    errno.EACCES: DeniedError,
    errno.EPERM: DeniedError,
    errno.EISDIR: DirectoryError,
    errno.ENOTDIR: NoDirectoryError,
    errno.ETIME: TimedOutError,
    errno.ENOTCONN: ClosedError,
    errno.EREMOTEIO: RefusedError,
    errno.ESRCH: GoneError,
    errno.ECHILD: LostError,
    errno.ENOSYS: UnsupportedError,
    errno.EOPNOTSUPP: UnsupportedError,
    errno.ENOEXEC: BlockedError,
}


def failure(result: int, what: str, findings: Sequence[Finding]) -> Error:
    """The exception for a negative errno value."""
    return _KINDS.get(-result, Error)(-result, what, findings)
