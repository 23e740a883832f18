# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the Python binding."""

import copy
import errno
import inspect
import os
import pickle
import pydoc
import select
import shutil
import signal
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import outcome

TOP = Path(__file__).resolve().parents[2]
BINDING = TOP / "bindings" / "python"
sys.path.insert(0, str(BINDING))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import _library, _types  # noqa: E402

HOST = vmspec.Host(arch="x86_64", os="linux", kvm="absent", cpus=2,
                   directory="/run/vm", run_name="run", environment=[],
                   programs=[vmspec.HostProgram(name="qemu-system-x86_64",
                                                path="/usr/bin/qemu")],
                   files=[], firmware=[])


def demo(**said):
    return vmspec.Spec(name="demo", boot=vmspec.Boot(kernel="/k"), **said)


class Objects(unittest.TestCase):
    def test_every_struct_has_a_class_and_every_member_an_attribute(self):
        tags = {row.owner for row in vmspec.options()}
        self.assertEqual(tags, set(_types.CLASSES))
        for row in vmspec.options():
            if row.kind in (_library.KIND_SIZE, _library.KIND_RESERVED,
                            _library.KIND_CALLBACK, _library.KIND_POINTER):
                continue
            value = _types.CLASSES[row.owner]()
            self.assertIsNone(getattr(value, row.attribute), row)
            self.assertIn(row.kind, range(1, _library.KIND_POINTER + 1))

    def test_all_are_public_but_those_that_keyword_arguments_stand_for(self):
        hidden = {_types.class_name(tag) for tag in _types.CLASSES
                  if not hasattr(vmspec, _types.class_name(tag))}
        self.assertEqual(hidden, {"Start", "Work", "Progress", "Descriptor"})
        self.assertEqual(hidden & set(vmspec.__all__), set())

    def test_answers_are_read_only(self):
        for cls in (vmspec.Event, vmspec.ExecResult):
            self.assertTrue(issubclass(cls, tuple), cls)

    def test_unknown_keyword_is_refused_with_a_suggestion(self):
        with self.assertRaisesRegex(TypeError, "did you mean 'memory'"):
            vmspec.Spec(memroy=1)

    def test_unknown_attribute_is_refused(self):
        with self.assertRaisesRegex(AttributeError, "did you mean 'cores'"):
            vmspec.Spec().core = 1

    def test_wrong_enumeration_value_is_refused_with_a_suggestion(self):
        with self.assertRaisesRegex(ValueError, "did you mean 'virtio-scsi'"):
            vmspec.Drive(interface="virtio_scsi")

    def test_values_of_wrong_type_are_refused(self):
        for wrong in (dict(memory="1"), dict(memory=True), dict(graphics=1),
                      dict(name=1), dict(shares="x"), dict(shares=["x"]),
                      dict(boot=vmspec.Efi()), dict(arch=1)):
            with self.subTest(wrong), self.assertRaises(TypeError):
                vmspec.Spec(**wrong)

    def test_numbers_that_cannot_be_said_are_refused(self):
        for wrong in (dict(memory=0), dict(memory=-1), dict(cores=2 ** 32),
                      dict(cores=vmspec.NONE)):
            with self.subTest(wrong), self.assertRaises(ValueError):
                vmspec.Spec(**wrong)

    def test_zero_is_a_number_where_the_table_says_so(self):
        self.assertEqual(vmspec.Vlan(number=0).number, 0)

    def test_text_with_nul_is_refused(self):
        with self.assertRaisesRegex(ValueError, "NUL"):
            vmspec.Spec(name="a\0b")

    def test_text_with_half_a_character_is_refused(self):
        with self.assertRaisesRegex(ValueError, "Spec.name cannot hold half"):
            vmspec.Spec(name="a\ud800")
        vmspec.Spec(name="a\udcff")  # a byte that is no UTF-8

    def test_a_list_that_was_changed_is_checked_at_the_call(self):
        spec = demo(shares=[])
        spec.shares.append("not a share")
        with self.assertRaises(TypeError):
            vmspec.resolve(spec, HOST)

    def test_objects_compare_by_what_they_hold(self):
        self.assertEqual(demo(memory=1), demo(memory=1))
        self.assertNotEqual(demo(memory=1), demo(memory=2))
        self.assertNotEqual(demo(shares=[]), demo())
        self.assertNotEqual(vmspec.Vlan(), vmspec.Boot())

    def test_repr_shows_what_is_said_and_evaluates_to_the_same(self):
        spec = demo(disk=vmspec.Disk(size=vmspec.NONE), memory=5)
        self.assertNotIn("cores", repr(spec))
        self.assertEqual(eval(repr(spec), {"vmspec": vmspec}), spec)

    def test_copies_are_equal_and_deep_ones_share_nothing(self):
        spec = demo(shares=[vmspec.Share(tag="a")],
                    disk=vmspec.Disk(size=vmspec.NONE))
        self.assertEqual(copy.copy(spec), spec)
        deep = copy.deepcopy(spec)
        self.assertIs(deep.disk.size, vmspec.NONE)
        deep.shares[0].tag = "b"
        self.assertEqual(spec.shares[0].tag, "a")
        self.assertEqual(pickle.loads(pickle.dumps(spec)), spec)

    def test_a_member_called_like_a_keyword_ends_in_an_underscore(self):
        port = vmspec.ForwardPort(from_="guest")
        self.assertEqual(port.from_, "guest")

    def test_a_layout_other_than_the_table_says_is_refused(self):
        row = next(row for row in vmspec.options() if row.name == "memory")
        struct = type("other", (_types.ctypes.Structure,), {})
        with self.assertRaisesRegex(ImportError, "memory"):
            _types._lay_out(struct, [row])


class Stages(unittest.TestCase):
    def test_resolving_fills_in_and_is_stable(self):
        resolved = vmspec.resolve(demo(), HOST)
        self.assertEqual(resolved.memory, 1024)
        self.assertIs(resolved.graphics, True)
        self.assertEqual(vmspec.resolve(resolved, HOST), resolved)

    def test_none_and_not_said_differ(self):
        def drives(**disk):
            spec = demo(disk=vmspec.Disk(**disk))
            return vmspec.resolve(spec, HOST).drives
        self.assertEqual([d.name for d in drives()], ["root"])
        self.assertEqual(drives(image=""), [])
        none = vmspec.resolve(demo(disk=vmspec.Disk(size=vmspec.NONE)), HOST)
        self.assertIs(none.disk.size, vmspec.NONE)
        # There is but one, in copies as well.
        self.assertIs(copy.deepcopy(none).disk.size, vmspec.NONE)
        self.assertIs(copy.copy(vmspec.NONE), vmspec.NONE)

    def test_an_empty_list_and_none_said_differ(self):
        self.assertEqual(vmspec.resolve(demo(vlans=[]), HOST).vlans, [])
        self.assertEqual(vmspec.resolve(demo(), HOST).vlans,
                         [vmspec.Vlan(number=1)])

    def test_any_bytes_of_a_path_reach_qemu_and_come_back(self):
        odd = os.fsdecode(b"/a\xff, \xc3\xa9\n")
        spec = demo(shares=[vmspec.Share(tag="a", source=odd, target="/m")])
        plan = vmspec.Plan(spec, HOST)
        wanted = "local,path=" + odd.replace(",", ",,")
        self.assertTrue(any(word.startswith(wanted) for word in plan.argv))
        self.assertIn(odd, [share.source for share in plan.spec.shares])

    def test_paths_and_bytes_are_texts(self):
        self.assertEqual(vmspec.Boot(kernel=Path("/k")),
                         vmspec.Boot(kernel=b"/k"))

    def test_xml_reads_back_to_the_same(self):
        spec = demo(
            graphics=False, arch="aarch64", vlans=[vmspec.Vlan(number=0)],
            disk=vmspec.Disk(size=vmspec.NONE, image=""),
            qemu=vmspec.Qemu(options=["-s", "a b"], consoles=[]),
            network=vmspec.Network(forward_ports=[vmspec.ForwardPort(
                from_="guest", guest_port=1, host_port=65535)]),
            drives=[vmspec.Drive(file="/f", drive_options=[
                vmspec.Property(name="cache", value="none")])])
        text = vmspec.write_xml(spec)
        self.assertEqual(vmspec.read_xml(text), spec)
        self.assertEqual(vmspec.read_xml(text.encode()), spec)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "demo.xml")
            path.write_text(text)
            self.assertEqual(vmspec.read_xml(path), spec)
            self.assertEqual(vmspec.read_xml(str(path)), spec)

    def test_a_file_that_is_not_there_is_an_os_error(self):
        with self.assertRaises(OSError) as caught:
            vmspec.read_xml("/nowhere/at/all.xml")
        self.assertEqual(caught.exception.errno, errno.ENOENT)

    def test_an_error_in_xml_has_its_line(self):
        with self.assertRaises(vmspec.DescriptionError) as caught:
            vmspec.read_xml('<vmspec xmlns="urn:vmspec:1"\n memroy="1"/>')
        self.assertTrue(caught.exception.findings[0].line)

    def test_check_returns_errors_and_plan_raises_them_all(self):
        guest = vmspec.ForwardPort(from_="guest", proto="udp", host_port=1,
                                   guest_port=1, guest_address="1.2.3.4")
        spec = demo(network=vmspec.Network(forward_ports=[guest]))
        found = [f for f in vmspec.check(spec, HOST) if f.severity == "error"]
        self.assertEqual(
            {(f.id, f.path) for f in found},
            {("forward-port.guest-udp", "network.forward_ports[0].proto"),
             ("forward-port.guest-address",
              "network.forward_ports[0].guest_address")})
        with self.assertRaises(vmspec.DescriptionError) as caught:
            vmspec.Plan(spec, HOST)
        self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.assertLessEqual(set(found), set(caught.exception.findings))
        self.assertIn("forward-port.guest-udp", str(caught.exception))

    def test_a_plan_says_what_it_would_do(self):
        host = copy.copy(HOST)
        host.environment = ["TMPDIR=/srv/t", "A=b=c"]
        host.arguments = ["-s"]
        plan = vmspec.Plan(demo(), host)
        self.assertEqual(plan.argv[0], "/usr/bin/qemu")
        self.assertEqual(plan.argv[-1], "-s")
        self.assertEqual(plan.directory, "/srv/t/run")
        self.assertEqual(plan.environment,
                         {"TMPDIR": "/srv/t/run", "A": "b=c"})
        self.assertEqual(plan.accel, "tcg")
        self.assertIn("/usr/bin/qemu", plan.command)
        self.assertEqual(plan.spec, vmspec.resolve(demo(), host))

    def test_missing_files_are_findings(self):
        missing = vmspec.Plan(demo(), HOST).check_files()
        self.assertTrue(any("/k" in f.text for f in missing))

    def test_only_a_host_that_is_not_given_has_this_environment(self):
        with mock.patch.dict(os.environ, {"NIX_DISK_IMAGE": "/srv/mine"}):
            def has(plan):
                return any("/srv/mine" in word for word in plan.argv)
            self.assertTrue(has(vmspec.Plan(demo())))
            self.assertFalse(has(vmspec.Plan(demo(), HOST)))

    def test_what_is_given_is_not_looked_up(self):
        given = vmspec.Host(arch="riscv64", environment=[], cpus=99)
        host = vmspec.host_detect(demo(), given)
        self.assertEqual((host.arch, host.cpus), ("riscv64", 99))
        self.assertTrue(host.directory)

    def test_the_version_is_that_of_the_library(self):
        self.assertRegex(vmspec.version, r"\A\d+\.\d+\.\d+\Z")
        self.assertEqual(vmspec.__version__, vmspec.version)


class Settings(unittest.TestCase):
    def test_they_are_applied_in_their_order_to_a_copy(self):
        spec = demo(memory=1)
        said = vmspec.apply_settings(
            spec, "memory=4096", "qemu.cpu=host", "disk.size=none",
            "shares[]=tag=src,source=/srv,target=/mnt", "shares[]=tag=b",
            "shares[0].source=/a, b", "qemu.options[]=-s", "disk.image=")
        self.assertEqual(said, demo(
            memory=4096,
            qemu=vmspec.Qemu(cpu="host", options=["-s"]),
            disk=vmspec.Disk(size=vmspec.NONE, image=""),
            shares=[vmspec.Share(tag="src", source="/a, b", target="/mnt"),
                    vmspec.Share(tag="b")]))
        self.assertEqual(spec, demo(memory=1))
        self.assertEqual(vmspec.apply_settings(spec), spec)

    def test_what_cannot_be_set_is_said(self):
        for wrong, identity in (("memroy=1", "set.unknown-key"),
                                ("memory=much", "value.integer")):
            with self.assertRaises(vmspec.DescriptionError) as caught:
                vmspec.apply_settings(vmspec.Spec(), "cores=1", wrong)
            self.assertIn(wrong, str(caught.exception))
            self.assertEqual([f.id for f in caught.exception.findings],
                             [identity])
        with self.assertRaises(ValueError):
            vmspec.apply_settings(vmspec.Spec(), "name=a\0b")
        with self.assertRaises(TypeError):
            vmspec.apply_settings(vmspec.Share(), "tag=a")

    def test_an_option_reads_what_a_text_names(self):
        rows = {(row.owner, row.name): row for row in vmspec.options()}
        for owner, name, said, value in (
                ("vmspec", "memory", "2048", 2048),
                ("vmspec", "graphics", "off", False),
                ("vmspec", "name", "a", "a"),
                ("vmspec_drive", "interface", "virtio-scsi", "virtio-scsi"),
                ("vmspec_disk", "size", "none", vmspec.NONE),
                ("vmspec_image", "size", "10G", 10 << 30)):
            self.assertEqual(rows[owner, name].parse(said), value, name)
        with self.assertRaises(vmspec.DescriptionError) as caught:
            rows["vmspec", "memory"].parse("much")
        self.assertIn("'much'", str(caught.exception))
        with self.assertRaises(vmspec.DescriptionError):
            rows["vmspec", "shares"].parse("a")
        with self.assertRaises(ValueError):
            rows["vmspec", "name"].parse("a\0b")


class Places(unittest.TestCase):
    """Findings about a description that was read from a file."""

    XML = ('<vmspec xmlns="urn:vmspec:1" name="demo">\n'
           '  <boot kernel="/k"/>\n'
           '  <network>\n'
           '    <forward-port host-address="no" host-port="1"'
           ' guest-port="1"/>\n'
           '    <forward-port host-address="not" host-port="2"'
           ' guest-port="2"/>\n'
           '  </network>\n'
           '</vmspec>\n')

    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.file = Path(directory, "demo.xml")
        self.file.write_text(self.XML)

    def lines(self, findings):
        return [f.line for f in findings if f.severity != "warning"]

    def test_they_have_its_name_and_the_line(self):
        spec = vmspec.read_xml(self.file)
        found = vmspec.check(spec, HOST)
        self.assertEqual(self.lines(found), [4, 5])
        self.assertEqual({f.file for f in found}, {str(self.file)})
        self.assertTrue(str(found[0]).startswith(f"{self.file}:4: "))
        plan = vmspec.Plan(spec, HOST)
        self.assertEqual(self.lines(plan.findings), [4, 5])
        with self.assertRaises(vmspec.Error) as caught:
            plan.start()
        self.assertIn(f"{self.file}:4: ", str(caught.exception))
        self.assertIn(("boot.kernel", 2), [
            (f.path, f.line) for f in plan.check_files()])

    def test_an_exception_has_them(self):
        self.file.write_text(self.XML.replace('"2"', '"2" proto="udp" '
                                              'from="guest"', 1))
        with self.assertRaises(vmspec.DescriptionError) as caught:
            vmspec.Plan(vmspec.read_xml(self.file), HOST)
        self.assertIn(5, self.lines(caught.exception.findings))

    def test_a_text_has_lines_but_no_name(self):
        found = vmspec.check(vmspec.read_xml(self.XML), HOST)
        self.assertEqual([(f.file, f.line) for f in found][:1], [(None, 4)])
        self.assertTrue(str(found[0]).startswith("<text>:4: "))

    def test_what_has_changed_is_not_there(self):
        spec = vmspec.read_xml(self.file)
        spec.network.forward_ports[0].host_port = 99
        self.assertEqual(self.lines(vmspec.check(spec, HOST)), [None, 5])
        del spec.network.forward_ports[0]
        self.assertEqual(self.lines(vmspec.check(spec, HOST)), [None])
        spec = vmspec.apply_settings(vmspec.read_xml(self.file), "memory=77",
                                     "network.forward_ports[1].proto=tcp")
        self.assertEqual(self.lines(vmspec.check(spec, HOST)), [4, None])

    def test_copies_keep_them_and_a_pickle_does_not(self):
        spec = vmspec.read_xml(self.file)
        for same in (copy.copy(spec), copy.deepcopy(spec)):
            self.assertEqual(self.lines(vmspec.check(same, HOST)), [4, 5])
        same = pickle.loads(pickle.dumps(spec))
        self.assertEqual(same, spec)
        self.assertEqual(self.lines(vmspec.check(same, HOST)), [None, None])


class Exceptions(unittest.TestCase):
    def test_all_findings_are_shown_and_a_pickle_has_them(self):
        spec = demo(network=vmspec.Network(forward_ports=[
            vmspec.ForwardPort(from_="guest", proto="udp", host_port=1,
                               guest_port=1, guest_address="1.2.3.4")]))
        with self.assertRaises(vmspec.DescriptionError) as caught:
            vmspec.Plan(spec, HOST)
        error = caught.exception
        self.assertGreater(len(error.findings), 1)
        for finding in error.findings:
            self.assertIn(str(finding), str(error))
            self.assertIn(repr(finding), repr(error))
        again = pickle.loads(pickle.dumps(error))
        self.assertIs(type(again), type(error))
        for name in ("errno", "strerror", "what", "findings"):
            self.assertEqual(getattr(again, name), getattr(error, name))
        self.assertEqual(str(again), str(error))
        machine = vmspec.MachineError(errno.EIO, "it failed", error.findings)
        machine.returncode, machine.last_words = 3, b"words"
        again = copy.copy(machine)
        self.assertEqual((again.returncode, again.last_words, str(again)),
                         (3, b"words", str(machine)))

    def test_each_is_explained_and_in_the_list(self):
        listed = vmspec.Error.__doc__
        for cls in [vmspec.Error, *vmspec.Error.__subclasses__()]:
            self.assertIn(cls.__name__, vmspec.__all__)
            self.assertTrue(cls.__doc__)
            if cls is not vmspec.Error:
                bases = [b.__name__ for b in cls.__bases__ if b is not
                         vmspec.Error]
                self.assertRegex(listed, rf"(?m)^ *{cls.__name__} +"
                                 + "".join(bases))


class Help(unittest.TestCase):
    def test_a_class_tells_its_members_by_the_table(self):
        text = pydoc.render_doc(vmspec.Drive, renderer=pydoc.plaintext)
        for row in vmspec.options():
            if row.owner == "vmspec_drive" and row.attribute in \
                    inspect.signature(vmspec.Drive).parameters:
                member = inspect.getdoc(getattr(vmspec.Drive, row.attribute))
                for said in (row.doc, row.default, row.nixos):
                    if said:
                        self.assertIn(said, member)
                        self.assertIn(said, vmspec.Drive.__doc__)
                        self.assertIn(said, text)

    def test_a_signature_has_the_keywords(self):
        parameters = inspect.signature(vmspec.Drive).parameters
        self.assertEqual(list(parameters), list(vmspec.Drive._rows))
        self.assertEqual(parameters["size"].annotation, "Optional[int]")
        self.assertEqual(parameters["size"].kind,
                         inspect.Parameter.KEYWORD_ONLY)
        self.assertEqual(
            list(inspect.signature(vmspec.Plan.start_async).parameters),
            list(inspect.signature(vmspec.Plan.start).parameters))

    def test_everything_public_has_a_text(self):
        for name in vmspec.__all__:
            thing = getattr(vmspec, name)
            if callable(thing):
                self.assertTrue(inspect.getdoc(thing), name)
            for member, value in vars(thing).items() if \
                    isinstance(thing, type) else ():
                if callable(value) and not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(value),
                                    f"{name}.{member}")


class Wrong(unittest.TestCase):
    def test_only_a_description_is_planned(self):
        for value in (vmspec.Share(), {}, None, "name"):
            for stage in (vmspec.Plan, vmspec.resolve, vmspec.check,
                          vmspec.host_detect, vmspec.write_xml):
                with self.assertRaisesRegex(TypeError, "takes a Spec"):
                    stage(value)

    def test_only_a_host_is_a_host(self):
        for stage in (vmspec.Plan, vmspec.resolve, vmspec.check,
                      vmspec.host_detect):
            with self.assertRaisesRegex(TypeError, "takes a Host"):
                stage(vmspec.Spec(), vmspec.Spec())


class Machines(unittest.TestCase):
    """With a shell script for an emulator, which speaks no QMP."""

    def setUp(self):
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        self.directory = Path(directory)

    def plan(self, script, **said):
        emulator = self.directory / "emulator"
        emulator.write_text("#!/bin/sh\n" + script)
        emulator.chmod(0o755)
        kernel = self.directory / "kernel"
        kernel.touch()
        spec = vmspec.Spec(
            name="demo", boot=vmspec.Boot(kernel=kernel),
            disk=vmspec.Disk(image=""), qemu=vmspec.Qemu(binary=emulator),
            **said)
        given = vmspec.Host(directory=self.directory, environment=[
            f"TMPDIR={self.directory}", "PATH=/usr/bin:/bin"])
        return vmspec.Plan(spec, vmspec.host_detect(spec, given))

    def test_wait_returns_the_exit_status(self):
        with self.plan("exit 7").start(qmp=False) as vm:
            self.assertIsNone(vm.returncode)
            self.assertEqual(vm.wait(30), 7)
            self.assertEqual((vm.wait(), vm.returncode), (7, 7))

    def test_the_emulator_gets_the_plan(self):
        plan = self.plan('pwd > "$TMPDIR"/../seen; printf "%s\\n" "$@" '
                         '>> "$TMPDIR"/../seen')
        with plan.start(qmp=False) as vm:
            self.assertEqual(vm.wait(30), 0)
        seen = (self.directory / "seen").read_text()
        self.assertEqual(seen, "\n".join([plan.directory, *plan.argv[1:], ""]))

    def test_a_machine_and_its_plan_tell_what_they_are(self):
        plan = self.plan("exec sleep 60")
        self.assertEqual(repr(plan),
                         "<vmspec.Plan 'demo' for emulator, 0 findings>")
        with plan.start(qmp=False) as vm:
            self.assertEqual(repr(vm),
                             f"<vmspec.VM 'demo', pid {vm.pid}, running>")
            pid = vm.pid
        self.assertEqual(repr(vm),
                         f"<vmspec.VM 'demo', pid {pid}, ended with -9>")

    def test_waiting_has_an_end_and_the_machine_goes_on(self):
        with self.plan("exec sleep 60").start(qmp=False) as vm:
            with self.assertRaises(TimeoutError):
                vm.wait(0.01)
            self.assertIsNone(vm.returncode)
            vm.kill(signal.SIGTERM)
            self.assertEqual(vm.wait(30), -signal.SIGTERM)

    def test_the_descriptor_becomes_readable_at_the_end(self):
        with self.plan("exec sleep 60").start(qmp=False) as vm:
            self.assertEqual(select.select([vm], [], [], 0)[0], [])
            vm.kill()
            self.assertEqual(select.select([vm], [], [], 30)[0], [vm])

    def test_leaving_the_block_ends_the_machine(self):
        with self.plan("exec sleep 60").start(qmp=False) as vm:
            pid = vm.pid
            os.kill(pid, 0)
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)
        with self.assertRaises(ValueError):
            vm.pid

    def test_a_blocker_refuses_the_start_unless_forced(self):
        rule = vmspec.ForwardPort(host_address="no address", host_port=1,
                                  guest_port=1)
        plan = self.plan("exit 0",
                         network=vmspec.Network(forward_ports=[rule]))
        self.assertIn("blocker", [f.severity for f in plan.findings])
        with self.assertRaises(vmspec.BlockedError) as caught:
            plan.start(qmp=False)
        self.assertEqual(caught.exception.errno, errno.ENOEXEC)
        with plan.start(force=True, qmp=False) as vm:
            self.assertEqual(vm.wait(30), 0)

    def test_an_emulator_that_is_not_there_is_said(self):
        plan = self.plan("exit 0")
        (self.directory / "emulator").unlink()
        with self.assertRaises(vmspec.Error) as caught:
            plan.start(qmp=False)
        self.assertEqual(caught.exception.errno, errno.ENOENT)
        self.assertTrue(caught.exception.findings)


if __name__ == "__main__":
    outcome.main()
