# SPDX-License-Identifier: LGPL-2.1-or-later
"""Any NixOS configuration makes a machine or is refused, in the ways that are
documented, and in no other.

usage: fuzz_nixos.py FILE...

A file is a case in JSON, like those of tests/corpus: "options" below
"virtualisation.", the rest of the "config", the version ("seed"), "guest_system"
and "host_system"; any of them may be missing.  fuzz-nixos.c does the fuzzing.
"""

import copy
import dis
import json
import random
import sys
import types as python_types
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

import vmspec
from vmspec import nixos
from vmspec.nixos import errors, types

# ---- what holds ------------------------------------------------------------


def _host(machine: nixos.Conversion) -> Any:
    return nixos.host(machine.host_system, directory="/run/vm", run_name="run",
                      environment=["PATH=/bin"], firmware=[], kvm="absent",
                      cpus=1)


def _holds_error(error: vmspec.DescriptionError) -> None:
    assert any(finding.severity == "error" for finding in error.findings)
    for finding in error.findings:
        assert finding.id and finding.text


def _use(machine: nixos.Conversion) -> None:
    """All that can be asked for."""
    host = _host(machine)
    resolved = vmspec.resolve(machine.spec, host)
    findings = [*machine.findings, *vmspec.check(machine.spec, host)]
    json.dumps(nixos.resolved_options(resolved, machine))
    json.dumps(nixos.images(machine, resolved))
    json.dumps(nixos.build(resolved))
    refusal = nixos.refusal(findings, machine.spec)
    if refusal:
        raise refusal
    json.dumps(nixos.guest(machine, host))
    plan = vmspec.Plan(machine.spec, host)
    assert plan.argv[1:] and plan.command


def _said(case: Dict[str, Any], name: str, *known: str) -> str:
    return case[name] if case.get(name) in known else known[0]


_SYSTEMS = ("x86_64-linux", "aarch64-linux", "i686-linux", "riscv64-linux",
            "powerpc64le-linux", "s390x-linux", "armv7l-linux",
            "aarch64-darwin", "x86_64-darwin", "sparc-linux")


def check(data: bytes) -> None:
    try:
        case = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(case, dict):
        return
    try:
        _use(nixos.convert(
            case.get("options", {}), case.get("config"),
            guest_system=_said(case, "guest_system", *_SYSTEMS),
            host_system=_said(case, "host_system", *_SYSTEMS),
            version=_said(case, "seed", *types.VERSIONS)))
    except nixos.NixosError as error:
        assert error.kind in errors.KINDS and str(error)
    except vmspec.DescriptionError as error:
        _holds_error(error)


# ---- other inputs ----------------------------------------------------------


def _names(options: Any) -> Iterator[str]:
    """Of options, and of the fields of what they hold."""
    if isinstance(options, types.Field):
        options = options.type
    options = getattr(options, "options", options)
    if isinstance(options, dict):
        for name, inner in options.items():
            yield name
            yield from _names(inner)
    elif hasattr(options, "inner"):
        yield from _names(options.inner)


_NAMES = sorted({name for version in types.VERSIONS
                 for name in _names(types.option_tree(version))}
                | {part for path in types.Config._rows
                   for part in path.split(".")})
_PLAIN: Tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 80, 512, 65535, 65536, 2 ** 31, 2 ** 32,
    2 ** 63, 2 ** 64, 1.5, 1e400, "", "a", "/", "/nix", "/nix/store",
    "/nix/store/a", "/nix/store/a/b", "/tmp/xchg", "a b,c", "\n", " ", "\0",
    "\ud800", "\udc80", "\u00fc", "$A", "${", "\"$TMPDIR\"/x", "`", "'",
    "host", "guest", "tcp", "udp", "scsi", "ide", "none", "mapped-xattr",
    "10.0.2.10", "defaults", "tmpfs", "ext4", "-s", [], {}, [[]], [{}])


def _wrapped(value: Any, choose: random.Random) -> Any:
    """mkForce and its like."""
    kind = choose.choice(("override", "order", "if", "merge"))
    if kind == "merge":
        return {"_type": kind, "contents": [
            copy.deepcopy(value) for _ in range(choose.randint(0, 2))]}
    if kind == "if":
        return {"_type": kind, "condition": choose.random() < 0.7,
                "content": value}
    return {"_type": kind, "content": value,
            "priority": choose.choice((10, 50, 100, 500, 1000, 1001, 1500))}


def _places(value: Any) -> List[Tuple[Any, Any]]:
    """Containers and keys, all the way down."""
    found, pending = [], [value]
    while pending:
        here = pending.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here))
        for key in keys:
            found.append((here, key))
            if isinstance(here[key], (dict, list)):
                pending.append(here[key])
    return found


def _other_text(text: str, choose: random.Random) -> str:
    at = choose.randint(0, len(text))
    piece = choose.choice([p for p in _PLAIN if isinstance(p, str)])
    return text[:at] + piece + text[at + choose.randint(0, 2):]


def _change(case: Any, choose: random.Random) -> None:
    places = _places(case)
    here, key = choose.choice(places)
    there, other = choose.choice(places)
    # Nothing is in two places, or within itself.
    value, plain = here[key], copy.deepcopy(choose.choice(_PLAIN))
    way = choose.randrange(8)
    if way == 0:
        here[key] = plain
    elif way == 1:
        here[key] = _wrapped(value, choose)
    elif way == 2:
        here[key] = copy.deepcopy(there[other])
    elif way == 3 and len(places) > 1:
        del here[key]
    elif way == 4 and isinstance(value, str):
        here[key] = _other_text(value, choose)
    elif isinstance(value, list):
        value.append(copy.deepcopy(choose.choice(value)) if value else plain)
    elif isinstance(value, dict):
        value[choose.choice(_NAMES)] = plain
    else:
        here[key] = {choose.choice(_NAMES): value} if way == 5 else [value]


def mutate(data: bytes, seed: int) -> Optional[bytes]:
    """Something similar."""
    choose = random.Random(seed)
    try:
        case = json.loads(data)
        for _ in range(choose.randint(1, 4)):
            _change(case, choose)
        return json.dumps(case).encode()
    except (ValueError, TypeError, IndexError, RecursionError):
        return None  # no case


# ---- lines that can be reached ---------------------------------------------


def _lines(code: python_types.CodeType) -> Set[int]:
    """Of the functions in it: the rest is run when it is imported."""
    found = set()
    if code.co_flags & 1:  # CO_OPTIMIZED, which functions are
        found = {line for _, line in dis.findlinestarts(code)
                 if line is not None and line != code.co_firstlineno}
    for constant in code.co_consts:
        if isinstance(constant, python_types.CodeType):
            found |= _lines(constant)
    return found


def _count() -> Tuple[Dict[str, int], int]:
    """Where the lines of each file are counted, and how many can be reached."""
    files, first, count = {}, 0, 0
    for path in sorted(Path(nixos.__file__).parent.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        files[str(path)] = first
        first += source.count("\n") + 1
        count += len(_lines(compile(source, str(path), "exec")))
    return files, count


FILES, LINES = _count()


def main(names: List[str]) -> int:
    for name in names:
        print(name, file=sys.stderr)
        check(Path(name).read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
