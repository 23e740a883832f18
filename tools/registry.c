/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"

/* What a file's name may have, less than what is put before and after it. */
#define LONGEST 200

/* ---- the directory ------------------------------------------------------ */

static int
directory_path (char path[PATH_MAX])
{
  const char *runtime = getenv ("XDG_RUNTIME_DIR");
  int size = runtime && *runtime == '/'
               ? snprintf (path, PATH_MAX, "%s/vmspec", runtime)
               : snprintf (path, PATH_MAX, "/tmp/vmspec-%u",
                           (unsigned) geteuid ());

  return size < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int
refuse (const char *path, const char *why, int error)
{
  fprintf (stderr, "vmspec-run: %s, where this user's machines are listed, %s\n",
           path, why);
  return error;
}

/* In /tmp, somebody else may have been faster. */
static int
check_directory (int fd, const char *path)
{
  struct stat status;

  if (fstat (fd, &status) < 0)
    return refuse (path, strerror (errno), -errno);
  if (status.st_uid != geteuid ())
    return refuse (path, "belongs to somebody else: remove it, or let "
                         "XDG_RUNTIME_DIR name a directory of your own",
                   -EPERM);
  if (status.st_mode & 077)
    return refuse (path, "is open to others: chmod it to 700", -EPERM);
  return fd;
}

static int
open_directory (int make)
{
  char path[PATH_MAX], why[128];
  int r = directory_path (path), fd;

  if (r < 0)
    return refuse ("XDG_RUNTIME_DIR", strerror (-r), r);
  if (make && mkdir (path, 0700) < 0 && errno != EEXIST) {
    r = -errno;
    snprintf (why, sizeof why, "cannot be made: %s", strerror (-r));
    return refuse (path, why, r);
  }
  fd = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return -ENOENT;
  if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    return refuse (path, "is no directory: remove it", -ENOTDIR);
  if (fd < 0)
    return refuse (path, strerror (errno), -errno);
  r = check_directory (fd, path);
  if (r < 0)
    close (fd);
  return r;
}

int
registry_open (void)
{
  return open_directory (0);
}

void
registry_close (int directory)
{
  char path[PATH_MAX];

  if (directory < 0)
    return;
  if (directory_path (path) == 0)
    (void) rmdir (path);
  close (directory);
}

/* ---- names -------------------------------------------------------------- */

static int
is_safe (const char *at, const char *start)
{
  unsigned char c = (unsigned char) *at;

  return c > ' ' && c != 0x7f && c != '/' && c != '%' && (c != '.' || at > start);
}

/* Names of machines may have what names of files do not: "%2f".  Of a very long
 * one, the beginning will do. */
static void
file_name (const char *name, char file[NAME_MAX + 1])
{
  size_t n = 0;

  for (const char *at = name; *at && n < LONGEST; at++)
    if (is_safe (at, name))
      file[n++] = *at;
    else
      n += (size_t) snprintf (file + n, 4, "%%%02x", (unsigned char) *at);
  file[n] = '\0';
}

/* ---- what is said ------------------------------------------------------- */

static void
print_pair (FILE *out, const char *key, const char *value)
{
  if (!value || !*value)
    return;
  fprintf (out, "%s ", key);
  print_line (out, value);
  putc ('\n', out);
}

static void
print_time (FILE *out, time_t time)
{
  struct tm parts;
  char text[64];

  if (localtime_r (&time, &parts)
      && strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &parts))
    print_pair (out, "since", text);
}

/* The caller frees it. */
static char *
content_of (const struct registration *r)
{
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream (&text, &size);

  if (!out)
    return NULL;
  print_pair (out, "name", r->name);
  print_pair (out, "state", r->state);
  fprintf (out, "pid %d\n", (int) getpid ());
  if (r->qemu > 0)
    fprintf (out, "qemu-pid %d\n", (int) r->qemu);
  print_pair (out, "accel", r->accel);
  print_time (out, r->since);
  print_pair (out, "run-directory", r->run_directory);
  print_pair (out, "description", r->description);
  if (r->forwards)
    fputs (r->forwards, out);
  if (fclose (out) == 0)
    return text;
  free (text);
  return NULL;
}

/* ---- registering -------------------------------------------------------- */

static int
try_name (struct registration *r, const char *name, int number)
{
  char file[NAME_MAX + 1], *content;
  int error;

  free (r->name);
  if (number == 1)
    r->name = strdup (name);
  else if (asprintf (&r->name, "%s-%d", name, number) < 0)
    r->name = NULL;
  content = r->name ? content_of (r) : NULL;
  if (!content)
    return -ENOMEM;
  /* The number is never what is cut off. */
  file_name (name, file);
  if (number > 1)
    snprintf (file + strlen (file), 16, "-%d", number);
  error = claim_make (&r->claim, r->directory, file, content);
  free (content);
  return error;
}

/* -ENOENT: the last machine has ended at this very moment, and has taken the
 * directory with it. */
static int
try_directory (struct registration *r, const char *name, int most)
{
  int error = -EEXIST;

  r->directory = open_directory (1);
  if (r->directory < 0)
    return r->directory == -EEXIST ? -ENOTDIR : r->directory;
  for (int i = 1; error == -EEXIST && i <= most; i++)
    error = try_name (r, name, i);
  if (error == -ENOENT) {
    registry_close (r->directory);
    r->directory = -1;
  }
  return error;
}

static int
give_up (struct registration *r, int error)
{
  if (error == -EEXIST)
    fprintf (stderr, "vmspec-run: a machine of the name %s runs already: see "
             "vmspec-run --status, end it by --stop, or give this one another "
             "name by --set name=...\n", r->name);
  else
    fprintf (stderr, "vmspec-run: warning: the machine will not be found by "
             "--list, --status and --stop: %s\n", strerror (-error));
  r->claim.fd = -1;
  registration_drop (r);
  return error;
}

int
registration_make (struct registration *r, const char *name, int may_rename,
                   const char *run_directory, const char *description)
{
  int error, tries = 0;

  *r = (struct registration) {
    .claim.fd = -1, .state = "starting", .since = time (NULL),
    .run_directory = run_directory, .description = description };
  do
    error = try_directory (r, name, may_rename ? 9999 : 1);
  while (error == -ENOENT && ++tries < 100);
  return error < 0 ? give_up (r, error) : 0;
}

void
registration_say (struct registration *r, const char *state)
{
  char *content;

  r->state = state;
  if (r->directory < 0)
    return;
  content = content_of (r);
  if (content)
    (void) claim_change (&r->claim, content);
  free (content);
}

void
registration_drop (struct registration *r)
{
  if (r->claim.fd >= 0)
    claim_drop (&r->claim);
  registry_close (r->directory);
  r->directory = -1;
  free (r->forwards);
  free (r->name);
  r->forwards = r->name = NULL;
}

char **
registration_files (const struct registration *r)
{
  char **files = r->directory < 0 ? NULL : calloc (3, sizeof *files);
  char path[PATH_MAX];

  if (!files || directory_path (path) < 0)
    return files;
  files[0] = strdup (path);
  if (files[0] && asprintf (&files[1], "%s/%s", path, r->claim.name) < 0)
    files[1] = NULL;
  return files;
}

/* ---- looking ------------------------------------------------------------ */

int
registry_read (int directory, const char *name, char **ret_content)
{
  char file[NAME_MAX + 1];

  file_name (name, file);
  return claim_read (directory, file, ret_content);
}

void
registry_value (const char *content, const char *key, char *value, size_t size)
{
  size_t length = strlen (key);

  *value = '\0';
  for (const char *line = content; line && *line;) {
    if (!strncmp (line, key, length) && line[length] == ' ') {
      snprintf (value, size, "%.*s", (int) strcspn (line + length + 1, "\n"),
                line + length + 1);
      return;
    }
    line = strchr (line, '\n');
    line += line != NULL;
  }
}

static int
is_file (const struct dirent *entry)
{
  return strcmp (entry->d_name, ".") && strcmp (entry->d_name, "..");
}

static int
is_machine (const struct dirent *entry)
{
  return *entry->d_name != '.';
}

static int
list (int directory, int (*filter) (const struct dirent *),
      struct dirent ***ret_entries)
{
  int n = scandirat (directory, ".", ret_entries, filter, alphasort);

  return n < 0 ? -errno : n;
}

/* Stale files go when they are seen. */
int
registry_visit (int directory,
                void (*visit) (void *data, const char *content), void *data)
{
  struct dirent **entries;
  int n = list (directory, is_machine, &entries);

  for (int i = 0; i < n; i++) {
    char *content;

    if (claim_read (directory, entries[i]->d_name, &content) == 0) {
      visit (data, content);
      free (content);
    } else
      (void) claim_clean (directory, entries[i]->d_name);
    free (entries[i]);
  }
  if (n >= 0)
    free (entries);
  return n < 0 ? n : 0;
}

int
registry_clean (int directory)
{
  struct dirent **entries;
  int n = list (directory, is_file, &entries), removed = 0;

  for (int i = 0; i < n; i++) {
    removed += claim_clean (directory, entries[i]->d_name) == 1;
    free (entries[i]);
  }
  if (n >= 0)
    free (entries);
  return n < 0 ? n : removed;
}
