/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Different handles never meet: all kinds of work at once, by threads that have
 * handles of their own.
 *
 *   threads THREADS ROUNDS PROGRAM DESCRIPTION...
 *
 * PROGRAM stands in for QEMU.  In the first round all do the same at the same
 * time, so that what libraries set up at their first use is set up by many; in
 * the others each is at another place.  All have to come to the same.
 * Works in the current directory.
 */
#include "one-machine.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024ull * 1024)

struct worker {
  pthread_t thread;
  size_t index;
  uint64_t sum;             /* of all that was seen */
};

static struct kind stand_in;
static char **descriptions;
static size_t rounds;
static pthread_barrier_t start_line;

/* ---- what is seen -------------------------------------------------------- */

static void
see (struct worker *worker, const char *text)
{
  for (text = text ? text : "(none)"; *text; text++)
    worker->sum = (worker->sum ^ (unsigned char) *text) * 0x100000001b3;
}

static void
see_findings (struct worker *worker, vmspec_diag *diag)
{
  for (size_t i = 0; i < vmspec_diag_count (diag); i++) {
    see (worker, vmspec_diag_get (diag, i)->path);
    see (worker, vmspec_diag_get (diag, i)->text);
  }
  vmspec_diag_clear (diag);
}

/* ---- descriptions and plans ---------------------------------------------- */

static void
see_guest (struct worker *worker, const vmspec_plan *plan, vmspec_diag *diag)
{
  struct vmspec_guest_settings *settings;

  if (vmspec_plan_guest (plan, VMSPEC_GUEST_FORM_UNSET, diag, &settings) == 0) {
    see (worker, settings->initrd_commands);
    vmspec_guest_settings_free (settings);
  }
}

static void
plan (struct worker *worker, const struct vmspec *spec, vmspec_diag *diag)
{
  const char *const variables[]
    = { "TMPDIR=/srv", "USE_TMPDIR=1", "PATH=/bin", NULL };
  const struct vmspec_host given = { VMSPEC_INIT (vmspec_host),
                                     .environment = variables };
  struct vmspec_host *host = NULL;
  vmspec_plan *made;

  if (vmspec_host_detect (spec, &given, diag, &host) == 0
      && vmspec_plan_new (spec, host, diag, &made) == 0) {
    see (worker, vmspec_plan_command (made));
    see_guest (worker, made, diag);
    vmspec_plan_check_files (made, diag);
    vmspec_plan_free (made);
  }
  vmspec_host_free (host);
}

static void
read_and_plan (struct worker *worker)
{
  vmspec_diag *diag;

  MUST (vmspec_diag_new (&diag) == 0);
  for (char **file = descriptions; *file; file++) {
    vmspec_doc *doc;
    const char *xml;

    if (vmspec_doc_read_file (*file, diag, &doc) == 0) {
      vmspec_doc_set (doc, "qemu.options[]=-echr,0x02", diag);
      vmspec_doc_set (doc, "qemu.no_such_option=1", diag);
      if (vmspec_doc_write (doc, &xml) == 0)
        see (worker, xml);
      plan (worker, vmspec_doc_spec (doc), diag);
      vmspec_doc_free (doc);
    }
    see_findings (worker, diag);
  }
  vmspec_diag_free (diag);
}

/* ---- images -------------------------------------------------------------- */

static void
see_image (struct worker *worker, const char *file)
{
  struct vmspec_image_info *info;

  MUST (vmspec_image_info (file, VMSPEC_IMAGE_FORMAT_UNSET, NULL, &info) == 0);
  see (worker, info->file_system);
  see (worker, info->label);
  see (worker, info->partition_table);
  worker->sum += info->virtual_size;
  vmspec_image_info_free (info);
}

static const char *
own (char *name, size_t size, const struct worker *worker, const char *what)
{
  snprintf (name, size, "%s-%zu", what, worker->index);
  unlink (name);
  return name;
}

static void
make_images (struct worker *worker)
{
  char base[64], top[64];
  struct vmspec_work work = { VMSPEC_INIT (vmspec_work), .sync = VMSPEC_OFF };
  struct vmspec_image image = {
    VMSPEC_INIT (vmspec_image), .format = VMSPEC_IMAGE_FORMAT_QCOW2,
    .content = VMSPEC_CONTENT_EXT4, .label = "root", .size = 64 * MIB,
    .tree = "tree", .file = own (base, sizeof base, worker, "base"),
  };
  struct vmspec_image overlay = {
    VMSPEC_INIT (vmspec_image), .format = VMSPEC_IMAGE_FORMAT_QCOW2,
    .backing = base, .backing_format = VMSPEC_IMAGE_FORMAT_QCOW2,
    .file = own (top, sizeof top, worker, "top"),
  };

  MUST (vmspec_image_create (&image, &work, NULL) == 0);
  MUST (vmspec_image_create (&overlay, &work, NULL) == 0);
  see_image (worker, top);
}

static void
make_system_image (struct worker *worker)
{
  char disk[64];
  struct vmspec_work work = { VMSPEC_INIT (vmspec_work), .sync = VMSPEC_OFF };
  struct vmspec_system_image image = {
    VMSPEC_INIT (vmspec_system_image), .tree = "tree", .esp = "tree",
    .seed = "a seed", .format = VMSPEC_IMAGE_FORMAT_RAW,
    .file = own (disk, sizeof disk, worker, "disk"),
  };

  MUST (vmspec_system_image (&image, &work, NULL) == 0);
  see_image (worker, disk);
}

/* ---- machines ------------------------------------------------------------ */

static void
run_machine (struct worker *worker)
{
  vmspec_vm *vm = machine_start (&stand_in);

  (void) worker;
  machine_ask (&stand_in, vm);
  machine_stop (&stand_in, vm);
}

/* -------------------------------------------------------------------------- */

static void *
work (void *data)
{
  static void (*const tasks[]) (struct worker *)
    = { read_and_plan, make_images, make_system_image, run_machine };
  enum { TASKS = sizeof tasks / sizeof *tasks };
  struct worker *worker = data;

  for (size_t round = 0; round < rounds; round++) {
    uint64_t whole = 0;

    for (size_t i = 0; i < TASKS; i++) {
      if (round == 0)
        pthread_barrier_wait (&start_line);
      worker->sum = 0;
      tasks[(round * worker->index + i) % TASKS](worker);
      whole += worker->sum;
    }
    worker->sum = whole;
  }
  return NULL;
}

static void
make_tree (void)
{
  FILE *file;

  MUST (mkdir ("tree", 0755) == 0);
  MUST ((file = fopen ("tree/message", "w")));
  MUST (fputs ("hello\n", file) >= 0 && fclose (file) == 0);
}

int
main (int argc, char **argv)
{
  const char *where = getenv ("TMPDIR");
  char directory[4200];
  struct worker *workers;
  size_t count;

  MUST (argc > 4);
  snprintf (directory, sizeof directory, "TMPDIR=%s", where ? where : "/tmp");
  count = strtoul (argv[1], NULL, 10);
  rounds = strtoul (argv[2], NULL, 10);
  stand_in = (struct kind) { argv[3], directory };
  descriptions = argv + 4;
  make_tree ();
  MUST ((workers = calloc (count, sizeof *workers)));
  MUST (pthread_barrier_init (&start_line, NULL, (unsigned) count) == 0);
  for (size_t i = 0; i < count; i++) {
    workers[i].index = i;
    MUST (pthread_create (&workers[i].thread, NULL, work, &workers[i]) == 0);
  }
  for (size_t i = 0; i < count; i++)
    MUST (pthread_join (workers[i].thread, NULL) == 0);
  for (size_t i = 0; i < count; i++)
    MUST (workers[i].sum == workers[0].sum && workers[0].sum != 0);
  printf ("%zu threads, %zu rounds: all came to %016jx\n", count, rounds,
          (uintmax_t) workers[0].sum);
  pthread_barrier_destroy (&start_line);
  free (workers);
  return 0;
}
