# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plans: everything decided, nothing done yet."""

import copy
import itertools
import os
import weakref
from ctypes import byref, c_void_p
from typing import (TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator,
                    List, Mapping, Optional, Sequence, Tuple, Union)

from ._async import awaited_work
from ._document import where
from ._errors import Finding
from ._library import Diag, library, strings, text
from ._stages import host_or_detect
from ._start import Descriptor, how, start
from ._types import (CLASSES, address, from_address, strings_to_c, to_c,
                     to_c_as)
from ._vm import VM
from ._work import Progress, Work

if TYPE_CHECKING:
    from . import GuestFile, GuestSettings, Helper, Step, _Form

    _Path = Union[str, os.PathLike[str]]

class Plan:
    """A machine as it would be started: QEMU's arguments and all that goes
    with them.  Raises DescriptionError if the description makes no machine."""

    def __init__(self, spec: Any, host: Any = None) -> None:
        c_spec = to_c_as("vmspec", spec)
        c_host = to_c_as("vmspec_host", host_or_detect(spec, host))
        plan = c_void_p()
        self._where = where(copy.deepcopy(spec))
        with Diag(self._where) as diag:
            diag.must(library.vmspec_plan_new(
                address(c_spec), address(c_host), diag.pointer, byref(plan)),
                "cannot plan this machine")
            self._findings = tuple(diag.findings())
        self._plan = plan
        weakref.finalize(self, library.vmspec_plan_free, plan)

    def __repr__(self) -> str:
        return (f"<vmspec.Plan {self.spec.name!r} for "
                f"{os.path.basename(self.argv[0])}, "
                f"{len(self._findings)} findings>")

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
        with Diag(self._where) as diag:
            library.vmspec_plan_check_files(self._plan, diag.pointer)
            return diag.findings()

    def _each(self, tag: str, get: Callable[..., Any]) -> Iterator[Any]:
        for index in itertools.count():
            struct = get(self._plan, index)
            if not struct:
                return
            yield from_address(tag, struct)

    @property
    def steps(self) -> "Tuple[Step, ...]":
        """What is made before QEMU starts, unless it exists."""
        return tuple(self._each("vmspec_step", library.vmspec_plan_step))

    @property
    def helpers(self) -> "Tuple[Helper, ...]":
        """The programs that the NixOS start script runs beside QEMU, or when
        it ends.  start() does the same by vectors of its own."""
        return tuple(self._each("vmspec_helper", library.vmspec_plan_helper))

    def _guest(self, form: "Optional[_Form]",
               ) -> "Tuple[GuestSettings, List[Finding]]":
        asked = to_c(CLASSES["vmspec_guest_file"](form=form))
        settings = c_void_p()
        with Diag(self._where) as diag:
            diag.must(library.vmspec_plan_guest(
                self._plan, asked.form, diag.pointer, byref(settings)),
                "cannot tell the guest's settings")
            findings = diag.findings()
        try:
            return from_address("vmspec_guest_settings",
                                settings.value), findings
        finally:
            library.vmspec_guest_settings_free(settings)

    @property
    def guest(self) -> "GuestSettings":
        """What the guest has to be configured with, to make use of the
        machine."""
        return self._guest(None)[0]

    def guest_files(self, form: "_Form") -> "Tuple[GuestFile, ...]":
        """The same as text: "fstab", "units", "cmdline", "modules", "hook" or
        "json"."""
        return tuple(self._guest(form)[0].files or ())

    def guest_findings(self, form: "_Form") -> List[Finding]:
        """What cannot be said in a form."""
        return self._guest(form)[1]

    def guest_text(self, form: "_Form") -> str:
        """What vmspec-run --guest prints: the content of the one file, and of
        several each after a line with its name."""
        files = self.guest_files(form)
        if len(files) == 1:
            return files[0].content or ""
        return "".join(
            f"# {file.name}{' (initial RAM disk)' if file.initrd else ''}\n"
            f"{file.content or ''}\n" for file in files)

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
        with Diag(self._where) as diag:
            work.must(diag, library.vmspec_plan_prepare(
                self._plan, names, work.address, diag.pointer),
                "cannot prepare this machine")
            return diag.findings()

    prepare_async = awaited_work(prepare)

    def start(self, force: bool = False, *, qmp: bool = True,
              guest_agent: bool = False,
              ready_timeout: Optional[float] = None, own_group: bool = False,
              keep_directory: bool = False,
              stdin: Optional[Descriptor] = None,
              stdout: Optional[Descriptor] = None,
              stderr: Optional[Descriptor] = None,
              descriptors: Optional[Mapping[int, Descriptor]] = None,
              keeper: "Optional[_Path]" = None,
              temporaries: "Optional[Sequence[_Path]]" = None,
              sync: Optional[bool] = None,
              progress: Optional[Progress] = None,
              environment: Optional[Mapping[str, str]] = None) -> VM:
        """Makes what does not exist yet, as prepare() does, starts the machine
        with its helpers, and returns when QEMU answers.  Raises MachineError
        if it has failed by then, with its returncode and findings that say
        why.  One that has ended with success is returned.

        force           in spite of blockers and missing files
        qmp             whether the machine can be asked, by a private socket;
                        without it this returns when QEMU was executed, and
                        wait() tells of any failure
        guest_agent     whether there is a channel to the guest's agent
        ready_timeout   seconds to wait until QEMU answers, 5 if not said; then
                        it is left running, with a warning in VM.findings
        own_group       a process group of its own, which a terminal's signals
                        do not reach
        keep_directory  leave a fresh run directory
        stdin, stdout, stderr
                        subprocess.DEVNULL, a descriptor or a file; inherited
                        if not said
        descriptors     further ones, by their number in QEMU
        keeper          the program vmspec-keeper, if it is not where the
                        library was installed
        temporaries     absolute paths of the caller's, removed in reverse order
                        when the machine has ended, even if the caller was
                        killed before: files that nobody has locked by flock(2),
                        and empty directories

        The environment is that of helpers that make images; QEMU's is in the
        plan's host."""
        return start(self, self._plan, how(
            stdin, stdout, stderr, ready_timeout, descriptors or {},
            force=force, qmp=qmp, guest_agent=guest_agent,
            own_group=own_group, keep_directory=keep_directory, keeper=keeper,
            temporaries=temporaries),
            Work(sync, progress, environment), self._where)

    start_async = awaited_work(start, VM.close)


def _names(steps: "Iterable[Union[str, Step]]") -> List[str]:
    if isinstance(steps, str):
        raise TypeError(f"this takes a list of steps, not {steps!r}")
    cls: Any = CLASSES["vmspec_step"]
    named = (step if isinstance(step, cls) else cls(name=step)
             for step in steps)
    return [step.name or "" for step in named]
