/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is in a directory, and whether it should be. */
#include "interrupt.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536

/* Of what is not zero, and where; holes are not looked at. */
static uint64_t
hash_block (const uint64_t *words, uint64_t offset)
{
  uint64_t hash = 0, any = 0;

  for (size_t i = 0; i < BLOCK / sizeof *words; i++) {
    any |= words[i];
    hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return any ? (hash ^ offset) * 0xbf58476d1ce4e5b9u : 0;
}

static uint64_t
hash_file (const char *path)
{
  static uint64_t words[BLOCK / sizeof (uint64_t)];
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOATIME);
  uint64_t hash = 0;
  off_t at = 0;

  if (fd < 0)
    fatal (path);
  while ((at = lseek (fd, at, SEEK_DATA)) >= 0) {
    ssize_t n = pread (fd, words, BLOCK, at -= at % BLOCK);

    if (n <= 0)
      break;
    memset ((char *) words + n, 0, (size_t) (BLOCK - n));
    hash += hash_block (words, (uint64_t) at + 1);
    at += BLOCK;
  }
  close (fd);
  return hash;
}

static uint64_t
hash_link (const char *path)
{
  uint64_t words[BLOCK / sizeof (uint64_t)] = { 0 };

  return readlink (path, (char *) words, BLOCK) < 0 ? 0
                                                    : hash_block (words, 1);
}

static void
add (struct state *state, const char *path, const struct stat *status)
{
  struct entry *e = &state->entries[state->n++];

  if (state->n > MOST_ENTRIES || strlen (path) >= sizeof e->path)
    fatal ("too many files");
  *e = (struct entry) { .mode = status->st_mode };
  strcpy (e->path, path);
  if (S_ISDIR (status->st_mode))
    return;
  e->links = status->st_nlink;
  e->size = (uint64_t) status->st_size;
  e->changed = status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
  e->hash = S_ISREG (status->st_mode) ? hash_file (path)
            : S_ISLNK (status->st_mode) ? hash_link (path) : 0;
}

static void
take (struct state *state, const char *directory)
{
  DIR *stream = opendir (directory);

  if (!stream)
    fatal (directory);
  for (struct dirent *entry; (entry = readdir (stream));) {
    char path[sizeof state->entries[0].path + sizeof entry->d_name];
    struct stat status;

    if (!strcmp (entry->d_name, ".") || !strcmp (entry->d_name, ".."))
      continue;
    snprintf (path, sizeof path, "%s/%s", directory, entry->d_name);
    if (lstat (path, &status) < 0)
      fatal (path);
    add (state, path, &status);
    if (S_ISDIR (status.st_mode))
      take (state, path);
  }
  closedir (stream);
}

static int
by_path (const void *a, const void *b)
{
  const struct entry *one = a, *other = b;

  return strcmp (one->path, other->path);
}

void
state_take (struct state *state)
{
  state->n = 0;
  take (state, ".");
  qsort (state->entries, state->n, sizeof state->entries[0], by_path);
}

static const struct entry *
find (const struct state *state, const char *path)
{
  struct entry key;

  strcpy (key.path, path);
  return bsearch (&key, state->entries, state->n, sizeof state->entries[0],
                  by_path);
}

/* ---- what is wrong ------------------------------------------------------ */

/* ".NAME.vmspec-" and 16 digits. */
static int
is_temporary (const char *path)
{
  const char *name = strrchr (path, '/') + 1, *mark = strstr (name, ".vmspec-");

  return *name == '.' && mark && strlen (mark) == strlen (".vmspec-") + 16;
}

/* What is replaced by each run has a name from the start. */
static int
is_temporary_copy (const char *path)
{
  return is_temporary (path) && strstr (path, "/.ca-certificates.crt.");
}

static const char *
compare (const struct entry *is, const struct entry *should, int flags)
{
  if (is->mode != should->mode)
    return "has another mode";
  if (is->size != should->size)
    return "has another size";
  if (is->hash != should->hash)
    return "has another content";
  /* Who dies between two names leaves both. */
  if (is->links != should->links
      && !(flags & MAY_HAVE_TEMPORARY && is->links == 2))
    return "has more than one name";
  return NULL;
}

static const char *
vms_say (const struct entry *e, const char *what)
{
  static char text[300];

  snprintf (text, sizeof text, "%s %s (mode %o, %llu bytes)", e->path, what,
            (unsigned) e->mode, (unsigned long long) e->size);
  return text;
}

static const char *
entry_problem (const struct entry *e, const struct state *before,
               const struct state *reference, int flags)
{
  const struct entry *old = find (before, e->path);
  const struct entry *wanted = find (reference, e->path);

  if (old)
    return e->changed != old->changed ? "was written to"
                                      : compare (e, old, 0);
  if (wanted)
    return compare (e, wanted, flags);
  if ((flags & MAY_HAVE_TEMPORARY && is_temporary (e->path))
      || (flags & MAY_HAVE_COPY && is_temporary_copy (e->path)))
    return NULL;
  return "is left";
}

static const char *
missing (const struct state *now, const struct state *wanted)
{
  for (size_t i = 0; i < wanted->n; i++)
    if (!find (now, wanted->entries[i].path))
      return vms_say (&wanted->entries[i], "is missing");
  return NULL;
}

const char *
state_problem (const struct state *now, const struct state *before,
               const struct state *reference, int flags)
{
  for (size_t i = 0; i < now->n; i++) {
    const struct entry *e = &now->entries[i];
    const char *what = entry_problem (e, before, reference, flags);

    if (what)
      return vms_say (e, what);
  }
  return missing (now, flags & COMPLETE ? reference : before);
}

void
state_restore (const struct state *before)
{
  static struct state now;

  state_take (&now);
  /* What is in a directory comes after it. */
  for (size_t i = now.n; i-- > 0;)
    if (!find (before, now.entries[i].path) && remove (now.entries[i].path) < 0)
      fatal (now.entries[i].path);
}
