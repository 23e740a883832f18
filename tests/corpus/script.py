# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the start script says and how it ends, and what a plan's steps came to,
both as ids.  The sentences are not ours to repeat; they are recognised by a few
words."""

import re
from typing import Any, Iterator, List, NamedTuple, Sequence

import surroundings

# By which words of the script, and whether it is said before or after.
_DISK_BEGINS, _DISK_ENDS = "disk is missing", "disk is made"
_CERTIFICATES = "host-certs.missing"
_SAID = (
    (r"^Disk image do not exist, creating", _DISK_BEGINS),
    (r"^Virtualisation disk image created", _DISK_ENDS),
    (r"^\$NIX_SSL_CERT_FILE should .* if virtualisation\.useHostCerts",
     _CERTIFICATES),
)


class Making(NamedTuple):
    """What taking all steps of a plan came to."""

    created: Any           # as the corpus has it
    findings: List[str]    # their ids
    failed: bool


def said(text: str) -> List[str]:
    """The script's standard output.  A line that nobody recognises is returned
    as it is, and will equal nothing."""
    return [next((meaning for pattern, meaning in _SAID
                  if re.search(pattern, line)), line)
            for line in text.splitlines()]


def told(plan: Any, tree: surroundings.Tree,
         findings: Sequence[str]) -> List[str]:
    """What there is to say about a plan's steps in their order."""
    def of_step(step: Any) -> Iterator[str]:
        if step.name == "disk" and not tree.exists(step.file):
            yield from (_DISK_BEGINS, _DISK_ENDS)
        if step.name == "certificates" and _CERTIFICATES in findings:
            yield _CERTIFICATES
    return [what for step in plan.steps for what in of_step(step)]


def complaints(findings: Sequence[str]) -> List[str]:
    """What belongs on standard error: all else that was found."""
    return [finding for finding in findings if finding != _CERTIFICATES]


def status(making: Making) -> int:
    """The script's: it stops at the first command that fails, and becomes QEMU,
    whose recorder succeeds, otherwise."""
    return 1 if making.failed else 0
