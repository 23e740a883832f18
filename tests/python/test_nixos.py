# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about NixOS configurations: the module system's rules, and what comes
of them.  What is claimed here was seen to be so in Nix."""

import sys
import unittest
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bindings" / "python"))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import nixos  # noqa: E402
from vmspec.nixos import codec, merge, systems, types  # noqa: E402

ERROR = {"!error": True}


def override(priority, content):
    return {"_type": "override", "priority": priority, "content": content}


def order(priority, content):
    return {"_type": "order", "priority": priority, "content": content}


def when(condition, content):
    return {"_type": "if", "condition": condition, "content": content}


def both(*contents):
    return {"_type": "merge", "contents": list(contents)}


def force(content):
    return override(50, content)


def default(content):
    return override(1000, content)


class Case(unittest.TestCase):
    system = "x86_64-linux"
    version = "new"

    def convert(self, options, **said):
        said = {"guest_system": self.system, "version": self.version, **said}
        return nixos.convert(options, **said)

    def host(self, machine):
        return nixos.host(machine.host_system, directory="/run/vm",
                          run_name="run", environment=[], programs=[],
                          firmware=[], kvm="absent", cpus=1)

    def resolve(self, options, **said):
        """The resolved description, and NixOS's resolved options."""
        machine = self.convert(options, **said)
        spec = vmspec.resolve(machine.spec, self.host(machine))
        return spec, nixos.resolved_options(spec, machine)

    def options(self, options, **said):
        return self.resolve(options, **said)[1]

    def argv(self, options, **said):
        machine = self.convert(options, **said)
        return vmspec.Plan(machine.spec, self.host(machine)).argv

    def refused(self, options, kind, option, **said):
        with self.assertRaises(nixos.NixosError) as caught:
            machine = self.convert(options, **said)
            findings = vmspec.check(machine.spec, self.host(machine))
            raise nixos.refusal(findings, machine.spec) \
                or AssertionError("not refused")
        error = caught.exception
        self.assertEqual((error.kind, error.option),
                         (kind, option and "virtualisation." + option))


class Priorities(Case):
    def test_the_strongest_wins(self):
        for definition, cores in (
                (both(2, force(3)), 3), (both(default(2), 3), 3),
                (both(default(2), override(1001, 3)), 2),
                (both(override(99, 2), 3), 2), (when(False, 2), 1),
                (when(True, 2), 2), (override(1501, 2), 1)):
            with self.subTest(definition):
                self.assertEqual(self.options({"cores": definition})["cores"],
                                 cores)

    def test_they_go_down_through_sets_of_options(self):
        for options in ({"qemu": force({"consoles": ["a"]})},
                        force({"qemu": {"consoles": ["a"]}}),
                        {"qemu": when(True, {"consoles": ["a"]})},
                        both({"qemu": both({"consoles": ["a"]})})):
            with self.subTest(options):
                qemu = self.options(options)["qemu"]
                self.assertEqual(qemu["consoles"], ["a"])
        self.refused({"qemu": default({"disk": 1})}, "unknown", "qemu.disk")

    def test_a_second_one_is_not_taken_off(self):
        self.refused({"qemu": force({"package": force("/nix/store/q")})},
                     "type", "qemu.package")

    def test_an_order_does_not_go_down_through_sets_of_options(self):
        self.refused({"qemu": order(500, {"options": ["-s"]})}, "unknown",
                     "qemu._type")

    def test_unequal_definitions_of_one_priority_conflict(self):
        self.refused({"cores": both(1, 2)}, "conflict", "cores")
        self.refused({"bios": both(None, "/nix/store/qboot")}, "conflict",
                     "bios")
        self.assertEqual(self.options({"cores": both(2, 2)})["cores"], 2)

    def test_the_module_s_own_definitions_can_be_overridden(self):
        share = {"source": "/srv/x", "target": "/tmp/xchg"}
        self.refused({"sharedDirectories": {"xchg": share}}, "conflict",
                     "sharedDirectories.xchg.source")
        self.assertIn(
            "local,path=/srv/x,security_model=none,mount_tag=xchg",
            self.argv({"sharedDirectories": {"xchg": {
                "source": force("/srv/x")}}}))
        # Nothing of the module's is left in it.
        self.assertIn(
            "local,path=/srv/x,security_model=mapped-xattr,mount_tag=xchg",
            self.argv({"sharedDirectories": {"xchg": force(share)}}))
        weak = self.options({"sharedDirectories": {"xchg": default(share)}})
        self.assertNotEqual(weak["sharedDirectories"]["xchg"]["source"],
                            "/srv/x")

    def test_forcing_a_set_drops_the_module_s_entries(self):
        argv = self.argv({"sharedDirectories": force({})})
        self.assertNotIn("-virtfs", argv)
        spec, _ = self.resolve({"fileSystems": force({})})
        self.assertEqual(spec.file_systems, [])


class Orders(Case):
    def files(self, drives, **options):
        drives = self.options({**options, "qemu": {"drives": drives}})
        return [d["name"] or d["file"] for d in drives["qemu"]["drives"]]

    def test_drives_are_joined_in_order(self):
        mine = [{"file": "/f"}]
        self.assertEqual(self.files(mine), ["root", "/f"])
        self.assertEqual(self.files(order(500, mine)), ["/f", "root"])
        self.assertEqual(self.files(order(1500, mine)), ["root", "/f"])
        self.assertEqual(self.files(force(order(500, mine))), ["/f"])
        self.assertEqual(self.files(default(mine)), ["root"])
        self.assertEqual(
            self.files(both(mine, order(999, [{"file": "/e"}]))),
            ["/e", "root", "/f"])

    def test_drives_before_the_root_are_numbered_first(self):
        argv = self.argv({"qemu": {"drives": order(500, [{"file": "/f"}])}})
        first, second = [word for word in argv if ",if=none," in word]
        self.assertIn("file=/f,id=drive1", first)
        self.assertIn("file=/run/vm/nixos.qcow2,id=drive2", second)

    def test_options_are_put_before_and_after_the_module_s(self):
        def places(pieces):
            argv = self.argv({"qemu": {"options": pieces}})
            return argv.index("-s") - argv.index("-kernel")
        self.assertLess(places(order(500, ["-s"])), 0)
        self.assertGreater(places(["-s"]), 0)
        self.assertGreater(places(order(1500, ["-s"])), 0)
        argv = self.argv({"qemu": {"options": force(["-s"])}})
        self.assertNotIn("-kernel", argv)
        self.assertEqual(argv[-1], "-s")

    def test_weak_options_yield_to_the_module_s_if_it_has_any(self):
        weak = {"options": default(["-s"])}
        self.assertNotIn("-s", self.argv({"qemu": weak}))
        bare = {"qemu": {**weak, "virtioKeyboard": False},
                "directBoot": {"enable": False}}
        self.assertNotIn("-s", self.argv(bare))
        self.assertIn("-s", self.argv(bare, guest_system="riscv64-linux"))

    def test_network_options_are_forced_and_appended(self):
        argv = self.argv({"qemu": {"networkingOptions": ["-nic none"]}})
        self.assertLess(argv.index("-netdev"), argv.index("-nic"))
        argv = self.argv({"qemu": {"networkingOptions":
                                   force(["-nic none"])}})
        self.assertNotIn("-netdev", argv)

    def test_additional_paths_come_after_the_system_if_nothing_else_is_said(
            self):
        def paths(options):
            return self.options(options)["additionalPaths"]
        system = "/nix/store/system"
        self.assertEqual(paths({"additionalPaths": ["/a"]}), [system, "/a"])
        self.assertEqual(paths({"additionalPaths": order(500, ["/a"])}),
                         ["/a", system])
        self.assertEqual(paths({"additionalPaths": force(["/a"])}), ["/a"])
        self.assertEqual(paths({"pathsInNixDB": ["/a"],
                                "additionalPaths": ["/b"]}),
                         ["/a", system, "/b"])
        self.assertEqual(paths({"pathsInNixDB": force(["/a"])}), ["/a"])


class FileSystems(Case):
    def table(self, file_systems, **options):
        spec, _ = self.resolve({**options, "fileSystems": file_systems})
        return {fs.mount_point: fs for fs in spec.file_systems}

    def test_what_the_module_says_otherwise_conflicts_by_member(self):
        self.refused({"fileSystems": {"/": {"fsType": "xfs"}}}, "conflict",
                     'fileSystems."/".fsType')
        self.refused({"fileSystems": {"/": {"device": "/dev/vdb"}}},
                     "conflict", 'fileSystems."/".device')
        self.refused({"fileSystems": {"/": {"device": "/dev/vdb"}},
                      "rootDevice": None}, "conflict",
                     'fileSystems."/".device')

    def test_what_the_module_leaves_open_does_not(self):
        self.assertTrue(self.table({"/": {"neededForBoot": True}})
                        ["/"].needed_for_boot)
        image = self.table({"/nix/.ro-store": {"fsType": "erofs"}},
                           useNixStoreImage=True, writableStore=True)
        self.assertEqual(image["/nix/.ro-store"].type, "erofs")
        overlay = self.table({"/nix/.rw-store": {"device": "upper"}})
        self.assertEqual(overlay["/nix/.rw-store"].device, "upper")

    def test_a_member_can_be_forced(self):
        root = self.table({"/": {"fsType": force("xfs")}})["/"]
        self.assertEqual((root.type, root.device),
                         ("xfs", "/dev/disk/by-label/nixos"))

    def test_an_entry_can_be_forced(self):
        entry = {"device": "/dev/vdb", "fsType": "btrfs"}
        root = self.table({"/": force(entry)}, useBootLoader=True)["/"]
        self.assertEqual((root.device, root.type, root.options),
                         ("/dev/vdb", "btrfs", ["defaults"]))

    def test_a_weak_entry_yields(self):
        table = self.table({"/": default({"fsType": "xfs"}),
                            "/x": default({"device": "/dev/x"})})
        self.assertEqual(table["/"].type, "ext4")
        self.assertEqual(table["/x"].device, "/dev/x")

    def test_one_s_own_mount_options_come_first(self):
        table = self.table({"/nix/.rw-store": {"options": ["size=1G"]}})
        self.assertEqual(table["/nix/.rw-store"].options,
                         ["size=1G", "mode=0755"])

    def test_two_of_the_module_at_one_place_conflict_unless_replaced(self):
        options = {"useNixStoreImage": True, "mountHostNixStore": True,
                   "writableStore": False}
        point = 'fileSystems."/nix/store"'
        self.refused(options, "conflict", point + ".device")
        table = self.table({"/nix/store": force({"device": "x"})}, **options)
        self.assertEqual(table["/nix/store"].device, "x")

    def test_tmp_is_a_tmpfs_if_the_configuration_says_so(self):
        for size, shown in ((4096, "size=4096"), (force("10%"), "size=10%")):
            spec, _ = self.resolve({}, config={"boot": {"tmp": {
                "useTmpfs": True, "tmpfsSize": size}}})
            tmp = {fs.mount_point: fs for fs in spec.file_systems}["/tmp"]
            self.assertIn(shown, tmp.options)
        spec, _ = self.resolve({}, config={"boot": {"tmp": {
            "useTmpfs": both(default(True), False)}}})
        self.assertNotIn("/tmp", [fs.mount_point for fs in spec.file_systems])


class Errors(Case):
    def test_unknown_options(self):
        self.refused({"memorysize": 1}, "unknown", "memorysize")
        self.refused({"forwardPorts": [{"port": 1}]}, "unknown",
                     'forwardPorts."[definition 1-entry 1]".port')
        # Before all others, and in the order of their names.
        self.refused({"cores": 0, "b": 1, "a": 2}, "unknown", "a")

    def test_types(self):
        for options, option in (
                ({"cores": 0}, "cores"), ({"cores": "1"}, "cores"),
                ({"cores": True}, "cores"), ({"graphics": 1}, "graphics"),
                ({"diskSize": 0}, "diskSize"), ({"diskImage": 1}, "diskImage"),
                ({"qemu": {"package": "/srv/qemu"}}, "qemu.package"),
                ({"qemu": {"package": "/nix/store/a/b"}}, "qemu.package"),
                ({"emptyDiskImages": [1, 0]},
                 'emptyDiskImages."[definition 1-entry 2]"'),
                ({"forwardPorts": [{"host": {"port": 65536}}]},
                 'forwardPorts."[definition 1-entry 1]".host.port'),
                ({"sharedDirectories": []}, "sharedDirectories"),
                ({"forwardPorts": {}}, "forwardPorts"),
                ({"fileSystems": {"/": {"options": [""]}}},
                 'fileSystems."/".options."[definition 1-entry 1]"')):
            with self.subTest(option):
                self.refused(options, "type", option)

    def test_definitions_are_counted_with_the_module_s(self):
        self.refused({"qemu": {"options": [1]}}, "type",
                     'qemu.options."[definition 4-entry 1]"')
        self.refused({"qemu": {"options": order(500, [1])}}, "type",
                     'qemu.options."[definition 1-entry 1]"')
        self.refused({"qemu": {"networkingOptions": [1]}}, "type",
                     'qemu.networkingOptions."[definition 2-entry 1]"')
        self.refused({"qemu": {"drives": [{}]}}, "missing",
                     'qemu.drives."[definition 3-entry 1]".file')
        self.refused({"qemu": {"drives": [{}]}, "useNixStoreImage": True},
                     "missing", 'qemu.drives."[definition 4-entry 1]".file')
        self.refused({"additionalPaths": ["x"]}, "type",
                     'additionalPaths."[definition 2-entry 1]"')

    def test_values_that_must_be_said(self):
        self.refused({"sharedDirectories": {"a": {"source": "/a"}}},
                     "missing", "sharedDirectories.a.target")
        self.refused({"forwardPorts": [{"guest": {"port": 1}}]}, "missing",
                     'forwardPorts."[definition 1-entry 1]".host.port')

    def test_systems_without_firmware_or_tpm(self):
        self.refused({"useEFIBoot": True}, "unsupported", None,
                     guest_system="armv7l-linux")
        self.refused({"tpm": {"enable": True}}, "unsupported", None,
                     guest_system="riscv64-linux")
        self.refused({}, "unsupported", None, guest_system="x86_64-linux",
                     host_system="aarch64-darwin")

    def test_removed_options_are_errors_and_renamed_ones_warnings(self):
        for name in ("bootDevice", "efiVars", "persistBootDevice"):
            found = self.convert({name: "x"}).findings
            self.assertEqual(
                [(f.severity, f.id, f.path) for f in found],
                [("error", "nixos.removed", f"virtualisation.{name}")])
            self.assertEqual(self.convert({name: when(False, 1)}).findings, [])
        found = self.convert({"pathsInNixDB": []}).findings
        self.assertEqual([(f.severity, f.id) for f in found],
                         [("warning", "nixos.renamed")])

    def test_a_store_image_that_is_weakly_writable_is_warned_about(self):
        def warned(**options):
            machine = self.convert({"useNixStoreImage": True, **options})
            found = [*machine.findings,
                     *vmspec.check(machine.spec, self.host(machine))]
            return [f.id for f in found].count("store.image-writable")
        self.assertEqual(warned(writableStore=default(True)), 1)
        self.assertEqual(warned(mountHostNixStore=True,
                                fileSystems=force({})), 1)
        self.assertEqual(warned(writableStore=override(1600, True),
                                mountHostNixStore=True,
                                fileSystems=force({})), 1)
        self.assertEqual(warned(writableStore=True), 0)
        self.assertEqual(warned(writableStore=force(True)), 0)
        self.assertEqual(warned(writableStore=default(False)), 0)


class Malformed(Case):
    """JSON has more than Nix can say."""

    def test_properties_have_all_that_they_need(self):
        for value in (
                {"_type": "override", "content": 2},
                {"_type": "override", "priority": [50], "content": 2},
                {"_type": "override", "priority": True, "content": 2},
                {"_type": "override", "priority": 50},
                {"_type": "order", "priority": "1", "content": 2},
                {"_type": "if", "content": 2}, {"_type": "merge"},
                {"_type": "if", "condition": 1, "content": 2},
                {"_type": "merge", "contents": 2}):
            with self.subTest(value):
                self.refused({"cores": value}, "type", "cores")
                self.refused({"qemu": {"package": both(value)}}, "type",
                             "qemu.package")
                with self.assertRaises(nixos.NixosError):
                    self.convert({}, config={"boot": value})

    def test_texts_are_texts(self):
        for text in ("a\ud800", "a\0"):
            with self.subTest(text):
                self.refused({"rootDevice": "/" + text}, "type", "rootDevice")
                self.refused({"qemu": {"options": [text]}}, "type",
                             "qemu.options")
                self.refused({"interfaces": {text: {"vlan": 1}}}, "type",
                             "interfaces")
        # What is no UTF-8 is a file's name all the same.
        self.options({"sharedDirectories": {"a": {
            "source": "/\udcff", "target": "/a"}}})

    def test_nothing_is_nested_too_deeply(self):
        deep = {}
        for _ in range(5000):
            deep = {"a": deep}
        with self.assertRaises(nixos.NixosError) as caught:
            self.convert({}, config={"boot": deep})
        self.assertEqual(caught.exception.kind, "other")

    def test_files_of_firmware_are_texts(self):
        for name in ("firmware", "variables"):
            self.refused({"useEFIBoot": True, "efi": {"OVMF": {
                "path": "/nix/store/o", name: ["/a"]}}}, "type", "efi.OVMF")


class Laziness(Case):
    def test_what_nobody_looks_at_fails_only_where_it_is_shown(self):
        unread = (
            ({"vlans": [-1]}, ("vlans",)),
            ({"interfaces": {"eth1": {}}}, ("interfaces",)),
            ({"bootPartition": "esp"}, ("bootPartition",)),
            ({"bootLoaderDevice": "x", "useEFIBoot": True},
             ("bootLoaderDevice",)),
            ({"rootDevice": "x", "diskImage": None}, ("rootDevice",)),
            ({"diskSize": 0, "useBootLoader": True}, ("diskSize",)),
            ({"tpm": {"package": 1}}, ("tpm", "package")),
            ({"qemu": {"drives": [{"file": "/f", "name": 1}]}},
             ("qemu", "drives")),
            ({"qemu": {"networkingOptions": force([])},
              "forwardPorts": [{"guest": {"port": 1}}]}, ("forwardPorts",)))
        for options, where in unread:
            with self.subTest(where):
                value = self.options(options)
                for name in where:
                    value = value[name]
                self.assertEqual(value, ERROR)

    def test_and_fails_as_soon_as_somebody_does(self):
        self.refused({"bootPartition": "esp", "useBootLoader": True}, "type",
                     "bootPartition")
        self.refused({"bootLoaderDevice": "x"}, "type", "bootLoaderDevice")
        self.refused({"tpm": {"enable": True, "package": 1}}, "type",
                     "tpm.package")
        self.refused({"diskSize": 0, "useBootLoader": True,
                      "useDefaultFilesystems": False}, "type", "diskSize")

    def test_what_a_system_lacks_fails_where_it_is_shown(self):
        shown = self.options({}, guest_system="armv7l-linux")
        self.assertEqual(shown["efi"]["firmware"], ERROR)
        self.assertEqual(shown["tpm"]["deviceModel"], ERROR)
        shown = self.options({"efi": {"firmware": "/f"}},
                             guest_system="armv7l-linux")
        self.assertEqual(shown["efi"]["firmware"], "/f")
        self.assertEqual(shown["efi"]["variables"], ERROR)


class Machines(Case):
    def test_the_description_says_what_the_user_says(self):
        """And nothing that is the library's own knowledge."""
        spec = self.convert({"memorySize": 512, "qemu": {
            "drives": [{"file": "/f"}], "options": ["-s"]}}).spec
        self.assertEqual(spec.memory, 512)
        self.assertEqual([d.file for d in spec.drives], ["/f"])
        self.assertEqual(spec.qemu.options, ["-s"])
        self.assertIsNone(spec.cores)
        self.assertIsNone(spec.builtin_drives)
        self.assertIsNone(spec.shares)
        self.assertIsNone(spec.file_systems)

    def test_it_can_be_written_as_xml(self):
        spec = self.convert({
            "sharedDirectories": {"a": {"source": "$HOME", "target": "/a"}},
            "interfaces": {"eth1": {"vlan": 0}}, "diskSize": None,
            "forwardPorts": [{"host": {"port": 1}, "guest": {"port": 2}}],
            "qemu": {"drives": order(500, [{"file": "/f", "deviceExtraOpts":
                                            {"serial": ""}}])}}).spec
        self.assertEqual(vmspec.read_xml(vmspec.write_xml(spec)), spec)

    def test_a_port_of_zero_is_a_port(self):
        ports = [{"host": {"port": 0}, "guest": {"port": 1}}]
        shown = self.options({"forwardPorts": ports})["forwardPorts"][0]
        self.assertEqual(shown["host"]["port"], 0)

    def test_qemu_for_other_architectures_is_the_full_one(self):
        def line(**said):
            return self.argv({}, **said)[0]
        foreign = dict(guest_system="aarch64-linux",
                       host_system="x86_64-linux")
        self.assertIn("/nix/store/qemu-full/bin/", line(**foreign))
        self.assertIn("/nix/store/qemu/bin/", line(**foreign, version="old"))
        mine = {"qemu": "/opt/q"}
        self.assertIn("/opt/q/bin/", line(packages=mine))

    def test_packages_have_a_place_of_their_own(self):
        argv = self.argv({"bios": "/nix/store/qboot", "tpm": {"enable": True}})
        self.assertEqual(argv[argv.index("-bios") + 1],
                         "/nix/store/qboot/bios.bin")
        spec = self.convert({"tpm": {"package": "/nix/store/my-swtpm"}}).spec
        self.assertEqual(spec.tpm.swtpm, "/nix/store/my-swtpm/bin/my-swtpm")

    def test_firmware_of_one_s_own_may_need_smm(self):
        def smm(needed, **said):
            package = {"path": "/nix/store/my", "firmware": "/nix/store/my/C",
                       "variables": "/nix/store/my/V",
                       "systemManagementModeRequired": needed}
            argv = self.argv({"useEFIBoot": True, "efi": {"OVMF": package}},
                             **said)
            self.assertIn("if=pflash,format=raw,unit=0,readonly=on,"
                          "file=/nix/store/my/C", argv)
            return "q35,smm=on" in argv
        self.assertTrue(smm(True))
        self.assertFalse(smm(False))
        self.assertFalse(smm(True, version="old"))
        self.assertFalse(smm(True, guest_system="aarch64-linux"))

    def test_the_kernel_s_parameters_are_the_system_s(self):
        machine = self.convert({})
        host = nixos.host("x86_64-linux", kernel_params="quiet x=1\n",
                          directory="/", environment=[])
        argv = vmspec.Plan(machine.spec, host).argv
        self.assertTrue(argv[argv.index("-append") + 1].startswith(
            "quiet x=1 init=/nix/store/system/init "))
        self.assertEqual(argv[argv.index("-initrd") + 1],
                         "/nix/store/initrd/initrd")


class Images(Case):
    """The images that NixOS builds are named where its start script does."""

    def images(self, options, **said):
        spec = self.convert(options, **said).spec
        return (spec.disk and spec.disk.system_image,
                spec.store and spec.store.base_image,
                spec.store and spec.store.closure)

    def test_the_system_image_is_for_a_loader_and_for_kept_variables(self):
        system = "/nix/store/system-image/nixos.qcow2"
        for options, wanted in (
                ({}, None), ({"useEFIBoot": True}, None),
                ({"useBootLoader": True}, system),
                ({"useBootLoader": default(True)}, system),
                ({"useBootLoader": True, "diskImage": None}, system),
                ({"useBootLoader": True, "useDefaultFilesystems": False},
                 None),
                ({"useBootLoader": True, "useDefaultFilesystems": False,
                  "useEFIBoot": True}, system),
                ({"useBootLoader": True, "useDefaultFilesystems": False,
                  "useEFIBoot": True, "efi": {"keepVariables": False}}, None),
                ({"useEFIBoot": True, "efi": {"keepVariables": True}}, system),
                ({"efi": {"keepVariables": True}}, None)):
            with self.subTest(options):
                self.assertEqual(self.images(options)[0] or None, wanted)

    def test_a_store_image_rests_on_another_or_holds_what_a_file_lists(self):
        base = "/nix/store/nix-store-image/nixos.qcow2"
        closure = "/nix/store/store-closure-info/store-paths"
        for options, wanted in (
                ({}, (None, None)),
                ({"writableStore": True}, (None, None)),
                ({"useNixStoreImage": True}, (None, closure)),
                ({"useNixStoreImage": True, "writableStore": True},
                 (base, None))):
            with self.subTest(options):
                self.assertEqual(
                    tuple(path or None for path in self.images(options)[1:]),
                    wanted)

    def test_packages_have_the_paths_that_are_given(self):
        paths = {"system-image": "/nix/store/s", "nix-store-image":
                 "/nix/store/n", "store-closure-info": "/nix/store/c",
                 "erofs-utils": "/nix/store/e", "e2fsprogs": "/nix/store/f"}
        self.assertEqual(
            self.images({"useBootLoader": True, "useNixStoreImage": True,
                         "writableStore": True}, packages=paths)[:2],
            ("/nix/store/s/nixos.qcow2", "/nix/store/n/nixos.qcow2"))
        machine = self.convert({"useNixStoreImage": True}, packages=paths)
        on = nixos.host(self.system, paths, directory="/run/vm",
                        run_name="run", environment=[],
                        store_paths=["/nix/store/" + "a" * 32 + "-x"])
        commands = " ".join(command
                            for step in vmspec.Plan(machine.spec, on).steps
                            for command in step.commands)
        self.assertIn("/nix/store/e/bin/mkfs.erofs ", commands)
        self.assertIn("--exclude-regex=", commands)
        self.assertIn("/nix/store/f/bin/mkfs.ext4 ", commands)


class Old(Case):
    version = "old"

    def test_variables_are_kept_with_a_loader(self):
        for loader in (False, True):
            spec = self.convert({"useEFIBoot": True, "useBootLoader": loader,
                                 "useDefaultFilesystems": False}).spec
            self.assertEqual(bool(spec.disk and spec.disk.system_image),
                             loader)

    def test_options_that_came_later_are_unknown(self):
        self.refused({"tpm": {"enable": True}}, "unknown", "tpm")
        self.refused({"efi": {"keepVariables": True}}, "unknown",
                     "efi.keepVariables")
        self.refused({"sharedDirectories": {"a": {
            "source": "/a", "target": "/a", "securityModel": "none"}}},
            "unknown", "sharedDirectories.a.securityModel")
        self.assertNotIn("tpm", self.options({}))

    def test_shares_have_no_security_model(self):
        share = {"a": {"source": "/a", "target": "/a"}}
        argv = self.argv({"sharedDirectories": share})
        self.assertIn("local,path=/a,security_model=none,mount_tag=a", argv)
        shown = self.options({"sharedDirectories": share})
        self.assertEqual(shown["sharedDirectories"]["a"], share["a"])

    def test_there_is_no_smm(self):
        argv = self.argv({"useEFIBoot": True, "useSecureBoot": True})
        self.assertNotIn("q35,smm=on", argv)

    def test_risc_v_is_not_in_its_table(self):
        self.assertEqual(
            self.argv({}, guest_system="riscv64-linux")[:2],
            ["/nix/store/qemu/bin/qemu-kvm", "-name"])


class Tables(unittest.TestCase):
    def test_every_option_has_a_member(self):
        others = {"host.pkgs", "resolution"}
        for version in types.VERSIONS:
            for row in types.rows(version):
                if row.path not in others:
                    self.assertIn(row.path, codec.MEMBERS)

    def test_every_member_has_an_option(self):
        known = {row.path for row in types.ROWS}
        for path in codec.MEMBERS:
            self.assertIn(path.partition(".")[0] if path.startswith(
                "resolution.") else path, known)

    def test_every_field_of_an_entry_has_a_member(self):
        for path, kind in (("qemu.drives", types.DRIVE),
                           ("forwardPorts", types.FORWARD_PORT),
                           ("interfaces", types.INTERFACE),
                           ("sharedDirectories", types.SHARE)):
            def fields(options, where=()):
                for name, option in options.items():
                    if isinstance(option, merge.Field):
                        yield (*where, name)
                    else:
                        yield from fields(option, (*where, name))
            self.assertEqual(set(fields(kind.options)),
                             {where for where, _ in codec._ENTRIES[path]})

    def test_systems_are_those_of_the_library(self):
        row = next(row for row in vmspec.options() if row.name == "arch")
        self.assertEqual(systems.ARCHS, tuple(filter(None, row.values)))


if __name__ == "__main__":
    outcome.main()
