/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel-check.h"

#include "spec.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
vms_kernel_fail (struct kernel_check *check, int error, const char *id,
                 const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vms_diag_vadd (check->diag, VMSPEC_SEVERITY_ERROR, id, NULL, NULL, format,
                 args);
  va_end (args);
  return error;
}

/* ---- reading ------------------------------------------------------------ */

int
vms_kernel_unreadable (struct kernel_check *check, int error, const char *name)
{
  return vms_kernel_fail (check, error, "kernel.file", "%s cannot be read: %s",
                          name, strerrordesc_np (-error));
}

int
vms_kernel_too_large (struct kernel_check *check, const char *name)
{
  return vms_kernel_fail (check, -EINVAL, "kernel.size", "%s has more than %d MiB "
                          "when it is uncompressed, which no kernel's has; name "
                          "another file", name, VMSPEC_KERNEL_MAX_FILE);
}

/* Also what is compressed must not be larger: there are gzip files of any size
 * that hold nothing. */
static int
look_at_file (struct kernel_check *check, int fd, const char *name)
{
  struct stat status;

  if (fstat (fd, &status) < 0)
    return vms_kernel_unreadable (check, -errno, name);
  if (S_ISDIR (status.st_mode))
    return vms_kernel_fail (check, -EISDIR, "kernel.file", "%s is a directory; "
                            "name a file, such as /boot/config-VERSION", name);
  if (!S_ISREG (status.st_mode))
    return vms_kernel_fail (check, -EINVAL, "kernel.file", "%s is neither a file "
                            "nor a directory; name a file, such as "
                            "/boot/config-VERSION", name);
  return status.st_size > (off_t) MAX_BYTES ? vms_kernel_too_large (check, name) : 0;
}

int
vms_kernel_read (struct kernel_check *check, int fd, const char *name,
                 struct text *text)
{
  int r = fd < 0 ? vms_kernel_unreadable (check, fd, name)
                 : look_at_file (check, fd, name);

  *text = (struct text) { .arena = &check->arena };
  if (r == 0)
    r = vms_kernel_read_all (check, fd, name, text);
  else if (fd >= 0)
    close (fd);
  return r == 0 ? vms_arena_error (&check->arena) : r;
}

static int
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r';
}

void
vms_kernel_each_line (struct kernel_check *check, const struct text *text,
                      kernel_line_fn *function)
{
  const char *line = text->bytes;
  size_t left = text->size;

  while (left) {
    const char *stop = memchr (line, '\n', left);
    size_t size = stop ? (size_t) (stop - line) : left;
    size_t whole = stop ? size + 1 : size;

    while (size && is_blank (line[size - 1]))
      size--;
    function (check, line, size);
    line += whole;
    left -= whole;
  }
}

/* ---- what is missing ---------------------------------------------------- */

static const char *
key_of (const struct kernel_check *check, const struct vmspec_kernel_need *need)
{
  return check->by_module ? need->module : need->symbol;
}

static int
is_same (const struct kernel_check *check,
         const struct vmspec_kernel_need *a, const struct vmspec_kernel_need *b)
{
  const char *one = key_of (check, a), *other = key_of (check, b);

  return one && other && !strcmp (one, other);
}

/* Whether an earlier need is the same. */
static int
was_before (const struct kernel_check *check, size_t index)
{
  size_t i = 0;

  while (i < index && !is_same (check, check->needs[i], check->needs[index]))
    i++;
  return i < index;
}

/* Of those that are the same, from this on: one that no module will do for. */
static const struct vmspec_kernel_need *
strictest (const struct kernel_check *check, size_t index)
{
  const struct vmspec_kernel_need *const *need = &check->needs[index];
  const struct vmspec_kernel_need *first = *need;

  for (; *need; need++)
    if ((*need)->builtin == VMSPEC_ON && is_same (check, first, *need))
      return *need;
  return first;
}

static const char *
problem (struct kernel_check *check, const struct vmspec_kernel_need *need,
         enum presence found)
{
  if (check->by_module)
    return vms_arena_printf (&check->arena, "the module %s is %s", need->module,
                             found ? "not built in" : "neither there nor built in");
  return vms_arena_printf (&check->arena, "CONFIG_%s is %s", need->symbol,
                           found ? "a module (=m)" : "not set");
}

/* What a kernel is built with to have it. */
static const char *
remedy (struct kernel_check *check, const struct vmspec_kernel_need *need)
{
  struct arena *arena = &check->arena;
  const char *module
    = need->module ? vms_arena_printf (arena, " (module %s)", need->module) : "";

  if (!need->symbol)
    return vms_arena_printf (arena, "the module %s", need->module);
  return vms_arena_printf (arena, "CONFIG_%s=y%s%s", need->symbol,
                           need->builtin == VMSPEC_ON ? "" : " or =m", module);
}

static void
say_missing (struct kernel_check *check, const struct vmspec_kernel_need *need,
             enum presence found)
{
  const char *option = need->option ? need->option : "";
  const struct path path = { .name = option };
  const char *what = problem (check, need, found);
  const char *with = remedy (check, need);

  if (!what || !with)
    return;
  vms_diag_add (check->diag, VMSPEC_SEVERITY_ERROR,
                found ? "kernel.module" : "kernel.missing", &path, NULL,
                "%s: %s, and %s%s needs it%s; build the kernel with %s, or take "
                "another one%s%s", check->file, what,
                *option ? "the option " : "every machine", option,
                need->builtin == VMSPEC_ON ? " built in" : "", with,
                *option ? ", or change " : "", option);
}

int
vms_kernel_check_begin (struct kernel_check *check,
                        const struct vmspec_guest_settings *settings)
{
  void *copy = NULL;
  int r = settings ? vms_spec_copy (&check->arena, "vmspec_guest_settings",
                                    settings, check->diag, &copy) : -EINVAL;
  size_t n;

  if (r < 0)
    return r;
  check->needs = ((struct vmspec_guest_settings *) copy)->kernel_needs;
  /* A kernel that nobody asks anything of would pass whatever it is. */
  if (!check->needs)
    return vms_kernel_fail (check, -EINVAL, "kernel.no-needs", "these settings "
                            "say nothing of kernels; take those that a plan "
                            "tells");
  n = vms_list_length (check->needs);
  check->found = vms_arena_alloc (&check->arena, n * sizeof *check->found);
  return vms_arena_error (&check->arena);
}

int
vms_kernel_check_end (struct kernel_check *check)
{
  int r = 0;

  for (size_t i = 0; check->needs[i]; i++) {
    const struct vmspec_kernel_need *need;

    if (!key_of (check, check->needs[i]) || was_before (check, i))
      continue;
    need = strictest (check, i);
    if (check->found[i] == PRESENCE_BUILTIN
        || (check->found[i] && need->builtin != VMSPEC_ON))
      continue;
    say_missing (check, need, check->found[i]);
    r = -ENOEXEC;
  }
  return vms_arena_error (&check->arena) ? vms_arena_error (&check->arena) : r;
}
