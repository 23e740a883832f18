/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "emulator.h"

#include <string.h>

int
vms_emulator_kvm (const struct resolution *r)
{
  return r->host->os != VMSPEC_OS_DARWIN
         && r->host->kvm == VMSPEC_KVM_USABLE
         && vms_arch_kvm (r->host->arch, r->spec.arch);
}

/* Where acceleration does not work it is not even tried: see
 * VMSPEC_KVM_NO_HARDWARE for what happens otherwise. */
const char *
vms_emulator_accel (const struct resolution *r)
{
  int darwin = r->host->os == VMSPEC_OS_DARWIN;
  int works = darwin ? r->host->arch == r->spec.arch : vms_emulator_kvm (r);

  /* No -machine to say it in, or it is said there already. */
  if (r->qemu.machine
      && (!*r->qemu.machine || strstr (r->qemu.machine, "accel=")))
    return "";
  switch (r->qemu.accel) {
  case VMSPEC_ACCEL_UNSET:
    return "";
  case VMSPEC_ACCEL_REQUIRE:
    return darwin ? "hvf" : "kvm";
  case VMSPEC_ACCEL_PREFER:
    return !works ? "tcg" : darwin ? "hvf:tcg" : "kvm:tcg";
  default:
    return "tcg";
  }
}

static const char *
package_line (const struct resolution *r)
{
  if (r->host->os == VMSPEC_OS_DARWIN && r->host->arch == r->spec.arch
      && r->arch->package_darwin)
    return r->arch->package_darwin;
  return r->arch->package_linux;
}

/* A package fixes the whole line, unless a part of it is said. */
static int
is_package_line (const struct vmspec_qemu *q)
{
  return q->package && !q->binary && !q->machine && !q->cpu && !q->accel;
}

static const char *
default_binary (const struct resolution *r)
{
  const char *path, *line = package_line (r);

  if (r->qemu.package)
    return vms_arena_concat (r->arena, r->qemu.package, "/bin/",
                             vms_arena_copy (r->arena, line, strcspn (line, " ")),
                             (char *) NULL);
  path = vms_host_program (r->host, r->arch->emulator);
  return path ? path : r->arch->emulator;
}

void
vms_default_emulator (struct resolution *r)
{
  struct vmspec_qemu *q = &r->qemu;

  if (is_package_line (q))
    return;
  DEFAULT (q->accel, VMSPEC_ACCEL_PREFER);
  DEFAULT (q->binary, default_binary (r));
  if (*r->arch->machine)
    DEFAULT (q->machine, r->arch->machine);
  DEFAULT (q->cpu, strcmp (vms_emulator_accel (r), "tcg") ? r->arch->accel_cpu
                                                      : r->arch->tcg_cpu);
}

/* The words of "program -machine ..." with the package before the program. */
static const char *const *
package_words (const struct resolution *r, vmspec_diag *diag)
{
  const struct path qemu = { .name = "qemu" };
  const struct path path = { .parent = &qemu, .name = "package" };
  struct vector words = { .arena = r->arena };
  const char *line = package_line (r);

  if (r->host->os == VMSPEC_OS_DARWIN && line != r->arch->package_darwin)
    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "qemu.unsupported-host", &path,
                  NULL, "a NixOS QEMU package on Darwin runs guests of the host's "
                  "own architecture only, aarch64 or x86_64, not %s; set "
                  "qemu.binary", r->arch->name);
  vms_split_words (&words, line);
  if (words.count)
    words.items[0] = vms_arena_concat (r->arena, r->qemu.package, "/bin/",
                                       words.items[0], (char *) NULL);
  return (const void *) vms_vector_end (&words);
}

static const char *
program (const struct resolution *r)
{
  const char *path = vms_host_program (r->host, r->qemu.binary);

  return path ? vms_host_absolute (r->arena, r->host, path) : r->qemu.binary;
}

const char *const *
vms_emulator_command (const struct resolution *r, vmspec_diag *diag)
{
  const struct vmspec_qemu *q = &r->qemu;
  const char *accel = vms_emulator_accel (r);
  const char *machine = q->machine ? q->machine : "";
  struct vector words = { .arena = r->arena };

  if (is_package_line (q))
    return package_words (r, diag);
  vms_vector_add (&words, program (r));
  if (*machine || *accel) {
    vms_vector_add (&words, "-machine");
    vms_vector_add (&words, vms_arena_concat (r->arena, machine,
                                              *machine && *accel ? "," : "",
                                              *accel ? "accel=" : "", accel,
                                              (char *) NULL));
  }
  if (*q->cpu) {
    vms_vector_add (&words, "-cpu");
    vms_vector_add (&words, q->cpu);
  }
  return (const void *) vms_vector_end (&words);
}
