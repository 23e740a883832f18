# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the shared library that the Python package finds: where it is
looked for, and what becomes of an older or a newer one."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
BINDING = TOP / "bindings" / "python"
BUILD = Path(os.environ.get("VMSPEC_BUILDDIR", TOP / "build")).resolve()
LIBRARY = Path(os.environ.get("VMSPEC_LIBRARY",
                              BUILD / ".libs" / "libvmspec.so.0")).resolve()
CC = os.environ.get("CC", "cc").split()
SONAME = "libvmspec.so.0"

# The path of the library that was taken.
WHICH = "from vmspec import _library; print(_library.library._name)"


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory).resolve()

    def python(self, code, package=BINDING, **environment):
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("VMSPEC_LIBRARY", "LD_LIBRARY_PATH")}
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            cwd=self.directory,
            env={**clean, "PYTHONPATH": str(package), **environment})

    def says(self, code, **environment):
        done = self.python(code, **environment)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.strip()


class Finding(Case):
    def install(self):
        """As pip or "make install" does it."""
        place = self.directory / "lib" / "python3" / "site-packages"
        shutil.copytree(BINDING / "vmspec", place / "vmspec",
                        ignore=shutil.ignore_patterns("__pycache__"))
        return place

    def library(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(LIBRARY, directory / SONAME))

    def test_each_place_in_its_turn(self):
        place = self.install()
        loader = self.library(self.directory / "loader")
        known = dict(package=place, LD_LIBRARY_PATH=str(loader.parent))
        self.assertEqual(self.says(WHICH, **known), SONAME)
        below = self.library(self.directory / "lib")
        self.assertEqual(self.says(WHICH, **known), str(below))
        beside = self.library(place / "vmspec")
        self.assertEqual(self.says(WHICH, **known), str(beside))
        named = self.library(self.directory / "named")
        self.assertEqual(self.says(WHICH, VMSPEC_LIBRARY=str(named), **known),
                         str(named))

    def test_where_it_was_built(self):
        tree = self.directory / "tree"
        shutil.copytree(BINDING / "vmspec", tree / "bindings/python/vmspec",
                        ignore=shutil.ignore_patterns("__pycache__"))
        loader = self.library(self.directory / "loader")
        built = self.library(tree / "build" / ".libs")
        known = dict(package=tree / "bindings" / "python",
                     LD_LIBRARY_PATH=str(loader.parent))
        # It need not be the source of this library.
        self.assertEqual(self.says(WHICH, **known), SONAME)
        (tree / "lib").mkdir()
        (tree / "lib" / "vmspec.sym").touch()
        self.assertEqual(self.says(WHICH, **known), str(built))
        built.unlink()
        built = self.library(tree / ".libs")
        self.assertEqual(self.says(WHICH, **known), str(built))

    def test_one_that_is_named_is_taken_or_none(self):
        place = self.install()
        self.library(place / "vmspec")
        done = self.python("import vmspec", package=place,
                           VMSPEC_LIBRARY="/nowhere/libvmspec.so")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ImportError", done.stdout)
        self.assertIn("VMSPEC_LIBRARY", done.stdout)
        self.assertIn("\n  /nowhere/libvmspec.so: ", done.stdout)
        self.assertNotIn("site-packages/vmspec/libvmspec", done.stdout)

    def test_all_that_was_tried_is_said(self):
        place = self.install()
        broken = self.directory / "lib" / SONAME
        broken.write_text("no library")
        # Where the system has the library, the loader is content with it.
        done = self.python("import vmspec", package=place, LD_LIBRARY_PATH=str(
            self.directory / "lib"))
        self.assertIn("ImportError", done.stdout)
        tried = [line.strip().partition(":")[0]
                 for line in done.stdout.splitlines()
                 if line.startswith("  /") or line.startswith(f"  {SONAME}")]
        self.assertEqual(tried[:2], [str(place / "vmspec" / SONAME),
                                     str(broken)])
        self.assertEqual(len(tried), 3)

    def test_another_library_is_not_taken(self):
        done = self.python("import vmspec", VMSPEC_LIBRARY="libc.so.6")
        self.assertIn("libc.so.6: this is another library", done.stdout)


# In front of the library: what is not here is what it has.
SHIM = """
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "vmspec/vmspec.h"

typedef const struct vmspec_option *next_fn (const struct vmspec_option *);

static const struct vmspec_option *
next (const struct vmspec_option *previous)
{
  return ((next_fn *) dlsym (RTLD_NEXT, "vmspec_option_next")) (previous);
}
"""

# Fewer functions, structs, members, enumerators, and shorter rows.
OLDER = SHIM + """
#define SHORT offsetof (struct vmspec_option, doc)
static struct vmspec_option rows[1000];

static int
is_known (const struct vmspec_option *o)
{
  return strncmp (o->owner, "vmspec_guest", 12) != 0
         && strcmp (o->owner, "vmspec_credential") != 0
         && !(strcmp (o->owner, "vmspec") == 0
              && strcmp (o->name, "guest") == 0)
         && strcmp (o->name, "temporaries") != 0;
}

const struct vmspec_option *
vmspec_option_next (const struct vmspec_option *previous)
{
  static const char *const formats[] = { "", "raw", "qcow2", NULL };
  const struct vmspec_option *real = next (NULL);
  size_t i = 0, wanted = previous ? previous - rows + 1 : 0;

  for (; real; real = next (real)) {
    if (!is_known (real))
      continue;
    if (i++ < wanted)
      continue;
    memset (&rows[wanted], 0xaa, sizeof rows[wanted]);
    memcpy (&rows[wanted], real, SHORT);
    rows[wanted].struct_size = SHORT;
    if (strcmp (real->name, "format") == 0)
      rows[wanted].values = formats;
    return &rows[wanted];
  }
  return NULL;
}

const char *
vmspec_version (void)
{
  return "0.0.9";
}
"""

# More of all that.
NEWER = SHIM + """
struct longer {
  struct vmspec_option row;
  const char *further;
};

static struct longer rows[1000];

static const char *const values[] = { "", "raw", "qcow2", "qcow", "vdi", "vmdk",
                                      "vhdx", "vpc", "future", NULL };
static const struct longer added[] = {
  { { sizeof (struct longer), 77, "vmspec", "colour", NULL, NULL, NULL, 0, 0,
      1 << 20, 0x000900, sizeof (struct vmspec), 4, NULL, NULL,
      "Of an unknown kind." }, "" },
  { { sizeof (struct longer), 78, "vmspec", "shape", NULL, NULL, NULL, 0, 0,
      0, 0x000900, sizeof (struct vmspec) + 4, 12, NULL, NULL,
      "Of an unknown kind and size." }, "" },
  { { sizeof (struct longer), VMSPEC_KIND_UINT64, "vmspec", "wheels", NULL,
      NULL, NULL, 1, 9, 1 << 20, 0x000900, sizeof (struct vmspec) + 16, 8,
      NULL, NULL, "How many wheels it has." }, "" },
  { { sizeof (struct longer), VMSPEC_KIND_GROUP, "vmspec", "future", NULL,
      "vmspec_future", NULL, 0, 0, 0, 0x000900, sizeof (struct vmspec) + 24, 8,
      NULL, NULL, "What is to come." }, "" },
};
static const struct longer future[] = {
  { { sizeof (struct longer), VMSPEC_KIND_SIZE, "vmspec_future", "struct_size",
      NULL, NULL, NULL, 0, 0, 0, 0x000900, 0, 4, NULL, NULL, "" }, "" },
  { { sizeof (struct longer), VMSPEC_KIND_SWITCH, "vmspec_future", "bright",
      NULL, NULL, NULL, 0, 0, 0, 0x000900, 4, 4, NULL, NULL,
      "Whether it is." }, "" },
  { { sizeof (struct longer), VMSPEC_KIND_SIZE, "vmspec_plan", "struct_size",
      NULL, NULL, NULL, 0, 0, 0, 0x000900, 0, 4, NULL, NULL, "" }, "" },
};
#define COUNT(array) (sizeof array / sizeof *array)

static size_t
fill (void)
{
  size_t n = 0;

  for (const struct vmspec_option *o = next (NULL); o; o = next (o)) {
    const struct vmspec_option *after = next (o);

    rows[n].row = *o;
    rows[n].row.struct_size = sizeof *rows;
    if (strcmp (o->name, "format") == 0)
      rows[n].row.values = values;
    n++;
    if (strcmp (o->owner, "vmspec") == 0
        && (!after || strcmp (after->owner, "vmspec") != 0))
      for (size_t i = 0; i < COUNT (added); i++)
        rows[n++] = added[i];
  }
  for (size_t i = 0; i < COUNT (future); i++)
    rows[n++] = future[i];
  return n;
}

const struct vmspec_option *
vmspec_option_next (const struct vmspec_option *previous)
{
  static size_t count;
  size_t i = previous ? (const struct longer *) previous - rows + 1 : 0;

  if (!count)
    count = fill ();
  return i < count ? &rows[i].row : NULL;
}

const char *
vmspec_version (void)
{
  return "0.9.0";
}
"""

HOST = """
import vmspec, errno
HOST = vmspec.Host(arch="x86_64", os="linux", kvm="absent", cpus=2,
                   directory="/run/vm", run_name="run", environment=[],
                   programs=[vmspec.HostProgram(name="qemu-system-x86_64",
                                                path="/usr/bin/qemu")],
                   files=[], firmware=[])

def refused(kind, call, *said):
    try:
        call()
    except kind as error:
        for word in said:
            assert word in str(error), (word, str(error))
        return error
    raise AssertionError("this was accepted")

"""


class Versions(Case):
    def build(self, source):
        file = self.directory / "shim.c"
        file.write_text(source)
        library = self.directory / "shim.so"
        done = subprocess.run(
            [*CC, "-D_GNU_SOURCE", "-shared", "-fPIC", "-Wall", "-Werror",
             f"-I{TOP / 'include'}", file, "-o", library, "-Wl,--no-as-needed",
             LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        return library

    def run_with(self, library, code):
        return self.says(HOST + textwrap.dedent(code),
                         VMSPEC_LIBRARY=str(library))

    def test_a_member_that_an_older_library_does_not_know_is_not_there(self):
        self.run_with(self.build(OLDER), """
            assert vmspec.version == "0.0.9"
            assert not hasattr(vmspec, "Guest")
            assert not hasattr(vmspec, "GuestSettings")
            refused(TypeError, lambda: vmspec.Spec(guest=None),
                    "Spec has no member 'guest' in libvmspec 0.0.9")
            refused(ValueError, lambda: vmspec.Drive(format="vdi"), "raw")
            spec = vmspec.Spec(name="a", boot=vmspec.Boot(kernel="/k"))
            assert vmspec.Plan(spec, HOST).argv[0] == "/usr/bin/qemu"
            assert vmspec.read_xml(vmspec.write_xml(spec)) == spec
            assert not hasattr(vmspec.resolve(spec, HOST), "guest")
            refused(vmspec.UnsupportedError,
                    lambda: vmspec.Plan(spec, HOST).guest,
                    "libvmspec 0.0.9 has no struct vmspec_guest_file")
            rows = list(vmspec.options())
            assert {row.doc for row in rows} == {None}
            assert rows[1].name and rows[1].owner, rows[1]
            error = refused(vmspec.Error, lambda: vmspec.Plan(
                spec, HOST).start(qmp=False))
            assert error.errno == errno.ENOENT
            """)

    def test_a_function_that_an_older_library_lacks_is_missed_when_needed(self):
        older = self.directory / "older.so"
        data = LIBRARY.read_bytes()
        for name in (b"vmspec_vm_exec", b"vmspec_clean", b"vmspec_plan_guest"):
            self.assertIn(b"\0" + name + b"\0", data)
            data = data.replace(b"\0" + name + b"\0",
                                b"\0" + name[:-1] + b"_\0")
        older.write_bytes(data)
        self.run_with(older, """
            spec = vmspec.Spec(name="a", boot=vmspec.Boot(kernel="/k"))
            plan = vmspec.Plan(spec, HOST)
            for kind in vmspec.UnsupportedError, NotImplementedError, OSError:
                for call, name in ((lambda: vmspec.clean("/tmp"), "clean"),
                                   (lambda: plan.guest, "plan_guest")):
                    error = refused(
                        kind, call, f"libvmspec {vmspec.version} has no "
                        f"function vmspec_{name}")
                    assert error.errno == errno.ENOSYS
            """)

    def test_what_a_newer_library_adds_can_be_said(self):
        self.run_with(self.build(NEWER), """
            assert vmspec.version == "0.9.0"
            rows = {row.name: row for row in vmspec.options()
                    if row.owner == "vmspec"}
            assert rows["wheels"].doc == "How many wheels it has."
            assert (rows["colour"].kind, rows["colour"].flags) == (77, 1 << 20)
            # Of an unknown kind nothing can be said.
            refused(TypeError, lambda: vmspec.Spec(colour=1), "colour")
            assert not hasattr(vmspec.Spec, "shape")
            spec = vmspec.Spec(name="a", boot=vmspec.Boot(kernel="/k"))
            assert vmspec.Plan(spec, HOST).argv[0] == "/usr/bin/qemu"
            spec.wheels = 4
            spec.future = vmspec.Future(bright=True)
            assert eval(repr(spec)) == spec
            assert spec.drives is None
            assert vmspec.Drive(format="future").format == "future"
            assert "wheels" in vmspec.Spec.__doc__
            # A struct of a name that is taken leaves it as it was.
            assert vmspec.Plan.start
            """)

    def test_a_library_older_than_its_structs_refuses_what_it_does_not_know(
            self):
        self.run_with(self.build(NEWER), """
            spec = vmspec.Spec(name="a", boot=vmspec.Boot(kernel="/k"))
            spec.wheels = 4
            for stage in vmspec.Plan, vmspec.resolve, vmspec.check:
                error = refused(vmspec.Error, lambda: stage(spec, HOST))
                assert error.errno == errno.E2BIG
                assert [f.id for f in error.findings] == ["struct.too-new"]
            """)


if __name__ == "__main__":
    outcome.main()
