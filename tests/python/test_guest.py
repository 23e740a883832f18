# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about what a plan says of its guest, and about kernels that may run
it, as Python sees them."""

import base64
import copy
import gc
import gzip
import json
import pickle
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import outcome

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bindings" / "python"))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import _library  # noqa: E402

FORMS = ("fstab", "units", "cmdline", "modules", "hook", "json")


def plan(**said):
    """A plan that does not depend on this machine."""
    host = vmspec.Host(arch="x86_64", os="linux", kvm="absent", cpus=1,
                       directory="/srv", run_name="run", environment=[],
                       programs=[], files=[], firmware=[])
    said = {"name": "a", "arch": "x86_64", **said}
    said.setdefault("boot", vmspec.Boot(kernel="/k", initrd="/i"))
    said.setdefault("qemu", vmspec.Qemu(binary="/qemu", accel="off"))
    return vmspec.Plan(vmspec.Spec(**said), host)


def share(tag="src", target="/mnt/src"):
    return vmspec.Share(tag=tag, source="/srv/src", target=target)


class Settings(unittest.TestCase):
    def test_they_are_data_of_the_plan(self):
        """What was described is what the guest is to be configured with."""
        guest = plan(shares=[share()], msize=65536, resolution_x=800,
                     resolution_y=600, graphics=False,
                     store=vmspec.Store(mount_host=True),
                     network=vmspec.Network(primary_address="192.168.1.2"),
                     qemu=vmspec.Qemu(binary="/qemu", guest_agent=False),
                     ).guest
        self.assertIsInstance(guest, vmspec.GuestSettings)
        mounts = {entry.mount_point: entry for entry in guest.file_systems}
        self.assertEqual((mounts["/mnt/src"].device, mounts["/mnt/src"].type,
                          mounts["/mnt/src"].options), (
            "src", "9p", ["trans=virtio", "version=9p2000.L", "msize=65536"]))
        self.assertEqual(guest.overlay, vmspec.GuestOverlay(
            mount_point="/nix/store", lower="/nix/.ro-store",
            upper="/nix/.rw-store/store", work="/nix/.rw-store/work"))
        self.assertEqual((guest.resolution_x, guest.resolution_y,
                          guest.graphics_mode), (800, 600, "800x600"))
        self.assertEqual(guest.consoles, ["tty0", "ttyS0,115200n8"])
        self.assertEqual(guest.kernel_params[-1], "console=ttyS0,115200n8")
        self.assertEqual(guest.primary_address, "192.168.1.2")
        self.assertIs(guest.guest_agent, False)
        self.assertIs(guest.nixos, False)
        self.assertIn("$targetRoot/nix/store", guest.initrd_commands)

    def test_kernel_needs_say_which_option_asks(self):
        """A driver is named with its symbol, its module and its option."""
        needs = {need.symbol: need for need in plan(
            shares=[share()], efi=vmspec.Efi(
                enable=True, firmware="/f", variables="/v"),
        ).guest.kernel_needs}
        self.assertEqual((needs["9P_FS"].module, needs["9P_FS"].option,
                          needs["9P_FS"].builtin), ("9p", "shares", False))
        self.assertEqual((needs["EFI"].module, needs["EFI"].option,
                          needs["EFI"].builtin), (None, "efi.enable", True))
        self.assertNotIn("TCG_TIS", needs)

    def test_not_said_is_none_and_empty_is_empty(self):
        """What is left to the guest is None."""
        guest = plan(boot=vmspec.Boot(
            kernel="/k", default_file_systems=False)).guest
        self.assertIsNone(guest.swap)
        self.assertIsNone(guest.overlay)
        self.assertEqual((guest.tmpfiles, guest.initrd_commands), ([], ""))
        self.assertEqual(guest.color_depth, 0)
        self.assertIs(plan().guest.swap, False)

    def test_they_outlive_the_plan_and_the_library_s_own(self):
        """A copy is returned each time, and the library's is freed."""
        real = _library.library.vmspec_guest_settings_free
        with mock.patch.object(_library.library, "vmspec_guest_settings_free",
                               side_effect=real) as free:
            made = plan(shares=[share()])
            one, other = made.guest, made.guest
            self.assertEqual(free.call_count, 2)
        del made
        gc.collect()
        self.assertEqual(one, other)
        one.consoles.append("x")
        self.assertNotEqual(one, other)
        self.assertEqual(other.file_systems[0].mount_point, "/")

    def test_they_are_freed_where_they_cannot_be_taken(self):
        """An exception on the way leaks nothing."""
        made = plan()
        with mock.patch.object(_library.library, "vmspec_guest_settings_free",
                               side_effect=_library.library
                               .vmspec_guest_settings_free) as free, \
                mock.patch("vmspec._plan.from_address",
                           side_effect=MemoryError), \
                self.assertRaises(MemoryError):
            made.guest  # pylint: disable=pointless-statement
        self.assertEqual(free.call_count, 1)

    def test_they_are_objects_like_others(self):
        """They can be copied, pickled, shown and compared."""
        guest = plan(shares=[share()]).guest
        for same in (copy.deepcopy(guest), copy.copy(guest),
                     pickle.loads(pickle.dumps(guest)),
                     eval(repr(guest), {"vmspec": vmspec})):
            self.assertEqual(same, guest)
        with self.assertRaisesRegex(AttributeError, "did you mean 'luks'"):
            guest.lukss = True


class Texts(unittest.TestCase):
    def test_each_form_is_there(self):
        """The files are of the form that was asked for, and have content."""
        made = plan(shares=[share()])
        self.assertEqual(made.guest.files, [])
        for form in FORMS:
            files = made.guest_files(form)
            with self.subTest(form):
                self.assertEqual({file.form for file in files}, {form})
                for file in files:
                    self.assertIn(file.content, made.guest_text(form))
                    self.assertTrue(file.name)

    def test_one_file_is_its_content(self):
        """Nothing is added to what would be written to a file."""
        made = plan(shares=[share()])
        line = next(line for line in made.guest_text("fstab").splitlines()
                    if line.startswith("src "))
        self.assertEqual(line.split()[:3], ["src", "/mnt/src", "9p"])
        self.assertEqual(json.loads(made.guest_text("json"))["consoles"],
                         made.guest.consoles)

    def test_of_several_files_each_has_its_name_before_it(self):
        """They are told apart as vmspec-run --guest does."""
        text = plan(shares=[share()]).guest_text("units")
        self.assertIn("# /etc/systemd/system/mnt-src.mount\n", text)
        self.assertIn("# /etc/systemd/system/sysroot-mnt-src.mount "
                      "(initial RAM disk)\n", text)
        self.assertEqual(text.count("What=src\n"), 2)

    def test_a_form_that_there_is_not(self):
        """It is refused with those that there are."""
        for ask in (plan().guest_text, plan().guest_files):
            with self.assertRaisesRegex(ValueError, "did you mean 'fstab'"):
                ask("fstb")

    def test_what_a_form_cannot_say_is_a_finding(self):
        """Units are UTF-8, and paths are not."""
        made = plan(file_systems=[vmspec.FileSystem(
            mount_point="/a\udcff", device="/dev/x")])
        found = {finding.id: finding for finding
                 in made.guest_findings("units")}
        self.assertEqual(found["guest.unit-text"].severity, "warning")
        self.assertIn("/a\udcff", [entry.mount_point for entry
                                   in made.guest.file_systems])
        self.assertEqual(made.guest_findings("modules"), [])


class Kernels(unittest.TestCase):
    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)
        self.plan = plan(shares=[share()])

    def config(self, *, without=(), compressed=False):
        """A kernel's configuration with all that is needed, but for some."""
        lines = [f"CONFIG_{need.symbol}=y\n"
                 for need in self.plan.guest.kernel_needs
                 if need.symbol and need.symbol not in without]
        path = self.directory / "config"
        content = "".join(lines).encode()
        path.write_bytes(gzip.compress(content) if compressed else content)
        return path

    def modules(self, *, without=()):
        """A directory of modules, likewise."""
        (self.directory / "modules.builtin").write_text(
            "kernel/block/virtio_blk.ko\n")
        (self.directory / "modules.dep").write_text("".join(
            f"kernel/x/{need.module}.ko.xz:\n"
            for need in self.plan.guest.kernel_needs
            if need.module and need.module not in ("virtio_blk", *without)))
        return self.directory

    def test_one_that_has_everything(self):
        """Plans and their settings can be asked, by all kinds of paths."""
        for compressed in (False, True):
            path = self.config(compressed=compressed)
            for guest in (self.plan, self.plan.guest):
                for same in (path, str(path), bytes(path)):
                    self.assertEqual(
                        vmspec.check_kernel_config(guest, same), [])
        self.assertEqual(
            vmspec.check_kernel_modules(self.plan, self.modules()), [])

    def test_what_is_missing_is_named_and_no_exception(self):
        """Each symbol, and each module, is a finding of its own."""
        found = vmspec.check_kernel_config(
            self.plan, self.config(without=("9P_FS", "PCI")))
        self.assertEqual({finding.id for finding in found},
                         {"kernel.missing"})
        self.assertEqual([finding.path for finding in found],
                         ["shares", "arch"])
        self.assertIn("CONFIG_9P_FS", found[0].text)
        found = vmspec.check_kernel_modules(
            self.plan, self.modules(without=("9p",)))
        self.assertEqual([finding.path for finding in found], ["shares"])
        self.assertIn("9p", found[0].text)

    def test_what_is_asked_for_decides(self):
        """Settings of one's own are looked at, not those of some plan."""
        path = self.config(without=("9P_FS",))
        guest = self.plan.guest
        guest.kernel_needs = [need for need in guest.kernel_needs
                              if need.symbol != "9P_FS"]
        self.assertEqual(vmspec.check_kernel_config(guest, path), [])
        guest.kernel_needs = [vmspec.KernelNeed(
            symbol="VMSPEC_IS_NO_DRIVER", builtin=True, initrd="no")]
        (finding,) = vmspec.check_kernel_config(guest, path)
        self.assertIn("VMSPEC_IS_NO_DRIVER", finding.text)

    def test_what_cannot_be_read_is_an_os_error(self):
        """With the class that open() has for it, and with findings."""
        file = self.config()
        for check, path, kind in (
                (vmspec.check_kernel_config, "no", FileNotFoundError),
                (vmspec.check_kernel_config, ".", IsADirectoryError),
                (vmspec.check_kernel_config, "config/x", NotADirectoryError),
                (vmspec.check_kernel_modules, "no", FileNotFoundError),
                (vmspec.check_kernel_modules, "config", NotADirectoryError)):
            with self.subTest(f"{check.__name__}: {path}"):
                with self.assertRaises(kind) as caught:
                    check(self.plan, file.parent / path)
                self.assertIsInstance(caught.exception, vmspec.Error)
                self.assertTrue(caught.exception.findings)
                self.assertIn(path.rpartition("/")[2], str(caught.exception))

    def test_what_is_none_is_a_value_error(self):
        """A file of something else says nothing about a kernel."""
        path = self.directory / "config"
        path.write_text("hello\n")
        with self.assertRaises(ValueError) as caught:
            vmspec.check_kernel_config(self.plan, path)
        self.assertIn("no kernel configuration", str(caught.exception))
        with self.assertRaises(ValueError):
            vmspec.check_kernel_modules(self.plan, self.directory)

    def test_only_a_plan_and_settings_are_asked(self):
        """A description has a member called guest, and is not meant."""
        for wrong in (vmspec.Spec(), vmspec.Guest(), None):
            with self.assertRaisesRegex(TypeError, "takes a GuestSettings"):
                vmspec.check_kernel_config(wrong, self.config())


class Telling(unittest.TestCase):
    def test_what_the_host_tells_the_guest(self):
        """Credentials reach QEMU's command line, and survive XML."""
        said = vmspec.Guest(
            hostname="web", ssh_keys=["ssh-ed25519 AAAA me"], mounts=True,
            credentials=[vmspec.Credential(name="a.b", value="x, y")])
        made = plan(guest=said, shares=[share()])
        words = [word for word in made.argv if word.startswith("type=11,")]
        self.assertIn("type=11,value=io.systemd.credential:"
                      "system.hostname=web", words)
        coded = base64.b64encode(b"x, y").decode()
        self.assertIn("type=11,value=io.systemd.credential.binary:"
                      f"a.b={coded}", words)
        for name in ("fstab.extra", "ssh.authorized_keys.root"):
            self.assertEqual(sum(name in word for word in words), 1, name)
        back = vmspec.read_xml(vmspec.write_xml(made.spec))
        self.assertEqual(back.guest, said)

    def test_nothing_is_told_if_nothing_is_said(self):
        """Other guests do not notice."""
        self.assertNotIn("-smbios", plan().argv)


if __name__ == "__main__":
    outcome.main()
