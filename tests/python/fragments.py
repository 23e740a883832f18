# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pieces of C that are no whole program, made into one: what they use and do
not declare is there before them."""

import re

_INCLUDES = ("errno.h", "poll.h", "signal.h", "stdio.h", "stdlib.h", "string.h",
             "sys/wait.h", "unistd.h", "vmspec/vmspec.h")

# What there is, in this order: the name, what makes it, what it needs, and how
# it ends.
_CONTEXT = (
    ("environ", None, (), ""),
    ("diag", "vmspec_diag *diag = NULL;\nmust (vmspec_diag_new (&diag));", (),
     "vmspec_diag_free (diag);"),
    ("spec", """struct vmspec spec = {
  VMSPEC_INIT (vmspec), .name = "demo", .graphics = VMSPEC_OFF,
  .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
    .kernel = "vmlinuz", .initrd = "initrd.img" },
  .disk = &(struct vmspec_disk) { VMSPEC_INIT (vmspec_disk), .image = "" },
};""", (), ""),
    ("host", """struct vmspec_host given = { VMSPEC_INIT (vmspec_host),
  .environment = (const char *const *) environ };
struct vmspec_host *host = NULL;
must (vmspec_host_detect (&spec, &given, NULL, &host));""",
     ("environ", "spec"), "vmspec_host_free (host);"),
    ("plan", """vmspec_plan *plan = NULL;
must (vmspec_plan_new (&spec, host, NULL, &plan));""", ("spec", "host"),
     "vmspec_plan_free (plan);"),
    ("vm", """vmspec_vm *vm = NULL;
must (vmspec_vm_start (plan, NULL, NULL, &vm));""", ("plan",),
     "vmspec_vm_free (vm);"),
    ("status", "int status = 0;", (), "(void) status;"),
    ("r", "int r = 0;", (), "(void) r;"),
)

_MUST = """static void
must (int result)
{
  if (result < 0) {
    fprintf (stderr, "%s\\n", strerror (-result));
    exit (99);
  }
}
"""


def is_program(code: str) -> bool:
    return re.search(r"^main \(", code, re.M) is not None


def _uses(code: str, name: str) -> bool:
    return re.search(rf"(?<![.\w>]){name}\b(?! \()", code) is not None


def _declares(code: str, name: str) -> bool:
    return re.search(rf"^\s*(?:const )?(?:struct )?\w+ (?:[^;=()]*, )?\*?"
                     rf"{name}(?: =|\[|,|;)", code, re.M) is not None


def program(code: str) -> str:
    """Functions first, then the statements of main."""
    lines = code.split("\n")
    ends = [i for i, line in enumerate(lines) if line == "}"]
    split = ends[-1] + 1 if ends else 0
    functions, statements = "\n".join(lines[:split]), "\n".join(lines[split:])
    includes = re.findall(r"^#include <(.+)>$", functions + statements, re.M)
    functions, statements = (re.sub(r"^#include .*\n", "", part, flags=re.M)
                             for part in (functions, statements))
    wanted = set()
    for name, _, needs, _ in reversed(_CONTEXT):
        if name in wanted or _uses(statements, name) \
                and not _declares(statements, name):
            wanted |= {name, *(need for need in needs
                               if not _declares(statements, need))}
    there = [row for row in _CONTEXT if row[0] in wanted]
    return "".join([
        *(f"#include <{name}>\n" for name in
          sorted({*_INCLUDES, *includes})),
        "extern char **environ;\n" if "environ" in wanted else "",
        _MUST if any("must" in (row[1] or "") for row in there) else "",
        functions, "\nint\nmain (void)\n{\n",
        *(row[1] + "\n" for row in there if row[1]), statements,
        *(row[3] + "\n" for row in reversed(there) if row[3]),
        "return 0;\n}\n"])
