/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "erofs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By name, since the file itself may have none. */
#define OUTPUT "/proc/self/fd/3"
_Static_assert (CHILD_EXTRA == 3, "the output is named by its number");

#define ERROR_MARK "<E>"

/* ---- what the program can do -------------------------------------------- */

/* A program that says nothing can still be cancelled. */
static int
look_for_cancel (void *data)
{
  return vms_work_progress (data, 0, 0);
}

/* In the list of options that the program prints, each is at the start of
 * a line. */
static int
has_option (const char *help, const char *option)
{
  for (; help; help = strchr (help, '\n')) {
    help += strspn (help, "\n ");
    if (vms_starts_with (help, option))
      return 1;
  }
  return 0;
}

/* The number after its name in what it says of itself. */
static const char *
find_version (struct erofs *erofs, struct work *work,
              const char *const *environment)
{
  struct text text = { .arena = work->arena };
  const struct helper_setup setup
    = { .argv = (const char *const[]) { erofs->setup->program, "-V", NULL },
        .environment = environment, .text = &text, .extra = -1 };
  struct work silent = *work;
  const char *said, *number;

  silent.diag = NULL;
  /* Version 1.5 says it, and that it does not know this option. */
  (void) vms_helper_run (&silent, &setup, look_for_cancel, work);
  said = vms_text_end (&text);
  said = said ? strstr (said, "mkfs.erofs") : NULL;
  number = said ? strpbrk (said, "0123456789\n") : NULL;
  if (!number || *number == '\n')
    return "of unknown version";
  return vms_arena_copy (work->arena, number, strspn (number, "0123456789."));
}

static int
require_options (struct erofs *erofs, struct work *work, const char *help,
                 const char *const *environment)
{
  static const char *const needed[]
    = { "--force-uid", "--force-gid", "-U", "-T", "--exclude-regex" };

  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
    if (!has_option (help, needed[i]))
      return vms_work_fail (work, -EOPNOTSUPP, "erofs.outdated", NULL,
                            "%s (%s) has no option %s; install erofs-utils 1.5 or "
                            "later", erofs->setup->program,
                            find_version (erofs, work, environment), needed[i]);
  return 0;
}

/* ---- its arguments ------------------------------------------------------ */

/* The language would change what a regular expression takes for a character,
 * and SOURCE_DATE_EPOCH would overrule the time that is asked for. */
static const char *const *
make_environment (struct work *work)
{
  static const char *const dropped[]
    = { "LC_", "LANG=", "LANGUAGE=", "SOURCE_DATE_EPOCH=" };
  struct vector kept = { .arena = work->arena };

  vms_vector_add (&kept, "LC_ALL=C");
  for (const char *const *e = vms_work_environment (work); *e; e++) {
    size_t i = 0, n = sizeof dropped / sizeof *dropped;

    while (i < n && !vms_starts_with (*e, dropped[i]))
      i++;
    if (i == n)
      vms_vector_add (&kept, *e);
  }
  return (const char *const *) vms_vector_end (&kept);
}

static int
make_arguments (struct erofs *erofs, struct work *work, const char *help,
                const char *const **ret_argv)
{
  const struct erofs_setup *setup = erofs->setup;
  struct vector argv = { .arena = work->arena };
  int r = 0;

  vms_vector_add (&argv, setup->program);
  vms_vector_add (&argv, "--force-uid=0");
  vms_vector_add (&argv, "--force-gid=0");
  if (erofs->sets_label) {
    vms_vector_add (&argv, "-L");
    vms_vector_add (&argv, setup->label);
  }
  vms_vector_add (&argv, "-U");
  vms_vector_add (&argv, setup->uuid);
  vms_vector_add (&argv, "-T");
  vms_vector_add (&argv, "0");
  if (has_option (help, "--quiet"))
    vms_vector_add (&argv, "--quiet");
  if (setup->kept)
    r = vms_erofs_add_exclusions (work, setup->kept, &argv);
  vms_vector_add (&argv, OUTPUT);
  vms_vector_add (&argv, setup->tree);
  *ret_argv = (const char *const *) vms_vector_end (&argv);
  return r == 0 && !*ret_argv ? -ENOMEM : r;
}

int
vms_erofs_start (struct erofs *erofs, const struct erofs_setup *setup,
                 const struct output *output, struct work *work)
{
  struct text text = { .arena = work->arena };
  struct helper_setup run
    = { .argv = (const char *const[]) { setup->program, "--help", NULL },
        .environment = make_environment (work), .mark = ERROR_MARK,
        .text = &text, .extra = -1 };
  const char *help;
  int r;

  *erofs = (struct erofs) { .output = output, .setup = setup };
  erofs->helper = (struct helper) { .child = { -1, -1 }, .output = -1 };
  if (!run.environment)
    return -ENOMEM;
  r = vms_helper_run (work, &run, look_for_cancel, work);
  if (r < 0)
    return r;
  help = vms_text_end (&text);
  if (!help)
    return -ENOMEM;
  erofs->sets_label = setup->label && has_option (help, "-L");
  r = require_options (erofs, work, help, run.environment);
  if (r == 0)
    r = make_arguments (erofs, work, help, &run.argv);
  if (r < 0)
    return r;
  run.text = NULL;
  run.extra = output->fd;
  return vms_helper_start (&erofs->helper, work, &run);
}

void
vms_erofs_abandon (struct erofs *erofs)
{
  vms_helper_kill (&erofs->helper);
}

/* ---- how large it may become -------------------------------------------- *
 *
 * Only for whoever looks at the progress, and only of trees that take little
 * time to look through.
 */

#define MEASURED_ENTRIES 100000
#define MEASURED_DEPTH 60
#define LOOK_EVERY 512
#define BLOCK 4096u
#define LARGEST_INODE 64u

struct measure {
  struct erofs *erofs;
  struct work *work;
  uint64_t total, entries;
  int error; /* not known, or cancelled */
};

static uint64_t
output_size (const struct erofs *erofs)
{
  struct stat status;

  return fstat (erofs->output->fd, &status) < 0 ? 0 : (uint64_t) status.st_size;
}

static int
report (void *data)
{
  struct measure *m = data;
  uint64_t done = output_size (m->erofs), total = m->erofs->total;

  return vms_work_progress (m->work, total && done > total ? total : done,
                            total);
}

static void measure_entry (struct measure *m, int directory, const char *name,
                           int depth);

static void
measure_directory (struct measure *m, int parent, const char *name, int depth)
{
  int fd = openat (parent, name,
                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *directory = fd < 0 ? NULL : fdopendir (fd);

  if (!directory) {
    if (fd >= 0)
      close (fd);
    return; /* the program will say so */
  }
  for (struct dirent *e; !m->error && (e = readdir (directory));)
    if (strcmp (e->d_name, ".") != 0 && strcmp (e->d_name, "..") != 0)
      measure_entry (m, dirfd (directory), e->d_name, depth);
  closedir (directory);
}

static void
measure_entry (struct measure *m, int directory, const char *name, int depth)
{
  struct stat status;

  if (fstatat (directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return;
  m->entries++;
  if (m->entries > MEASURED_ENTRIES || depth > MEASURED_DEPTH)
    m->error = -E2BIG;
  else if (m->entries % LOOK_EVERY == 0)
    m->error = report (m);
  if (m->error)
    return;
  m->total += LARGEST_INODE + 2 * strlen (name);
  if (S_ISREG (status.st_mode) || S_ISLNK (status.st_mode))
    m->total += (uint64_t) status.st_size;
  if (S_ISDIR (status.st_mode))
    measure_directory (m, directory, name, depth + 1);
}

/* 0 or -ECANCELED. */
static int
measure (struct measure *m)
{
  const struct erofs_setup *setup = m->erofs->setup;
  int tree;

  if (!m->work->said->progress)
    return 0;
  tree = TEMP_FAILURE_RETRY (
    open (setup->tree, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (tree < 0)
    return 0;
  m->total = 4 * BLOCK;
  if (!setup->kept)
    measure_directory (m, tree, ".", 0);
  for (size_t i = 0; setup->kept && setup->kept[i] && !m->error; i++)
    measure_entry (m, tree, setup->kept[i], 0);
  close (tree);
  /* Small files share blocks, as far as they fit in. */
  if (!m->error)
    m->erofs->total = m->total + m->total / 8;
  return m->error == -ECANCELED ? m->error : 0;
}

/* ---- the label ---------------------------------------------------------- *
 *
 * In the superblock, whose checksum is of what follows the first KiB in its
 * block.  All numbers are little-endian.
 */

enum {
  SUPERBLOCK = 1024,
  MAGIC_AT = 0, CHECKSUM_AT = 4, FEATURES_AT = 8, BLOCK_BITS_AT = 12,
  LABEL_AT = 64, LABEL_SIZE = 16, HEADER_SIZE = 128,
  FEATURE_CHECKSUM = 1
};
#define MAGIC 0xe0f5e1e2u

static uint32_t
get_u32 (const unsigned char *at)
{
  return at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16
         | (uint32_t) at[3] << 24;
}

static void
put_u32 (unsigned char *at, uint32_t number)
{
  for (int i = 0; i < 4; i++)
    at[i] = (unsigned char) (number >> 8 * i);
}

/* Regular files give and take so little at once.  @size is what there has to
 * be. */
static int
read_block (int fd, unsigned char *bytes, size_t size)
{
  ssize_t n = TEMP_FAILURE_RETRY (pread (fd, bytes, size, SUPERBLOCK));

  return n < 0 ? -errno : (size_t) n < size ? -EINVAL : 0;
}

static int
write_header (int fd, const unsigned char *bytes)
{
  ssize_t n
    = TEMP_FAILURE_RETRY (pwrite (fd, bytes, HEADER_SIZE, SUPERBLOCK));

  return n < 0 ? -errno : n < HEADER_SIZE ? -ENOSPC : 0;
}

/* RFC 3720, appendix B.4, as Linux has it: neither the start nor the end is
 * inverted but for the start's ones. */
static uint32_t
crc32c (const unsigned char *bytes, size_t size)
{
  uint32_t crc = ~0u;

  while (size--) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return crc;
}

/* @block is what the checksum is of, @size bytes. */
static int
write_label (int fd, unsigned char *block, size_t size, const char *label)
{
  int r = read_block (fd, block, size);

  if (r < 0)
    return r;
  memset (block + LABEL_AT, 0, LABEL_SIZE);
  memcpy (block + LABEL_AT, label, strnlen (label, LABEL_SIZE));
  if (get_u32 (block + FEATURES_AT) & FEATURE_CHECKSUM) {
    put_u32 (block + CHECKSUM_AT, 0);
    put_u32 (block + CHECKSUM_AT, crc32c (block, size));
  }
  return write_header (fd, block);
}

/* Looks whether there is an image, and gives it the label that the program did
 * not. */
static int
finish (const struct erofs *erofs)
{
  unsigned char start[HEADER_SIZE], *block;
  int fd = erofs->output->fd, r = read_block (fd, start, sizeof start);
  unsigned bits = r < 0 ? 0 : start[BLOCK_BITS_AT];
  size_t size;

  if (r == 0 && (get_u32 (start + MAGIC_AT) != MAGIC || bits < 9 || bits > 16))
    r = -EINVAL;
  if (r < 0 || erofs->sets_label || !erofs->setup->label)
    return r;
  size = (size_t) 1 << bits;
  size -= size > SUPERBLOCK ? SUPERBLOCK : 0;
  block = malloc (size);
  if (!block)
    return -ENOMEM;
  r = write_label (fd, block, size, erofs->setup->label);
  free (block);
  return r;
}

int
vms_erofs_wait (struct erofs *erofs, struct work *work)
{
  struct measure m = { .erofs = erofs, .work = work };
  int r = measure (&m);

  if (r == 0)
    r = vms_helper_wait (&erofs->helper, work, report, &m);
  else
    vms_erofs_abandon (erofs);
  if (r < 0)
    return r;
  r = finish (erofs);
  if (r == -EINVAL)
    return vms_work_fail (work, r, "erofs.damaged", NULL,
                          "%s has ended without an error, but what it made is no "
                          "erofs image; install another version of erofs-utils",
                          erofs->setup->program);
  if (r < 0)
    return vms_work_fail (work, r, "image.failed", "file", "%s cannot be made: %s",
                          erofs->output->path, strerrordesc_np (-r));
  return vms_work_progress_now (work, output_size (erofs), output_size (erofs));
}
