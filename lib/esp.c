/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mtools work in the image's own file, where the partition has one place: they
 * get the descriptor, and the offset.  Directories first, then the files of one
 * directory after the other, so that the order is always the same.
 */
#include "esp.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>

#include "helper.h"

#define SECTOR 512u
#define LEAST_FAT32 (64ull * 1024 * 1024)
/* FAT knows no time before 1980. */
#define YEAR_1980 315532800u
/* Of the arguments of a call, far below what every system allows. */
#define MOST_ARGUMENTS 65536

struct maker {
  const struct esp_setup *setup;
  struct vmspec_work said;
  struct work work;          /* with an environment for mtools */
  const char *image;         /* for "-i" */
  const char *mformat, *mmd, *mcopy;
  int64_t blocks;            /* of the file, before */
};

/* ---- programs ----------------------------------------------------------- */

static const char *
find_program (struct maker *m, const char *name, int *error)
{
  const char *program = vms_work_program (&m->work, name);

  if (!program && !*error)
    *error = vms_work_fail (&m->work, -ENOENT, "helper.missing", "esp",
                            "%s is not in the PATH: an EFI system partition is "
                            "made by mtools; install the package mtools", name);
  return program;
}

/* Ours come first, where a program looks first. */
static const char *const *
make_environment (struct maker *m)
{
  struct vector list = { .arena = m->work.arena };
  uint64_t time = MAX (m->setup->time, YEAR_1980);
  static const char *const ours[]
    = { "MTOOLSRC=/dev/null", "MTOOLS_SKIP_CHECK=1", "LC_ALL=C.UTF-8",
        "TZ=UTC0", "SOURCE_DATE_EPOCH=", NULL };
  const char *const *theirs = vms_work_environment (&m->work);

  for (int i = 0; ours[i + 1]; i++)
    vms_vector_add (&list, ours[i]);
  vms_vector_add (&list, vms_arena_printf (m->work.arena, "SOURCE_DATE_EPOCH=%llu",
                                           (unsigned long long) time));
  for (; *theirs; theirs++) {
    int is_ours = 0;

    for (int i = 0; ours[i]; i++)
      is_ours |= !strncmp (*theirs, ours[i], strcspn (ours[i], "=") + 1);
    if (!is_ours)
      vms_vector_add (&list, *theirs);
  }
  return (const char *const *) vms_vector_end (&list);
}

static int
tick (void *data)
{
  struct maker *m = data;
  const struct esp_setup *setup = m->setup;
  struct stat status;
  uint64_t done = 0;

  if (fstat (setup->fd, &status) == 0 && status.st_blocks > m->blocks)
    done = (uint64_t) (status.st_blocks - m->blocks) * 512;
  return vms_work_progress (&m->work,
                            MIN (done, setup->esp->bytes), setup->total);
}

static int
run (struct maker *m, struct vector *argv)
{
  const char *const *words = (const char *const *) vms_vector_end (argv);

  if (!words)
    return -ENOMEM;
  return vms_helper_run (&m->work,
                         &(struct helper_setup) { .argv = words,
                                              .extra = m->setup->fd },
                         tick, m);
}

static struct vector
start_words (struct maker *m, const char *program)
{
  struct vector argv = { .arena = m->work.arena };

  vms_vector_add (&argv, program);
  vms_vector_add (&argv, "-i");
  vms_vector_add (&argv, m->image);
  return argv;
}

static void
add_number (struct vector *argv, const char *option, uint64_t number)
{
  vms_vector_add (argv, option);
  vms_vector_add (argv, vms_arena_printf (argv->arena, "%llu",
                                          (unsigned long long) number));
}

/* ---- the file system ---------------------------------------------------- */

static int
format (struct maker *m)
{
  const struct esp_setup *setup = m->setup;
  struct vector argv = start_words (m, m->mformat);

  if (setup->size >= LEAST_FAT32)
    vms_vector_add (&argv, "-F");
  else /* the top directory cannot grow */
    add_number (&argv, "-r", (setup->esp->top_entries + 15) / 16 + 32);
  vms_vector_add (&argv, "-v");
  vms_vector_add (&argv, "ESP");
  vms_vector_add (&argv, "-N");
  vms_vector_add (&argv, vms_arena_printf (m->work.arena, "%08x", setup->serial));
  add_number (&argv, "-T", setup->size / SECTOR);
  add_number (&argv, "-c", vms_esp_cluster_size (setup->size) / SECTOR);
  add_number (&argv, "-H", setup->offset / SECTOR);
  add_number (&argv, "-h", 255);
  add_number (&argv, "-s", 63);
  vms_vector_add (&argv, "::");
  return run (m, &argv);
}

static int
make_directories (struct maker *m)
{
  const struct vector *directories = &m->setup->esp->directories;
  size_t i = 0;
  int r = 0;

  while (r == 0 && i < directories->count) {
    struct vector argv = start_words (m, m->mmd);
    size_t before = argv.count, size = 0;

    for (; i < directories->count && size < MOST_ARGUMENTS; i++) {
      const struct esp_directory *directory = directories->items[i];

      if (*directory->path)
        vms_vector_add (&argv, vms_arena_concat (m->work.arena, "::/", directory->path,
                                                 (char *) NULL));
      size += strlen (directory->path);
    }
    if (argv.count > before)
      r = run (m, &argv);
  }
  return r;
}

static int
copy_files (struct maker *m, const struct esp_directory *directory)
{
  const struct vector *files = &directory->files;
  const char *path = directory->path, *slash = *path ? "/" : "";
  size_t i = 0;
  int r = 0;

  while (r == 0 && i < files->count) {
    struct vector argv = start_words (m, m->mcopy);
    size_t size = 0;

    vms_vector_add (&argv, "-Q"); /* the first error is the end */
    for (; i < files->count && size < MOST_ARGUMENTS; i++) {
      const char *name = vms_arena_concat (
        m->work.arena, m->setup->esp->source, "/", path, slash,
        (const char *) files->items[i], (char *) NULL);

      vms_vector_add (&argv, *name == '/' ? name
                                          : vms_arena_concat (m->work.arena, "./", name,
                                                              (char *) NULL));
      size += strlen (name ? name : "");
    }
    vms_vector_add (&argv, vms_arena_concat (m->work.arena, "::/", path, slash,
                                             (char *) NULL));
    r = run (m, &argv);
  }
  return r;
}

static int
fill (struct maker *m)
{
  const struct vector *directories = &m->setup->esp->directories;
  int r = format (m);

  if (r == 0)
    r = make_directories (m);
  for (size_t i = 0; r == 0 && i < directories->count; i++)
    r = copy_files (m, directories->items[i]);
  return r;
}

int
vms_esp_make (struct image *image, const struct esp_setup *setup,
              struct work *work)
{
  struct maker m = { .setup = setup, .said = *work->said, .work = *work };
  struct stat status;
  uint64_t place;
  int r = 0;

  m.mformat = find_program (&m, "mformat", &r);
  m.mmd = find_program (&m, "mmd", &r);
  m.mcopy = find_program (&m, "mcopy", &r);
  if (r < 0)
    return r;
  m.said.environment = make_environment (&m);
  m.work.said = &m.said;
  r = vms_image_lend (image, setup->offset, setup->size, &place);
  m.image = vms_arena_printf (work->arena, "/proc/self/fd/%d@@%llu", CHILD_EXTRA,
                              (unsigned long long) place);
  if (vms_arena_error (work->arena))
    return vms_arena_error (work->arena);
  if (r == 0 && fstat (setup->fd, &status) == 0)
    m.blocks = status.st_blocks;
  if (r == 0 && (r = fill (&m)) < 0)
    return r;
  if (r == 0)
    r = vms_image_adopt (image, setup->offset, setup->size);
  return r < 0 ? vms_work_fail (work, r, "image.failed", "file",
                                "the EFI system partition cannot be written: %s",
                                strerrordesc_np (-r))
               : 0;
}
