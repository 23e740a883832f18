# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmspec: from a typed description of a virtual machine to QEMU's argument
vector, and to the running machine.

    spec = vmspec.Spec(name="demo", memory=2048,
                       boot=vmspec.Boot(kernel="vmlinuz", initrd="initrd.img"))
    with vmspec.Plan(spec).start() as vm:
        vm.wait(60)

There is a class for each struct of the C library, with the same members: Spec,
Boot, Share, ForwardPort, Host, ...  None is "not said", "" and vmspec.NONE are
"none", [] is the empty list.  options() tells what each member means.
"""

from ._errors import DescriptionError, Error, Finding
from ._library import Option, options, version
from ._plan import Plan
from ._stages import check, host_detect, read_xml, resolve, write_xml
from ._types import CLASSES as _CLASSES
from ._types import NONE
from ._vm import VM

globals().update({cls.__name__: cls for cls in _CLASSES.values()})

__version__ = version
__all__ = [
    "DescriptionError", "Error", "Finding", "NONE", "Option", "Plan", "VM",
    "check", "host_detect", "options", "read_xml", "resolve", "version",
    "write_xml", *(cls.__name__ for cls in _CLASSES.values()),
]
