# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the package for pip (PEP 517): a wheel, or an archive of the sources.
There is nothing to compile, so that it needs nothing but Python, and the same
sources give the same bytes.  As a program, it prints the package's metadata."""

import base64
import gzip
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any, Dict, Optional

HERE = Path(__file__).resolve().parent
PACKAGE = "vmspec"

Files = Dict[str, bytes]  # by their names in an archive


def project() -> Dict[str, str]:
    """What pyproject.toml says in one line each; not every Python that is
    supported can read the format."""
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    said = re.findall(r'^([a-z-]+) = "(.*)"$', text.partition("[project]")[2],
                      re.M)
    return dict(said)


def metadata() -> bytes:
    said = project()
    return (f"Metadata-Version: 2.1\n"
            f"Name: {said['name']}\n"
            f"Version: {said['version']}\n"
            f"Summary: {said['description']}\n"
            f"License: LGPL-2.1-or-later\n"
            f"Requires-Python: {said['requires-python']}\n").encode()


def full_name() -> str:
    said = project()
    return f"{said['name']}-{said['version']}"


def sources() -> Files:
    paths = (path for path in (HERE / PACKAGE).rglob("*")
             if path.suffix in (".py", ".pyi") or path.name == "py.typed")
    return {path.relative_to(HERE).as_posix(): path.read_bytes()
            for path in paths}


def record(files: Files, name: str) -> bytes:
    """The list of files, itself among them."""
    lines = []
    for file, data in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
        lines.append(f"{file},sha256={digest.decode().rstrip('=')},{len(data)}")
    return "\n".join([*lines, f"{name},,", ""]).encode()


def write_wheel(directory: str, files: Files) -> str:
    info = f"{full_name()}.dist-info"
    files = {**files, f"{info}/METADATA": metadata(), f"{info}/WHEEL": (
        b"Wheel-Version: 1.0\nGenerator: vmspec\n"
        b"Root-Is-Purelib: true\nTag: py3-none-any\n")}
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD")
    name = f"{full_name()}-py3-none-any.whl"
    with zipfile.ZipFile(Path(directory, name), "w") as archive:
        for file, data in sorted(files.items()):
            entry = zipfile.ZipInfo(file)  # of 1980
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return name


def build_wheel(wheel_directory: str, config_settings: Any = None,
                metadata_directory: Optional[str] = None) -> str:
    return write_wheel(wheel_directory, sources())


def build_editable(wheel_directory: str, config_settings: Any = None,
                   metadata_directory: Optional[str] = None) -> str:
    """Instead of the sources, where they are."""
    path = f"{HERE}\n".encode()
    return write_wheel(wheel_directory, {f"{PACKAGE}.pth": path})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    files = {"PKG-INFO": metadata(), **sources()}
    for file in ("pyproject.toml", Path(__file__).name):
        files[file] = (HERE / file).read_bytes()
    name = f"{full_name()}.tar.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w",
                      format=tarfile.PAX_FORMAT) as archive:
        for file, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{full_name()}/{file}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    Path(sdist_directory, name).write_bytes(
        gzip.compress(buffer.getvalue(), mtime=0))
    return name


if __name__ == "__main__":
    sys.stdout.buffer.write(metadata())
