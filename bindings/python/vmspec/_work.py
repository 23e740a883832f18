# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the library does what takes its time."""

import ctypes
from ctypes import CFUNCTYPE, POINTER, c_int, py_object
from types import GeneratorType
from typing import Any, Callable, Generator, List, Mapping, Optional

from ._library import Diag, text
from ._stages import environment
from ._types import CLASSES, STRUCTS, address, to_c

#: Gets a step and the bytes that are done and to do; true to cancel.
Progress = Callable[[str, int, int], object]

# The library's callback.  Its data is a generator, which is sent each report.
# Where a function begins, a signal may raise KeyboardInterrupt before its first
# "try" is reached, and that would be lost; a generator goes on inside of one.
_TELL = CFUNCTYPE(c_int, py_object, POINTER(STRUCTS["vmspec_progress"]))(
    GeneratorType.send)


def _listener(progress: Optional[Progress], raised: List[BaseException],
              ) -> Generator[int, Any, None]:
    """Answers the library.  It does so even if there is nobody to tell, so that
    a signal's exception ends the work."""
    cancel = 0
    try:
        while True:
            told = (yield cancel).contents
            if progress is not None:
                cancel = bool(progress(text(told.step) or "", told.done,
                                       told.total))
    except GeneratorExit:
        return
    except BaseException as error:
        raised.append(error)
    while True:
        yield 1


def _pairs(variables: Optional[Mapping[str, str]]) -> List[str]:
    if variables is None:
        return environment()
    return [f"{name}={value}" for name, value in variables.items()]


class Work:
    """The struct that goes with a call, and what became of its callback."""

    def __init__(self, sync: Optional[bool] = None,
                 progress: Optional[Progress] = None,
                 variables: Optional[Mapping[str, str]] = None) -> None:
        self.struct = to_c(CLASSES["vmspec_work"](
            sync=sync, environment=_pairs(variables)))
        self._raised: List[BaseException] = []
        self._listener = _listener(progress, self._raised)
        next(self._listener)
        self.struct.progress = ctypes.cast(_TELL, ctypes.c_void_p)
        self.struct.data = id(self._listener)

    @property
    def address(self) -> ctypes.c_void_p:
        return address(self.struct)

    def must(self, diag: Diag, result: int, what: str) -> None:
        """Raises what the callback has raised, or else what the library
        says."""
        if self._raised:
            raise self._raised.pop()
        diag.must(result, what)
