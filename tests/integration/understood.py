# SPDX-License-Identifier: LGPL-2.1-or-later
"""What QEMU says of a machine, beside what the description says of it."""

import os
import re

DISKS = {"virtio": "virtio-blk-device", "scsi": "scsi-hd", "virtio-scsi": "scsi-hd", "ide": "ide-hd", "nvme": "nvme"}

# The bus that a disk hangs on, as its controller's type.
CONTROLLERS = {"scsi": "lsi53c895a", "virtio-scsi": "virtio-scsi-device", "ide": "ich9-ahci"}

# QEMU's networks for what connects machines.
VLAN_TYPES = {"vde": "vde", "multicast": "socket", "dgram": "dgram", "stream": "stream"}


class Expected:
    """Paths as the description says them, on the stage."""

    def __init__(self, spec, stage, directory, run, environment):
        self.spec, self.stage, self.environment = spec, stage, environment
        self._directory = directory
        self._variables = {
            "TMPDIR": run,
            "NIX_DISK_IMAGE": environment.get("NIX_DISK_IMAGE") or spec.disk.image,
            "SHARED_DIR": environment.get("SHARED_DIR") or os.path.join(run, "xchg"),
        }

    def path(self, said, expand):
        """None for a piece of shell that is more than a variable and a plain text."""
        if expand:
            found = re.fullmatch(r"\$\{?(\w+)(?::-\$TMPDIR/xchg\})?([\w./-]*)", said)
            if not found or found[1] not in self._variables:
                return None
            said = self._variables[found[1]] + found[2]
        return os.path.realpath(self.stage.place(os.path.join(self._directory, said)))


class Comparison:
    """Collects differences as text."""

    def __init__(self, monitor, expected, argv, pid):
        self.monitor, self.expected, self.argv, self.pid = monitor, expected, argv, pid
        self.spec, self.wrong = expected.spec, []
        # All images are then what temporary overlays stand on.
        self.snapshot = "-snapshot" in argv

    def same(self, what, want, got):
        if want != got:
            self.wrong.append(f"{what} should be {want!r} and is {got!r}")

    def said(self, flag):
        """Whether the user's own options have a flag too; then it is theirs to decide."""
        return self.argv.count(flag) > 1

    def all(self):
        self.machine()
        self.drives()
        if self.spec.qemu.builtin_options is not False:
            self.boot()
            self.firmware()
            self.tpm()
            self.input()
        self.shares()
        self.network()
        return self.wrong

    # ---- machine

    def machine(self):
        ask = self.monitor.command
        if not self.said("-name"):
            self.same("name", self.spec.name, ask("query-name").get("name"))
        if not self.said("-m"):
            self.same("memory", self.spec.memory << 20, ask("query-memory-size-summary")["base-memory"])
        if not self.said("-smp"):
            self.same("cores", self.spec.cores, len(ask("query-cpus-fast")))
        if self.spec.efi.smm and self.spec.arch in ("x86_64", "i686") and self.spec.qemu.builtin_options is not False:
            self.same("smm", "on", self.monitor.get("/machine", "smm"))

    def boot(self):
        boot = self.spec.boot
        if not boot.direct or not boot.kernel or self.said("-kernel") or self.said("-append"):
            return
        get = self.monitor.get
        append = self.argv[self.argv.index("-append") + 1]
        self.same("kernel parameters", append, get("/machine", "append"))
        # The console that is said last is the one that the kernel takes.
        self.same("consoles", self.spec.qemu.consoles, re.findall(r"(?:^| )console=(\S+)", append)
                  [:len(self.spec.qemu.consoles)])
        for member in ("kernel", "initrd"):
            said = getattr(boot, member)
            if said and not any(name.startswith("NIXPKGS_QEMU_KERNEL") for name in self.expected.environment):
                self.same(member, self.expected.path(said, False), os.path.realpath(get("/machine", member)))

    # ---- drives

    def drives(self):
        blocks = {block["device"]: block for block in self.monitor.command("query-block")}
        for number, drive in enumerate(self.spec.drives, 1):
            self.drive(f"drive{number}", drive, blocks)
        self.same("number of drives", len(self.spec.drives),
                  sum(bool(re.fullmatch("drive[0-9]+", device)) for device in blocks))

    def drive(self, name, drive, blocks):
        block = blocks.get(name)
        if not block or "inserted" not in block:
            self.wrong.append(f"{name} is missing")
            return
        inserted, options = block["inserted"], {p.name: p.value or "" for p in drive.drive_options}
        want = self.expected.path(drive.file, drive.expand)
        # With snapshot=on the file is what the temporary overlay stands on.
        file = inserted.get("backing_file") if options.get("snapshot") == "on" else inserted["file"]
        if want and not self.snapshot:
            self.same(f"{name}'s file", want, os.path.realpath(file))
        if drive.format and options.get("snapshot") != "on" and not self.snapshot:
            self.same(f"{name}'s format", drive.format, inserted["drv"])
        self.same(f"{name} read-only", options.get("readonly") == "on" or options.get("media") == "cdrom",
                  inserted["ro"])
        self.disk(name, drive, block["qdev"])

    def disk(self, name, drive, path):
        get, options = self.monitor.get, {p.name: p.value or "" for p in drive.device_options}
        self.same(f"{name}'s device", DISKS[drive.interface], get(path, "type"))
        if "serial" in options:
            self.same(f"{name}'s serial", options["serial"] or None, get(path, "serial") or None)
        if "bootindex" in options:
            self.same(f"{name}'s bootindex", int(options["bootindex"]), get(path, "bootindex"))
        controller = CONTROLLERS.get(drive.interface)
        if controller:
            bus = get(path, "parent_bus")
            self.same(f"{name}'s controller", controller, get(os.path.dirname(bus), "type"))

    # ---- firmware

    def firmware(self):
        if not self.spec.efi.enable:
            return
        blocks = {block["device"]: block.get("inserted") for block in self.monitor.command("query-block")}
        for device, said, read_only in (("pflash0", self.spec.efi.firmware, True), ("pflash1", None, False)):
            inserted = blocks.get(device)
            if not inserted:
                self.wrong.append(f"{device} is missing")
                continue
            self.same(f"{device} read-only", read_only, inserted["ro"])
            if said and not self.snapshot:
                self.same(f"{device}'s file", self.expected.path(said, False), os.path.realpath(inserted["file"]))

    def tpm(self):
        tpm = self.spec.tpm
        found = [(t["model"], t["options"]["type"]) for t in self.monitor.command("query-tpm")]
        # The one on a system bus has the other's name here.
        model = (tpm.model or "").replace("tpm-tis-device", "tpm-tis")
        self.same("TPM", [(model, "emulator")] if tpm.enable else [], found)
        if tpm.enable:
            state = self.expected.path(self.expected.environment.get("NIX_SWTPM_DIR") or tpm.state_dir, False)
            # QEMU ends if it cannot connect, and there is only one socket, where the vector said.
            self.same(f"TPM's socket in {state}", True, os.path.exists(f"{state}/socket"))

    def input(self):
        types = [kind for base in ("/machine/peripheral-anon", "/machine/peripheral")
                 for _, kind in self.monitor.objects(base)]
        if not any("virtio-keyboard" in word for word in self.spec.qemu.options):
            self.same("virtio keyboard", bool(self.spec.qemu.virtio_keyboard),
                      any(kind.startswith("virtio-keyboard") for kind in types))

    # ---- shares

    def shares(self):
        get = self.monitor.get
        tags = sorted(get(path, "mount_tag") for base in ("/machine/peripheral-anon", "/machine/peripheral")
                      for path, kind in self.monitor.objects(base) if kind == "virtio-9p-device")
        own = self.argv.count("-virtfs") == len(self.spec.shares)
        if own:
            self.same("tags", sorted(share.tag for share in self.spec.shares), tags)
        # A share's directory is opened when its device is made.
        opened = {self.link(entry) for entry in os.listdir(f"/proc/{self.pid}/fd")}
        for share in self.spec.shares:
            want = self.expected.path(share.source, share.expand)
            if want and want not in opened:
                self.wrong.append(f"share {share.tag}: QEMU did not open {want!r}")

    def link(self, entry):
        try:
            return os.readlink(f"/proc/{self.pid}/fd/{entry}")
        except OSError:
            return None

    # ---- network

    def network(self):
        network = self.spec.network
        text = self.monitor.human("info network")
        self.vlans(network, text)
        if self.spec.qemu.builtin_network is False:
            return
        found = re.search(r"user\.0: index=0,type=user,net=\S+,restrict=(\w+)", text)
        if not found:
            self.wrong.append(f"no user network in {text!r}")
            return
        want = "on" if network.restricted else "off"
        # The environment's options come later and may have another.
        if "restrict" not in self.expected.environment.get("QEMU_NET_OPTS", ""):
            self.same("restrict", want, found[1])
        listening = re.findall(r"(TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)",
                               self.monitor.human("info usernet"))
        listening = [(kind.lower(), address, int(port), guest, int(guest_port))
                     for kind, address, port, guest, guest_port in listening]
        for rule in network.forward_ports:
            if rule.from_ == "host":
                self.rule(rule, listening)

    def vlans(self, network, text):
        """An interface for each virtual network, in the order of the description, at its own address and backend."""
        numbers = [vlan.number or 0 for vlan in self.spec.vlans] + [one.vlan or 0 for one in self.spec.interfaces]
        want = [(f"52:54:00:12:{number:02x}:{network.machine_number:02x}", f"vlan{nic}", VLAN_TYPES[network.vlan_backend])
                for nic, number in enumerate(numbers, 1)] if network.vlan_backend != "none" else []
        found = re.findall(r"macaddr=(\S+)\s+\\ (vlan\d+): index=0,type=(\w+),", text)
        self.same("virtual networks", want, found)

    def rule(self, rule, listening):
        address, port = self.expected.stage.ports.moved.get(
            (rule.proto, rule.host_address or "", rule.host_port or 0), (None, None))
        if rule.any_host_port:
            # What QEMU has taken is no longer to be known here.
            listening = [(kind, host, 0 if number else None, *guest) for kind, host, number, *guest in listening]
        # Every address is "*" for QEMU; a guest that has none yet will get the first.
        want = (rule.proto, address if address not in ("", "0.0.0.0") else "*", port,
                rule.guest_address or "10.0.2.15", rule.guest_port)
        if want not in listening:
            self.wrong.append(f"forwarding {want} is not among {listening}")
