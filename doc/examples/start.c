/* Starts a small machine, gives it a minute, and exits as it does.
 *
 *     cc start.c $(pkg-config --cflags --libs vmspec) && ./a.out vmlinuz initrd
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <vmspec/vmspec.h>

extern char **environ;

static int
run (const vmspec_plan *plan, vmspec_diag *diag)
{
  vmspec_vm *vm = NULL;
  int status = 0, r = vmspec_vm_start (plan, NULL, diag, &vm);

  if (r == 0) {
    r = vmspec_vm_wait (vm, 60 * 1000, &status);
    if (r == -ETIME) /* the power button, and more if that does not help */
      r = vmspec_vm_stop (vm, 10 * 1000, &status);
    if (r == 0 && status != 0)
      vmspec_vm_explain (vm, diag);
  }
  vmspec_vm_free (vm); /* would kill it, if it still ran */
  return r == 0 && WIFEXITED (status) ? WEXITSTATUS (status) : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  struct vmspec spec = {
    VMSPEC_INIT (vmspec), .name = "example", .graphics = VMSPEC_OFF,
    .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
      .kernel = argc > 1 ? argv[1] : "vmlinuz",
      .initrd = argc > 2 ? argv[2] : "initrd.img" },
    .disk = &(struct vmspec_disk) { VMSPEC_INIT (vmspec_disk),
      .image = "" }, /* none: the root is a tmpfs */
  };
  /* The library reads no environment: what the machine is to see, we pass. */
  struct vmspec_host given = { VMSPEC_INIT (vmspec_host),
    .environment = (const char *const *) environ };
  struct vmspec_host *host = NULL;
  const struct vmspec_finding *f;
  vmspec_diag *diag = NULL;
  vmspec_plan *plan = NULL;
  int result = EXIT_FAILURE;

  if (vmspec_diag_new (&diag) == 0
      && vmspec_host_detect (&spec, &given, diag, &host) == 0
      && vmspec_plan_new (&spec, host, diag, &plan) == 0)
    result = run (plan, diag);
  for (size_t i = 0; (f = vmspec_diag_get (diag, i)); i++)
    fprintf (stderr, "%s: %s [%s]\n", f->path, f->text, f->id);
  vmspec_plan_free (plan);
  vmspec_host_free (host);
  vmspec_diag_free (diag);
  return result;
}
