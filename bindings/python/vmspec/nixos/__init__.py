# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual machine of a NixOS configuration, without Nix.

    machine = nixos.convert({"memorySize": 2048, "useEFIBoot": True},
                            guest_system="x86_64-linux")
    host = nixos.host("x86_64-linux")
    plan = vmspec.Plan(machine.spec, host)
    nixos.guest(machine, host)["fileSystems"]

What is below "virtualisation." in NixOS goes in as plain data and comes out as
a description, by the rules of the module system and of the module
virtualisation/qemu-vm.nix, in the version of 2024 ("new") or 2023 ("old").
"""

from .conversion import Conversion, convert
from .errors import NixosError
from .guest import guest
from .images import build, images
from .refusals import KINDS, refusal
from .resolved import resolved_options
from .systems import host

__all__ = ["KINDS", "Conversion", "NixosError", "build", "convert", "guest",
           "host", "images", "refusal", "resolved_options"]
