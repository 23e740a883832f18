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
"none", [] is the empty list.  options() tells what each member means, as
help(vmspec.Share) does.  A description can also be read from XML (read_xml()),
put together from key=value settings (apply_settings()), or come from the
options of a NixOS configuration (vmspec.nixos).

Calls that fail raise Error or one of its subclasses, which have all findings,
and are also what Python has for such a failure: FileNotFoundError, ValueError,
TimeoutError, ...

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

What takes its time is there for asyncio, too, under a name with _async at its
end:

    async with await vmspec.Plan(spec).start_async() as vm:
        async for event in vm.events():
            print(event.name)
        print(await vm.wait_async())

Processes are waited for by their pidfd and events by their socket; what the
library does in one call, such as a start or an answer of QMP, is done in a
thread of its own for each call, and the loop goes on.

The shared library is looked for

    1. where the environment variable VMSPEC_LIBRARY says, and then nowhere else
    2. beside this package: in its directory, in the library directory that it
       is installed below, and where it was built if this is its source
    3. by the system's loader, as libvmspec.so.0

and may be older or newer than this package.  The classes are made from the
table of the library that is found, so that they have what it knows: a member
that is too new for it is a member that is not there (TypeError), and one that
is newer than this package can be said.  A function that an older library does
not have raises UnsupportedError when it is needed, and so does one that needs a
part which the library was built without.
"""

from ._control import Event, Events, ExecResult
from ._document import apply_settings, read_xml, write_xml
from ._errors import (BlockedError, Cancelled, ClosedError, DeniedError,
                      DescriptionError, DirectoryError, Error, ExistsError,
                      Finding, GoneError, LostError, MachineError,
                      NoDirectoryError, NotFoundError, RefusedError,
                      TimedOutError, UnsupportedError)
from ._guest import check_kernel_config, check_kernel_modules
from ._images import (create_image, create_image_async, image_info,
                      make_system_image, make_system_image_async)
from ._library import Option, options, version
from ._plan import Plan
from ._stages import check, host_detect, resolve
from ._types import NONE
from ._types import PUBLIC as _PUBLIC
from ._vm import VM, clean

__version__ = version
__all__ = [
    "BlockedError", "Cancelled", "ClosedError", "DeniedError",
    "DescriptionError", "DirectoryError", "Error", "Event", "Events",
    "ExecResult", "ExistsError", "Finding", "GoneError", "LostError",
    "MachineError", "NONE", "NoDirectoryError", "NotFoundError", "Option",
    "Plan", "RefusedError", "TimedOutError", "UnsupportedError", "VM",
    "apply_settings", "check", "check_kernel_config", "check_kernel_modules",
    "clean", "create_image", "create_image_async", "host_detect", "image_info",
    "make_system_image", "make_system_image_async", "options", "read_xml",
    "resolve", "version", "write_xml",
]

# A newer library's struct does not take the name of what is here.
_CLASSES = {cls.__name__: cls for cls in _PUBLIC
            if cls.__name__ not in globals()}
globals().update(_CLASSES)
__all__ += _CLASSES
