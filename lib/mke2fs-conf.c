/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mke2fs-conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSTEM_CONF "/etc/mke2fs.conf"
#define LONGEST_CONF 65536

static const char built_in[]
  = "[defaults]\n"
    "base_features = sparse_super,large_file,filetype,resize_inode,dir_index,"
    "ext_attr\n"
    "blocksize = 4096\n"
    "inode_size = 256\n"
    "inode_ratio = 16384\n"
    "[fs_types]\n"
    "ext4 = {\n"
    "features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,"
    "dir_nlink,extra_isize\n"
    "}\n"
    "small = {\nblocksize = 1024\ninode_ratio = 4096\n}\n"
    "floppy = {\nblocksize = 1024\ninode_ratio = 8192\n}\n"
    "big = {\ninode_ratio = 32768\n}\n"
    "huge = {\ninode_ratio = 65536\n}\n";

void
vms_mke2fs_conf_read (struct mke2fs_conf *conf, struct arena *arena,
                      const char *path)
{
  int fd = TEMP_FAILURE_RETRY (
    open (path ? path : SYSTEM_CONF, O_RDONLY | O_CLOEXEC));
  char *text = fd < 0 ? NULL : vms_arena_alloc (arena, LONGEST_CONF);
  ssize_t n
    = text ? TEMP_FAILURE_RETRY (read (fd, text, LONGEST_CONF - 1)) : -1;

  if (fd >= 0)
    close (fd);
  *conf = (struct mke2fs_conf) { .arena = arena,
                                 .text = n > 0 ? text : built_in };
}

/* ---- lines -------------------------------------------------------------- *
 *
 * "[section]", "name = value", "name = {", "}", comments from "#" or ";".
 */

struct word {
  const char *at;
  size_t size;
};

static struct word
trim (const char *at, const char *end)
{
  while (at < end && strchr (" \t\r", *at))
    at++;
  while (at < end && strchr (" \t\r", end[-1]))
    end--;
  if (end - at >= 2 && *at == '"' && end[-1] == '"')
    at++, end--;
  return (struct word) { at, (size_t) (end - at) };
}

static int
is (struct word word, const char *text)
{
  return word.size == strlen (text) && !memcmp (word.at, text, word.size);
}

/* Splits the line at *ret_rest and moves on.  0 at the end of the text. */
static int
next_line (const char **text, struct word *ret_name, struct word *ret_value)
{
  const char *line = *text, *end = line + strcspn (line, "\n"), *equals;

  if (!*line)
    return 0;
  *text = *end ? end + 1 : end;
  *ret_name = trim (line, end);
  *ret_value = (struct word) { end, 0 };
  if (ret_name->size && strchr ("#;", *ret_name->at))
    ret_name->size = 0;
  equals = memchr (line, '=', (size_t) (end - line));
  if (ret_name->size && equals) {
    *ret_name = trim (line, equals);
    *ret_value = trim (equals + 1, end);
  }
  return 1;
}

/* The value of @name in a section, or in its subsection @type. */
static const char *
find (const struct mke2fs_conf *conf, const char *section, const char *type,
      const char *name)
{
  const char *text = conf->text, *found = NULL;
  struct word word, value;
  int in_section = 0, depth = 0, in_type = 0;

  while (!found && next_line (&text, &word, &value)) {
    if (word.size && *word.at == '[') {
      in_section = is (word, section);
      depth = in_type = 0;
    } else if (is (word, "}")) {
      depth -= depth > 0;
      in_type = 0;
    } else if (is (value, "{")) {
      depth++;
      in_type = type && depth == 1 && is (word, type);
    } else if (in_section && (type ? in_type : !depth) && is (word, name))
      found = vms_arena_copy (conf->arena, value.at, value.size);
  }
  return found;
}

const char *
vms_mke2fs_conf_of_type (const struct mke2fs_conf *conf, const char *type,
                         const char *name)
{
  return find (conf, "[fs_types]", type, name);
}

const char *
vms_mke2fs_conf_get (const struct mke2fs_conf *conf, const char *const *types,
                     const char *name, const char *fallback)
{
  const char *found = NULL;

  for (; *types; types++) {
    const char *of_type = vms_mke2fs_conf_of_type (conf, *types, name);

    found = of_type ? of_type : found;
  }
  if (!found)
    found = find (conf, "[defaults]", NULL, name);
  return found ? found : fallback;
}

long
vms_mke2fs_conf_number (const struct mke2fs_conf *conf,
                        const char *const *types, const char *name,
                        long fallback)
{
  const char *text = vms_mke2fs_conf_get (conf, types, name, NULL);

  return text ? strtol (text, NULL, 0) : fallback;
}
