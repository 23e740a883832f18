# SPDX-License-Identifier: LGPL-2.1-or-later
# Completes the arguments of vmspec-run.  Made of its options: "make regenerate".

set -g _vmspec_run_description '
arch=x86_64|i686|aarch64|armv7l|powerpc64|powerpc64le|riscv64|riscv32|s390x
name=
memory=
cores=
graphics=off|on
resolution_x=
resolution_y=
msize=
host_certs=off|on
builtin_drives=off|on
builtin_shares=off|on
builtin_file_systems=off|on
qemu.accel=require|prefer|off
qemu.package=:file
qemu.binary=:file
qemu.machine=
qemu.cpu=
qemu.first_options[]=
qemu.options[]=
qemu.consoles[]=
qemu.first_network_options[]=
qemu.network_options[]=
qemu.disk_interface=virtio|scsi|ide|virtio-scsi|nvme
qemu.guest_agent=off|on
qemu.virtio_keyboard=off|on
qemu.expand=off|on
qemu.builtin_options=off|on
qemu.builtin_network=off|on
disk.format=raw|qcow2|qcow|vdi|vmdk|vhdx|vpc
disk.image=:file
disk.size=
disk.system_image=:file
disk.system_format=raw|qcow2|qcow|vdi|vmdk|vhdx|vpc
network.restricted=off|on
network.forward_ports[]=from=|proto=|host_port=|guest_port=|any_host_port=|host_address=|guest_address=
network.netcat=:file
network.primary_address=
network.vlan_backend=none|vde|multicast|dgram|stream
network.machine_number=
network.vlan_directory=:file
network.vlan_switch=off|on
boot.direct=off|on
boot.loader=off|on
boot.default_file_systems=off|on
boot.system=:file
boot.registration=:file
boot.kernel=:file
boot.initrd=:file
boot.kernel_params[]=
boot.loader_device=:file
boot.partition=:file
boot.root_device=:file
boot.bios=:file
efi.enable=off|on
efi.keep_variables=off|on
efi.secure_boot=off|on
efi.smm=off|on
efi.package=:file
efi.firmware=:file
efi.variables=:file
efi.state=:file
tpm.enable=off|on
tpm.model=
tpm.swtpm=:file
tpm.state_dir=:file
tpm.setup=off|on
tpm.provision=:file
store.mount_host=off|on
store.image=off|on
store.writable=off|on
store.writable_tmpfs=off|on
store.builtin_paths=off|on
store.path=:file
store.additional_paths[]=
store.base_image=:file
store.closure=:file
drives[]=format=|name=|file=|expand=|interface=|size=
empty_disks[]=size=
shares[]=security_model=|tag=|source=|target=|expand=
file_systems[]=needed_for_boot=|no_check=|auto_format=|replace=|mount_point=|device=|type=
vlans[]=number=
interfaces[]=vlan=|assign_ip=|name=
guest.mounts=off|on
guest.hostname=
guest.ssh_keys[]=
guest.credentials[]=name=|value=|file=
'

set -g _vmspec_run_image '
format=raw|qcow2|qcow|vdi|vmdk|vhdx|vpc
file=:file
size=
content=empty|ext4
backing_format=raw|qcow2|qcow|vdi|vmdk|vhdx|vpc
label=
uuid=
tree=:file
backing=:file
cluster_size=
preallocation=off|metadata
lazy_refcounts=off|on
root_owned=off|on
'

set -g _vmspec_run_system_image '
format=raw|qcow2|qcow|vdi|vmdk|vhdx|vpc
file=:file
tree=:file
esp=:file
partition_table=none|legacy|legacy+gpt|efi|hybrid
root_owned=off|on
size=
additional_space=
esp_size=
label=
seed=
variables=:file
variables_file=:file
boot_code=:file
core_image=:file
time=
cluster_size=
'

function __vmspec_run_settings
    set -l token (commandline -ct | string replace -r '^--set=' '')
    set -l key (string split -m 1 = -- $token)[1]
    for word in (string split -n \n -- $argv)
        set -l parts (string split -m 1 = -- $word)
        if not string match -q '*=*' -- $token
            echo $parts[1]=
        else if test "$parts[1]" = "$key"
            if test "$parts[2]" = :file
                printf "$key=%s\n" (__fish_complete_path (string split -m 1 = -- $token)[2])
            else
                printf "$key=%s\n" (string split -n '|' -- $parts[2])
            end
        end
    end
end

function __vmspec_run_machines
    set -l program (commandline -opc)[1]
    $program --list 2> /dev/null | sed -n 's/  *[^ ]*  *[0-9][0-9]*  [^ ].*$//p'
end

function __vmspec_run_has
    contains -- $argv (commandline -opc)
end

complete -c vmspec-run -f
complete -c vmspec-run -n 'not __vmspec_run_has --image-info --make-image --make-system-image' -ka '(__fish_complete_suffix .xml)'
complete -c vmspec-run -n '__vmspec_run_has --image-info' -F
complete -c vmspec-run -n '__vmspec_run_has --make-image' -Fa '(__vmspec_run_settings $_vmspec_run_image)'
complete -c vmspec-run -n '__vmspec_run_has --make-system-image' -Fa '(__vmspec_run_settings $_vmspec_run_system_image)'
complete -c vmspec-run -l set -d 'change the description; may be given several times' -xa '(__vmspec_run_settings $_vmspec_run_description)'
complete -c vmspec-run -l force -d 'start in spite of blockers'
complete -c vmspec-run -l timeout -d 'end the machine after 10, 0.5, 5m, 1h or 1d' -x
complete -c vmspec-run -l daemonize -d 'return when the machine runs, which then goes on'
complete -c vmspec-run -l pidfile -d 'write down whom to signal while the machine runs' -rF
complete -c vmspec-run -l keep-directory -d 'leave the run directory when the machine has ended'
complete -c vmspec-run -l guest-agent -d 'offer a channel to the guest\'s agent'
complete -c vmspec-run -l no-qmp -d 'add nothing to QEMU\'s arguments; it cannot be asked then'
complete -c vmspec-run -l list -d 'list the machines that this user runs'
complete -c vmspec-run -l status -d 'print what is known of one' -xa '(__vmspec_run_machines)'
complete -c vmspec-run -l stop -d 'power one down; tell QEMU to quit, or kill it, if need be' -xa '(__vmspec_run_machines)'
complete -c vmspec-run -l clean -d 'remove what killed machines have left'
complete -c vmspec-run -l check -d 'say what is wrong, missing files included'
complete -c vmspec-run -l print-argv -d 'print QEMU\'s arguments, one on a line'
complete -c vmspec-run -s 0 -l null -d 'with --print-argv: end each argument by a NUL byte'
complete -c vmspec-run -l print-command -d 'print a command that can be pasted into a shell'
complete -c vmspec-run -l resolve -d 'print the description with every default filled in'
complete -c vmspec-run -l print-steps -d 'print what is made before a start, and what it is for'
complete -c vmspec-run -l guest -d 'print the guest\'s configuration as fstab, units, cmdline, modules, hook (a script) or json' -xa 'fstab units cmdline modules hook json'
complete -c vmspec-run -l output -d 'with --guest: write files below DIR, and those of its initial RAM disk below DIR/initrd; replace none' -xa '(__fish_complete_directories)'
complete -c vmspec-run -l check-kernel -d 'say what a kernel lacks: by its .config or config.gz, or by its directory in /lib/modules' -rF
complete -c vmspec-run -l prepare -d 'make what lasts, such as disk images, and do not start'
complete -c vmspec-run -l step -d 'with --prepare: make only this; may be given several times' -x
complete -c vmspec-run -l no-sync -d 'do not wait until images have reached the disk'
complete -c vmspec-run -l image-info -d 'say what the image FILE is, and what it rests on'
complete -c vmspec-run -l make-image -d 'make the image FILE; its keys are in vmspec-run(1)'
complete -c vmspec-run -l make-system-image -d 'make the image FILE from a directory tree, to boot from'
complete -c vmspec-run -l list-options -d 'print every option with its values and its default'
complete -c vmspec-run -s h -l help -d 'print this'
complete -c vmspec-run -l version -d 'print the version'
