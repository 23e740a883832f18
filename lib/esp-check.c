/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a directory can become a FAT file system, and how large that is. */
#include "esp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "tree.h"

#define MIB (1024ull * 1024)
#define ENTRY 32u
/* Letters of a long name that an entry holds. */
#define LETTERS 13
#define LARGEST_DIRECTORY 65536u /* entries */
#define LARGEST_FILE UINT32_MAX

struct look {
  struct tree_walk walk;
  struct esp *esp;
  int error;
};

struct own {
  struct esp_directory *directory;
};

/* Everything that is wrong is said, so this does not end the walk. */
#define REFUSE(l, ...)                                                         \
  ((l)->error = vms_work_fail ((l)->walk.work, -EINVAL, __VA_ARGS__))

/* ---- names -------------------------------------------------------------- */

static int
lower (int letter)
{
  return letter >= 'A' && letter <= 'Z' ? letter + 'a' - 'A' : letter;
}

static int
compare (const char *a, const char *b)
{
  while (*a && lower (*a) == lower (*b))
    a++, b++;
  return lower (*a) - lower (*b);
}

static int
by_letters (const void *a, const void *b)
{
  const char *const *one = a, *const *other = b;

  return compare (*one, *other);
}

/* Names of DOS's devices, which mtools does not give to files. */
static int
is_device (const char *name)
{
  static const char *const devices[] = { "con", "prn", "aux", "nul" };
  size_t size = strlen (name);

  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (!compare (name, devices[i]))
      return 1;
  if (size != 4 || name[3] < '0' || name[3] > '9')
    return 0;
  return (lower (name[0]) == 'c' && lower (name[1]) == 'o'
          && lower (name[2]) == 'm')
         || (lower (name[0]) == 'l' && lower (name[1]) == 'p'
             && lower (name[2]) == 't');
}

/* What is wrong with a name, or NULL.  Beyond ASCII mtools changes names
 * without a word, and it takes brackets of a directory for a pattern. */
static const char *
objection (const char *name, int is_directory)
{
  size_t size = strlen (name);

  for (const unsigned char *c = (const unsigned char *) name; *c; c++) {
    if (*c < ' ' || *c >= 127)
      return "has characters beyond printable ASCII";
    if (strchr ("\"*/:<>?\\|", *c))
      return "has one of the characters \" * : < > ? \\ |";
    if (is_directory && (*c == '[' || *c == ']'))
      return "is a directory with a bracket";
  }
  if (name[size - 1] == '.' || name[size - 1] == ' ')
    return "ends with a dot or a blank";
  return is_device (name) ? "is that of a device" : NULL;
}

static void
check_name (struct look *l, const struct tree_directory *in, const char *name,
            int is_directory)
{
  const char *why = objection (name, is_directory);

  if (why)
    REFUSE (l, "esp.name", l->walk.member,
            "%s cannot be in an EFI system partition, for its name %s; rename "
            "it", vms_tree_path (&l->walk, in, name), why);
}

static int
check_clashes (struct look *l, const struct tree_directory *directory)
{
  size_t n = directory->n_names;
  const char **sorted = calloc (n + 1, sizeof *sorted);

  if (!sorted)
    return -ENOMEM;
  for (size_t i = 0; i < n; i++)
    sorted[i] = directory->names[i];
  qsort (sorted, n, sizeof *sorted, by_letters);
  for (size_t i = 1; i < n; i++)
    if (!compare (sorted[i - 1], sorted[i]))
      REFUSE (l, "esp.clash", l->walk.member,
              "%s and %s are one name in an EFI system partition, where case "
              "makes no difference; rename one of them",
              vms_tree_path (&l->walk, directory, sorted[i - 1]), sorted[i]);
  free (sorted);
  return 0;
}

/* ---- sizes -------------------------------------------------------------- */

static void
add_size (struct esp *esp, uint64_t size)
{
  for (int i = 0; i < ESP_CLUSTER_SIZES; i++)
    esp->clusters[i] += (size + (512u << i) - 1) / (512u << i);
}

static void
check_entries (struct look *l, const struct tree_directory *directory)
{
  uint64_t entries = 2; /* "." and "..", or the label */

  for (size_t i = 0; i < directory->n_names; i++)
    entries += 1 + (strlen (directory->names[i]) + LETTERS - 1) / LETTERS;
  add_size (l->esp, entries * ENTRY);
  if (!directory->parent)
    l->esp->top_entries = entries;
  if (entries > LARGEST_DIRECTORY)
    REFUSE (l, "esp.file", l->walk.member,
            "%s has more entries than a directory of an EFI system partition "
            "can have", vms_tree_path (&l->walk, directory, NULL));
}

/* ---- the walk ----------------------------------------------------------- */

static int
enter (void *data, struct tree_directory *directory, const struct stat *status)
{
  struct look *l = data;
  struct arena *arena = l->walk.work->arena;
  struct tree_directory *parent = directory->parent;
  struct esp_directory *made = vms_arena_alloc (arena, sizeof *made);
  int r;

  (void) status;
  if (!made)
    return -ENOMEM;
  made->files.arena = arena;
  made->path = "";
  if (parent) {
    const char *above = ((struct own *) parent->own)->directory->path;

    made->path = vms_arena_concat (arena, above, *above ? "/" : "",
                                   directory->name, (char *) NULL);
    check_name (l, parent, directory->name, 1);
  }
  ((struct own *) directory->own)->directory = made;
  vms_vector_add (&l->esp->directories, made);
  check_entries (l, directory);
  r = check_clashes (l, directory);
  if (r == 0)
    r = vms_arena_error (arena);
  return r < 0 ? r : vms_work_progress (l->walk.work, 0, 0);
}

/* What a name stands for: a link to a file is as good as the file. */
static void
look_behind (const struct tree_directory *in, const char *name,
             struct stat *status)
{
  if (S_ISLNK (status->st_mode) && fstatat (in->fd, name, status, 0) < 0)
    status->st_mode = 0;
}

static int
is_suitable (struct look *l, const struct tree_directory *in, const char *name,
             const struct stat *status)
{
  if (!S_ISREG (status->st_mode))
    REFUSE (l, "esp.file", l->walk.member,
            "%s is neither a file nor a directory, nor a symbolic link to a "
            "file, so it cannot be in an EFI system partition; remove it",
            vms_tree_path (&l->walk, in, name));
  else if ((uint64_t) status->st_size > LARGEST_FILE)
    REFUSE (l, "esp.file", l->walk.member,
            "%s has 4 GiB or more, which is too much for a file of an EFI "
            "system partition", vms_tree_path (&l->walk, in, name));
  else if (geteuid () != 0 && faccessat (in->fd, name, R_OK, AT_EACCESS) < 0
           && errno == EACCES)
    l->error = vms_tree_fail (&l->walk, in, name, -EACCES);
  else
    return 1;
  return 0;
}

static int
visit (void *data, struct tree_directory *in, const char *name,
       const struct stat *status)
{
  struct look *l = data;
  struct esp_directory *directory = ((struct own *) in->own)->directory;
  struct arena *arena = l->walk.work->arena;
  struct stat file = *status;

  check_name (l, in, name, 0);
  look_behind (in, name, &file);
  if (!is_suitable (l, in, name, &file))
    return 0;
  add_size (l->esp, (uint64_t) file.st_size);
  l->esp->bytes += (uint64_t) file.st_size;
  vms_vector_add (&directory->files, vms_arena_strdup (arena, name));
  return vms_arena_error (arena);
}

int
vms_esp_look (struct esp *esp, struct work *work, const char *source)
{
  struct look l = {
    .walk = { .work = work, .member = "esp", .tree = source,
              .own_size = sizeof (struct own), .enter = enter, .visit = visit,
              .data = &l },
    .esp = esp,
  };
  int r;

  *esp = (struct esp) { .source = source,
                        .directories = { .arena = work->arena } };
  if (!source)
    return 0;
  r = vms_tree_walk (&l.walk);
  return r < 0 ? r : l.error;
}

/* ---- the file system's size --------------------------------------------- *
 *
 * From 64 MiB on FAT32, which has at least 65525 clusters: of 4 KiB where the
 * size allows it, and larger ones only where there would be too many.
 */

#define LEAST_FAT32 (64 * MIB)

uint32_t
vms_esp_cluster_size (uint64_t size)
{
  uint32_t cluster = 512;

  if (size < LEAST_FAT32)
    return size <= 16 * MIB ? 512 : 1024;
  while (cluster < 4096 && size / (cluster * 2) >= 131072)
    cluster *= 2;
  while (cluster < 32768 && size / cluster > 1u << 26)
    cluster *= 2;
  return cluster;
}

uint64_t
vms_esp_shortage (const struct esp *esp, uint64_t size)
{
  uint32_t cluster = vms_esp_cluster_size (size);
  uint64_t table = (size / cluster + 2) * 4 / 512 + 1;
  uint64_t own = (1 + 32 + 2 * table) * 512 + esp->top_entries * ENTRY + 512;
  uint64_t needed = own + cluster
                    + esp->clusters[__builtin_ctz (cluster) - 9] * cluster;

  return needed - MIN (needed, size);
}
