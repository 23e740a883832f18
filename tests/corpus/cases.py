# SPDX-License-Identifier: LGPL-2.1-or-later
"""One case: what it should come to, what it does, and where these differ.

Every field of what is expected is compared.  One that this program does not
know is a difference by itself.  What is not compared letter by letter:

error           whether there is one.  Its words are those of Nix's module
                system; error_kind and error_option say what they mean, and are
                compared, in all 51 cases that have them.
assertions, warnings
                by their meaning: ids and paths of findings (messages.py).
stdout, stderr, exit
                by their meaning: what the script says of its work is what our
                steps find and make (script.py).  In all 577 cases that have
                these fields standard error is empty, and the status is 0.
resolved        but for qemu.options, qemu.networkingOptions, the files of
                drives and the sources of shares: pieces of shell, which the
                library writes in its own way.  What they come to is in argv.
guest           but for comments and indentation in texts of commands.
commands        but for the program that computes what an image of the store
                leaves out.  Its result is computed again (commands.py).
"""

import copy
import difflib
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional

import commands
import intended
import messages
import scratch
import script
import surroundings
import vmspec
from vmspec import nixos


class Difference(NamedTuple):
    field: str
    expected: Any
    got: Any


class Outcome(NamedTuple):
    differences: List[Difference]
    intended: List[str]  # names of the rules that rewrote an expectation


#: All that is expected of a case.
FIELDS = frozenset((
    "error", "error_kind", "error_option", "assertions", "warnings",
    "resolved", "qemu_line", "build", "images", "guest", "exit", "stdout",
    "stderr", "argv", "cwd", "qemu_env", "commands", "at_exit", "created"))

# Pieces of shell, which the library writes in its own way.
_NOT_COMPARED = ("qemu.options", "qemu.networkingOptions")


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()


def differences(field: str, expected: Any, got: Any) -> Iterator[Difference]:
    """Each place where two values of JSON differ."""
    if field in ("resolved." + name for name in _NOT_COMPARED):
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in sorted({*expected, *got}):
            yield from differences(f"{field}.{name}",
                                   expected.get(name, _ABSENT),
                                   got.get(name, _ABSENT))
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _list_differences(field, expected, got)
    elif type(expected) is not type(got) or expected != got:
        yield Difference(field, expected, got)


def _list_differences(field: str, expected: List[Any], got: List[Any]
                      ) -> Iterator[Difference]:
    if len(expected) == len(got):
        for i, pair in enumerate(zip(expected, got)):
            yield from differences(f"{field}[{i}]", *pair)
        return
    # Entries are compared by what they look like, so that one that is missing
    # does not shift all others.
    matcher = difflib.SequenceMatcher(
        None, [repr(e) for e in expected], [repr(e) for e in got], False)
    for kind, i, j, m, n in matcher.get_opcodes():
        if kind != "equal":
            yield Difference(f"{field}[{i}:{j}]", expected[i:j], got[m:n])


def _comparable(resolved: Any) -> Any:
    """Without the files of drives and the sources of shares, which are pieces
    of shell as well."""
    def without(entry: Any, name: str) -> Any:
        return {k: v for k, v in entry.items() if k != name}

    result = dict(resolved)
    drives, shares = resolved["qemu"]["drives"], resolved["sharedDirectories"]
    if isinstance(drives, list):
        result["qemu"] = {**resolved["qemu"], "drives": [
            without(drive, "file") for drive in drives]}
    if "!error" not in shares:
        result["sharedDirectories"] = {
            tag: without(share, "source") for tag, share in shares.items()}
    return result


def _as_commands(text: str) -> List[str]:
    """The lines of a text that do something."""
    lines = (line.lstrip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


_COMMANDS = (("boot", "initrd", "postMountCommands"),
             ("boot", "postBootCommands"),
             ("services", "xserver", "monitorSection"))


def _comparable_guest(guest: Any) -> Any:
    """With commands as lists of what they do."""
    result = copy.deepcopy(guest)
    for *path, last in _COMMANDS:
        here = result
        for name in path:
            here = here.get(name, {})
        if isinstance(here.get(last), str):
            here[last] = _as_commands(here[last])
    return result


def _qemu_line(resolved: Any, host: Any) -> List[str]:
    """Program and first options.  They depend on nothing else, so that they
    can be told of a machine that an assertion forbids."""
    qemu = resolved.qemu
    argv = vmspec.Plan(vmspec.Spec(
        name="line", arch=resolved.arch, qemu=vmspec.Qemu(
            package=qemu.package, binary=qemu.binary, machine=qemu.machine,
            cpu=qemu.cpu)), host).argv
    return argv[:argv.index("-name")]


def convert(case: Mapping[str, Any]) -> nixos.Conversion:
    return nixos.convert(
        case["options"], case["config"], guest_system=case["guest_system"],
        host_system=case["host_system"], system_name=case["system_name"],
        version=case["seed"])


class _Run:
    """A case on its way through the library."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self.case = case
        self.expected: Dict[str, Any] = case["expect"]
        self.found: List[Difference] = []
        self.intended: List[str] = []

    def compare(self, field: str, got: Any) -> None:
        if field in self.expected:
            self.found += differences(field, self.expected[field], got)

    def error(self, error: Optional[nixos.NixosError]) -> None:
        got = (error.kind, error.option) if error else (None, None)
        if (error is None) != (self.expected["error"] is None):
            self.found.append(Difference("error", self.expected["error"],
                                         error and str(error)))
        wanted = (self.expected.get("error_kind"),
                  self.expected.get("error_option"))
        if got[0] != wanted[0]:
            shown = str(error) if error else None
            self.found.append(Difference("error_kind", wanted[0], shown))
        elif got[1] != wanted[1]:
            self.found.append(Difference("error_option", wanted[1], got[1]))

    def run(self) -> None:
        for field in sorted(self.expected.keys() - FIELDS):
            self.found.append(Difference(field, self.expected[field],
                                         "a field that is not compared"))
        try:
            machine = convert(self.case)
            host = surroundings.host(self.case)
            resolved = vmspec.resolve(machine.spec, host)
            host = surroundings.host(self.case, resolved)
            findings = [*machine.findings, *vmspec.check(machine.spec, host)]
            refusal = nixos.refusal(findings, machine.spec)
            if refusal:
                raise refusal
            guest = nixos.guest(machine, host)
        except nixos.NixosError as error:
            self.error(error)
            return
        self.error(None)
        if self.expected["error"] is not None:
            return
        self.messages(findings)
        self.found += differences(
            "resolved", _comparable(self.expected["resolved"]),
            _comparable(nixos.resolved_options(resolved, machine)))
        self.compare("qemu_line", " ".join(_qemu_line(resolved, host)))
        self.found += differences(
            "guest", _comparable_guest(self.expected["guest"]),
            _comparable_guest(guest))
        self.compare("images", nixos.images(machine, resolved))
        self.compare("build", nixos.build(resolved))
        if not self.expected["assertions"] and not messages.errors(findings):
            self.plan(machine, resolved, host)

    def messages(self, findings: List[vmspec.Finding]) -> None:
        for field, recognisers, said in (
                ("assertions", messages.ASSERTIONS, messages.errors),
                ("warnings", messages.WARNINGS, messages.warnings)):
            wanted = messages.expected(self.expected[field], recognisers)
            self.found += differences(field, wanted, said(findings))

    def plan(self, machine: nixos.Conversion, resolved: Any,
             host: Any) -> None:
        plan = vmspec.Plan(machine.spec, host)
        argv = self.expected.get("argv")
        if argv is not None:
            argv, self.intended = intended.apply(argv, resolved, self.case)
        self.found += differences("argv", argv, plan.argv)
        environment = {name: value for name, value in plan.environment.items()
                       if name == "TMPDIR"}
        self.found += differences(
            "qemu_env", self.expected.get("qemu_env") or {}, environment)
        self.compare("cwd", plan.directory)
        self.compare("at_exit", commands.at_exit(plan))
        tree = surroundings.Tree(self.case["files"])
        self.found += differences(
            "commands", commands.observed(self.expected),
            commands.planned(plan, tree))
        self.making(plan, tree, scratch.making(self.case, plan, resolved))

    def making(self, plan: vmspec.Plan, tree: surroundings.Tree,
               making: script.Making) -> None:
        self.compare("created", making.created)
        self.compare("exit", script.status(making))
        self.found += differences(
            "stdout", script.said(self.expected["stdout"]),
            script.told(plan, tree, making.findings))
        self.found += differences(
            "stderr", self.expected["stderr"].splitlines(),
            script.complaints(making.findings))


def run(case: Mapping[str, Any]) -> Outcome:
    one = _Run(case)
    try:
        one.run()
    except Exception as error:  # one case must not hide the others
        one.found.append(Difference("run", "an outcome", repr(error)))
    return Outcome(one.found, one.intended)
