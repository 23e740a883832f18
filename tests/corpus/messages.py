# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the module's messages say, as ids and paths of the library's findings.

The texts are not ours to repeat; they are recognised by a few words each.
"""

import re
from typing import Callable, Iterable, List, Match, NamedTuple, Tuple

import vmspec

Said = Tuple[str, str]  # id and path


class Recogniser(NamedTuple):
    pattern: str
    said: Callable[[Match[str]], Said]


def _rule(found: Match[str], member: str) -> str:
    return f"network.forward_ports[{int(found[1]) - 1}].{member}"


ASSERTIONS = (
    Recogniser(r"forwardPorts\.<entry (\d+)>\.proto:.*only TCP",
               lambda m: ("forward-port.guest-udp", _rule(m, "proto"))),
    Recogniser(r"forwardPorts\.<entry (\d+)>\.guest\.address:.*10\.0\.2\.0/24",
               lambda m: ("forward-port.guest-address",
                          _rule(m, "guest_address"))),
    Recogniser(r"memorySize is above 2047.*32bit",
               lambda m: ("memory.32bit", "memory")),
    Recogniser(r"default of `virtualisation\.directBoot\.initrd`.*not be used",
               lambda m: ("boot.initrd-unused", "boot.initrd")),
    Recogniser(r"definition `(virtualisation\.\w+)'.*no longer has any effect",
               lambda m: ("nixos.removed", m[1])),
)

WARNINGS = (
    Recogniser(r"useNixStoreImage = true,.*writableStore = false",
               lambda m: ("store.image-writable", "store.writable")),
    Recogniser(r"direct boot and a bootloader.*`useBootLoader` useless",
               lambda m: ("boot.direct-and-loader", "boot.loader")),
    Recogniser(r"option `(virtualisation\.\w+)' .*has been renamed",
               lambda m: ("nixos.renamed", m[1])),
)

#: Warnings that the module has as well.  The library's others are its own.
MODULE_WARNINGS = ("store.image-writable", "boot.direct-and-loader",
                   "nixos.renamed")


def expected(messages: Iterable[str],
             recognisers: Iterable[Recogniser]) -> List[Said]:
    """The findings that these messages stand for.  One that nobody recognises
    is returned as it is, and will equal no finding."""
    result = []
    for message in messages:
        for recogniser in recognisers:
            found = re.search(recogniser.pattern, message, re.S)
            if found:
                result.append(recogniser.said(found))
                break
        else:
            result.append(("unrecognised", message))
    return sorted(result)


def errors(findings: Iterable[vmspec.Finding]) -> List[Said]:
    return sorted((f.id, f.path) for f in findings if f.severity == "error")


def warnings(findings: Iterable[vmspec.Finding]) -> List[Said]:
    return sorted((f.id, f.path) for f in findings
                  if f.severity == "warning" and f.id in MODULE_WARNINGS)
