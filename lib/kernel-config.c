/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel's configuration, read by the rules of the kernel's own tools: a line
 * sets a symbol if it starts with its name or says that it is not set, and the
 * last one counts.  Everything else is passed over.
 */
#include "guest.h"
#include "descriptor.h"
#include "kernel-check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct setting {
  const char *name, *value; /* without CONFIG_ */
  size_t name_size, value_size;
};

static const char comment[] = "# ";
static const char prefix[] = "CONFIG_";
static const char unset[] = " is not set";

static int
starts (const char *line, size_t size, const char *with)
{
  return size >= strlen (with) && !memcmp (line, with, strlen (with));
}

static size_t
name_size (const char *name, size_t size)
{
  size_t n = 0;

  while (n < size && ((name[n] >= 'A' && name[n] <= 'Z')
                      || (name[n] >= 'a' && name[n] <= 'z')
                      || (name[n] >= '0' && name[n] <= '9') || name[n] == '_'))
    n++;
  return n;
}

static int
is_set_to (const struct setting *setting, const char *value)
{
  return setting->value_size == strlen (value)
         && !memcmp (setting->value, value, strlen (value));
}

/* Whether the line sets a symbol. */
static int
parse (const char *line, size_t size, struct setting *ret_setting)
{
  int is_comment = starts (line, size, comment);
  const char *rest = is_comment ? line + strlen (comment) : line;
  const char *end = line + size;
  struct setting setting;

  if (!starts (rest, (size_t) (end - rest), prefix))
    return 0;
  setting.name = rest + strlen (prefix);
  setting.name_size = name_size (setting.name, (size_t) (end - setting.name));
  setting.value = setting.name + setting.name_size;
  setting.value_size = (size_t) (end - setting.value);
  if (is_comment ? !is_set_to (&setting, unset)
                 : !starts (setting.value, setting.value_size, "="))
    return 0;
  *ret_setting = setting;
  return setting.name_size > 0;
}

/* Numbers and strings are nothing that a driver is switched on by. */
static enum presence
presence_of (const struct setting *setting)
{
  return is_set_to (setting, "=y") ? PRESENCE_BUILTIN
         : is_set_to (setting, "=m") ? PRESENCE_MODULE : PRESENCE_NONE;
}

static void
take_line (struct kernel_check *check, const char *line, size_t size)
{
  struct setting setting;

  if (!parse (line, size, &setting))
    return;
  check->told++;
  for (size_t i = 0; check->needs[i]; i++) {
    const char *symbol = check->needs[i]->symbol;

    if (symbol && strlen (symbol) == setting.name_size
        && !memcmp (symbol, setting.name, setting.name_size))
      check->found[i] = presence_of (&setting);
  }
}

#define ELSEWHERE "distributions have a kernel's configuration as "            \
                  "/boot/config-VERSION or /lib/modules/VERSION/config"

/* What there is to say of a file that is not there. */
static int
say_absent (struct kernel_check *check)
{
  return vms_kernel_fail (check, -ENOENT, "kernel.file",
                          strcmp (check->file, "/proc/config.gz")
                            ? "%s does not exist; " ELSEWHERE
                            : "%s does not exist, as this kernel was built without "
                              "CONFIG_IKCONFIG_PROC, or has it in the module "
                              "\"configs\"; " ELSEWHERE, check->file);
}

static int
check_file (struct kernel_check *check)
{
  struct text text;
  int fd = TEMP_FAILURE_RETRY (
    open (check->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  int r;

  if (fd < 0 && errno == ENOENT)
    return say_absent (check);
  r = vms_kernel_read (check, vms_descriptor_keep (fd < 0 ? -errno : fd),
                       check->file, &text);
  if (r < 0)
    return r;
  vms_kernel_each_line (check, &text, take_line);
  if (!check->told)
    return vms_kernel_fail (check, -EINVAL, "kernel.no-config", "%s is no kernel "
                            "configuration, as no line in it starts with CONFIG_; "
                            ELSEWHERE, check->file);
  return vms_kernel_check_end (check);
}

int
vmspec_check_kernel_config (const struct vmspec_guest_settings *settings,
                            const char *file, vmspec_diag *diag)
{
  struct kernel_check check = { .file = file, .diag = diag };
  int r = vms_kernel_check_begin (&check, settings);

  if (r == 0)
    r = check_file (&check);
  vms_arena_free (&check.arena);
  return r;
}
