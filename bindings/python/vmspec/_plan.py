# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans: everything decided, nothing done yet."""

import weakref
from ctypes import byref, c_void_p
from typing import (TYPE_CHECKING, Any, Dict, Iterable, Iterator, List,
                    Mapping, Optional, Tuple, Union)

from ._errors import Finding
from ._library import Diag, library, strings, text
from ._stages import address, host_or_detect
from ._types import CLASSES, from_address, strings_to_c, to_c_as
from ._vm import VM, start
from ._work import Progress, Work

if TYPE_CHECKING:
    from . import Step


class Plan:
    """A machine as it would be started: QEMU's arguments and all that goes
    with them.  Raises DescriptionError if the description makes no machine."""

    def __init__(self, spec: Any, host: Any = None) -> None:
        c_spec = to_c_as("vmspec", spec)
        c_host = to_c_as("vmspec_host", host_or_detect(spec, host))
        plan = c_void_p()
        with Diag() as diag:
            diag.must(library.vmspec_plan_new(
                address(c_spec), address(c_host), diag.pointer, byref(plan)),
                "cannot plan this machine")
            self._findings = tuple(diag.findings())
        self._plan = plan
        weakref.finalize(self, library.vmspec_plan_free, plan)

    @property
    def findings(self) -> Tuple[Finding, ...]:
        """Warnings, and blockers that start() would refuse."""
        return self._findings

    @property
    def argv(self) -> List[str]:
        """QEMU's argument vector, program first."""
        return strings(library.vmspec_plan_argv(self._plan))

    @property
    def command(self) -> str:
        """The same for sh(1), with its directory: a line for each option."""
        return text(library.vmspec_plan_command(self._plan)) or ""

    @property
    def directory(self) -> str:
        """The directory in which QEMU runs."""
        return text(library.vmspec_plan_directory(self._plan)) or ""

    @property
    def environment(self) -> Dict[str, str]:
        """QEMU's environment."""
        pairs = strings(library.vmspec_plan_environment(self._plan))
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    @property
    def accel(self) -> str:
        """"kvm", "tcg", "kvm:tcg", ..., or "" where a package fixes it."""
        return text(library.vmspec_plan_accel(self._plan)) or ""

    @property
    def spec(self) -> Any:
        """The description with every default filled in."""
        return from_address("vmspec", library.vmspec_plan_spec(self._plan))

    def check_files(self) -> List[Finding]:
        """What has to exist before a start and does not."""
        with Diag() as diag:
            library.vmspec_plan_check_files(self._plan, diag.pointer)
            return diag.findings()

    def _each_step(self) -> Iterator["Step"]:
        step = library.vmspec_plan_step(self._plan, 0)
        index = 0
        while step:
            yield from_address("vmspec_step", step)
            index += 1
            step = library.vmspec_plan_step(self._plan, index)

    @property
    def steps(self) -> "Tuple[Step, ...]":
        """What is made before QEMU starts, unless it exists."""
        return tuple(self._each_step())

    def prepare(self, steps: "Optional[Iterable[Union[str, Step]]]" = None, *,
                sync: Optional[bool] = None,
                progress: Optional[Progress] = None,
                environment: Optional[Mapping[str, str]] = None,
                ) -> List[Finding]:
        """Makes what does not exist yet: all, or the steps that are named.
        Returns warnings.  The keywords are those of create_image(); where sync
        is not said, what goes away with the machine is not synced."""
        work = Work(sync, progress, environment)
        names = None if steps is None else strings_to_c(_names(steps))
        with Diag() as diag:
            work.must(diag, library.vmspec_plan_prepare(
                self._plan, names, work.address, diag.pointer),
                "cannot prepare this machine")
            return diag.findings()

    def start(self, force: bool = False, *, sync: Optional[bool] = None,
              progress: Optional[Progress] = None) -> VM:
        """Makes what does not exist yet, as prepare() does, and starts the
        machine; with force in spite of blockers."""
        return start(self, self._plan, force, Work(sync, progress))


def _names(steps: "Iterable[Union[str, Step]]") -> List[str]:
    if isinstance(steps, str):
        raise TypeError(f"this takes a list of steps, not {steps!r}")
    cls: Any = CLASSES["vmspec_step"]
    named = (step if isinstance(step, cls) else cls(name=step)
             for step in steps)
    return [step.name or "" for step in named]
