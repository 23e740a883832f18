/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the fuzz targets share.  A target is one function with libFuzzer's
 * interface; replay-main.c calls it for files instead. */
#ifndef VMSPEC_FUZZ_H
#define VMSPEC_FUZZ_H

#include <vmspec/vmspec.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define HOLDS(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf (stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,       \
               #condition);                                                    \
      abort ();                                                                \
    }                                                                          \
  } while (0)

/* A failure is -EINVAL with a finding that says why; findings are complete. */
static inline void
holds_findings (int r, const vmspec_diag *diag)
{
  size_t errors = 0;

  HOLDS (r == 0 || r == -EINVAL);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    const struct vmspec_finding *f = vmspec_diag_get (diag, i);

    HOLDS (f->id && *f->id && f->path && f->text && *f->text);
    errors += f->severity == VMSPEC_SEVERITY_ERROR;
  }
  HOLDS (!vmspec_diag_get (diag, vmspec_diag_count (diag)));
  HOLDS ((r == 0) == (errors == 0));
}

static inline vmspec_diag *
new_diag (void)
{
  vmspec_diag *diag = NULL;

  HOLDS (vmspec_diag_new (&diag) == 0);
  return diag;
}

/* What is written reads back as the same.  Returns the text, which belongs to
 * @doc, or NULL if it holds what XML cannot. */
static inline const char *
holds_round_trip (vmspec_doc *doc)
{
  vmspec_diag *diag = new_diag ();
  vmspec_doc *again = NULL;
  const char *first = NULL, *second = NULL;
  int r = vmspec_doc_write (doc, &first);

  if (r == 0) {
    r = vmspec_doc_read_memory (first, strlen (first), "again", diag, &again);
    holds_findings (r, diag);
    HOLDS (r == 0);
    HOLDS (vmspec_doc_write (again, &second) == 0);
    HOLDS (!strcmp (first, second));
    vmspec_doc_free (again);
  }
  vmspec_diag_free (diag);
  return first;
}

/* A machine to plan for.  Its variables and files are such that descriptions
 * can refer to them. */
static const struct vmspec_host fuzz_host = {
  VMSPEC_INIT (vmspec_host),
  .arch = VMSPEC_ARCH_X86_64, .os = VMSPEC_OS_LINUX,
  .kvm = VMSPEC_KVM_USABLE, .cpus = 2,
  .directory = "/srv", .run_name = "vmspec.fuzz",
  .environment = (const char *const[]) {
    "PATH=/usr/bin:/bin", "HOME=/home/user", "A=a b", "EMPTY=", "Q='\"$A\"",
    "SHARED_DIR=/srv/my files, all", "QEMU_OPTS=-snapshot  -no-reboot",
    "QEMU_NET_OPTS=hostfwd=tcp::2222-:22", "QEMU_KERNEL_PARAMS=quiet", NULL },
  .arguments = (const char *const[]) { "-S", NULL },
  .programs = (const struct vmspec_host_program *const[]) {
    &(const struct vmspec_host_program) { VMSPEC_INIT (vmspec_host_program),
      .name = "qemu-system-x86_64", .path = "/usr/bin/qemu-system-x86_64" },
    &(const struct vmspec_host_program) { VMSPEC_INIT (vmspec_host_program),
      .name = "swtpm", .path = "/usr/bin/swtpm" },
    NULL },
  .files = (const struct vmspec_host_file *const[]) {
    &(const struct vmspec_host_file) { VMSPEC_INIT (vmspec_host_file),
      .path = "/sys/kernel-params", .type = VMSPEC_FILE_TYPE_FILE,
      .content = "loglevel=4 net.ifnames=0\n" },
    &(const struct vmspec_host_file) { VMSPEC_INIT (vmspec_host_file),
      .path = "/sys/initrd", .type = VMSPEC_FILE_TYPE_FILE,
      .real_path = "/store/initrd/initrd" },
    NULL },
  .firmware = (const struct vmspec_host_firmware *const[]) {
    &(const struct vmspec_host_firmware) { VMSPEC_INIT (vmspec_host_firmware),
      .arch = VMSPEC_ARCH_X86_64, .secure_boot = VMSPEC_OFF,
      .smm = VMSPEC_OFF, .firmware = "/fw/CODE.fd",
      .variables = "/fw/VARS.fd" },
    NULL },
};

#endif
