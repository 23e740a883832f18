# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's refusals as NixOS's errors."""

import re
from typing import Any, Iterable, Optional

import vmspec

from .errors import NixosError, show_option

#: Errors that end NixOS's evaluation, and what kind of error each is there.
#: The library's other errors are assertions of the module.
KINDS = {
    "efi.unsupported": "unsupported",
    "tpm.unsupported": "unsupported",
    "qemu.unsupported-host": "unsupported",
    "mounts.conflict": "conflict",
}

_MOUNT = re.compile(r"file_systems\[(?P<point>.*)\]\.(?P<member>\w+)\Z", re.S)


def _conflict_option(finding: vmspec.Finding, spec: Any) -> Optional[str]:
    found = _MOUNT.match(finding.path)
    if not found:
        return None
    point = found["point"]
    if point.isdigit():
        point = spec.file_systems[int(point)].mount_point
    fields = {"type": "fsType", "needed_for_boot": "neededForBoot",
              "no_check": "noCheck"}
    member = found["member"]
    return show_option(("virtualisation", "fileSystems", point,
                        fields.get(member, member)))


def refusal(findings: Iterable[vmspec.Finding],
            spec: Any) -> Optional[NixosError]:
    """The error with which NixOS would end, if one of these, which are about
    that description, is such."""
    for finding in findings:
        kind = KINDS.get(finding.id)
        if kind and finding.severity == "error":
            option = None
            if kind == "conflict":
                option = _conflict_option(finding, spec)
            return NixosError(kind, option, finding.text)
    return None


def resolve(spec: Any, on: Any) -> Any:
    try:
        return vmspec.resolve(spec, on)
    except vmspec.DescriptionError as error:
        raise refusal(error.findings, spec) or NixosError(
            "other", None, str(error)) from error
