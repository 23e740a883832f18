# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans: everything decided, nothing done yet."""

import weakref
from ctypes import byref, c_void_p
from typing import Any, Dict, List, Tuple

from ._errors import Finding
from ._library import Diag, library, strings, text
from ._stages import address, host_or_detect
from ._types import from_address, to_c_as
from ._vm import VM, start


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

    def start(self, force: bool = False) -> VM:
        """Starts the machine; with force in spite of blockers."""
        return start(self, self._plan, force)
