# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmspec: from a typed description of a virtual machine to QEMU's argument
vector, and to the running machine.

    spec = vmspec.Spec(name="demo", memory=2048,
                       boot=vmspec.Boot(kernel="vmlinuz", initrd="initrd.img"))
    with vmspec.Plan(spec).start() as vm:
        print(vm.status())
        vm.stop()

There is a class for each struct of the C library, with the same members: Spec,
Boot, Share, ForwardPort, Host, ...  None is "not said", "" and vmspec.NONE are
"none", [] is the empty list.  options() tells what each member means.

How work is done (struct vmspec_work and vmspec_start) is said by keywords of
the functions that do it: create_image(), make_system_image(), Plan.prepare()
and Plan.start().

    sync         whether files are on the disk when the call returns
    progress     called now and then as progress(step, done, total), in bytes;
                 total is 0 while it is not known.  What it returns ends the
                 work if it is true, and the call raises Cancelled; what it
                 raises ends the work as well, and the call raises just that,
                 as it does with a KeyboardInterrupt that comes meanwhile
    environment  variables of helper programs, which are looked for in its
                 PATH; without it, those of this process
"""

from ._control import Event, ExecResult
from ._errors import (Cancelled, DescriptionError, Error, Finding,
                      MachineError, RefusedError)
from ._guest import check_kernel_config, check_kernel_modules
from ._images import create_image, image_info, make_system_image
from ._library import Option, options, version
from ._plan import Plan
from ._stages import check, host_detect, read_xml, resolve, write_xml
from ._types import NONE
from ._types import PUBLIC as _PUBLIC
from ._vm import VM, clean

globals().update({cls.__name__: cls for cls in _PUBLIC})

__version__ = version
__all__ = [
    "Cancelled", "DescriptionError", "Error", "Event", "ExecResult", "Finding",
    "MachineError", "NONE", "Option", "Plan", "RefusedError", "VM", "check",
    "check_kernel_config", "check_kernel_modules", "clean", "create_image", "host_detect", "image_info", "make_system_image",
    "options", "read_xml", "resolve", "version", "write_xml",
    *(cls.__name__ for cls in _PUBLIC),
]
