/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "assert.h"

#include "credential.h"

#include <stdarg.h>
#include <string.h>
#include <sys/un.h>

#define ERROR VMSPEC_SEVERITY_ERROR
#define BLOCKER VMSPEC_SEVERITY_BLOCKER
#define WARNING VMSPEC_SEVERITY_WARNING

void
vms_say (vmspec_diag *diag, enum vmspec_severity severity, const char *id,
         const char *group, const char *member, const char *format, ...)
{
  struct path parent = { .name = group };
  struct path path = { .parent = group ? &parent : NULL, .name = member };
  va_list args;

  va_start (args, format);
  vms_diag_vadd (diag, severity, id, &path, NULL, format, args);
  va_end (args);
}

static void
assert_machine (const struct resolution *r, vmspec_diag *diag)
{
  /* 2047 itself is refused by the module, too. */
  if (r->arch->bits == 32 && r->spec.memory >= 2047)
    vms_say (diag, ERROR, "memory.32bit", NULL, "memory",
             "QEMU gives a 32-bit guest less than 2047 MiB of memory, not %llu; "
             "take 2046 or less", (unsigned long long) r->spec.memory);
}

/* ---- emulator ----------------------------------------------------------- */

static const char *
kvm_explained (const struct resolution *r)
{
  if (!vms_arch_kvm (r->host->arch, r->spec.arch))
    return "guests of another architecture than the host's are always "
           "emulated";
  switch (r->host->kvm) {
  case VMSPEC_KVM_DENIED:
    return "/dev/kvm may not be opened; add the user to its group (often kvm)";
  case VMSPEC_KVM_NO_HARDWARE:
    return "/dev/kvm opens, but the processor shows no vmx or svm: switch "
           "hardware virtualisation on in the firmware, or nested "
           "virtualisation on in the outer host";
  default:
    return "there is no /dev/kvm: load the module kvm_intel or kvm_amd, or "
           "switch hardware virtualisation on in the firmware";
  }
}

static void
assert_emulator (const struct resolution *r, const struct decided *d,
                 vmspec_diag *diag)
{
  if (d->command && !strchr (d->command[0], '/'))
    vms_say (diag, BLOCKER, "qemu.missing", "qemu", "binary",
             "%s was not found in PATH; install it (Debian: qemu-system-x86 and "
             "its likes; Fedora: qemu-system-x86-core) or set qemu.binary",
             d->command[0]);
  if (r->qemu.cpu && !strncmp (r->qemu.cpu, "host", 4)
      && (!r->qemu.cpu[4] || r->qemu.cpu[4] == ',')
      && !strcmp (vms_emulator_accel (r), "tcg"))
    vms_say (diag, BLOCKER, "qemu.cpu-host", "qemu", "cpu",
             "the host's processor can be had with hardware virtualisation only, "
             "and this machine is emulated; set qemu.cpu to max or leave it out");
  if (r->qemu.accel == VMSPEC_ACCEL_REQUIRE && !*vms_emulator_accel (r))
    vms_say (diag, BLOCKER, "qemu.accel-unsaid", "qemu", "machine",
             "qemu.accel requires hardware virtualisation, but qemu.machine leaves "
             "no room to say so; leave accel= out of it, or qemu.accel");
  if (r->qemu.accel == VMSPEC_ACCEL_REQUIRE
      && r->host->os != VMSPEC_OS_DARWIN && !vms_emulator_kvm (r))
    vms_say (diag, BLOCKER, "qemu.kvm-unusable", "qemu", "accel",
             "KVM is required but cannot be used: %s; or set qemu.accel to prefer "
             "or off", kvm_explained (r));
}

/* ---- boot and firmware -------------------------------------------------- */

static void
assert_boot (const struct resolution *r, vmspec_diag *diag)
{
  const struct vmspec_boot *b = &r->boot, *said = r->given->boot;

  if (said && said->initrd && !is_on (b->direct)
      && !(r->default_initrd && !strcmp (said->initrd, r->default_initrd)))
    vms_say (diag, ERROR, "boot.initrd-unused", "boot", "initrd",
             "an initial RAM disk of its own is given to a machine that does not "
             "boot directly and would not use it; turn boot.direct on or leave "
             "boot.initrd out");
  if (is_on (b->direct) && is_on (b->loader))
    vms_say (diag, WARNING, "boot.direct-and-loader", "boot", "loader",
             "direct boot bypasses the boot loader; turn one of boot.direct and "
             "boot.loader off");
  if (is_on (b->direct) && !b->kernel && is_on (r->qemu.builtin_options))
    vms_say (diag, BLOCKER, "boot.no-kernel", "boot", "kernel",
             "direct boot needs a kernel; set boot.kernel, or boot.system for a "
             "NixOS guest");
  if (b->bios && is_on (r->efi.enable))
    vms_say (diag, BLOCKER, "boot.bios-and-efi", "boot", "bios",
             "a machine starts with a BIOS or with EFI firmware, not with both; "
             "leave boot.bios out or turn efi.enable off");
}

/* Whether something looks at the firmware's two files at all. */
static int
needs_firmware (const struct resolution *r)
{
  return is_on (r->efi.enable) && is_on (r->qemu.builtin_options);
}

static int
needs_variables (const struct resolution *r)
{
  return is_on (r->efi.enable) && !is_on (r->efi.keep_variables);
}

/* A type of machine, not only its properties, that is not Q35. */
static int
names_other_machine (const char *machine)
{
  size_t size = machine ? strcspn (machine, ",") : 0;

  return size && !memchr (machine, '=', size) && strncmp (machine, "q35", 3)
         && strncmp (machine, "pc-q35", 6);
}

static void
assert_efi (const struct resolution *r, vmspec_diag *diag)
{
  const struct vmspec_efi *e = &r->efi;
  int lacks = (needs_firmware (r) && !e->firmware)
              || (needs_variables (r) && !e->variables);

  if (lacks && !r->arch->firmware_prefix)
    vms_say (diag, ERROR, "efi.unsupported", "efi", "firmware",
             "no EFI firmware is known for %s guests; set efi.firmware and "
             "efi.variables, or turn efi.enable off", r->arch->name);
  else if (lacks)
    vms_say (diag, BLOCKER, "efi.missing", "efi", "firmware",
             "no EFI firmware for %s guests%s was found; install it (Debian: "
             "ovmf, qemu-efi-aarch64, qemu-efi-riscv64) or set efi.firmware and "
             "efi.variables", r->arch->name,
             is_on (e->secure_boot) ? " with secure boot" : "");
  if (is_on (e->enable) && r->needs_smm && !is_on (e->smm))
    vms_say (diag, BLOCKER, "efi.smm", "efi", "smm",
             "secure boot firmware hangs on a machine without system management "
             "mode; turn efi.smm on");
  if (is_on (e->smm) && r->arch->family == FAMILY_X86
      && names_other_machine (r->qemu.machine))
    vms_say (diag, WARNING, "efi.machine", "qemu", "machine",
             "system management mode takes a q35 machine, which this will be, and "
             "not %s", r->qemu.machine);
}

/* ---- TPM and store ------------------------------------------------------ */

/* The TPM devices of QEMU and the machines that have a place for them
 * (docs/specs/tpm.rst).  Others are taken to be known to whoever names them, but
 * for what QEMU reads as a property or as JSON. */
static int
tpm_model_fits (const char *model, enum arch_family family)
{
  static const struct {
    const char *model;
    unsigned families;
  } known[] = {
    { "tpm-tis", 1u << FAMILY_X86 },
    { "tpm-crb", 1u << FAMILY_X86 },
    { "tpm-tis-device", 1u << FAMILY_ARM | 1u << FAMILY_RISCV },
    { "tpm-spapr", 1u << FAMILY_POWER },
  };

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (!strcmp (known[i].model, model))
      return !!(known[i].families & 1u << family);
  return *model != '{' && !strchr (model, '=');
}

/* The TPM's sockets are in its directory; a provisioning program has its own
 * two, of which the second has the longest name of all. */
static void
assert_tpm_socket (const struct resolution *r, const struct decided *d,
                   vmspec_diag *diag)
{
  const size_t longest = sizeof ((struct sockaddr_un *) 0)->sun_path - 1;
  const char *path = d->tpm_socket;

  if (path && r->tpm.provision)
    path = vms_arena_concat (r->arena, d->tpm_state ? d->tpm_state : "",
                             "/provision.ctrl", (char *) NULL);
  if (path && strlen (path) > longest)
    vms_say (diag, BLOCKER, "tpm.socket-path", "tpm", "state_dir",
             "the socket's path %s has %zu bytes, and the system allows %zu; "
             "choose a shorter tpm.state_dir", path, strlen (path), longest);
}

static void
assert_tpm (const struct resolution *r, const struct decided *d,
            vmspec_diag *diag)
{
  if (!is_on (r->tpm.enable))
    return;
  if (!r->tpm.model && is_on (r->qemu.builtin_options))
    vms_say (diag, ERROR, "tpm.unsupported", "tpm", "model",
             "no TPM device is known for %s guests; set tpm.model",
             r->arch->name);
  if (r->tpm.model && !tpm_model_fits (r->tpm.model, r->arch->family))
    vms_say (diag, BLOCKER, "tpm.model", "tpm", "model",
             "QEMU has no %s on machines for %s guests%s%s", r->tpm.model,
             r->arch->name, r->arch->tpm_model ? "; take " : "",
             r->arch->tpm_model ? r->arch->tpm_model : "");
  if (!r->tpm.swtpm)
    vms_say (diag, BLOCKER, "tpm.missing", "tpm", "swtpm",
             "swtpm was not found in PATH; install it or set tpm.swtpm");
  assert_tpm_socket (r, d, diag);
}

static void
assert_store (const struct resolution *r, vmspec_diag *diag)
{
  const struct vmspec_store *said = r->given->store;

  if (is_on (r->store.writable) && is_on (r->store.image)
      && !(said && said->writable))
    vms_say (diag, WARNING, "store.image-writable", "store", "writable",
             "a store image that is writable is built as a whole and kept, which "
             "is costly; turn store.writable off, or on to say that this is "
             "meant");
}

/* ---- state files -------------------------------------------------------- */

static void
assert_parent (const struct resolution *r, const char *path, const char *group,
               const char *member, vmspec_diag *diag)
{
  const struct vmspec_host_file *file = vms_host_file (r->host, path);

  if (file && file->type == VMSPEC_FILE_TYPE_NO_PARENT)
    vms_say (diag, BLOCKER, "file.no-parent", group, member,
             "%s cannot be made: its directory does not exist or cannot be "
             "reached; make it first",
             path);
}

/* An overlay of a system image is made in a format of its own. */
static void
assert_overlay (const struct resolution *r, const struct decided *d,
                vmspec_diag *diag)
{
  const struct vmspec_host_file *file
    = d->image ? vms_host_file (r->host, d->image) : NULL;

  if (d->image && r->disk.system_image && is_on (r->boot.loader)
      && is_on (r->boot.default_file_systems) && r->disk.format
      && r->disk.format != VMSPEC_IMAGE_FORMAT_QCOW2
      && !(file && file->type > VMSPEC_FILE_TYPE_NO_PARENT))
    vms_say (diag, BLOCKER, "disk.overlay-format", "disk", "format",
             "the root disk is made as an overlay of the system image, in qcow2, "
             "and would be read as %s; leave disk.format out",
             vms_option_value ("vmspec_disk", "format", r->disk.format));
}

static void
assert_state (const struct resolution *r, const struct decided *d,
              vmspec_diag *diag)
{
  assert_parent (r, d->image, "disk", "image", diag);
  assert_parent (r, d->efi_state, "efi", "state", diag);
  assert_parent (r, d->tpm_state, "tpm", "state_dir", diag);
  assert_overlay (r, d, diag);
  if (d->image && r->disk.size == VMSPEC_NONE && !is_on (r->boot.loader))
    vms_say (diag, BLOCKER, "disk.no-size", "disk", "size",
             "a root disk without a system image needs a size; set disk.size");
}

void
vms_assert_description (const struct resolution *r, const struct decided *d,
                        vmspec_diag *diag)
{
  vms_assert_network (r, d, diag);
  vms_assert_credentials (r, d, diag);
  assert_machine (r, diag);
  assert_boot (r, diag);
  assert_efi (r, diag);
  assert_tpm (r, d, diag);
  assert_store (r, diag);
  vms_assert_drives (r, d, diag);
  vms_assert_shares (r, d, diag);
  assert_emulator (r, d, diag);
  assert_state (r, d, diag);
}
