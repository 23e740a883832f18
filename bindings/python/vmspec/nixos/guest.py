# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest's settings under the names of NixOS's options.

The library says what the guest needs.  Here that becomes definitions, with the
priorities that the module gives them, which are merged with the user's.
"""

import copy
from typing import Any, Dict, Iterator, List, Tuple

import vmspec

from . import builtin, codec, types
from .conversion import Conversion
from .merge import WEAK, VM_OVERRIDE, override

Definition = Tuple[str, Any]  # of the option with this path

# Where the initial RAM disk's systemd has the root file system.
_ROOT = "/sysroot"


def _forced(value: Any) -> Any:
    return override(VM_OVERRIDE, value)


# ---- file systems, swap ----------------------------------------------------


def _complete(entry: Dict[str, Any]) -> Dict[str, Any]:
    """A file system with what nobody has defined, and without what the machine
    has no use for."""
    defaults = builtin.FILE_SYSTEM_DEFAULTS
    result = {name: entry.get(name, default)
              for name, default in defaults.items()}
    if result["device"] is None and result["fsType"] == "tmpfs":
        result["device"] = "tmpfs"
    return result


def _disks(settings: Any) -> Iterator[Definition]:
    table = codec.to_nix("fileSystems", settings.file_systems)
    if table:
        yield "fileSystems", _forced({
            point: _complete(entry) for point, entry in table.items()})
    # What the ordinary configuration has is dropped, or only not asked for.
    for path, switch in (("swapDevices", settings.swap),
                         ("boot.initrd.luks.devices", settings.luks)):
        priority = VM_OVERRIDE if switch is False else WEAK
        yield path, override(priority, types.GUEST[path].default)


# ---- the initial RAM disk --------------------------------------------------


def _modules(settings: Any, initrd: str) -> List[str]:
    return [need.module for need in settings.kernel_needs
            if need.nixos_module and need.initrd == initrd]


def _overlay_units(overlay: Any, version: str) -> Iterator[Definition]:
    """The store's overlay, by systemd."""
    point, lower, upper, work = (
        _ROOT + path for path in (overlay.mount_point, overlay.lower,
                                  overlay.upper, overlay.work))
    service = "rw-store"
    yield "boot.initrd.systemd.mounts", [{
        "where": point,
        "what": "overlay",
        "type": "overlay",
        "options": f"lowerdir={lower},upperdir={upper},workdir={work}",
        "wantedBy": ["initrd-fs.target"],
        "before": ["initrd-fs.target"],
        "requires": [f"{service}.service"],
        "after": [f"{service}.service"],
        "unitConfig": {"RequiresMountsFor": lower},
    }]
    unit: Dict[str, Any] = {
        "unitConfig": {
            "DefaultDependencies": False,
            # Both are on what is mounted there.
            "RequiresMountsFor": upper.rpartition("/")[0],
        },
        "serviceConfig": {
            "Type": "oneshot",
            "ExecStart": f"/bin/mkdir -p -m 0755 {upper} {work} {point}",
        },
    }
    if version == "new":
        unit.update(before=["shutdown.target"], conflicts=["shutdown.target"])
    yield "boot.initrd.systemd.services", {service: unit}


def _tmpfiles(settings: Any, machine: Conversion) -> Iterator[Definition]:
    lines = settings.tmpfiles or []
    if machine.version == "old":
        yield "systemd.tmpfiles.rules", lines
        return
    entries: Dict[str, Any] = {}
    for kind, path, mode, user, group, *_ in map(str.split, lines):
        if kind == "d":
            path = machine.config.value("boot.loader.efi.efiSysMountPoint")
        entries.setdefault(path, {})[kind] = {
            "mode": mode, "user": user, "group": group}
    yield "systemd.tmpfiles.settings", {"10-qemu-vm": entries}


def _initrd(settings: Any, machine: Conversion) -> Iterator[Definition]:
    yield ("boot.initrd.availableKernelModules",
           _modules(settings, "available"))
    yield "boot.initrd.kernelModules", _modules(settings, "load")
    if settings.initrd_secrets is False:
        yield "boot.loader.supportsInitrdSecrets", _forced(False)
    if not machine.config.value("boot.initrd.systemd.enable"):
        yield "boot.initrd.postMountCommands", settings.initrd_commands
        return
    yield from _tmpfiles(settings, machine)
    if settings.overlay:
        yield from _overlay_units(settings.overlay, machine.version)


# ---- the running system ----------------------------------------------------


def _boot(settings: Any, machine: Conversion) -> Iterator[Definition]:
    yield "boot.loader.grub.device", _forced(settings.loader_device)
    yield "boot.loader.grub.gfxmodeBios", settings.graphics_mode
    yield "system.requiredKernelConfig", [
        f"{need.symbol}: {'yes' if need.builtin else 'enabled'}"
        for need in settings.kernel_needs if need.nixos_symbol]
    if machine.config.value("nix.enable"):
        nix = machine.config.value("nix.package")
        if isinstance(nix, dict):
            nix = nix["path"]
        nix = nix or machine.packages["nix"]
        # The kernel is told where the registration is.
        yield "boot.postBootCommands", (
            'if [[ "$(cat /proc/cmdline)" =~ regInfo=([^ ]*) ]]; then\n'
            f"  {nix}/bin/nix-store --load-db < ${{BASH_REMATCH[1]}}\n"
            "fi\n")


def _x_server(settings: Any) -> Iterator[Definition]:
    yield "services.xserver.videoDrivers", _forced([settings.video_driver])
    yield "services.xserver.defaultDepth", _forced(settings.color_depth)
    yield "services.xserver.resolutions", _forced([
        {"x": settings.resolution_x, "y": settings.resolution_y}])
    yield "services.xserver.monitorSection", settings.monitor


def _services(settings: Any) -> Iterator[Definition]:
    yield "services.qemuGuest.enable", settings.guest_agent
    if settings.time_sync is False:
        yield "services.timesyncd.enable", False
    if settings.wireless is False:
        # Which is what connman is for, too.
        for path in ("networking.wireless.enable", "services.connman.enable"):
            yield path, _forced(False)
    if settings.predictable_names is False:
        yield "networking.usePredictableInterfaceNames", False
    if settings.dhcp_arp is False:
        yield "networking.dhcpcd.extraConfig", "noarp"
    if settings.ca_certificates is False:
        yield "security.pki.installCACerts", False


# ---- all of it -------------------------------------------------------------


def _settings(spec: Any, host: Any) -> Any:
    """What the library says.  The module defines these also where one of its
    assertions fails, so that what they are about is left out: nothing here
    depends on it."""
    without = copy.copy(spec)
    without.memory = None
    without.boot = copy.copy(spec.boot)
    without.boot.initrd = None
    without.network = copy.copy(spec.network)
    without.network.forward_ports = None
    return vmspec.Plan(without, host).guest


def _definitions(settings: Any, machine: Conversion) -> Iterator[Definition]:
    yield from _disks(settings)
    yield from _initrd(settings, machine)
    yield from _boot(settings, machine)
    yield from _x_server(settings)
    yield from _services(settings)


def guest(machine: Conversion, host: Any) -> Dict[str, Any]:
    """The guest's settings as NixOS would have them, nested under its names:
    what the module defines, merged with the configuration that was converted.
    `consoles` is what it adds to the kernel's parameters.  Raises NixosError
    for a value that is not right, or where the user and the module exclude each
    other."""
    settings = _settings(machine.spec, host)
    own = dict(_definitions(settings, machine))
    values = {path: machine.config.value(path, [own[path]]
                                         if path in own else [])
              for path in types.GUEST}
    values["fileSystems"] = {
        point: _complete(entry)
        for point, entry in values["fileSystems"].items()}
    result: Dict[str, Any] = {"consoles": " ".join(
        f"console={console}" for console in settings.consoles)}
    for path, value in values.items():
        *groups, name = path.split(".")
        here = result
        for group in groups:
            here = here.setdefault(group, {})
        here[name] = value
    return result
