/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's mount table.  What is said and what is built in are merged by
 * mount point; where both say the same thing differently, the description is
 * refused, unless the entry is to replace the built-in one.
 */
#include "default.h"
#include "set.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct mounts {
  struct resolution *r;
  vmspec_diag *diag;
  struct vector table; /* struct vmspec_file_system */
  struct set points;
};

/* "file_systems[2]" if the description has an entry for this mount point, and
 * "file_systems[/boot]" if both of the two are built in. */
static struct path
mount_path (struct mounts *m, const char *point)
{
  const struct vmspec_file_system *const *said = m->r->given->file_systems;
  struct path path = { .name = "file_systems", .has_index = 1 };
  const char *name;

  for (; said && said[path.index]; path.index++)
    if (!strcmp (said[path.index]->mount_point, point))
      return path;
  name = vms_arena_concat (m->r->arena, "file_systems[", point, "]",
                           (char *) NULL);
  return (struct path) { .name = name ? name : "file_systems" };
}

static void
conflict (struct mounts *m, const char *point, const char *member,
          const char *one, const char *other)
{
  struct path entry = mount_path (m, point);
  struct path path = { .parent = &entry, .name = member };

  vms_diag_add (m->diag, VMSPEC_SEVERITY_ERROR, "mounts.conflict", &path, NULL,
                "two file systems want to be mounted at %s, with %s '%s' and '%s'; "
                "move one of them, or let one replace the other", point, member,
                one, other);
}

static void
merge_text (struct mounts *m, const char *point, const char *member,
            const char **to, const char *from)
{
  if (!from)
    return;
  if (!*to)
    *to = from;
  else if (strcmp (*to, from))
    conflict (m, point, member, *to, from);
}

static void
merge_switch (struct mounts *m, const char *point, const char *member,
              uint32_t *to, uint32_t from)
{
  if (!from)
    return;
  if (!*to)
    *to = from;
  else if (*to != from)
    conflict (m, point, member, is_on (*to) ? "on" : "off",
              is_on (from) ? "on" : "off");
}

static void
merge_options (struct mounts *m, const char *const **to,
               const char *const *from)
{
  struct vector all = { .arena = m->r->arena };

  for (const char *const *o = *to; o && *o; o++)
    vms_vector_add (&all, *o);
  for (const char *const *o = from; o && *o; o++)
    vms_vector_add (&all, *o);
  if (from)
    *to = (const void *) vms_vector_end (&all);
}

static void
add (struct mounts *m, const struct vmspec_file_system *from)
{
  struct vmspec_file_system *to;
  const char *point = from->mount_point;
  const size_t *at
    = point ? vms_set_add (&m->points, point, m->table.count) : NULL;

  if (at) {
    to = vms_writable (m->table.items[*at]);
    if (is_on (to->replace))
      return;
    merge_text (m, point, "device", &to->device, from->device);
    merge_text (m, point, "type", &to->type, from->type);
    merge_switch (m, point, "needed_for_boot", &to->needed_for_boot,
                  from->needed_for_boot);
    merge_switch (m, point, "no_check", &to->no_check, from->no_check);
    merge_options (m, &to->options, from->options);
    return;
  }
  to = vms_arena_alloc (m->r->arena, sizeof *to);
  if (!to)
    return;
  *to = *from;
  vms_vector_add (&m->table, to);
}

static const char *const *
options (struct mounts *m, size_t n, const char *const some[])
{
  struct vector all = { .arena = m->r->arena };

  for (size_t i = 0; i < n; i++)
    if (some[i])
      vms_vector_add (&all, some[i]);
  return (const void *) vms_vector_end (&all);
}

#define OPTIONS(m, ...)                                                        \
  options (m, sizeof ((const char *[]) { __VA_ARGS__ }) / sizeof (char *),     \
           (const char *[]) { __VA_ARGS__ })

/* A writable store is an overlay over what is mounted elsewhere. */
const char *
vms_share_mount_point (const struct resolution *r,
                       const struct vmspec_share *share)
{
  if (!strcmp (share->tag, "nix-store") && is_on (r->store.writable))
    return "/nix/.ro-store";
  return share->target;
}

static void
add_share (struct mounts *m, const struct vmspec_share *share)
{
  int store = !strcmp (share->tag, "nix-store");
  char *msize = vms_arena_printf (m->r->arena, "msize=%u", m->r->spec.msize);

  add (m, &(struct vmspec_file_system) {
    VMSPEC_INIT (vmspec_file_system),
    .mount_point = vms_share_mount_point (m->r, share),
    .device = share->tag, .type = "9p", .needed_for_boot = VMSPEC_ON,
    .options = OPTIONS (m, "trans=virtio", "version=9p2000.L", msize,
                        store ? "cache=loose" : NULL) });
}

static int
by_tag (const void *a, const void *b)
{
  const struct vmspec_share *const *one = a, *const *other = b;

  return strcmp ((*one)->tag, (*other)->tag);
}

/* Of two shares with one target the first tag wins; vms_assert_shares() says so. */
static void
add_shares (struct mounts *m)
{
  size_t n = vms_list_length (m->r->spec.shares);
  const struct vmspec_share **sorted
    = vms_arena_alloc (m->r->arena, n * sizeof *sorted);
  struct set targets = { .arena = m->r->arena };

  if (!sorted)
    return;
  for (size_t i = 0; i < n; i++)
    sorted[i] = m->r->spec.shares[i];
  qsort (sorted, n, sizeof *sorted, by_tag);
  for (size_t i = 0; i < n; i++)
    if (!vms_set_add (&targets, vms_share_mount_point (m->r, sorted[i]), i))
      add_share (m, sorted[i]);
}

static void
add_root (struct mounts *m)
{
  int tmpfs = !*m->r->disk.image;
  const char *device = m->r->boot.root_device;

  add (m, &(struct vmspec_file_system) {
    VMSPEC_INIT (vmspec_file_system), .mount_point = "/",
    .device = tmpfs ? "tmpfs" : *device ? device : NULL,
    .type = tmpfs ? "tmpfs" : "ext4" });
}

static void
add_store (struct mounts *m)
{
  const struct vmspec_store *store = &m->r->store;

  if (is_on (store->image))
    add (m, &(struct vmspec_file_system) {
      VMSPEC_INIT (vmspec_file_system),
      .mount_point = is_on (store->writable) ? "/nix/.ro-store" : "/nix/store",
      .device = "/dev/disk/by-label/nix-store", .needed_for_boot = VMSPEC_ON,
      .options = OPTIONS (m, "ro") });
  if (is_on (store->writable) && is_on (store->writable_tmpfs))
    add (m, &(struct vmspec_file_system) {
      VMSPEC_INIT (vmspec_file_system), .mount_point = "/nix/.rw-store",
      .type = "tmpfs", .needed_for_boot = VMSPEC_ON,
      .options = OPTIONS (m, "mode=0755") });
}

static void
add_builtin (struct mounts *m)
{
  const struct resolution *r = m->r;

  add_shares (m);
  if (is_on (r->boot.default_file_systems))
    add_root (m);
  add_store (m);
  if (is_on (r->boot.loader) && *r->boot.partition)
    /* What EFI firmware left behind cannot be checked while it is mounted. */
    add (m, &(struct vmspec_file_system) {
      VMSPEC_INIT (vmspec_file_system), .mount_point = "/boot",
      .device = r->boot.partition, .type = "vfat", .no_check = VMSPEC_ON });
}

/* ---- order --------------------------------------------------------------- */

/* Where a file system comes: a directory directly before what is below it. */
struct mount {
  const struct vmspec_file_system *fs;
  size_t parent; /* the place that its mount point is below, or NOWHERE */
  int state;     /* 0, or it was begun with */
};

#define NOWHERE SIZE_MAX

static const char *
mount_point (const struct vmspec_file_system *fs)
{
  return fs->mount_point ? fs->mount_point : "";
}

static size_t
common (const char *a, const char *b)
{
  size_t n = 0;

  while (a[n] && a[n] == b[n])
    n++;
  return n;
}

/* A slash comes before all that a name may hold, and after its end. */
static int
rank (char c)
{
  return c == '/' ? 1 : c ? (unsigned char) c + 1 : 0;
}

static int
by_path (const char *a, const char *b)
{
  size_t n = common (a, b);

  return rank (a[n]) - rank (b[n]);
}

static int
by_mount_point (const void *a, const void *b)
{
  const struct mount *one = a, *other = b;

  return by_path (mount_point (one->fs), mount_point (other->fs));
}

/* The nearest place at @path or above it, of @at and those that it is below. */
static size_t
nearest (const struct mount *places, size_t at, const char *path)
{
  size_t same = at == NOWHERE ? 0 : common (mount_point (places[at].fs), path);

  for (; at != NOWHERE; at = places[at].parent) {
    const char *point = mount_point (places[at].fs);
    size_t size = strlen (point);

    if (size && size <= same
        && (point[size - 1] == '/' || !path[size] || path[size] == '/'))
      break;
  }
  return at;
}

/* The place that holds a device, such as the directory of a bind mount. */
static size_t
holder (const struct mount *places, size_t n, const char *device)
{
  size_t low = 0, high = n;

  if (!device || *device != '/' || !strncmp (device, "/dev/", 5))
    return NOWHERE;
  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (by_path (mount_point (places[middle].fs), device) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  return nearest (places, low ? low - 1 : NOWHERE, device);
}

/* The first of those that have to be there before it, and were not begun with. */
static size_t
waits_for (const struct mount *places, size_t n, size_t at)
{
  size_t first = places[at].parent;

  if (first == NOWHERE || places[first].state)
    first = holder (places, n, places[at].fs->device);
  return first == NOWHERE || places[first].state ? NOWHERE : first;
}

/* Parents come before what is mounted below them, and what holds a device before
 * what is mounted from there.  Of two that wait for each other, one has to be
 * first. */
static void
sort (struct mounts *m)
{
  size_t n = m->table.count, depth = 0, done = 0;
  struct mount *places = vms_arena_alloc (m->r->arena, n * sizeof *places);
  size_t *stack = vms_arena_alloc (m->r->arena, n * sizeof *stack);

  if (!places || !stack)
    return;
  for (size_t i = 0; i < n; i++)
    places[i].fs = m->table.items[i];
  qsort (places, n, sizeof *places, by_mount_point);
  for (size_t i = 0; i < n; i++)
    places[i].parent
      = nearest (places, i ? i - 1 : NOWHERE, mount_point (places[i].fs));
  for (size_t i = 0; i < n; i++) {
    if (!places[i].state)
      stack[depth++] = i;
    while (depth) {
      size_t at = stack[depth - 1], before;

      places[at].state = 1;
      before = waits_for (places, n, at);
      if (before != NOWHERE)
        stack[depth++] = before;
      else
        m->table.items[done++] = places[stack[--depth]].fs;
    }
  }
}

static void
complete (struct vmspec_file_system *fs)
{
  static const char *const defaults[] = { "defaults", NULL };

  DEFAULT (fs->type, "auto");
  if (!strcmp (fs->type, "tmpfs"))
    DEFAULT (fs->device, "tmpfs");
  DEFAULT (fs->options, defaults);
  DEFAULT (fs->needed_for_boot, VMSPEC_OFF);
  DEFAULT (fs->no_check, VMSPEC_OFF);
  DEFAULT (fs->auto_format, VMSPEC_OFF);
  DEFAULT (fs->replace, VMSPEC_OFF);
}

void
vms_resolve_mounts (struct resolution *r, vmspec_diag *diag)
{
  struct mounts m = { .r = r, .diag = diag, .table.arena = r->arena,
                      .points.arena = r->arena };
  const struct vmspec_file_system *const *said = r->spec.file_systems;

  /* First what was said: its mount options come first. */
  for (; said && *said; said++)
    add (&m, *said);
  DEFAULT (r->spec.builtin_file_systems, VMSPEC_ON);
  if (is_on (r->spec.builtin_file_systems))
    add_builtin (&m);
  r->spec.builtin_file_systems = VMSPEC_OFF;
  r->spec.file_systems = (const void *) vms_vector_end (&m.table);
  if (vms_arena_error (r->arena))
    return;
  sort (&m);
  for (size_t i = 0; i < m.table.count; i++)
    complete (vms_writable (m.table.items[i]));
}
