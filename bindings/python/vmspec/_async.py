# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls for asyncio.  What has a descriptor is waited for by the loop; what the
library does in one go is done in a thread, one for each such call."""

import functools
import math
import os
import threading
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Optional, TypeVar

from ._time import PAUSE

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def _submit(call: Callable[[], T]) -> "Future[T]":
    from concurrent.futures import ThreadPoolExecutor
    executor = ThreadPoolExecutor(1, "vmspec")
    try:
        return executor.submit(call)
    finally:
        executor.shutdown(wait=False)


async def in_thread(call: Callable[[], T]) -> T:
    """A cancelled task does not wait for the thread, which goes on."""
    import asyncio
    return await asyncio.wrap_future(_submit(call))


async def _settled(future: "asyncio.Future[Any]") -> None:
    """Waits for its end first if this task is cancelled."""
    import asyncio
    cancelled: Optional[BaseException] = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # has been seen
        raise cancelled


async def to_the_end(call: Callable[[], T]) -> T:
    """A cancelled task waits for the thread."""
    import asyncio
    future = asyncio.wrap_future(_submit(call))
    await _settled(future)
    return future.result()


def awaited(function: "Callable[P, T]",
            ) -> "Callable[P, Coroutine[Any, Any, T]]":
    """The same call in a thread, as a coroutine."""
    @functools.wraps(function)
    async def call(*args: "P.args", **kwargs: "P.kwargs") -> T:
        return await in_thread(functools.partial(function, *args, **kwargs))

    return _named(call, function, "If the task is cancelled the call ends by "
                  "itself, without anybody to hear of it.")


def awaited_work(function: "Callable[P, T]",
                 undo: Optional[Callable[[T], object]] = None,
                 ) -> "Callable[P, Coroutine[Any, Any, T]]":
    """The same of a call with a progress function, by which it can be
    cancelled; if it was too late, what it has made is undone."""
    @functools.wraps(function)
    async def call(*args: "P.args", **kwargs: "P.kwargs") -> T:
        import asyncio
        cancelled = threading.Event()
        tell: Any = kwargs.get("progress")

        def progress(step: str, done: int, total: int) -> bool:
            answer = tell is not None and tell(step, done, total)
            return bool(answer) or cancelled.is_set()

        kwargs["progress"] = progress
        future = asyncio.wrap_future(_submit(
            functools.partial(function, *args, **kwargs)))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            cancelled.set()
            try:
                await _settled(future)
            finally:
                if future.exception() is None and undo is not None:
                    await to_the_end(functools.partial(undo, future.result()))
            raise

    return _named(call, function, "The progress function is called in that "
                  "thread.  If the task is cancelled the work is, too, and "
                  "ends first.")


def _named(call: F, function: Callable[..., Any], more: str) -> F:
    call.__name__ = f"{function.__name__}_async"
    call.__qualname__ = f"{function.__qualname__}_async"
    call.__doc__ = (f"{function.__name__}() in a thread, as a coroutine.  "
                    f"{more}")
    return call


async def sleep(seconds: float) -> None:
    import asyncio
    await asyncio.sleep(seconds)


async def readable(fd: int, seconds: float) -> bool:
    """Waits for something to look at; without a descriptor, for a moment.  It
    may be closed meanwhile, or be waited for by others, hence a copy."""
    import asyncio
    if fd < 0:
        await asyncio.sleep(min(seconds, PAUSE))
        return True
    loop = asyncio.get_running_loop()
    ready: "asyncio.Future[None]" = loop.create_future()

    def is_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    copy = os.dup(fd)
    try:
        loop.add_reader(copy, is_ready)
        try:
            await asyncio.wait(
                [ready], timeout=None if seconds == math.inf else seconds)
        finally:
            loop.remove_reader(copy)
    finally:
        os.close(copy)
    return ready.done()
