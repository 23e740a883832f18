/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Directories that are open at a time.  Those further up are opened again, by
 * "..", when the walk comes back to them. */
#define MOST_OPEN 16

/* Bytes of a directory that are read at a time. */
#define ENTRIES 32768

#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* ---- findings ----------------------------------------------------------- */

/* "/NAME", which ends at @end.  Returns its start. */
static char *
put_before (char *end, const char *name)
{
  size_t size = strlen (name);

  memcpy (end - size, name, size);
  end[-(ptrdiff_t) size - 1] = '/';
  return end - size - 1;
}

const char *
vms_tree_path (const struct tree_walk *walk, const struct tree_directory *in,
               const char *name)
{
  size_t size = strlen (walk->tree) + (name ? strlen (name) + 1 : 0);
  char *path, *at;

  for (const struct tree_directory *d = in; d && d->parent; d = d->parent)
    size += strlen (d->name) + 1;
  path = vms_arena_alloc (walk->work->arena, size + 1);
  if (!path)
    return walk->tree;
  at = path + size;
  if (name)
    at = put_before (at, name);
  for (; in && in->parent; in = in->parent)
    at = put_before (at, in->name);
  memcpy (path, walk->tree, strlen (walk->tree));
  return path;
}

int
vms_tree_fail (const struct tree_walk *walk, const struct tree_directory *in,
               const char *name, int error)
{
  return vms_work_fail (walk->work, error, "tree.unreadable", walk->member,
                        "%s cannot be read: %s", vms_tree_path (walk, in, name),
                        strerrordesc_np (-error));
}

/* ---- names -------------------------------------------------------------- */

struct names {
  char *bytes;  /* one after the other, with their ends */
  size_t size, room, count;
};

static int
add_name (struct names *names, const char *name)
{
  size_t size = strlen (name) + 1;

  if (names->size + size > names->room) {
    size_t room = (names->size + size) * 2;
    char *more = realloc (names->bytes, room);

    if (!more)
      return -ENOMEM;
    names->bytes = more;
    names->room = room;
  }
  memcpy (names->bytes + names->size, name, size);
  names->size += size;
  names->count++;
  return 0;
}

static int
is_dots (const char *name)
{
  return *name == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int
read_names (int fd, struct names *names)
{
  _Alignas (struct dirent64) char room[ENTRIES];
  int r = 0;

  while (r == 0) {
    ssize_t n = getdents64 (fd, room, sizeof room);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? -errno : 0;
    for (char *at = room; r == 0 && at < room + n;) {
      const struct dirent64 *entry = (const struct dirent64 *) at;

      if (!is_dots (entry->d_name))
        r = add_name (names, entry->d_name);
      at += entry->d_reclen;
    }
  }
  return r;
}

static int
by_bytes (const void *a, const void *b)
{
  const char *const *one = a, *const *other = b;

  return strcmp (*one, *other);
}

static int
list (struct tree_directory *directory)
{
  struct names names = { 0 };
  int r = read_names (directory->fd, &names);
  const char *at = names.bytes;

  directory->bytes = names.bytes;
  directory->n_names = names.count;
  if (r < 0 || !names.count)
    return r;
  directory->names = calloc (names.count, sizeof *directory->names);
  if (!directory->names)
    return -ENOMEM;
  for (size_t i = 0; i < names.count; i++, at += strlen (at) + 1)
    directory->names[i] = at;
  qsort (directory->names, names.count, sizeof *directory->names, by_bytes);
  return 0;
}

/* ---- down and up -------------------------------------------------------- */

/* With room for whoever walks. */
struct roomy_directory {
  struct tree_directory directory;
  _Alignas (max_align_t) char own[];
};

static void
free_directory (struct tree_directory *directory)
{
  if (directory->fd >= 0)
    close (directory->fd);
  free (directory->names);
  free (directory->bytes);
  free (directory);
}

/* Closes what is too far up. */
static void
close_above (struct tree_directory *directory)
{
  for (int i = 0; directory && i < MOST_OPEN; i++)
    directory = directory->parent;
  if (directory && directory->fd >= 0) {
    close (directory->fd);
    directory->fd = -1;
  }
}

static int
open_directory (const struct tree_walk *walk, struct tree_directory *directory,
                struct stat *ret_status)
{
  struct tree_directory *parent = directory->parent;

  directory->fd = TEMP_FAILURE_RETRY (
    parent ? openat (parent->fd, directory->name, OPEN_FLAGS | O_NOFOLLOW)
           : open (walk->tree, OPEN_FLAGS));
  if (directory->fd < 0 || fstat (directory->fd, ret_status) < 0)
    return -errno;
  directory->device = ret_status->st_dev;
  directory->inode = ret_status->st_ino;
  return list (directory);
}

static int
go_down (const struct tree_walk *walk, struct tree_directory **at,
         const char *name)
{
  struct roomy_directory *roomy = calloc (1, sizeof *roomy + walk->own_size);
  struct tree_directory *directory;
  struct stat status;
  int r;

  if (!roomy)
    return -ENOMEM;
  directory = &roomy->directory;
  directory->parent = *at;
  directory->name = name;
  directory->depth = *at ? (*at)->depth + 1 : 0;
  directory->own = roomy->own;
  r = open_directory (walk, directory, &status);
  if (r < 0) {
    free_directory (directory);
    return vms_tree_fail (walk, *at, name, r);
  }
  *at = directory;
  close_above (directory);
  return walk->enter ? walk->enter (walk->data, directory, &status) : 0;
}

/* Somebody may have moved it meanwhile: then ".." is something else. */
static int
open_again (const struct tree_walk *walk, struct tree_directory *directory,
            int below)
{
  struct stat status;

  directory->fd = TEMP_FAILURE_RETRY (
    openat (below, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory->fd < 0 || fstat (directory->fd, &status) < 0)
    return vms_tree_fail (walk, directory, NULL, -errno);
  if (status.st_dev == directory->device && status.st_ino == directory->inode)
    return 0;
  return vms_work_fail (walk->work, -EBUSY, "tree.changed", walk->member,
                        "%s was moved while it was read; leave the tree alone "
                        "until the work is done",
                        vms_tree_path (walk, directory, NULL));
}

static int
go_up (const struct tree_walk *walk, struct tree_directory **at)
{
  struct tree_directory *directory = *at, *parent = directory->parent;
  int r = walk->leave ? walk->leave (walk->data, directory) : 0;

  if (r == 0 && parent && parent->fd < 0)
    r = open_again (walk, parent, directory->fd);
  *at = parent;
  free_directory (directory);
  return r;
}

static int
step (const struct tree_walk *walk, struct tree_directory **at)
{
  struct tree_directory *in = *at;
  struct stat status;
  const char *name;

  if (in->next == in->n_names)
    return go_up (walk, at);
  name = in->names[in->next++];
  if (fstatat (in->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
    return vms_tree_fail (walk, in, name, -errno);
  if (S_ISDIR (status.st_mode))
    return go_down (walk, at, name);
  return walk->visit ? walk->visit (walk->data, in, name, &status) : 0;
}

int
vms_tree_walk (const struct tree_walk *walk)
{
  struct tree_directory *at = NULL, *parent;
  int r = go_down (walk, &at, NULL);

  while (r == 0 && at)
    r = step (walk, &at);
  for (; at; at = parent) {
    parent = at->parent;
    free_directory (at);
  }
  return r;
}

/* ---- files -------------------------------------------------------------- */

int
vms_tree_next_data (int fd, uint64_t *start, uint64_t *end)
{
  off_t data = lseek (fd, (off_t) *start, SEEK_DATA), hole;

  if (data < 0)
    return errno != ENXIO; /* without holes, everything is data */
  hole = lseek (fd, data, SEEK_HOLE);
  if ((uint64_t) data >= *end)
    return 0;
  *start = (uint64_t) data;
  if (hole > data && (uint64_t) hole < *end)
    *end = (uint64_t) hole;
  return 1;
}

/* ---- links -------------------------------------------------------------- */

static int
by_file (const void *a, const void *b)
{
  const struct tree_link *one = a, *other = b;

  return memcmp (&one->file, &other->file, sizeof one->file);
}

struct tree_link *
vms_tree_link (struct tree_links *links, const struct stat *status)
{
  const struct tree_link wanted = { { status->st_dev, status->st_ino }, 0 };
  struct tree_link *const *found = tfind (&wanted, &links->root, by_file);
  struct tree_link *link;

  if (found)
    return *found;
  link = malloc (sizeof *link);
  if (!link)
    return NULL;
  *link = wanted;
  if (!tsearch (link, &links->root, by_file)) {
    free (link);
    return NULL;
  }
  return link;
}

void
vms_tree_links_free (struct tree_links *links)
{
  tdestroy (links->root, free);
  links->root = NULL;
}
