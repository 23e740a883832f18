# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disk images: making them, and looking at them."""

import os
from ctypes import byref, c_void_p
from typing import Any, List, Mapping, Optional, Union

from ._async import awaited_work
from ._errors import Finding
from ._library import Diag, library
from ._types import CLASSES, address, from_address, to_c, to_c_as
from ._work import Progress, Work


def _make(function: str, tag: str, image: Any, work: Work) -> List[Finding]:
    c_image = to_c_as(tag, image)
    with Diag() as diag:
        work.must(diag, getattr(library, function)(
            address(c_image), work.address, diag.pointer),
            f"cannot make {image.file or 'the image'}")
        return diag.findings()


def create_image(image: Any, *, sync: Optional[bool] = None,
                 progress: Optional[Progress] = None,
                 environment: Optional[Mapping[str, str]] = None,
                 ) -> List[Finding]:
    """Makes a disk image, whole or not at all.  Nothing that exists is
    replaced: FileExistsError.  Returns warnings.  The package's own text has
    what the keywords mean."""
    return _make("vmspec_image_create", "vmspec_image", image,
                 Work(sync, progress, environment))


create_image_async = awaited_work(create_image)


def make_system_image(image: Any, *, sync: Optional[bool] = None,
                      progress: Optional[Progress] = None,
                      environment: Optional[Mapping[str, str]] = None,
                      ) -> List[Finding]:
    """Makes a disk that boots by itself from directories, and the variable
    store beside it; in all else as create_image()."""
    return _make("vmspec_system_image", "vmspec_system_image", image,
                 Work(sync, progress, environment))


make_system_image_async = awaited_work(make_system_image)


def image_info(path: Union[str, bytes, "os.PathLike[str]"],
               format: Optional[str] = None) -> Any:
    """What an image is, and in `backing` what it is an overlay of.  Without a
    format it is told by what the file holds."""
    asked = to_c(CLASSES["vmspec_image"](file=path, format=format))
    info = c_void_p()
    with Diag() as diag:
        diag.must(library.vmspec_image_info(
            asked.file, asked.format, diag.pointer, byref(info)),
            f"cannot look at {os.fsdecode(path)}")
    try:
        return from_address("vmspec_image_info", info.value)
    finally:
        library.vmspec_image_info_free(info)
