/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How large a file system has to be for a tree. */
#include "ext4-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define KIB 1024ull
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define BLOCK 4096ull

/* ---- what a tree takes -------------------------------------------------- */

/* That cannot be read, and are named. */
#define MOST_UNREADABLE 10

struct measuring {
  struct tree_walk walk;
  struct tree_needs needs;
  struct tree_links links;
  char *names;            /* of attributes */
  int unreadable;
};

static uint64_t
blocks_of (uint64_t size)
{
  return (size + BLOCK - 1) / BLOCK;
}

static int
measure_attributes (struct measuring *m, const struct ext4_source *source,
                    const struct tree_directory *in, const char *name)
{
  ssize_t size = vms_ext4_attribute_names (source, m->names);

  if (size < 0)
    return vms_tree_fail (&m->walk, in, name, (int) size);
  m->needs.blocks += size > 0;
  return 0;
}

/* Blocks of 4 KiB hold at least as many names as four of 1 KiB, the other size that
 * mke2fs chooses. */
static int
enter (void *data, struct tree_directory *directory, const struct stat *status)
{
  struct measuring *m = data;
  const struct ext4_source source = { .fd = directory->fd };
  const unsigned capacity = KIB - sizeof (struct ext2_dir_entry_tail);
  uint64_t small = vms_ext4_directory_blocks (capacity, vms_ext4_top_used (),
                                              directory->names,
                                              directory->n_names);
  int r = vms_work_progress (m->walk.work, 0, 0);

  (void) status;
  m->needs.files++;
  m->needs.blocks += blocks_of (small * KIB);
  return r < 0 ? r : measure_attributes (m, &source, directory->parent,
                                         directory->name);
}

/* The pieces of a file with holes, in whole blocks. */
static int
measure_pieces (struct measuring *m, const struct tree_directory *in,
                const char *name, uint64_t size, uint64_t *ret_pieces)
{
  int fd = TEMP_FAILURE_RETRY (
    openat (in->fd, name,
            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));

  if (fd < 0)
    return vms_tree_fail (&m->walk, in, name, -errno);
  for (uint64_t at = 0, end = size; at < size; end = size) {
    if (!vms_tree_next_data (fd, &at, &end))
      break;
    m->needs.bytes += (blocks_of (end) - at / BLOCK) * BLOCK;
    at = blocks_of (end) * BLOCK;
    ++*ret_pieces;
  }
  close (fd);
  return 0;
}

static int
measure_content (struct measuring *m, const struct tree_directory *in,
                 const char *name, const struct stat *status)
{
  uint64_t size = (uint64_t) status->st_size, pieces = 1;
  int r = 0;

  /* Each that is wrong, up to a point; errors other than this are none of ours:
   * where the system call is forbidden, the copying will tell. */
  if (geteuid () != 0 && faccessat (in->fd, name, R_OK, AT_EACCESS) < 0
      && errno == EACCES) {
    vms_tree_fail (&m->walk, in, name, -EACCES);
    return ++m->unreadable < MOST_UNREADABLE ? 0 : -EACCES;
  }
  if ((uint64_t) status->st_blocks * 512 < size)
    r = measure_pieces (m, in, name, size, &pieces);
  else
    m->needs.bytes += blocks_of (size) * BLOCK;
  /* Extents break where the file system has tables; a few are free. */
  pieces += size / (8 * MIB);
  if (pieces > 2)
    m->needs.blocks += 1 + pieces / 80;
  return r;
}

static int
visit (void *data, struct tree_directory *in, const char *name,
       const struct stat *status)
{
  struct measuring *m = data;
  const struct ext4_source source = { -1, in->fd, name };
  int r = vms_work_progress (m->walk.work, 0, 0);

  if (status->st_nlink > 1) {
    struct tree_link *link = vms_tree_link (&m->links, status);

    if (!link)
      return -ENOMEM;
    if (link->value++)
      return r;
  }
  m->needs.files++;
  if (r == 0 && S_ISREG (status->st_mode))
    r = measure_content (m, in, name, status);
  if (S_ISLNK (status->st_mode) && status->st_size >= 60)
    m->needs.blocks++;
  return r < 0 ? r : measure_attributes (m, &source, in, name);
}

/* Of the file system itself. */
#define RESERVED_INODES 16

int
vms_tree_measure (struct work *work, const char *member, const char *tree,
                  struct tree_needs *ret_needs)
{
  struct measuring m = {
    .walk = { .work = work, .member = member, .tree = tree, .enter = enter,
              .visit = visit, .data = &m },
    .needs = { .files = RESERVED_INODES, .blocks = 8 },
    .names = malloc (ATTRIBUTES_SIZE),
  };
  int r = m.names ? vms_tree_walk (&m.walk) : -ENOMEM;

  free (m.names);
  vms_tree_links_free (&m.links);
  if (r == 0 && m.unreadable)
    r = -EACCES;
  if (r == 0)
    *ret_needs = m.needs;
  return r;
}

/* ---- what a file system takes for itself -------------------------------- *
 *
 * As mke2fs lays it out: never less.
 */

static int
is_power_of (uint64_t number, uint64_t base)
{
  while (number > 1 && number % base == 0)
    number /= base;
  return number == 1;
}

/* Groups with a copy of the superblock. */
static uint64_t
count_copies (uint64_t groups)
{
  uint64_t copies = groups > 1 ? 2 : 1;

  for (uint64_t i = 3; i < groups; i++) {
    if (i > 10000)
      return copies + 16; /* there are fewer up to any number of groups */
    copies += is_power_of (i, 3) || is_power_of (i, 5) || is_power_of (i, 7);
  }
  return copies;
}

static uint64_t
journal_blocks (uint64_t blocks)
{
  static const struct {
    uint64_t below, journal;
  } sizes[] = {
    { 32768, 1024 }, { 256 * KIB, 4096 }, { 512 * KIB, 8192 },
    { 4096 * KIB, 16384 }, { 8192 * KIB, 32768 }, { 16384 * KIB, 65536 },
    { 32768 * KIB, 131072 },
  };

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (blocks < sizes[i].below)
      return sizes[i].journal;
  return 262144;
}

static uint64_t
overhead (uint64_t size, uint64_t block, uint64_t ratio, uint64_t files)
{
  uint64_t blocks = size / block, groups = blocks / (block * 8) + 1;
  uint64_t inodes = size / ratio > files ? size / ratio : files;
  uint64_t descriptors = groups * 64 / block + 1;
  /* For the table to grow to that of a disk a thousand times as large. */
  uint64_t spare = groups * 1024 * 64 / block + 1;

  if (spare > block / 4)
    spare = block / 4;
  return inodes * 256
         + groups * 4 * block /* bitmaps, and tables that are filled up */
         + count_copies (groups) * (1 + descriptors + spare) * block
         + (journal_blocks (blocks) + 64) * block;
}

/* Below 512 MiB mke2fs may choose small blocks. */
static uint64_t
needed (const struct tree_needs *needs, uint64_t size, uint64_t content)
{
  uint64_t small = overhead (size, KIB, 4 * KIB, needs->files);
  uint64_t large = overhead (size, BLOCK, 16 * KIB, needs->files);

  return content + (size < GIB / 2 && small > large ? small : large);
}

uint64_t
vms_tree_file_system_size (const struct tree_needs *needs,
                           uint64_t additional_space)
{
  uint64_t content = needs->bytes + needs->blocks * BLOCK + additional_space;
  uint64_t size = content;

  do {
    uint64_t wanted = needed (needs, size, content);

    size = (wanted > size ? wanted : size) + MIB - 1;
    size -= size % MIB;
  } while (needed (needs, size, content) > size);
  return size;
}
