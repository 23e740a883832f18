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
    """A call that failed, with everything that was found on the way."""

    def __init__(self, number: int, what: str,
                 findings: Sequence[Finding] = ()) -> None:
        super().__init__(number, os.strerror(number))
        self.what = what
        self.findings: Tuple[Finding, ...] = tuple(findings)

    def __str__(self) -> str:
        lines = [f"{self.what}: {self.strerror}"]
        lines += (str(finding) for finding in self.findings)
        return "\n".join(lines)


class DescriptionError(Error, ValueError):
    """What was described makes no machine or no image, or a file is not what it
    was given as: see findings."""


class Cancelled(Error):
    """The progress function ended the work.  What was not complete is gone."""


class RefusedError(Error):
    """QEMU, or the guest's agent, refused a command."""

    desc = ""  # why, in its own words


class MachineError(Error):
    """A machine that failed before it was ready."""

    returncode = 0     # as VM.returncode
    last_words = b""   # as VM.last_words


# So that "except FileNotFoundError" sees them, as with open().


class NotFoundError(Error, FileNotFoundError):
    pass


class ExistsError(Error, FileExistsError):
    pass


class DeniedError(Error, PermissionError):
    pass


class DirectoryError(Error, IsADirectoryError):
    pass


class NoDirectoryError(Error, NotADirectoryError):
    pass


class TimedOutError(Error, TimeoutError):
    pass


class ClosedError(Error, ConnectionError):
    pass


class GoneError(Error, ProcessLookupError):
    pass


class LostError(Error, ChildProcessError):
    pass


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
}


def failure(result: int, what: str, findings: Sequence[Finding]) -> Error:
    """The exception for a negative errno value."""
    return _KINDS.get(-result, Error)(-result, what, findings)
