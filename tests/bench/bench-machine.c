/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machines that bench-start starts, and starting them by the library. */
#include "bench-start.h"
#include "bench-stand-in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int
open_null (void)
{
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  if (fd < 0)
    die ("/dev/null");
  return fd;
}

/* ---- descriptions --------------------------------------------------------- */

static vmspec_plan *
make_plan (const struct machine *m, const struct vmspec_host *host)
{
  vmspec_plan *plan = NULL;

  if (vmspec_plan_new (&m->spec, host, diag, &plan) < 0)
    die ("no plan");
  return plan;
}

/* The description that start-script has built in.  QEMU itself gets no kernel
 * and does not run, as that is the guest's time. */
void
machine_make (struct machine *m, int real, int tpm, uint32_t qmp)
{
  static const char *const options[] = { "-S", "-display", "none", NULL };

  *m = (struct machine) {
    .spec = { VMSPEC_INIT (vmspec), .name = "demo",
              .arch = VMSPEC_ARCH_X86_64, .qemu = &m->qemu,
              .boot = &m->boot, .disk = &m->disk, .tpm = &m->tpm },
    .qemu = { VMSPEC_INIT (vmspec_qemu), .accel = VMSPEC_ACCEL_OFF,
              .binary = real ? find_program ("qemu-system-x86_64") : stand_in,
              .options = real ? options : NULL },
    .boot = { VMSPEC_INIT (vmspec_boot), .kernel = real ? NULL : m->kernel,
              .initrd = real ? NULL : m->kernel },
    .disk = { VMSPEC_INIT (vmspec_disk), .image = m->image, .size = 64 },
    .tpm = { VMSPEC_INIT (vmspec_tpm), .enable = tpm ? VMSPEC_ON : VMSPEC_OFF,
             .state_dir = m->state, .swtpm = find_program ("swtpm") },
    .given = { VMSPEC_INIT (vmspec_host), .directory = scratch },
    .qmp = qmp, .real = real,
  };
  strcpy (m->image, in_scratch ("demo.qcow2"));
  strcpy (m->kernel, in_scratch ("kernel"));
  strcpy (m->state, in_scratch ("tpm"));
  memcpy (&m->given.environment, &(char **){ environ }, sizeof environ);
  if (vmspec_host_detect (&m->spec, &m->given, diag, &m->host) < 0)
    die ("no host");
  m->plan = make_plan (m, m->host);
}

vmspec_plan *
machine_another_plan (const struct machine *m, unsigned number)
{
  struct vmspec_host host = *m->host;
  char name[32];

  snprintf (name, sizeof name, "vmspec.bench%05u", number);
  host.run_name = name;
  return make_plan (m, &host);
}

void
machine_free (struct machine *m)
{
  vmspec_plan_free (m->plan);
  vmspec_host_free (m->host);
}

/* ---- stamps --------------------------------------------------------------- */

void
stamp_open (int ends[2])
{
  if (pipe2 (ends, O_CLOEXEC) < 0)
    die ("pipe");
}

double
stamp_read (int ends[2])
{
  struct timespec stamp;

  close (ends[1]);
  if (read (ends[0], &stamp, sizeof stamp) != (ssize_t) sizeof stamp)
    die ("the stand-in did not start");
  close (ends[0]);
  return (double) stamp.tv_sec * 1e6 + (double) stamp.tv_nsec / 1e3;
}

/* ---- starting ------------------------------------------------------------- */

static vmspec_vm *
start (const struct machine *m, const vmspec_plan *plan, int stamp)
{
  const struct vmspec_descriptor handed
    = { VMSPEC_INIT (vmspec_descriptor), .number = STAMP_FD,
        .fd = (uint32_t) stamp };
  const struct vmspec_start how
    = { VMSPEC_INIT (vmspec_start), .qmp = m->qmp,
        .input = VMSPEC_STDIO_NULL, .output = VMSPEC_STDIO_NULL,
        .error = VMSPEC_STDIO_NULL,
        .descriptors = stamp < 0 ? NULL
          : (const struct vmspec_descriptor *const[]) { &handed, NULL } };
  vmspec_vm *vm = NULL;
  int r = vmspec_vm_start (plan, &how, diag, &vm);

  if (r < 0) {
    errno = -r;
    die ("vmspec_vm_start");
  }
  return vm;
}

vmspec_vm *
machine_start (const struct machine *m, const vmspec_plan *plan)
{
  return start (m, plan, -1);
}

static void
end (const struct machine *m, vmspec_vm *vm)
{
  if (m->qmp == VMSPEC_ON)
    (void) vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, -1, NULL);
  if (vmspec_vm_wait (vm, 10000, NULL) < 0)
    die ("the machine does not end");
  vmspec_vm_free (vm);
}

/* @plan is NULL if looking at the host and planning belong to it. */
static struct times
start_and_end (const struct machine *m, const vmspec_plan *plan)
{
  struct vmspec_host *host = NULL;
  vmspec_plan *own = NULL;
  int ends[2] = { -1, -1 };
  struct times times;
  double begin;
  vmspec_vm *vm;

  if (!m->real)
    stamp_open (ends);
  first_received = 0;
  begin = now_us ();
  if (!plan) {
    if (vmspec_host_detect (&m->spec, &m->given, diag, &host) < 0)
      die ("no host");
    own = make_plan (m, host);
  }
  vm = start (m, plan ? plan : own, ends[1]);
  times.second = now_us () - begin;
  times.first = (m->real ? first_received : stamp_read (ends)) - begin;
  end (m, vm);
  vmspec_plan_free (own);
  vmspec_host_free (host);
  return times;
}

struct times
vmspec_start_only (const struct machine *m)
{
  return start_and_end (m, m->plan);
}

struct times
vmspec_start_all (const struct machine *m)
{
  return start_and_end (m, NULL);
}

/* The stand-in obeys its power button, and so does QEMU without a guest only
 * quit. */
double
vmspec_stop (const struct machine *m)
{
  vmspec_vm *vm = start (m, m->plan, -1);
  double begin = now_us ();
  int r;

  if (m->real)
    r = vmspec_vm_control (vm, VMSPEC_ACTION_QUIT, -1, diag);
  else
    r = vmspec_vm_stop (vm, -1, NULL);
  if (r == 0 && m->real)
    r = vmspec_vm_wait (vm, -1, NULL);
  if (r < 0)
    die ("the machine does not stop");
  begin = now_us () - begin;
  vmspec_vm_free (vm);
  return begin;
}
