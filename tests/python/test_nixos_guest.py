# SPDX-License-Identifier: LGPL-2.1-or-later
"""Claims about the guest's half of NixOS configurations: what the virtual
machine module defines, merged with the user's by the module system's rules."""

import sys
import unittest
from pathlib import Path

import outcome

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bindings" / "python"))

import vmspec  # noqa: E402  (needs the path above)
from vmspec import nixos  # noqa: E402
from vmspec.nixos import types  # noqa: E402


def override(priority, content):
    return {"_type": "override", "priority": priority, "content": content}


def order(priority, content):
    return {"_type": "order", "priority": priority, "content": content}


def force(content):
    return override(50, content)


def nested(path, value):
    """What is written as a path in Nix."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def look(value, path):
    for name in path.split("."):
        value = value[name]
    return value


SYSTEMD = nested("boot.initrd.systemd.enable", True)


class Case(unittest.TestCase):
    def machine(self, options=None, config=None, version="new",
                system="x86_64-linux"):
        machine = nixos.convert(options or {}, config or {}, version=version,
                                guest_system=system)
        return machine, nixos.host(
            system, directory="/run/vm", run_name="run", environment=[],
            programs=[], firmware=[], kvm="absent", cpus=1)

    def guest(self, options=None, config=None, **said):
        return nixos.guest(*self.machine(options, config, **said))

    def value(self, path, options=None, config=None, **said):
        return look(self.guest(options, config, **said), path)

    def refused(self, kind, option, options=None, config=None, **said):
        with self.assertRaises(nixos.NixosError) as caught:
            self.guest(options, config, **said)
        self.assertEqual((caught.exception.kind, caught.exception.option),
                         (kind, option))


class Forced(Case):
    """What the module says is stronger than what people say."""

    # Path, the module's value, another.
    ROWS = (
        ("boot.loader.grub.device", "/dev/disk/by-id/virtio-root", "/dev/x"),
        ("boot.loader.supportsInitrdSecrets", False, True),
        ("networking.wireless.enable", False, True),
        ("services.connman.enable", False, True),
        ("services.xserver.videoDrivers", ["modesetting"], ["nvidia"]),
        ("services.xserver.defaultDepth", 0, 24),
        ("services.xserver.resolutions", [{"x": 1024, "y": 768}],
         [{"x": 1, "y": 2}]),
        ("swapDevices", [], [{"device": "/dev/x"}]),
        ("boot.initrd.luks.devices", {}, {"x": {"device": "/dev/x"}}),
    )

    def test_an_ordinary_definition_does_not_count_nor_does_mkforce(self):
        """mkVMOverride is stronger than both."""
        for path, own, other in self.ROWS:
            for config in ({}, nested(path, other),
                           nested(path, force(other))):
                with self.subTest(f"{path}: {config}"):
                    self.assertEqual(self.value(path, {}, config), own)

    def test_what_is_stronger_still_counts(self):
        """There are priorities below ten."""
        for path, _, other in self.ROWS:
            with self.subTest(path):
                self.assertEqual(self.value(
                    path, {}, nested(path, override(9, other))), other)

    def test_what_is_as_strong_is_merged(self):
        """Lists and sets are joined, and values have to agree."""
        config = nested("services.xserver.videoDrivers", override(10, ["x"]))
        self.assertEqual(self.value("services.xserver.videoDrivers", {},
                                    config), ["modesetting", "x"])
        path = "boot.loader.grub.device"
        self.refused("conflict", path, {}, nested(path, override(10, "/x")))

    def test_nobody_looks_at_what_is_too_weak(self):
        """A wrong type is an error only of a definition that counts."""
        for path, own, _ in self.ROWS:
            with self.subTest(path):
                self.assertEqual(self.value(path, {}, nested(path, None)),
                                 own)
                self.refused("type", path, {},
                             nested(path, override(9, None)))

    def test_without_default_file_systems_swap_and_luks_are_the_user_s(self):
        """The module's definitions are as weak as mkDefault then."""
        options = {"useDefaultFilesystems": False}
        for path, _, other in self.ROWS[-2:]:
            with self.subTest(path):
                self.assertEqual(self.value(
                    path, options, nested(path, other)), other)
                self.assertEqual(self.value(
                    path, options, nested(path, override(1001, other))),
                    type(other)())
                self.assertEqual(self.value(path, options), type(other)())

    def test_with_a_boot_loader_secrets_are_as_it_says(self):
        """Something can append them to its initial RAM disk."""
        path = "boot.loader.supportsInitrdSecrets"
        options = {"useBootLoader": True}
        self.assertIs(self.value(path, options), True)
        self.assertIs(self.value(path, options, nested(path, False)), False)


class Ordinary(Case):
    """What the module says like anybody else."""

    def test_somebody_else_s_other_value_is_a_conflict(self):
        """Unless one of the two is stronger."""
        for path, own, options in (
                ("services.timesyncd.enable", False, {}),
                ("services.qemuGuest.enable", True, {}),
                ("services.qemuGuest.enable", False,
                 {"qemu": {"guestAgent": {"enable": False}}}),
                ("networking.usePredictableInterfaceNames", False, {}),
                ("security.pki.installCACerts", False,
                 {"useHostCerts": True})):
            with self.subTest(f"{path}: {own}"):
                self.assertIs(self.value(path, options), own)
                self.refused("conflict", path, options,
                             nested(path, not own))
                self.assertIs(self.value(
                    path, options, nested(path, own)), own)
                self.assertIs(self.value(
                    path, options, nested(path, force(not own))), not own)
                self.assertIs(self.value(
                    path, options, nested(path, override(1000, not own))),
                    own)

    def test_what_it_leaves_alone_is_the_user_s(self):
        """Certificates are only forbidden where the host's are used."""
        path = "security.pki.installCACerts"
        self.assertIs(self.value(path), True)
        self.assertIs(self.value(path, {}, nested(path, False)), False)

    def test_lists_have_the_module_s_first_unless_told_otherwise(self):
        """The user's module imports it."""
        path = "boot.initrd.availableKernelModules"
        for said, wanted in ((["a"], ["overlay", "a"]),
                             (order(500, ["a"]), ["a", "overlay"]),
                             (force(["a"]), ["a"])):
            self.assertEqual(self.value(path, {}, nested(path, said)), wanted)

    def test_texts_are_joined_by_lines(self):
        """Each definition has its own."""
        path = "networking.dhcpcd.extraConfig"
        for said, wanted in (("a", "noarp\na"), (order(500, "a"), "a\nnoarp"),
                             (force("a"), "a")):
            self.assertEqual(self.value(path, {}, nested(path, said)), wanted)
        self.refused("type", path, {}, nested(path, 1))

    def test_conditions_and_several_definitions(self):
        """mkIf and mkMerge are as anywhere."""
        path = "boot.initrd.kernelModules"
        self.assertEqual(self.value(path, {}, {"_type": "merge", "contents": [
            nested(path, ["a"]),
            {"_type": "if", "condition": False, "content": nested(path, 1)},
            {"_type": "if", "condition": True,
             "content": nested(path, ["b"])}]}), ["a", "b"])

    def test_options_of_others_are_left_alone(self):
        """A configuration has thousands of them."""
        config = {"services": {"nginx": {"enable": True}}, "users": 1}
        self.assertEqual(self.guest({}, config), self.guest())


class FileSystems(Case):
    def test_the_machine_s_replace_the_ordinary_ones(self):
        """None of these exist in the machine."""
        config = {"fileSystems": {"/home": {"device": "/dev/sda3"}}}
        for forced in (config, {"fileSystems": force(config["fileSystems"])}):
            self.assertEqual(self.guest({}, forced), self.guest())

    def test_a_table_that_is_empty_leaves_them_in_place(self):
        """With what nobody has said filled in."""
        config = {"fileSystems": {
            "/": {"device": "/dev/x", "fsType": "xfs", "noCheck": True},
            "/b": {"fsType": "tmpfs"}, "/c": {"options": ["ro"]}}}
        table = self.value("fileSystems", {"fileSystems": force({})}, config)
        self.assertEqual(table, {
            "/": {"device": "/dev/x", "fsType": "xfs", "options": ["defaults"],
                  "neededForBoot": False, "noCheck": True},
            "/b": {"device": "tmpfs", "fsType": "tmpfs",
                   "options": ["defaults"], "neededForBoot": False,
                   "noCheck": False},
            "/c": {"device": None, "fsType": "auto", "options": ["ro"],
                   "neededForBoot": False, "noCheck": False}})

    def test_an_ordinary_table_that_is_stronger_is_the_table(self):
        """Its priority is below the module's."""
        config = {"fileSystems": override(9, {"/": {"device": "/dev/x"}})}
        self.assertEqual(list(self.value("fileSystems", {}, config)), ["/"])

    def test_a_wrong_one_is_an_error_where_it_counts(self):
        """Only then does anybody look."""
        config = {"fileSystems": {"/": {"device": 1}}}
        self.guest({}, config)
        self.refused("type", 'fileSystems."/".device',
                     {"fileSystems": force({})}, config)

    def test_tmp_in_memory(self):
        """Nobody looks at its size where it is not asked for, nor whether it
        is asked for where the table is replaced."""
        wrong = nested("boot.tmp.tmpfsSize", [])
        self.assertNotIn("/tmp", self.value("fileSystems", {}, wrong))
        wrong["boot"]["tmp"]["useTmpfs"] = True
        self.refused("type", "boot.tmp.tmpfsSize", {}, wrong)
        self.assertEqual(self.value("fileSystems", {"fileSystems": force({})},
                                    wrong), {})


class InitialRamDisk(Case):
    def test_a_script_without_systemd_and_units_with(self):
        """It is one or the other."""
        guest = self.guest()
        initrd = guest["boot"]["initrd"]
        self.assertIn("mount -t overlay", initrd["postMountCommands"])
        self.assertEqual(initrd["systemd"], {
            "enable": False, "mounts": [], "services": {}})
        self.assertEqual(guest["systemd"]["tmpfiles"],
                         {"rules": [], "settings": {}})
        initrd = self.value("boot.initrd", {}, SYSTEMD)
        self.assertEqual(initrd["postMountCommands"], "")
        (mount,) = initrd["systemd"]["mounts"]
        self.assertEqual(mount["where"], "/sysroot/nix/store")
        self.assertEqual(mount["options"], ",".join((
            "lowerdir=/sysroot/nix/.ro-store",
            "upperdir=/sysroot/nix/.rw-store/store",
            "workdir=/sysroot/nix/.rw-store/work")))

    def test_a_store_that_is_not_writable_has_no_overlay(self):
        """Neither in the script nor as units."""
        options = {"writableStore": False}
        self.assertNotIn("overlay", self.value(
            "boot.initrd.postMountCommands", options))
        self.assertEqual(self.value("boot.initrd.systemd", options, SYSTEMD),
                         {"enable": True, "mounts": [], "services": {}})

    def test_units_of_the_user_are_there_as_well(self):
        """Lists and sets are joined."""
        config = {"boot": {"initrd": {"systemd": {
            "enable": True, "mounts": [{"where": "/x"}],
            "services": {"x": {"before": ["y"]}}}}}}
        systemd = self.value("boot.initrd.systemd", {}, config)
        self.assertEqual([unit["where"] for unit in systemd["mounts"]],
                         ["/sysroot/nix/store", "/x"])
        self.assertEqual(set(systemd["services"]), {"rw-store", "x"})

    def test_the_service_ends_with_the_system_in_the_newer_version(self):
        """The older one does not say when it ends."""
        for version, ends in (("new", True), ("old", False)):
            unit = self.value("boot.initrd.systemd.services.rw-store", {},
                              SYSTEMD, version=version)
            self.assertEqual("conflicts" in unit, ends)
            self.assertEqual("before" in unit, ends)

    def test_temporary_files(self):
        """The newer version knows where the EFI system partition is mounted,
        and asks only where it needs it."""
        config = nested("boot.loader.efi.efiSysMountPoint", "/efi")
        self.assertEqual(self.value("systemd.tmpfiles.settings", {}, config),
                         {})
        config["boot"].update(SYSTEMD["boot"])
        self.assertEqual(
            self.value("systemd.tmpfiles", {}, config, version="old"),
            {"rules": ["f /etc/NIXOS 0644 root root -",
                       "d /boot 0644 root root -"], "settings": {}})
        mode = {"mode": "0644", "user": "root", "group": "root"}
        self.assertEqual(self.value("systemd.tmpfiles", {}, config), {
            "rules": [], "settings": {"10-qemu-vm": {
                "/etc/NIXOS": {"f": mode}, "/efi": {"d": mode}}}})
        config["boot"]["loader"]["efi"]["efiSysMountPoint"] = 1
        self.refused("type", "boot.loader.efi.efiSysMountPoint", {}, config)
        self.guest({}, config, version="old")

    def test_modules(self):
        """Only those that the module names, of all that are needed."""
        for options, version, available, loaded in (
                ({}, "new", ["overlay"], []),
                ({"writableStore": False}, "new", [], []),
                ({"qemu": {"diskInterface": "scsi"}, "tpm": {"enable": True}},
                 "new", ["overlay", "sym53c8xx", "tpm_tis"], []),
                ({"qemu": {"diskInterface": "scsi"}}, "old",
                 ["overlay", "sym53c8xx"], []),
                ({"useNixStoreImage": True, "writableStore": False}, "old",
                 [], ["erofs"]),
                ({"useNixStoreImage": True, "writableStore": True}, "new",
                 ["overlay"], [])):
            initrd = self.value("boot.initrd", options, version=version)
            with self.subTest(options):
                self.assertEqual((initrd["availableKernelModules"],
                                  initrd["kernelModules"]),
                                 (available, loaded))


class Running(Case):
    def test_the_kernel_s_configuration(self):
        """It depends on the machine's console and store alone."""
        def needs(options, **said):
            return self.value("system.requiredKernelConfig", options, **said)
        plain = needs({"writableStore": False})
        self.assertEqual(plain[0], "VIRTIO_BLK: enabled")
        self.assertEqual(plain[-1], "NETWORK_FILESYSTEMS: yes")
        self.assertEqual(needs({"graphics": False}), [
            *plain, "SERIAL_8250_CONSOLE: yes", "SERIAL_8250: yes",
            "OVERLAY_FS: enabled"])
        for system in ("aarch64-linux", "s390x-linux", "powerpc64le-linux"):
            self.assertEqual(needs({"writableStore": False}, system=system),
                             plain, system)

    def test_the_nix_database(self):
        """It is filled by the Nix that there is, if there is one."""
        path = "boot.postBootCommands"
        self.assertIn("/nix/store/nix/bin/nix-store --load-db",
                      self.value(path))
        self.assertIn("/nix/store/lix/bin/nix-store", self.value(
            path, {}, nested("nix.package", "/nix/store/lix")))
        self.assertIn("/nix/store/lix/bin/nix-store", self.value(
            path, {}, nested("nix.package", {"path": "/nix/store/lix"})))
        config = {"nix": {"enable": False, "package": 1}}
        self.assertEqual(self.value(path, {}, config), "")
        config["nix"]["enable"] = True
        self.refused("type", "nix.package", {}, config)

    def test_packages_by_name(self):
        """Nix is a package like others."""
        machine = nixos.convert({}, guest_system="x86_64-linux",
                                packages={"nix": "/nix/store/nix-2"})
        self.assertIn("/nix/store/nix-2/bin", look(nixos.guest(
            machine, self.machine()[1]), "boot.postBootCommands"))

    def test_the_primary_address(self):
        """It is the user's, and part of the description."""
        path = "networking.primaryIPAddress"
        config = nested(path, "192.168.1.2")
        machine, host = self.machine({}, config)
        self.assertEqual(machine.spec.network.primary_address, "192.168.1.2")
        self.assertEqual(look(nixos.guest(machine, host), path),
                         "192.168.1.2")
        self.assertEqual(self.value(path), "")

    def test_consoles(self):
        """As they stand on the kernel's command line."""
        for consoles, wanted in ((["a", "b=c"], "console=a console=b=c"),
                                 ([], "")):
            self.assertEqual(self.value("consoles", {
                "qemu": {"consoles": consoles}}), wanted)

    def test_the_boot_loader_and_the_display(self):
        """EFI has no place for GRUB on a disk."""
        grub = "boot.loader.grub"
        self.assertEqual(self.value(grub, {"bootLoaderDevice": "/dev/x"}), {
            "device": "/dev/x", "gfxmodeBios": "1024x768"})
        guest = self.guest({"useEFIBoot": True,
                            "resolution": {"x": 8, "y": 6}})
        self.assertEqual(look(guest, grub), {
            "device": "nodev", "gfxmodeBios": "8x6"})
        self.assertEqual(look(guest, "services.xserver.resolutions"),
                         [{"x": 8, "y": 6}])


class All(Case):
    def test_also_of_a_machine_that_an_assertion_forbids(self):
        """The assertion is about something else."""
        rule = {"from": "guest", "proto": "udp", "host": {"port": 1},
                "guest": {"port": 1}}
        for options, system in (
                ({"forwardPorts": [rule]}, "x86_64-linux"),
                ({"memorySize": 4096}, "i686-linux"),
                ({"directBoot": {"enable": False, "initrd": "/x"}},
                 "x86_64-linux"),
                ({"bootDevice": "/x"}, "x86_64-linux")):
            with self.subTest(options):
                machine, host = self.machine(options, system=system)
                findings = [*machine.findings,
                            *vmspec.check(machine.spec, host)]
                self.assertIn("error", {f.severity for f in findings})
                self.assertEqual(nixos.guest(machine, host),
                                 self.guest(system=system))

    def test_the_description_stays_as_it_is(self):
        """Looking at its guest does not change a machine."""
        machine, host = self.machine({"memorySize": 4096, "forwardPorts": [
            {"host": {"port": 1}, "guest": {"port": 1}}]})
        before = vmspec.write_xml(machine.spec)
        nixos.guest(machine, host)
        self.assertEqual(vmspec.write_xml(machine.spec), before)

    def test_each_setting_has_a_place(self):
        """All rows of the table, and the consoles, and nothing else."""
        def paths(value, where=()):
            path = ".".join(where)
            if path in types.GUEST or not isinstance(value, dict):
                yield path
            else:
                for name, inner in value.items():
                    yield from paths(inner, (*where, name))
        self.assertEqual(set(paths(self.guest())),
                         {*types.GUEST, "consoles"})

    def test_defaults_are_of_their_own_type(self):
        """An option that nobody defines has a value that it could have."""
        for path, row in {**types.INPUTS, **types.GUEST}.items():
            self.assertTrue(row.type.check(row.default), path)


class Built(Case):
    def images(self, options, **said):
        machine, host = self.machine(options, **said)
        return nixos.images(machine, vmspec.resolve(machine.spec, host))

    def test_a_machine_without_a_boot_loader_starts_from_none(self):
        """Nor does one whose store image is made when it starts."""
        for options in ({}, {"useNixStoreImage": True,
                             "writableStore": False}):
            self.assertEqual(self.images(options), {})

    def test_a_system_image_is_divided_as_the_firmware_wants_it(self):
        """A loader is installed where its place is known."""
        for options, layout, loader, efi in (
                ({"useBootLoader": True}, "legacy", True, False),
                ({"useBootLoader": True, "useEFIBoot": True}, "efi", True,
                 True),
                ({"useEFIBoot": True, "efi": {"keepVariables": True}}, "efi",
                 False, True),
                ({"useBootLoader": True, "useEFIBoot": True,
                  "useDefaultFilesystems": False}, "none", False, True)):
            with self.subTest(options):
                image = self.images(options)["system"]
                self.assertEqual(
                    (image["partitionTableType"], image["installBootLoader"],
                     image["touchEFIVars"], image["onlyNixStore"],
                     image["label"]), (layout, loader, efi, False, "nixos"))
                self.assertNotIn("name", image)

    def test_a_store_image_has_a_name_in_the_newer_version(self):
        """It holds nothing but the store."""
        options = {"useNixStoreImage": True, "writableStore": True}
        for version, name in (("new", "nix-store-image"), ("old", None)):
            image = self.images(options, version=version)["store"]
            self.assertEqual((image.get("name"), image["label"],
                              image["onlyNixStore"],
                              image["partitionTableType"]),
                             (name, "nix-store", True, "none"))

    def test_names_in_the_package(self):
        """They are made from the machine's."""
        machine = nixos.convert({}, guest_system="x86_64-linux",
                                system_name="web.server")
        resolved = vmspec.resolve(machine.spec, self.machine()[1])
        self.assertEqual(nixos.build(resolved), {
            "name": "nixos-vm", "script": "run-nixos-vm",
            "mainProgram": "run-web.server-vm",
            "link": "$out/bin/run-web.server-vm"})


if __name__ == "__main__":
    outcome.main()
