# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the library differs from the start script on purpose.

Each rule rewrites an expected argument vector to what is wanted instead, and
leaves it alone where it does not apply.  A rule looks at what the description
says, never at a case's name.
"""

from typing import Any, Callable, Iterator, List, Mapping, Tuple

Vector = List[str]
Rule = Callable[[Vector, Any, Mapping[str, Any]], Vector]

_AHCI_PORTS = 6

#: Where the corpus's scripts were started.
START_DIRECTORY = "/run/vm"


def ide_is_ide(argv: Vector, resolved: Any, _case: Mapping[str, Any]
               ) -> Vector:
    """The module accepts diskInterface = "ide" and attaches virtio disks.
    Here they are IDE disks, six to an AHCI controller."""
    if resolved.qemu.disk_interface != "ide":
        return argv
    result: Vector = []
    disks = 0
    for word in argv:
        kind, _, properties = word.partition(",")
        if kind == "virtio-blk-pci" and "drive=drive" in properties:
            controller, port = divmod(disks, _AHCI_PORTS)
            if port == 0:
                result[-1:] = ["-device", f"ich9-ahci,id=ahci{controller}",
                               "-device"]
            keys = properties.split(",") + [f"bus=ahci{controller}.{port}"]
            word = ",".join(["ide-hd", *sorted(keys, key=_key)])
            disks += 1
        result.append(word)
    return result


def _key(pair: str) -> bytes:
    return pair.partition("=")[0].encode("utf-8", "surrogateescape")


def _values(resolved: Any, case: Mapping[str, Any]) -> Iterator[str]:
    """Values that end up in option strings."""
    for name in ("TMPDIR", "SHARED_DIR", "NIX_DISK_IMAGE", "NIX_EFI_VARS",
                 "NIX_SWTPM_DIR"):
        yield case["env"].get(name, "")
    yield resolved.disk.image or ""
    yield resolved.efi.firmware or ""
    for share in resolved.shares:
        yield share.source
        yield share.tag
    for drive in resolved.drives:
        yield drive.file
        for each in (*drive.drive_options, *drive.device_options):
            yield each.value or ""


def commas_are_escaped(argv: Vector, resolved: Any, case: Mapping[str, Any]
                       ) -> Vector:
    """The script writes values into option strings as they are, where a comma
    ends them.  Here it is doubled, which QEMU reads as a comma."""
    with_commas = {value.lstrip("./") for value in _values(resolved, case)
                   if "," in value}

    def escape(word: str, before: str) -> str:
        if before in ("-drive", "-device", "-virtfs", "-chardev"):
            for value in with_commas:
                word = word.replace(value, value.replace(",", ",,"))
        return word
    return [escape(word, before) for before, word in zip(["", *argv], argv)]


def relative_paths_are_the_callers(argv: Vector, _resolved: Any,
                                   _case: Mapping[str, Any]) -> Vector:
    """The script passes relative paths on, and QEMU, which runs in the run
    directory, looks for them there.  Here they are seen from the directory of
    the start."""
    keys = {"-drive": "file", "-virtfs": "path"}

    def absolute(path: str) -> str:
        if not path or path.startswith("/"):
            return path
        parts = [part for part in path.split("/") if part not in ("", ".")]
        return "/".join([START_DIRECTORY, *parts])

    def fix(word: str, before: str) -> str:
        if before in ("-kernel", "-initrd", "-bios"):
            return absolute(word)
        if before not in keys:
            return word
        pairs = [pair.partition("=") for pair in word.split(",")]
        return ",".join(name + equals
                        + (absolute(value) if name == keys[before] else value)
                        for name, equals, value in pairs)
    return [fix(word, before) for before, word in zip(["", *argv], argv)]


RULES: Tuple[Rule, ...] = (ide_is_ide, relative_paths_are_the_callers,
                           commas_are_escaped)


def apply(argv: Vector, resolved: Any, case: Mapping[str, Any]
          ) -> Tuple[Vector, List[str]]:
    """The vector that is wanted, and the rules by which it differs."""
    applied = []
    for rule in RULES:
        wanted = rule(argv, resolved, case)
        if wanted != argv:
            applied.append(rule.__name__)
        argv = wanted
    return argv, applied
