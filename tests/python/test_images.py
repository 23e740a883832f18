# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about images and a plan's steps, as Python sees them."""

import errno
import gc
import os
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time
import unittest
import weakref
from pathlib import Path
from unittest import mock

import outcome

TOP = Path(__file__).resolve().parents[2]
BINDING = TOP / "bindings" / "python"
sys.path.insert(0, str(BINDING))

import vmspec  # noqa: E402  (needs the path above)

MIB = 2 ** 20


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)

    def path(self, name):
        return self.directory / name

    def tree(self, **files):
        tree = self.path("tree")
        tree.mkdir()
        for name, content in files.items():
            (tree / name).write_text(content)
        return tree

    def create(self, name, *, sync=False, **said):
        """An image, and what image_info() says of it."""
        keywords = {key: said.pop(key) for key in ("progress", "environment")
                    if key in said}
        vmspec.create_image(vmspec.Image(file=self.path(name), **said),
                            sync=sync, **keywords)
        return vmspec.image_info(self.path(name))

    def names(self):
        return sorted(os.listdir(self.directory))


class Creating(Case):
    def test_a_raw_image_is_as_large_as_said_and_empty(self):
        info = self.create("a.img", format="raw", size=3 * MIB)
        self.assertEqual(self.path("a.img").stat().st_size, 3 * MIB)
        self.assertEqual((info.format, info.virtual_size), ("raw", 3 * MIB))
        self.assertEqual(set(self.path("a.img").read_bytes()), {0})

    def test_without_a_format_it_is_qcow2(self):
        info = self.create("a.qcow2", size=2 ** 40)
        self.assertEqual(self.path("a.qcow2").read_bytes()[:4], b"QFI\xfb")
        self.assertEqual((info.format, info.virtual_size, info.version),
                         ("qcow2", 2 ** 40, 3))
        self.assertLess(info.stored_size, MIB)
        self.assertIsNone(info.backing)

    def test_a_file_system_has_its_label_and_uuid(self):
        uuid = "123e4567-e89b-12d3-a456-426614174000"
        for name, kind in (("a.img", "raw"), ("a.qcow2", "qcow2")):
            with self.subTest(kind):
                info = self.create(name, format=kind, size=8 * MIB,
                                   content="ext4", label="some-label",
                                   uuid=uuid)
                self.assertEqual((info.file_system, info.label, info.uuid),
                                 ("ext4", "some-label", uuid))
        # The superblock's own words.
        raw = self.path("a.img").read_bytes()
        self.assertEqual(raw[1144:1160].rstrip(b"\0"), b"some-label")

    def test_a_tree_fills_a_file_system_that_is_large_enough(self):
        content = "".join(f"{n:08}" for n in range(100_000))
        info = self.create("a.img", format="raw", tree=self.tree(big=content))
        self.assertEqual(info.file_system, "ext4")
        # Block by block: they need not be neighbours.
        raw = self.path("a.img").read_bytes()
        blocks = {raw[at:at + 4096] for at in range(0, len(raw), 4096)}
        for at in range(0, len(content) - 4095, 4096):
            self.assertTrue(content[at:at + 4096].encode() in blocks, at)

    def test_an_overlay_is_as_large_as_what_it_rests_on_or_larger(self):
        self.create("a.qcow2", size=3 * MIB)
        self.create("b.qcow2", backing="a.qcow2")
        info = self.create("c.qcow2", backing="b.qcow2", size=9 * MIB)
        sizes, files = [], []
        while info:
            sizes.append(info.virtual_size)
            files.append(info.backing_file)
            info = info.backing
        self.assertEqual(sizes, [9 * MIB, 3 * MIB, 3 * MIB])
        self.assertEqual(files, ["b.qcow2", "a.qcow2", None])

    def test_what_exists_is_never_replaced(self):
        self.path("a").write_text("mine")
        with self.assertRaises(FileExistsError) as caught:
            self.create("a", size=MIB)
        self.assertIsInstance(caught.exception, vmspec.Error)
        self.assertEqual(caught.exception.errno, errno.EEXIST)
        self.assertTrue(caught.exception.findings)
        self.assertEqual(self.path("a").read_text(), "mine")

    def test_everything_that_is_wrong_is_a_finding(self):
        with self.assertRaises(vmspec.DescriptionError) as caught:
            self.create("a", format="raw", label="none", cluster_size=1000,
                        lazy_refcounts=True)
        error = caught.exception
        self.assertEqual(error.errno, errno.EINVAL)
        self.assertLessEqual(
            {"image.label-without-file-system", "image.cluster-size",
             "image.raw-has-no-tables", "image.no-size"},
            {finding.id for finding in error.findings})
        self.assertIn("cannot make " + str(self.path("a")), str(error))
        self.assertEqual(self.names(), [])

    def test_a_directory_that_is_not_there_is_not_found(self):
        with self.assertRaises(FileNotFoundError) as caught:
            self.create("no/such", size=MIB)
        self.assertIsInstance(caught.exception, vmspec.Error)

    def test_it_is_only_synced_on_request_or_by_default(self):
        # No more can be seen from here than that all are accepted.
        for name, sync in (("a", None), ("b", True), ("c", False)):
            self.create(name, size=MIB, sync=sync)
        with self.assertRaises(TypeError):
            self.create("d", size=MIB, sync=1)

    def test_only_an_image_is_an_image(self):
        for value in (vmspec.Spec(), None, "a.qcow2"):
            with self.assertRaisesRegex(TypeError, "takes a Image"):
                vmspec.create_image(value)
            with self.assertRaisesRegex(TypeError, "takes a SystemImage"):
                vmspec.make_system_image(value)

    def test_many_are_made_at_once(self):
        """The library is called without Python's lock."""
        def make(n):
            self.create(f"{n}.qcow2", size=(n + 1) * MIB, content="ext4",
                        progress=lambda *_: told.append(n))
        told = []
        threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(told), set(range(8)))
        self.assertEqual(
            [vmspec.image_info(self.path(f"{n}.qcow2")).virtual_size // MIB
             for n in range(8)], list(range(1, 9)))


class Progress(Case):
    def test_it_ends_where_all_is_done(self):
        told = []
        self.create("a", size=MIB, progress=lambda *said: told.append(said))
        self.assertEqual(told[-1], ("image", MIB, MIB))
        for step, done, total in told:
            self.assertEqual((type(step), type(done), type(total)),
                             (str, int, int))

    def test_what_it_returns_cancels_if_it_is_true(self):
        for answer in (True, 1, "yes", 2 ** 32):
            with self.subTest(answer), \
                    self.assertRaises(vmspec.Cancelled) as caught:
                self.create("a", size=MIB, progress=lambda *_: answer)
            self.assertEqual(caught.exception.errno, errno.ECANCELED)
            self.assertEqual(self.names(), [])
        for n, answer in enumerate((False, None, 0, "")):
            self.create(f"{n}", size=MIB, progress=lambda *_: answer)

    def test_what_it_raises_comes_back(self):
        class Own(BaseException):
            pass
        for kind in (Own, ValueError, KeyboardInterrupt, SystemExit,
                     StopIteration, vmspec.Cancelled):
            error = kind(errno.ECANCELED, "x")

            def progress(*_):
                raise error
            with self.subTest(kind), self.unprinted(), \
                    self.assertRaises(kind) as caught:
                self.create("a", size=MIB, progress=progress)
            self.assertIs(caught.exception, error)
            self.assertEqual(self.names(), [])

    def test_arguments_that_do_not_fit_are_an_error_of_the_caller(self):
        with self.unprinted(), self.assertRaises(TypeError):
            self.create("a", size=MIB, progress=lambda step: None)
        with self.unprinted(), self.assertRaises(TypeError):
            self.create("a", size=MIB, progress="no function")

    def unprinted(self):
        """Nothing is written of an exception that nobody could catch."""
        hook = mock.Mock()
        self.addCleanup(lambda: self.assertEqual(hook.mock_calls, []))
        return mock.patch.object(sys, "unraisablehook", hook)

    def test_nothing_of_it_stays(self):
        class Listener:
            def __call__(self, *_):
                raise ValueError
        listener = Listener()
        gone = weakref.ref(listener)
        with self.unprinted():
            try:
                self.create("a", size=MIB, progress=listener)
            except ValueError:
                pass
            del listener
            gc.collect()
        self.assertIsNone(gone())

    def test_it_may_make_images_itself(self):
        def inner(*_):
            told.append("inner")

        def outer(*_):
            if not self.path("b").exists():
                self.create("b", size=MIB, progress=inner)
            told.append("outer")
        told = []
        self.create("a", size=MIB, progress=outer)
        self.assertEqual(set(told), {"inner", "outer"})
        self.assertEqual(self.names(), ["a", "b"])


class Info(Case):
    def test_damage_is_said(self):
        self.path("a").write_bytes(b"QFI\xfb\0\0\0\3" + b"\xff" * 200)
        with self.assertRaises(vmspec.DescriptionError) as caught:
            vmspec.image_info(self.path("a"))
        self.assertTrue(caught.exception.findings)
        self.assertIn(f"cannot look at {self.path('a')}",
                      str(caught.exception))

    def test_a_file_that_is_not_there(self):
        with self.assertRaises(FileNotFoundError):
            vmspec.image_info(self.path("a"))

    def test_the_format_can_be_said(self):
        self.create("a.qcow2", size=5 * MIB)
        size = self.path("a.qcow2").stat().st_size
        raw = vmspec.image_info(str(self.path("a.qcow2")), "raw")
        self.assertEqual((raw.format, raw.virtual_size), ("raw", size))
        self.create("a.img", size=5 * MIB, format="raw")
        with self.assertRaises(vmspec.DescriptionError):
            vmspec.image_info(self.path("a.img"), format="qcow2")
        with self.assertRaisesRegex(ValueError, "did you mean 'qcow2'"):
            vmspec.image_info(self.path("a.img"), format="qcow22")

    def test_names_are_any_bytes(self):
        name = os.fsdecode(b"\xff\n, \xc3\xa9")
        info = self.create(name, size=MIB)
        self.assertEqual(info.file, str(self.path(name)))
        info = vmspec.image_info(os.fsencode(self.path(name)))
        self.assertEqual(info.file, str(self.path(name)))
        with self.assertRaisesRegex(ValueError, "NUL"):
            vmspec.image_info("a\0b")


class SystemImage(Case):
    def make(self, name, **said):
        vmspec.make_system_image(
            vmspec.SystemImage(file=self.path(name), **said), sync=False)
        return vmspec.image_info(self.path(name))

    def test_a_tree_becomes_a_disk(self):
        tree = self.tree(hello="world")
        self.assertEqual(self.make("a.img", format="raw", tree=tree,
                                   label="root").label, "root")
        self.assertEqual(self.make("b.qcow2", tree=tree,
                                   partition_table="legacy").partition_table,
                         "dos")
        self.assertEqual(self.make("c.qcow2", tree=tree, size=64 * MIB,
                                   partition_table="legacy+gpt").virtual_size,
                         64 * MIB)

    def test_the_variables_go_beside_it(self):
        self.path("template").write_text("variables")
        self.make("a.qcow2", tree=self.tree(), seed="a", time=1,
                  variables=self.path("template"))
        self.assertEqual(self.path("efi-vars.fd").read_text(), "variables")

    @unittest.skipUnless(shutil.which("mcopy"), "needs mtools")
    def test_an_esp_is_made(self):
        esp = self.path("esp")
        esp.mkdir()
        (esp / "startup.nsh").write_text("echo hello")
        info = self.make("a.img", format="raw", tree=self.tree(), esp=esp)
        self.assertEqual(info.partition_table, "gpt")
        self.assertIn(b"echo hello", self.path("a.img").read_bytes())

    @unittest.skipUnless(shutil.which("mcopy"), "needs mtools")
    def test_helpers_are_looked_for_in_the_path_that_is_given(self):
        esp = self.path("esp")
        esp.mkdir()
        image = vmspec.SystemImage(file=self.path("a"), tree=self.tree(),
                                   esp=esp)
        with self.assertRaises(vmspec.Error) as caught:
            vmspec.make_system_image(image, environment={"PATH": "/nowhere"})
        self.assertIn("helper.missing",
                      [f.id for f in caught.exception.findings])
        self.assertNotIn("a", self.names())

    def test_it_can_be_cancelled(self):
        image = vmspec.SystemImage(file=self.path("a"),
                                   tree=self.tree(x="x"))
        with self.assertRaises(vmspec.Cancelled):
            vmspec.make_system_image(image, progress=lambda *_: True)
        self.assertEqual(self.names(), ["tree"])


class Steps(Case):
    def plan(self, *, script="exit 0", environment=(), programs=(), **said):
        emulator = self.path("emulator")
        emulator.write_text("#!/bin/sh\n" + script)
        emulator.chmod(0o755)
        self.path("kernel").touch()
        self.path("t").mkdir(exist_ok=True)
        said = {"disk": vmspec.Disk(size=8, image=self.path("root.qcow2")),
                **said}
        spec = vmspec.Spec(name="demo", qemu=vmspec.Qemu(binary=emulator),
                           boot=vmspec.Boot(kernel=self.path("kernel")),
                           **said)
        given = vmspec.Host(directory=self.directory, run_name="run",
                            environment=[f"TMPDIR={self.path('t')}",
                                         "PATH=/usr/bin:/bin", *environment])
        if programs:
            given.programs = programs
        return vmspec.Plan(spec, vmspec.host_detect(spec, given))

    def disks(self, **said):
        return self.plan(
            empty_disks=[vmspec.EmptyDisk(size=2)],
            drives=[vmspec.Drive(file=self.path("d.img"), format="raw",
                                 size=3)], **said)

    def test_they_say_what_is_made_in_order(self):
        steps = self.disks().steps
        self.assertIsInstance(steps, tuple)
        self.assertEqual(
            [(step.name, step.kind) for step in steps],
            [("run-directory", "directory"), ("disk", "image"),
             ("exchange", "directory"), ("empty-disk.0", "image"),
             ("drive.0", "image")])
        _, disk, *_, drive = steps
        self.assertEqual((disk.file, disk.option, disk.source),
                         (str(self.path("root.qcow2")), "disk.image", None))
        self.assertEqual(drive.option, "drives[0].file")
        self.assertEqual(len(disk.commands), 4)
        self.assertTrue(all(type(word) is str for word in disk.commands))

    def test_they_live_on_without_the_plan(self):
        step = self.plan().steps[1]
        gc.collect()
        self.assertEqual(step, self.plan().steps[1])

    def test_all_are_taken(self):
        plan = self.disks()
        self.assertEqual(plan.prepare(), [])
        for step in plan.steps:
            self.assertTrue(os.path.exists(step.file), step)
        self.assertEqual(vmspec.image_info(self.path("root.qcow2")).label,
                         "nixos")
        self.assertEqual(self.path("d.img").stat().st_size, 3 * MIB)
        self.assertEqual(
            stat.S_IMODE(self.path("root.qcow2").stat().st_mode) & 0o600,
            0o600)

    def test_some_are_taken_by_name_or_as_they_are(self):
        plan = self.disks()
        plan.prepare(["drive.0"])
        self.assertTrue(self.path("d.img").exists())
        self.assertFalse(self.path("root.qcow2").exists())
        plan.prepare(step for step in plan.steps if step.name == "disk")
        self.assertTrue(self.path("root.qcow2").exists())
        self.assertFalse(Path(plan.directory).exists())
        plan.prepare([])
        self.assertFalse(Path(plan.directory).exists())

    def test_a_name_that_no_step_has_is_refused_with_a_suggestion(self):
        plan = self.plan()
        with self.assertRaisesRegex(vmspec.DescriptionError,
                                    "did you mean 'disk'") as caught:
            plan.prepare(["dsik"])
        self.assertEqual([f.id for f in caught.exception.findings],
                         ["step.unknown"])
        self.assertFalse(self.path("root.qcow2").exists())
        for wrong in ("disk", [1], 1):
            with self.subTest(wrong), self.assertRaises(TypeError):
                plan.prepare(wrong)
        with self.assertRaises(ValueError):
            plan.prepare(["disk\0"])

    def test_what_exists_is_left_as_it_is(self):
        self.path("root.qcow2").write_text("mine")
        self.path("d.img").symlink_to(self.path("root.qcow2"))
        plan = self.disks()
        plan.prepare()
        plan.prepare()
        self.assertEqual(self.path("root.qcow2").read_text(), "mine")

    def test_warnings_are_returned(self):
        self.assertEqual([f.id for f in self.plan(host_certs=True).prepare()],
                         ["host-certs.missing"])

    def test_what_cannot_be_made_is_said(self):
        plan = self.plan(drives=[vmspec.Drive(file=self.path("no/such"),
                                              size=1)])
        with self.assertRaises(FileNotFoundError) as caught:
            plan.prepare()
        self.assertEqual([f.path for f in caught.exception.findings],
                         ["drives[0].file"])
        self.assertFalse(Path(plan.directory).exists())

    def test_progress_names_the_step(self):
        told = []
        self.disks().prepare(progress=lambda *said: told.append(said))
        self.assertIn(("disk", 8 * MIB, 8 * MIB), told)
        self.assertIn(("empty-disk.0", 2 * MIB, 2 * MIB), told)
        self.assertIn(("drive.0", 3 * MIB, 3 * MIB), told)

    def test_progress_ends_it(self):
        plan = self.disks()
        with self.assertRaises(vmspec.Cancelled):
            plan.prepare(progress=lambda step, *_: step == "empty-disk.0")
        self.assertFalse(Path(plan.directory).exists())
        self.assertFalse(self.path("d.img").exists())
        with self.assertRaisesRegex(ValueError, "at empty-disk.0"):
            def progress(step, done, total):
                if step == "empty-disk.0":
                    raise ValueError(f"at {step}")
            plan.prepare(progress=progress)
        self.assertFalse(self.path("d.img").exists())

    def slow_store(self):
        """A plan whose store image takes a minute."""
        program = self.path("mkfs.erofs")
        options = "--force-uid --force-gid -U -T --exclude-regex"
        program.write_text(
            '#!/bin/sh\ncase "$*" in --help)\n'
            f'printf "%s\\n" {options}; exit;; esac\nexec sleep 60\n')
        program.chmod(0o755)
        self.path("store").mkdir()
        return self.plan(
            store=vmspec.Store(image=True, writable=False,
                               path=self.path("store")),
            programs=[vmspec.HostProgram(name="mkfs.erofs", path=program)])

    def test_a_signal_s_exception_ends_it_at_once(self):
        """Even if it comes while the library works, and nobody looks at the
        progress: neither is it lost, nor does it come too late."""
        def interrupt(*_):
            raise KeyboardInterrupt
        plan = self.slow_store()
        before = signal.signal(signal.SIGALRM, interrupt)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        for progress in (lambda *_: None, None):
            begin = time.monotonic()
            hook = mock.Mock()
            with mock.patch.object(sys, "unraisablehook", hook), \
                    self.assertRaises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                plan.prepare(progress=progress)
            self.assertLess(time.monotonic() - begin, 30)
            self.assertEqual(hook.mock_calls, [])
            self.assertFalse(Path(plan.directory).exists())

    def test_helpers_have_the_environment_that_is_given(self):
        seen = self.path("seen")
        program = self.path("mkfs.erofs")
        program.write_text(f'#!/bin/sh\necho "$WHAT $PATH" >> {seen}\n'
                           "exit 1\n")
        program.chmod(0o755)
        self.path("store").mkdir()
        plan = self.plan(
            store=vmspec.Store(image=True, writable=False,
                               path=self.path("store")),
            programs=[vmspec.HostProgram(name="mkfs.erofs", path=program)])
        with self.assertRaises(vmspec.Error):
            plan.prepare(environment={"WHAT": "given", "PATH": "/usr/bin"})
        self.assertEqual(set(seen.read_text().splitlines()),
                         {"given /usr/bin"})
        with mock.patch.dict(os.environ, {"WHAT": "mine"}), \
                self.assertRaises(vmspec.Error):
            plan.prepare()
        self.assertEqual(seen.read_text().splitlines()[-1],
                         "mine " + os.environ["PATH"])
        with self.assertRaisesRegex(ValueError, "NUL"):
            plan.prepare(environment={"A": "b\0c"})

    def test_start_makes_what_is_missing(self):
        told = []
        plan = self.disks(script=f"test -e {self.path('root.qcow2')}")
        with plan.start(sync=False,
                        progress=lambda *said: told.append(said)) as vm:
            self.assertEqual(vm.wait(30), 0)
        self.assertEqual(vmspec.image_info(self.path("root.qcow2")).label,
                         "nixos")
        self.assertIn("disk", [step for step, *_ in told])
        # The run directory goes with the machine, a disk does not.
        self.assertFalse(Path(plan.directory).exists())
        self.assertTrue(self.path("d.img").exists())

    def test_a_start_can_be_cancelled(self):
        plan = self.plan(script=f"touch {self.path('ran')}")
        with self.assertRaises(vmspec.Cancelled):
            plan.start(progress=lambda *_: True)
        with self.assertRaises(ZeroDivisionError):
            plan.start(progress=lambda *_: 1 / 0)
        self.assertFalse(self.path("root.qcow2").exists())
        self.assertFalse(self.path("ran").exists())
        self.assertFalse(Path(plan.directory).exists())


if __name__ == "__main__":
    outcome.main()
