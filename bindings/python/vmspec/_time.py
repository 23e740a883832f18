# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting.  It is done here where it may take long, and not in the library, so
that Ctrl-C ends it and other threads get on."""

import math
import select
import time
from typing import Optional

_LONGEST = 2 ** 31 - 1
PAUSE = 0.05  # without a descriptor
ROUND = 0.25  # another thread may have read what is waited for


def milliseconds(seconds: float) -> int:
    """As the library takes a time; never less than was said."""
    return math.ceil(min(max(seconds, 0) * 1000, _LONGEST))


class Deadline:
    def __init__(self, timeout: Optional[float]) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float:
        """Seconds."""
        if self._end is None:
            return math.inf
        return max(self._end - time.monotonic(), 0)


def wait_readable(fd: int, deadline: Deadline) -> bool:
    """Waits for something to look at, or for a moment; False after the
    deadline."""
    left = deadline.left()
    if left == 0:
        return False
    if fd < 0:
        time.sleep(min(left, PAUSE))
        return True
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(milliseconds(min(left, ROUND)))
    return True
