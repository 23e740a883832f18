/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's settings as text.  What is written is read back by each form's own
 * rules, as far as they can be written down here; the programs that read it for a
 * living are asked in tests/integration/guest-texts.
 */
#include "scratch.h"

#include "guest.h"

#include <jansson.h>
#include <mntent.h>

#define FS(...)                                                                \
  (&(struct vmspec_file_system) { VMSPEC_INIT (vmspec_file_system),            \
                                  __VA_ARGS__ })

static const char *const none[] = { NULL };
static const struct vmspec_kernel_need *const no_needs[] = { NULL };

static struct arena arena;
static struct vector files;
static vmspec_diag *diag;

static void
set_up (void)
{
  arena = (struct arena) { 0 };
  files = (struct vector) { .arena = &arena };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  scratch_make ();
}

static void
tear_down (void)
{
  scratch_remove ();
  vmspec_diag_free (diag);
  vms_arena_free (&arena);
}

static struct vmspec_guest_settings
settings_of (const struct vmspec_file_system *const *file_systems)
{
  return (struct vmspec_guest_settings) {
    VMSPEC_INIT (vmspec_guest_settings), .command_line_max = 2047, .nixos = VMSPEC_OFF,
    .file_systems = file_systems, .kernel_params = none, .consoles = none,
    .kernel_needs = no_needs, .initrd_commands = "", .tmpfiles = none,
    .graphics = VMSPEC_OFF, .resolution_x = 800, .resolution_y = 600,
  };
}

static const struct vmspec_guest_file *
find_file (const char *name, uint32_t initrd)
{
  for (size_t i = 0; i < files.count; i++) {
    const struct vmspec_guest_file *file = files.items[i];

    if (!strcmp (file->name, name) && file->initrd == initrd)
      return file;
  }
  return NULL;
}

static const char *
content_of (const char *name, uint32_t initrd)
{
  const struct vmspec_guest_file *file = find_file (name, initrd);

  ck_assert_msg (file != NULL, "there is no %s", name);
  return file->content;
}

typedef void renderer (struct vector *to,
                       const struct vmspec_guest_settings *settings,
                       vmspec_diag *findings);

/* One renderer's only file. */
static const char *
render (renderer *function, const struct vmspec_guest_settings *settings)
{
  files.count = 0;
  function (&files, settings, diag);
  ck_assert_uint_eq (files.count, 1);
  ck_assert_int_eq (arena.error, 0);
  return ((const struct vmspec_guest_file *) files.items[0])->content;
}

/* Bytes that mean something to some form.  @start comes first, then anything. */
static const char *
nasty_text (struct random *r, const char *start, int any_byte)
{
  static const char *const pieces[]
    = { " ", ",", "\"", "'", "\\", "%", "#", "\n", ":", "\t", "\r", "$", "`",
        ";", "=", "-", "/", ".", "\x01", "\x7f", "\xc3\xa4", "\xe2\x82\xac",
        "\xc3\xa0", "a", "b", "x20", "\\040", "%i", "$(id)", "\xff", "\xa0" };
  struct text text = { .arena = &arena };
  size_t n = random_below (r, 8);

  vms_text_add (&text, start);
  for (size_t i = 0; i < n; i++)
    vms_text_add (&text, pieces[random_below (r, COUNT (pieces)
                                                   - (any_byte ? 0 : 2))]);
  return vms_text_end (&text);
}

static const struct vmspec_file_system *
nasty_file_system (struct random *r, int any_byte)
{
  const char **options = vms_arena_alloc (&arena, 3 * sizeof *options);
  struct vmspec_file_system *fs = vms_arena_alloc (&arena, sizeof *fs);

  options[0] = nasty_text (r, "a=", any_byte);
  options[1] = nasty_text (r, "b", any_byte);
  *fs = *FS (.mount_point = nasty_text (r, "/m", any_byte),
             .device = nasty_text (r, random_below (r, 2) ? " " : "#",
                                   any_byte),
             .type = nasty_text (r, "t", any_byte), .options = options);
  return fs;
}

static const char *
joined (const struct vmspec_file_system *fs)
{
  return vms_guest_options (&arena, fs);
}

/* ---- fstab -------------------------------------------------------------- */

START_TEST (fstab_has_a_line_for_each_mount)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/", .device = "/dev/disk/by-label/nixos",
        .type = "ext4", .options = STRINGS ("defaults"),
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/boot", .device = "LABEL=ESP", .type = "vfat",
        .no_check = VMSPEC_ON),
    FS (.mount_point = "/data", .device = "/dev/vdb", .type = "ext4",
        .auto_format = VMSPEC_ON, .options = STRINGS ("noatime,nodev", "sync")),
    FS (.mount_point = "/home", .device = "UUID=1", .type = "auto"),
    FS (.mount_point = "/nix/.ro-store", .device = "nix-store", .type = "9p",
        .needed_for_boot = VMSPEC_ON,
        .options = STRINGS ("trans=virtio", "cache=loose")),
    FS (.mount_point = "/proc2", .options = STRINGS ("", "x")),
    FS (.mount_point = "/store", .device = "/dev/vdc",
        .options = STRINGS ("noexec,ro")),
    FS (.mount_point = "/tmp", .device = "tmpfs", .type = "tmpfs"),
    FS (.mount_point = "/var", .device = "/dev/vdd", .type = "xfs"),
    FS (.mount_point = "/vol", .device = "/data/vol", .type = "none",
        .options = STRINGS ("bind")),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  ck_assert_str_eq (
    render (vms_guest_fstab, &settings),
    "# What the guest mounts, by vmspec: see fstab(5).\n"
    "/dev/disk/by-label/nixos / ext4 defaults 0 1\n"
    "LABEL=ESP /boot vfat defaults 0 0\n"
    "/dev/vdb /data ext4 noatime,nodev,sync,x-systemd.makefs 0 2\n"
    "UUID=1 /home auto defaults 0 2\n"
    "nix-store /nix/.ro-store 9p trans=virtio,cache=loose,x-initrd.mount 0 0\n"
    "none /proc2 auto x 0 0\n"
    "/dev/vdc /store auto noexec,ro 0 0\n"
    "tmpfs /tmp tmpfs defaults 0 0\n"
    "/dev/vdd /var xfs defaults 0 0\n"
    "/data/vol /vol none bind 0 0\n");
  ck_assert_ptr_nonnull (find_file ("/etc/fstab", VMSPEC_OFF));
}
END_TEST

START_TEST (what_cannot_be_checked_is_not)
{
  static const char *const types[]
    = { "9p", "virtiofs", "tmpfs", "overlay", "swap", "nfs", "nfs4", "cifs",
        "erofs", "squashfs", "iso9660", "btrfs", "xfs", "zfs", "bcachefs" };

  for (size_t i = 0; i < COUNT (types); i++)
    ck_assert_msg (!vms_guest_is_checked (FS (.mount_point = "/a", .type = types[i],
                                              .device = "/dev/vda")),
                   "%s", types[i]);
  ck_assert_int_eq (vms_guest_is_checked (FS (.mount_point = "/a", .type = "vfat",
                                              .device = "PARTLABEL=a")), 1);
  ck_assert_int_eq (vms_guest_is_checked (FS (.mount_point = "/a", .type = "ext4",
                                              .device = "/a.img")), 0);
}
END_TEST

START_TEST (a_line_of_fstab_takes_more_options)
{
  struct text text = { .arena = &arena };

  vms_guest_fstab_line (&text, FS (.mount_point = "/a b", .device = "#\\\t\n",
                                   .type = "9p", .needed_for_boot = VMSPEC_ON),
                        ",nofail");
  ck_assert_str_eq (vms_text_end (&text), "\\043\\134\\011\\012 /a\\040b 9p "
                                      "defaults,nofail 0 0\n");
}
END_TEST

/* By fstab(5), and libmount: any octal escape. */
static char *
unescaped (char *field)
{
  char *to = field;

  for (char *from = field; *from; to++) {
    int code = 0, length = 0;

    if (*from == '\\'
        && sscanf (from, "\\%3o%n", (unsigned *) &code, &length) == 1
        && length == 4) {
      *to = (char) code;
      from += 4;
    }
    else
      *to = *from++;
  }
  *to = '\0';
  return field;
}

START_TEST (whatever_fstab_says_reads_back)
{
  struct random r = { 11 };

  for (unsigned round = 0; round < unit_rounds (2000); round++) {
    const struct vmspec_file_system *fs = nasty_file_system (&r, 1);
    const struct vmspec_file_system *const table[] = { fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    char *line = strchr (render (vms_guest_fstab, &settings), '\n') + 1;
    char *field[6], *rest = line;

    ck_assert_ptr_eq (strchr (line, '\n'), line + strlen (line) - 1);
    ck_assert_int_ne (*line, '#');
    for (size_t i = 0; i < 6; i++)
      field[i] = strtok_r (NULL, " \t\n", &rest);
    ck_assert_ptr_nonnull (field[5]);
    ck_assert_ptr_null (strtok_r (NULL, " \t\n", &rest));
    ck_assert_str_eq (unescaped (field[0]), fs->device);
    ck_assert_str_eq (unescaped (field[1]), fs->mount_point);
    ck_assert_str_eq (unescaped (field[2]), fs->type);
    ck_assert_str_eq (unescaped (field[3]), joined (fs));
    ck_assert_str_eq (field[4], "0");
    ck_assert_str_eq (field[5], "0");
  }
}
END_TEST

START_TEST (the_c_library_reads_fstab)
{
  struct random r = { 12 };

  for (unsigned round = 0; round < unit_rounds (500); round++) {
    const struct vmspec_file_system *fs = nasty_file_system (&r, 1);
    const struct vmspec_file_system *const table[] = { fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    const char *content = render (vms_guest_fstab, &settings);
    FILE *stream = fmemopen ((void *) (uintptr_t) content, strlen (content),
                             "r");
    struct mntent *entry;

    ck_assert_ptr_nonnull (stream);
    entry = getmntent (stream);
    ck_assert_ptr_nonnull (entry);
    /* Which does not know that "#" may be escaped. */
    if (*fs->device != '#')
      ck_assert_str_eq (entry->mnt_fsname, fs->device);
    ck_assert_str_eq (entry->mnt_dir, fs->mount_point);
    ck_assert_str_eq (entry->mnt_type, fs->type);
    ck_assert_str_eq (entry->mnt_opts, joined (fs));
    ck_assert_ptr_null (getmntent (stream));
    fclose (stream);
  }
}
END_TEST

START_TEST (options_are_told_apart)
{
  const struct vmspec_file_system *fs
    = FS (.mount_point = "/a",
          .options = STRINGS ("rw,a=\"ro,b\"", "c=d,", "bind"));

  ck_assert_int_eq (vms_guest_has_option (fs, "rw"), 1);
  ck_assert_int_eq (vms_guest_has_option (fs, "bind"), 1);
  ck_assert_int_eq (vms_guest_has_option (fs, "c="), 1);
  ck_assert_int_eq (vms_guest_has_option (fs, "c"), 0);
  ck_assert_int_eq (vms_guest_has_option (fs, "ro"), 0);
  ck_assert_int_eq (vms_guest_has_option (fs, "b"), 0);
  ck_assert_int_eq (vms_guest_has_option (FS (.mount_point = "/a"), "ro"), 0);
}
END_TEST

START_TEST (devices_have_a_path_and_a_tag)
{
  static const struct {
    const char *device, *path, *tag;
  } cases[] = {
    { "LABEL=a b/\\x", "/dev/disk/by-label/a\\x20b\\x2f\\x5cx",
      "LABEL=a b/\\x" },
    { "/dev/disk/by-label/a\\x20b\\X", "/dev/disk/by-label/a\\x20b\\X",
      "LABEL=a b\\X" },
    { "/dev/disk/by-label/\\x2F\\x00\\x1", "/dev/disk/by-label/\\x2F\\x00\\x1",
      "LABEL=/\\x00\\x1" },
    { "UUID=1-2", "/dev/disk/by-uuid/1-2", "UUID=1-2" },
    { "PARTUUID=3", "/dev/disk/by-partuuid/3", "PARTUUID=3" },
    { "PARTLABEL=\xc3\xa4", "/dev/disk/by-partlabel/\xc3\xa4",
      "PARTLABEL=\xc3\xa4" },
    { "/dev/disk/by-label/\\y41\\x4\\xg1", "/dev/disk/by-label/\\y41\\x4\\xg1",
      "LABEL=\\y41\\x4\\xg1" },
    { "/dev/vda", "/dev/vda", NULL },
    { "tag", "tag", NULL },
    { NULL, "none", NULL },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const struct vmspec_file_system *fs
      = FS (.mount_point = "/a", .device = cases[i].device);
    const char *tag = vms_guest_device_tag (&arena, fs);

    ck_assert_str_eq (vms_guest_device_path (&arena, fs), cases[i].path);
    ck_assert_pstr_eq (tag, cases[i].tag);
  }
}
END_TEST

/* udev keeps ASCII letters and digits, some signs, and all of UTF-8. */
START_TEST (each_byte_has_its_place_in_a_link)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

  for (int byte = 1; byte < 256; byte++) {
    char device[] = { 'L', 'A', 'B', 'E', 'L', '=', (char) byte, '\0' };
    char path[40], upper[40];
    int plain = byte >= 128 || strchr (letters, byte)
                || strchr ("#+-.:=@_", byte);

    snprintf (path, sizeof path,
              plain ? "/dev/disk/by-label/%c" : "/dev/disk/by-label/\\x%02x",
              byte);
    ck_assert_str_eq (
      vms_guest_device_path (&arena, FS (.mount_point = "/a",
                                         .device = device)), path);
    snprintf (path, sizeof path, "/dev/disk/by-label/\\x%02x", byte);
    snprintf (upper, sizeof upper, "/dev/disk/by-label/\\x%02X", byte);
    ck_assert_str_eq (
      vms_guest_device_tag (&arena, FS (.mount_point = "/a", .device = path)),
      device);
    ck_assert_str_eq (
      vms_guest_device_tag (&arena, FS (.mount_point = "/a", .device = upper)),
      device);
  }
}
END_TEST

START_TEST (options_that_are_not_the_kernels_are_left_out)
{
  static const char *const cases[][2] = {
    { "defaults", "" }, { "default", "default" }, { "defaultsx", "defaultsx" },
    { "auto", "" }, { "noauto", "" }, { "fail", "" }, { "nofail", "" },
    { "_netdev", "" }, { "user", "" }, { "nouser", "" }, { "users", "" },
    { "owner", "" }, { "group", "" }, { "x-", "" }, { "x-a", "" },
    { "X-a=b", "" }, { "xattr", "xattr" }, { "X", "X" }, { "comment=", "" },
    { "comment=a", "" }, { "comment", "comment" }, { "commenta", "commenta" },
    { "", "" }, { ",", "" }, { "a,", "a" }, { ",a", "a" },
    { "a,auto,b", "a,b" }, { "a=\"b,auto\",c", "a=\"b,auto\",c" },
    { "rw,x-a=\"b,c\",d", "rw,d" },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_str_eq (
      vms_guest_mount_options (&arena, FS (.mount_point = "/a",
                                           .options = STRINGS (cases[i][0]))),
      cases[i][1]);
  ck_assert_str_eq (
    vms_guest_mount_options (&arena, FS (.mount_point = "/a",
                                         .options = STRINGS ("a", "b"))),
    "a,b");
}
END_TEST

START_TEST (what_is_checked_and_what_is_formatted)
{
  static const struct {
    const char *device, *type, *option;
    uint32_t no_check, format;
    int checked, formatted;
  } cases[] = {
    { "/dev/x", "ext4", "rw", VMSPEC_OFF, VMSPEC_ON, 1, 1 },
    { "/dev/x", "ext4", "rw", VMSPEC_ON, VMSPEC_OFF, 0, 0 },
    { "/devx", "ext4", "rw", VMSPEC_OFF, VMSPEC_ON, 0, 0 },
    { "UUID=", "ext4", "rw", VMSPEC_OFF, VMSPEC_ON, 1, 1 },
    { "UUID", "ext4", "rw", VMSPEC_OFF, VMSPEC_ON, 0, 0 },
    { "/dev/x", "auto", "rw", VMSPEC_OFF, VMSPEC_ON, 1, 0 },
    { "/dev/x", "ext4", "ro", VMSPEC_OFF, VMSPEC_ON, 0, 1 },
    { "/dev/x", "ext4", "bind", VMSPEC_OFF, VMSPEC_ON, 0, 0 },
    { "/dev/x", "ext4", "rbind", VMSPEC_OFF, VMSPEC_ON, 0, 0 },
    { "/dev/x", "none", "rw", VMSPEC_OFF, VMSPEC_ON, 0, 1 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const struct vmspec_file_system *fs
      = FS (.mount_point = "/a", .device = cases[i].device,
            .type = cases[i].type, .options = STRINGS (cases[i].option),
            .no_check = cases[i].no_check, .auto_format = cases[i].format);

    ck_assert_int_eq (vms_guest_is_checked (fs), cases[i].checked);
    ck_assert_int_eq (vms_guest_is_formatted (fs), cases[i].formatted);
  }
}
END_TEST

/* ---- units -------------------------------------------------------------- */

#define UNIT(name) "/etc/systemd/system/" name
#define HEAD                                                                   \
  "# Made by vmspec.  It is mounted once systemctl(1) has enabled the unit.\n" \
  "[Unit]\n"

START_TEST (units_mount_and_check)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/", .device = "LABEL=nixos", .type = "ext4"),
    FS (.mount_point = "/my data/x", .device = "/dev/vdb", .type = "ext4",
        .auto_format = VMSPEC_ON, .options = STRINGS ("noatime", "nofail")),
    FS (.mount_point = "/srv", .device = "server:/srv", .type = "nfs"),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 5);
  ck_assert_str_eq (
    content_of (UNIT ("-.mount"), VMSPEC_OFF),
    HEAD "Before=local-fs.target\nWants=systemd-fsck-root.service\n\n[Mount]\n"
         "What=/dev/disk/by-label/nixos\nWhere=/\nType=ext4\n\n[Install]\n"
         "RequiredBy=local-fs.target\n");
  ck_assert_str_eq (
    content_of (UNIT ("my\\x20data-x.mount"), VMSPEC_OFF),
    HEAD "Requires=systemd-makefs@dev-vdb.service\n"
         "After=systemd-makefs@dev-vdb.service\n"
         "Requires=systemd-fsck@dev-vdb.service\n"
         "After=systemd-fsck@dev-vdb.service\n\n[Mount]\nWhat=/dev/vdb\n"
         "Where=/my data/x\nType=ext4\nOptions=noatime,nofail\n\n[Install]\n"
         "WantedBy=local-fs.target\n");
  ck_assert_ptr_nonnull (
    strstr (content_of (UNIT ("systemd-makefs@dev-vdb.service"), VMSPEC_OFF),
            "\nExecStart=/usr/lib/systemd/systemd-makefs \"ext4\" "
            "\"/dev/vdb\"\n"));
  ck_assert_str_eq (
    content_of (UNIT ("srv.mount"), VMSPEC_OFF),
    HEAD "Before=remote-fs.target\n\n[Mount]\nWhat=server:/srv\nWhere=/srv\n"
         "Type=nfs\n\n[Install]\nRequiredBy=remote-fs.target\n");
  ck_assert_str_eq (
    content_of (UNIT ("sysroot.mount"), VMSPEC_ON),
    HEAD "Before=initrd-root-fs.target\n"
         "Requires=systemd-fsck@dev-disk-by\\x2dlabel-nixos.service\n"
         "After=systemd-fsck@dev-disk-by\\x2dlabel-nixos.service\n\n[Mount]\n"
         "What=/dev/disk/by-label/nixos\nWhere=/sysroot\nType=ext4\n\n"
         "[Install]\nRequiredBy=initrd-root-fs.target\n");
}
END_TEST

START_TEST (units_of_the_initial_ram_disk)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/bound", .device = "/data", .type = "none",
        .options = STRINGS ("rbind"), .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/data", .device = "data", .type = "9p",
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/later", .device = "later", .type = "9p"),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 5);
  ck_assert_ptr_null (find_file (UNIT ("sysroot-later.mount"), VMSPEC_ON));
  ck_assert_str_eq (content_of (UNIT ("sysroot-bound.mount"), VMSPEC_ON),
                    HEAD "Before=initrd-fs.target\n\n[Mount]\n"
                         "What=/sysroot/data\nWhere=/sysroot/bound\nType=none\n"
                         "Options=rbind\n\n[Install]\n"
                         "RequiredBy=initrd-fs.target\n");
  ck_assert_ptr_nonnull (strstr (content_of (UNIT ("bound.mount"), VMSPEC_OFF),
                                 "\nWhat=/data\nWhere=/bound\n"));
}
END_TEST

START_TEST (the_store_overlay_as_units)
{
  static const struct vmspec_file_system *const nothing[] = { NULL };
  static const struct vmspec_guest_overlay overlay = {
    VMSPEC_INIT (vmspec_guest_overlay), .mount_point = "/nix/store",
    .lower = "/nix/.ro-store", .upper = "/nix/.rw-store/store",
    .work = "/nix/.rw-store/work",
  };
  struct vmspec_guest_settings settings = settings_of (nothing);

  settings.overlay = &overlay;
  settings.tmpfiles = STRINGS ("f /a", "d /b");
  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 3);
  ck_assert_str_eq (
    content_of (UNIT ("sysroot-nix-store.mount"), VMSPEC_ON),
    "# Made by vmspec.\n[Unit]\nBefore=initrd-fs.target\n"
    "Requires=rw-store.service\nAfter=rw-store.service\n"
    "RequiresMountsFor=/sysroot/nix/.ro-store\n\n[Mount]\nWhat=overlay\n"
    "Where=/sysroot/nix/store\nType=overlay\n"
    "Options=lowerdir=/sysroot/nix/.ro-store,"
    "upperdir=/sysroot/nix/.rw-store/store,"
    "workdir=/sysroot/nix/.rw-store/work\n\n[Install]\n"
    "WantedBy=initrd-fs.target\n");
  ck_assert_str_eq (
    content_of (UNIT ("rw-store.service"), VMSPEC_ON),
    "# Made by vmspec.\n[Unit]\nDefaultDependencies=no\n"
    "Before=shutdown.target\nConflicts=shutdown.target\n"
    "RequiresMountsFor=/sysroot/nix/.rw-store\n\n[Service]\nType=oneshot\n"
    "ExecStart=/bin/mkdir -p -m 0755 /sysroot/nix/.rw-store/store "
    "/sysroot/nix/.rw-store/work /sysroot/nix/store\n");
  ck_assert_str_eq (content_of ("/etc/tmpfiles.d/10-qemu-vm.conf", VMSPEC_OFF),
                    "# Made by vmspec: see tmpfiles.d(5).\nf /a\nd /b\n");

  ck_assert_ptr_nonnull (strstr (render (vms_guest_fstab, &settings),
                                 "\n# /nix/store is an overlay"));
}
END_TEST

START_TEST (units_are_named_by_their_path)
{
  static const struct {
    const char *path, *name;
  } cases[] = {
    { "/", "-.mount" },
    { "/a/b", "a-b.mount" },
    { "//a///b/", "a-b.mount" },
    { "/./a/.", "a.mount" },
    { "/.a/.b", "\\x2ea-.b.mount" },
    { "/a-b", "a\\x2db.mount" },
    { "/a:_.B9", "a:_.B9.mount" },
    { "/a\\b%\xc3\xa4", "a\\x5cb\\x25\\xc3\\xa4.mount" },
    { "/...", "\\x2e...mount" },
    { "/azAZ09", "azAZ09.mount" },
    { "/`{@[;^", "\\x60\\x7b\\x40\\x5b\\x3b\\x5e.mount" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const struct vmspec_file_system *const table[]
      = { FS (.mount_point = cases[i].path, .device = "a", .type = "9p"),
          NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    const char *name;

    files.count = 0;
    vms_guest_units (&files, &settings, diag);
    ck_assert_uint_ge (files.count, 1);
    name = ((const struct vmspec_guest_file *) files.items[0])->name;
    ck_assert_str_eq (name + strlen (UNIT ("")), cases[i].name);
  }
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

/* By systemd.syntax(7): the value behind the first "=", without blanks around it;
 * of specifiers, only these two. */
static const char *
unit_value (const char *unit, const char *key)
{
  struct text text = { .arena = &arena };
  char *start = strstr (unit, vms_arena_concat (&arena, "\n", key, "=",
                                                (char *) NULL));
  const char *end;

  if (!start)
    return NULL;
  start += strlen (key) + 2;
  end = strchr (start, '\n');
  ck_assert_int_ne (end[-1], '\\');
  while (start < end && strchr (" \t", *start))
    start++;
  while (end > start && strchr (" \t", end[-1]))
    end--;
  for (; start < end; start++) {
    if (*start == '%') {
      start++;
      ck_assert (*start == '%' || *start == 'i');
      if (*start == 'i')
        continue;
    }
    vms_text_add_bytes (&text, start, 1);
  }
  return vms_text_end (&text);
}

static size_t
lines (const char *text)
{
  size_t n = 0;

  for (; (text = strchr (text, '\n')); text++)
    n++;
  return n;
}

static int
is_sayable (const char *text)
{
  return vms_guest_is_utf8 (text) && !strpbrk (text, "\r\n");
}

/* File names have 255 bytes; a device has as many as its services have room for
 * besides "systemd-makefs@.service". */
START_TEST (units_have_names_as_long_as_files)
{
  char path[260] = "/", device[260] = "/dev/";
  struct vmspec_file_system fs
    = *FS (.mount_point = path, .type = "ext4", .device = device,
           .auto_format = VMSPEC_ON);
  const struct vmspec_file_system *const table[] = { &fs, NULL };
  struct vmspec_guest_settings settings = settings_of (table);

  memset (path + 1, 'p', 255 - strlen (".mount"));
  memset (device + 5, 'd', 255 - strlen ("systemd-makefs@dev-.service"));
  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 2);
  ck_assert_ptr_nonnull (
    strstr (((const struct vmspec_guest_file *) files.items[0])->content,
            "Requires=systemd-fsck@dev-dddd"));
  strcat (device, "d");
  files.count = 0;
  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 1);
  ck_assert_ptr_null (
    strstr (((const struct vmspec_guest_file *) files.items[0])->content,
            "systemd-"));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  strcat (path, "p");
  files.count = 0;
  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_ptr_nonnull (strstr (unit_finding (diag, "guest.unit-name")->text,
                                 "as its name would be longer than 255 bytes"));
}
END_TEST

START_TEST (a_command_line_of_a_unit_has_quotes_and_escapes)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a", .device = "/dev/a\"b\\c%d$e#", .type = "t$%\"\\",
        .auto_format = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 2);
  ck_assert_str_eq (
    ((const struct vmspec_guest_file *) files.items[1])->content,
    "# Made by vmspec.\n[Unit]\nDefaultDependencies=no\n"
    "BindsTo=dev-a\\x22b\\x5cc\\x25d\\x24e\\x23.device\n"
    "After=dev-a\\x22b\\x5cc\\x25d\\x24e\\x23.device\n"
    "Before=systemd-fsck@dev-a\\x22b\\x5cc\\x25d\\x24e\\x23.service "
    "shutdown.target\nConflicts=shutdown.target\n\n[Service]\nType=oneshot\n"
    "RemainAfterExit=yes\nExecStart=/usr/lib/systemd/systemd-makefs "
    "\"t$$%%\\\"\\\\\" \"/dev/a\\\"b\\\\c%%d$$e#\"\nTimeoutSec=infinity\n");
}
END_TEST

/* A mount unit's lines that say what waits for what. */
START_TEST (units_wait_for_what_they_need)
{
  static const struct {
    const char *point, *type, *option;
    uint32_t format;
    const char *own, *initrd; /* units in whole; NULL: there is none */
  } cases[] = {
    { "/a", "nfs", NULL, VMSPEC_OFF, "Before=remote-fs.target\n", NULL },
    { "/a", "ext2", "_netdev", VMSPEC_OFF,
      "Before=remote-fs.target\nRequires=systemd-fsck@dev-x.service\n"
      "After=systemd-fsck@dev-x.service\n", NULL },
    { "/a", "lustre", NULL, VMSPEC_OFF, "Before=remote-fs.target\n"
      "Requires=systemd-fsck@dev-x.service\n"
      "After=systemd-fsck@dev-x.service\n", NULL },
    { "/a", "ext2", "ro", VMSPEC_OFF, "Before=local-fs.target\n", NULL },
    { "/a", "ext2", "ro", VMSPEC_ON,
      "Before=local-fs.target\nRequires=systemd-makefs@dev-x.service\n"
      "After=systemd-makefs@dev-x.service\n", NULL },
    { "/a", "ext2", "nofail,ro", VMSPEC_OFF, "", NULL },
    { "/", "ext2", "ro", VMSPEC_ON, "Before=local-fs.target\n",
      "Before=initrd-root-fs.target\n"
      "Requires=systemd-makefs@dev-x.service\n"
      "After=systemd-makefs@dev-x.service\n" },
    { "/", "ext2", NULL, VMSPEC_OFF,
      "Before=local-fs.target\nWants=systemd-fsck-root.service\n",
      "Before=initrd-root-fs.target\n"
      "Requires=systemd-fsck@dev-x.service\n"
      "After=systemd-fsck@dev-x.service\n" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const char *const options[] = { cases[i].option, NULL };
    const struct vmspec_file_system *const table[] = {
      FS (.mount_point = cases[i].point, .device = "/dev/x",
          .type = cases[i].type, .options = options,
          .auto_format = cases[i].format),
      NULL
    };
    struct vmspec_guest_settings settings = settings_of (table);
    int is_root = !strcmp (cases[i].point, "/");
    const char *unit;

    files.count = 0;
    vms_guest_units (&files, &settings, diag);
    unit = content_of (is_root ? UNIT ("-.mount") : UNIT ("a.mount"),
                       VMSPEC_OFF);
    ck_assert_str_eq (vms_arena_copy (&arena, unit + strlen (HEAD),
                                      (size_t) (strstr (unit, "\n[Mount]")
                                                - unit) - strlen (HEAD)),
                      cases[i].own);
    ck_assert_int_eq (strstr (unit, "WantedBy=") != NULL,
                      strstr (cases[i].own, "Before=") == NULL);
    if (!cases[i].initrd) {
      ck_assert_ptr_null (find_file (UNIT ("sysroot-a.mount"), VMSPEC_ON));
      continue;
    }
    unit = content_of (UNIT ("sysroot.mount"), VMSPEC_ON);
    ck_assert_str_eq (vms_arena_copy (&arena, unit + strlen (HEAD),
                                      (size_t) (strstr (unit, "\n[Mount]")
                                                - unit) - strlen (HEAD)),
                      cases[i].initrd);
  }
}
END_TEST

/* Of the directory that has both, or of the top. */
START_TEST (an_overlay_needs_the_disk_that_it_is_kept_on)
{
  static const struct vmspec_file_system *const nothing[] = { NULL };
  static const char *const uppers[][2] = {
    { "/a/b/c", "/sysroot/a/b" }, { "/a", "/sysroot" }, { "a", "/" },
  };

  for (size_t i = 0; i < COUNT (uppers); i++) {
    const struct vmspec_guest_overlay overlay = {
      VMSPEC_INIT (vmspec_guest_overlay), .mount_point = "/m", .lower = "/l",
      .upper = uppers[i][0], .work = "/w" };
    struct vmspec_guest_settings settings = settings_of (nothing);
    char expected[80];

    settings.overlay = &overlay;
    files.count = 0;
    vms_guest_units (&files, &settings, diag);
    snprintf (expected, sizeof expected, "\nRequiresMountsFor=%s\n",
              uppers[i][1]);
    ck_assert_ptr_nonnull (strstr (content_of (UNIT ("rw-store.service"),
                                               VMSPEC_ON), expected));
  }
}
END_TEST

START_TEST (whatever_a_unit_says_reads_back)
{
  struct random r = { 13 };
  unsigned said = 0;

  for (unsigned round = 0; round < unit_rounds (3000); round++) {
    const struct vmspec_file_system *fs
      = nasty_file_system (&r, random_below (&r, 2) == 0);
    const struct vmspec_file_system *const table[] = { fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    int sayable = is_sayable (fs->device) && is_sayable (fs->mount_point)
                  && is_sayable (fs->type) && is_sayable (joined (fs));
    const char *unit;

    vmspec_diag_clear (diag);
    files.count = 0;
    vms_guest_units (&files, &settings, diag);
    if (!sayable) {
      ck_assert_uint_eq (files.count, 0);
      ck_assert_ptr_nonnull (unit_finding (diag, "guest.unit-text"));
      continue;
    }
    if (!files.count) {
      ck_assert_ptr_nonnull (unit_finding (diag, "guest.unit-name"));
      continue;
    }
    said++;
    unit = ((const struct vmspec_guest_file *) files.items[0])->content;
    ck_assert_uint_eq (lines (unit), 12);
    ck_assert_str_eq (unit_value (unit, "What"), fs->device);
    ck_assert_str_eq (unit_value (unit, "Where"), fs->mount_point);
    ck_assert_str_eq (unit_value (unit, "Type"), fs->type);
    ck_assert_str_eq (unit_value (unit, "Options"), joined (fs));
  }
  ck_assert_uint_gt (said, unit_rounds (3000) / 8);
}
END_TEST

START_TEST (what_a_unit_cannot_say_is_told_once)
{
  char long_path[300];
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a", .device = "x\ny", .type = "9p",
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/b", .device = "x", .type = "9p",
        .options = STRINGS ("\xff")),
    FS (.mount_point = "/c/../d", .device = "x", .type = "9p",
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = long_path, .device = "x", .type = "9p"),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  memset (long_path, 'a', sizeof long_path - 1);
  long_path[0] = '/';
  long_path[299] = '\0';
  vms_guest_units (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 4);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "guest.unit-text");
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->path,
                    "file_systems[/a].device");
  ck_assert_str_eq (vmspec_diag_get (diag, 1)->path,
                    "file_systems[/b].options");
  ck_assert_str_eq (vmspec_diag_get (diag, 2)->id, "guest.unit-name");
  ck_assert_str_eq (vmspec_diag_get (diag, 3)->id, "guest.unit-name");
  ck_assert_int_eq ((int) vmspec_diag_get (diag, 3)->severity,
                    VMSPEC_SEVERITY_WARNING);
}
END_TEST

/* ---- kernel parameters -------------------------------------------------- */

START_TEST (kernel_parameters_are_one_line)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/", .device = "/dev/disk/by-label/a b", .type = "ext4",
        .options = STRINGS ("defaults", "noatime,x-systemd.growfs")),
    FS (.mount_point = "/mnt/a b", .device = "a:b", .type = "9p",
        .options = STRINGS ("trans=virtio", "c=\"\\'"),
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/opt", .device = "/dev/vdb", .type = "ext4",
        .auto_format = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  settings.kernel_params = STRINGS ("quiet", "a=b\nc", "luks=0");
  settings.swap = settings.luks = settings.predictable_names = VMSPEC_OFF;
  settings.graphics = VMSPEC_ON;
  ck_assert_str_eq (
    render (vms_guest_cmdline, &settings),
    "quiet a=b c luks=0 \"root=/dev/disk/by-label/a b\" rootfstype=ext4 "
    "rootflags=noatime rw "
    "systemd.mount-extra=a\\x3ab:/mnt/a\\x20b:9p:trans=virtio,"
    "c=\\x22\\x5c\\x27,x-initrd.mount "
    "systemd.mount-extra=/dev/vdb:/opt:ext4:defaults,x-systemd.makefs "
    "systemd.swap=0 net.ifnames=0 video=800x600\n");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_ptr_nonnull (find_file ("kernel-params", VMSPEC_OFF));

  /* Its own fstab has them. */
  settings.nixos = VMSPEC_ON;
  settings.graphics = VMSPEC_OFF;
  settings.swap = VMSPEC_UNSET;
  ck_assert_str_eq (render (vms_guest_cmdline, &settings),
                    "quiet a=b c luks=0 net.ifnames=0\n");

  /* Another value of the same parameter is not said against, also within the one
   * text of a system. */
  settings.kernel_params
    = STRINGS ("loglevel=4 net.ifnames=1\tluks=yes", "xluks=1");
  ck_assert_str_eq (render (vms_guest_cmdline, &settings),
                    "loglevel=4 net.ifnames=1\tluks=yes xluks=1\n");
  settings.kernel_params = STRINGS ("net.ifnames.x=1", "luks");
  ck_assert_str_eq (render (vms_guest_cmdline, &settings),
                    "net.ifnames.x=1 luks luks=0 net.ifnames=0\n");
}
END_TEST

START_TEST (a_root_is_said_as_it_is)
{
  static const char *const ro[] = { "ro", NULL };
  static const struct {
    struct vmspec_file_system fs;
    const char *params;
  } cases[] = {
    { { .device = "tmpfs", .type = "tmpfs" },
      "root=tmpfs rootfstype=tmpfs rw\n" },
    { { .device = "LABEL=a", .type = "auto",
        .options = ro },
      "root=LABEL=a rootflags=ro ro\n" },
    { { .device = "/dev/vda", .type = "ext4", .auto_format = VMSPEC_ON },
      "root=/dev/vda rootfstype=ext4 rootflags=rw,x-systemd.makefs rw\n" },
    { { .device = NULL, .type = "ext4" }, "\n" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct vmspec_file_system fs = cases[i].fs;
    const struct vmspec_file_system *const table[] = { &fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);

    fs.mount_point = "/";
    ck_assert_str_eq (render (vms_guest_cmdline, &settings), cases[i].params);
  }
}
END_TEST

START_TEST (what_no_kernel_parameter_can_say)
{
  char long_option[2100];
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/", .device = "a\"b", .type = "t\\",
        .options = STRINGS ("c\nd")),
    FS (.mount_point = "/e", .device = "e", .type = "9p",
        .options = STRINGS (long_option)),
    /* systemd would make a unit of it with a line too many. */
    FS (.mount_point = "/f", .device = "f\ng", .type = "9p"),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);
  const char *params;

  memset (long_option, 'a', sizeof long_option - 1);
  long_option[sizeof long_option - 1] = '\0';
  params = render (vms_guest_cmdline, &settings);
  ck_assert_uint_eq (strspn (params, " "), 1);
  ck_assert (!strncmp (params, " rw systemd.mount-extra=e:/e:9p:a", 33));
  ck_assert_ptr_null (strstr (params, "/f"));
  ck_assert_uint_eq (lines (params), 1);
  ck_assert_uint_eq (vmspec_diag_count (diag), 5);
  ck_assert_str_eq (unit_finding (diag, "guest.parameter")->path,
                    "file_systems[/].device");
  ck_assert_str_eq (unit_finding (diag, "guest.unit-text")->path,
                    "file_systems[/f].device");
  ck_assert_ptr_nonnull (unit_finding (diag, "guest.parameters-length"));
}
END_TEST

START_TEST (quotes_stand_around_what_would_be_several_words)
{
  static const struct {
    const char *device, *params;
  } cases[] = {
    { "/a", "root=/a rw\n" }, { "a b", "\"root=a b\" rw\n" },
    { "a\tb", "\"root=a\tb\" rw\n" }, { "a\v", "\"root=a\v\" rw\n" },
    { "\f", "\"root=\f\" rw\n" }, { "a'", "\"root=a'\" rw\n" },
    { "\xc2\xa0", "\"root=\xc2\xa0\" rw\n" }, { "a\\b", "root=a\\b rw\n" },
    { "a\\", " rw\n" }, { "a\"b", " rw\n" }, { "\n", " rw\n" },
    { "\r", " rw\n" }, { "\\", " rw\n" }, { "", "\n" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const struct vmspec_file_system *const table[]
      = { FS (.mount_point = "/", .device = cases[i].device), NULL };
    struct vmspec_guest_settings settings = settings_of (table);

    ck_assert_str_eq (render (vms_guest_cmdline, &settings), cases[i].params);
  }
}
END_TEST

START_TEST (fields_of_a_mount_parameter_are_plain_or_escaped)
{
  const struct vmspec_file_system *const table[]
    = { FS (.mount_point = "/azAZ09._,=+@%~-", .device = "`{[:;!\x7f\x01",
            .type = "\xc3\xa4"), NULL };
  struct vmspec_guest_settings settings = settings_of (table);

  ck_assert_str_eq (
    render (vms_guest_cmdline, &settings),
    "systemd.mount-extra=\\x60\\x7b\\x5b\\x3a\\x3b\\x21\\x7f\\x01"
    ":/azAZ09._,=+@%~-:\\xc3\\xa4:defaults\n");
}
END_TEST

START_TEST (parameters_may_be_as_long_as_the_kernel_reads)
{
  static const struct vmspec_file_system *const nothing[] = { NULL };
  struct vmspec_guest_settings settings = settings_of (nothing);

  settings.kernel_params = STRINGS ("abcd", "efghi");
  settings.command_line_max = 10;
  ck_assert_str_eq (render (vms_guest_cmdline, &settings), "abcd efghi\n");
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  settings.command_line_max = 9;
  ck_assert_str_eq (render (vms_guest_cmdline, &settings), "abcd efghi\n");
  ck_assert_str_eq (
    unit_finding (diag, "guest.parameters-length")->text,
    "the kernel parameters have 10 bytes, of which the kernel cuts off all after "
    "the first 9: have the guest mount by its fstab or by units");
}
END_TEST

/* As extract_first_word() of systemd with EXTRACT_CUNESCAPE takes a field, of
 * which a colon is the end. */
static const char *
take_field (const char **rest)
{
  struct text text = { .arena = &arena };

  for (; **rest && **rest != ':'; ++*rest) {
    unsigned code;
    char byte = **rest;

    if (byte == '\\') {
      ck_assert_int_eq (sscanf (*rest, "\\x%2x", &code), 1);
      byte = (char) code;
      *rest += 3;
    }
    vms_text_add_bytes (&text, &byte, 1);
  }
  *rest += **rest == ':';
  return vms_text_end (&text);
}

START_TEST (whatever_a_mount_parameter_says_reads_back)
{
  static const char name[] = "systemd.mount-extra=";
  struct random r = { 14 };

  for (unsigned round = 0; round < unit_rounds (2000); round++) {
    const struct vmspec_file_system *fs = nasty_file_system (&r, 0);
    const struct vmspec_file_system *const table[] = { fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    const char *params = render (vms_guest_cmdline, &settings);
    char *word;

    if (!vms_guest_fits_unit (&arena, fs, NULL)) {
      ck_assert_str_eq (params, "\n");
      continue;
    }
    /* It is a word to all that read the line, and one that nobody unquotes. */
    ck_assert_uint_eq (strcspn (params, " \t\v\f\r\n\xa0\"'"),
                       strlen (params) - 1);
    ck_assert (!strncmp (params, name, strlen (name)));
    word = vms_arena_copy (&arena, params + strlen (name),
                           strlen (params) - strlen (name) - 1);
    params = word;
    ck_assert_str_eq (take_field (&params), fs->device);
    ck_assert_str_eq (take_field (&params), fs->mount_point);
    ck_assert_str_eq (take_field (&params), fs->type);
    ck_assert_str_eq (take_field (&params), joined (fs));
    ck_assert_str_eq (params, "");
  }
}
END_TEST

/* ---- modules ------------------------------------------------------------ */

#define NEED(...)                                                              \
  (&(struct vmspec_kernel_need) { VMSPEC_INIT (vmspec_kernel_need),            \
                                  __VA_ARGS__ })

START_TEST (modules_are_named_once)
{
  static const struct vmspec_file_system *const nothing[] = { NULL };
  struct vmspec_guest_settings settings = settings_of (nothing);

  settings.kernel_needs = LIST (
    vmspec_kernel_need, NEED (.module = "a", .initrd = VMSPEC_INITRD_AVAILABLE),
    NEED (.module = "later", .initrd = VMSPEC_INITRD_NO),
    NEED (.symbol = "NONE", .initrd = VMSPEC_INITRD_AVAILABLE),
    NEED (.module = "b", .initrd = VMSPEC_INITRD_LOAD),
    NEED (.module = "a", .initrd = VMSPEC_INITRD_AVAILABLE));
  vms_guest_modules (&files, &settings, diag);
  ck_assert_uint_eq (files.count, 2);
  ck_assert_str_eq (content_of ("initrd-modules", VMSPEC_OFF),
                    "# Kernel modules that the initial RAM disk has to hold, by "
                    "vmspec.\na\nb\n");
  ck_assert_str_eq (content_of ("/etc/modules-load.d/vmspec.conf", VMSPEC_ON),
                    "# Loaded at once: see modules-load.d(5).  Made by vmspec.\n"
                    "b\n");
  ck_assert_ptr_nonnull (strstr (render (vms_guest_hook, &settings),
                                 "\nmodprobe -a -q a b 2> "));

  settings.kernel_needs = no_needs;
  render (vms_guest_modules, &settings);
  ck_assert_ptr_null (strstr (render (vms_guest_hook, &settings), "modprobe"));
}
END_TEST

/* ---- the hook ----------------------------------------------------------- */

static int
run_hook (const char *hook, const char *target)
{
  const char *command
    = vms_arena_concat (&arena, "PATH=", scratch, ":/usr/bin:/bin LOG=log sh hook ",
                        scratch, "/", target, " 2> errors", (char *) NULL);

  unlink (below ("hook"));
  unlink (below ("log"));
  make_file (below ("hook"), 0600, hook);
  return system (command);
}

static void
make_stubs (const char *mount)
{
  make_file (below ("mount"), 0700, mount);
  make_file (below ("modprobe"), 0700, "#!/bin/sh\nexit 1\n");
}

START_TEST (the_hook_mounts_parents_first)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/", .device = "/dev/null", .type = "ext4",
        .options = STRINGS ("defaults")),
    FS (.mount_point = "/bound", .device = "/data", .type = "none",
        .options = STRINGS ("bind,x-initrd.mount"),
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/data", .type = "tmpfs", .device = "tmpfs",
        .options = STRINGS ("size=1", "nofail,mode=0755,x-a=\"b,c\""),
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/later", .device = "later", .type = "9p"),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);
  struct vmspec_guest_file *file;
  const char *expected;

  settings.initrd_commands
    = "echo -n done $targetRoot >> \"$LOG\"\nfalse || fail\n";
  settings.kernel_needs = LIST (
    vmspec_kernel_need, NEED (.module = "a", .initrd = VMSPEC_INITRD_LOAD));
  make_stubs ("#!/bin/sh\necho \"$@\" >> \"$LOG\"\n");
  ck_assert_int_ne (run_hook (render (vms_guest_hook, &settings), "t"), 0);
  expected = vms_arena_concat (&arena, "-t ext4 -o rw -- /dev/null ", scratch,
                               "/t\n-t none -o bind -- ", scratch, "/t/data ",
                               scratch, "/t/bound\n"
                               "-t tmpfs -o size=1,mode=0755 -- tmpfs ", scratch,
                               "/t/data\ndone ", scratch, "/t", (char *) NULL);
  ck_assert_str_eq (read_file (below ("log")), expected);
  ck_assert_str_eq (read_file (below ("errors")),
                    "vmspec: the root file system could not be completed\n");
  ck_assert_int_eq (exists (below ("t/later")), 0);

  file = (struct vmspec_guest_file *) (uintptr_t) files.items[0];
  ck_assert_str_eq (file->name, "initrd-hook");
  ck_assert_uint_eq (file->executable, VMSPEC_ON);
  ck_assert_uint_eq (file->initrd, VMSPEC_ON);
}
END_TEST

START_TEST (the_hook_says_what_it_cannot_mount)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a", .device = "a", .type = "9p",
        .options = STRINGS ("nofail"), .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/b", .device = "b", .type = "9p",
        .needed_for_boot = VMSPEC_ON),
    FS (.mount_point = "/c", .device = "c", .type = "9p",
        .needed_for_boot = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  make_stubs ("#!/bin/sh\nexit 32\n");
  ck_assert_int_ne (run_hook (render (vms_guest_hook, &settings), "t"), 0);
  ck_assert_str_eq (read_file (below ("errors")),
                    "vmspec: a could not be mounted on /a, as 9p with options "
                    "rw\nvmspec: going on without it\n"
                    "vmspec: b could not be mounted on /b, as 9p with options "
                    "rw\nvmspec: the guest cannot boot without it\n");
}
END_TEST

START_TEST (the_hook_looks_for_devices_by_their_label)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a", .device = "/dev/disk/by-label/no\\x20such",
        .type = "ext4", .needed_for_boot = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);

  make_stubs ("#!/bin/sh\necho \"$@\" >> \"$LOG\"\n");
  /* None of these are devices, so it goes on, for ten seconds that are none. */
  make_file (below ("findfs"), 0700,
             "#!/bin/sh\necho \"findfs $1\" >> \"$LOG\"\n");
  make_file (below ("blkid"), 0700,
             "#!/bin/sh\necho \"blkid $*\" >> \"$LOG\"\n");
  make_file (below ("sleep"), 0700, "#!/bin/sh\n[ \"$1\" != 0.1 ]\n");
  ck_assert_int_ne (run_hook (render (vms_guest_hook, &settings), "t"), 0);
  ck_assert_str_eq (read_file (below ("errors")),
                    "vmspec: /dev/disk/by-label/no\\x20such did not appear\n"
                    "vmspec: the guest cannot boot without it\n");
  ck_assert_uint_eq (lines (read_file (below ("log"))), 22);
  ck_assert (!strncmp (read_file (below ("log")),
                       "findfs LABEL=no such\n"
                       "blkid -o device -t LABEL=no such\n", 54));
}
END_TEST

/* mount's arguments but the last, each with a NUL, against what is described. */
static void
check_mount (const char **at, const struct vmspec_file_system *fs)
{
  const char *options = vms_guest_mount_options (&arena, fs);
  const char *const expected[]
    = { "-t", fs->type, "-o", *options ? options : "rw", "--", fs->device };

  for (size_t i = 0; i < COUNT (expected); i++) {
    ck_assert_str_eq (*at, expected[i]);
    *at += strlen (*at) + 1;
  }
  ck_assert (!strncmp (*at, scratch, strlen (scratch)));
  ck_assert_str_eq (*at + strlen (scratch) + 2, fs->mount_point);
  *at += strlen (*at) + 1;
}

START_TEST (whatever_the_hook_mounts_reaches_mount)
{
  struct random r = { 15 };
  const struct vmspec_file_system *table[41] = { NULL };
  struct vmspec_guest_settings settings = settings_of (table);
  const char *at;

  for (size_t i = 0; i < 40; i++) {
    table[i] = nasty_file_system (&r, 1);
    ((struct vmspec_file_system *) (uintptr_t) table[i])->needed_for_boot
      = VMSPEC_ON;
  }
  make_stubs ("#!/bin/sh\nprintf '%s\\0' \"$@\" >> \"$LOG\"\n");
  ck_assert_int_eq (run_hook (render (vms_guest_hook, &settings), "t"), 0);
  ck_assert_str_eq (read_file (below ("errors")), "");
  at = read_file (below ("log"));
  for (size_t i = 0; i < 40; i++)
    check_mount (&at, table[i]);
  ck_assert_str_eq (at, "");
}
END_TEST

/* Devices, and what is found by a tag, are waited for. */
START_TEST (the_hook_waits_for_devices_only)
{
  static const struct {
    const char *device, *option, *line;
  } cases[] = {
    { "/dev/x", "rw", "  find_device /dev/x &&\n" },
    { "/devx", "rw", "  device=/devx &&\n" },
    { "LABEL=a", "rw", "  find_device /dev/disk/by-label/a LABEL=a &&\n" },
    { "tag", "rw", "  device=tag &&\n" },
    { "tag", "bind", "  device=tag &&\n" },
    { "/dev/x", "rbind", "  device=$targetRoot/dev/x &&\n" },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    const struct vmspec_file_system *const table[] = {
      FS (.mount_point = "/a", .device = cases[i].device, .type = "ext4",
          .options = STRINGS (cases[i].option), .needed_for_boot = VMSPEC_ON),
      NULL
    };
    struct vmspec_guest_settings settings = settings_of (table);

    ck_assert_msg (strstr (render (vms_guest_hook, &settings), cases[i].line)
                     != NULL, "%s", cases[i].line);
  }
}
END_TEST

START_TEST (the_hook_formats_what_is_empty)
{
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a", .device = "/dev/null", .type = "ext4",
        .needed_for_boot = VMSPEC_ON, .auto_format = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);
  const char *hook = render (vms_guest_hook, &settings);

  make_stubs ("#!/bin/sh\necho mount >> \"$LOG\"\n");
  make_file (below ("mkfs.ext4"), 0700,
             "#!/bin/sh\necho \"mkfs $*\" >> \"$LOG\"\n");
  make_file (below ("blkid"), 0700, "#!/bin/sh\nexit 2\n");
  ck_assert_int_eq (run_hook (hook, "t"), 0);
  ck_assert_str_eq (read_file (below ("log")), "mkfs /dev/null\nmount\n");
  unlink (below ("blkid"));
  make_file (below ("blkid"), 0700, "#!/bin/sh\necho TYPE=xfs\n");
  ck_assert_int_eq (run_hook (hook, "t"), 0);
  ck_assert_str_eq (read_file (below ("log")), "mount\n");
  unlink (below ("blkid"));
  make_file (below ("blkid"), 0700, "#!/bin/sh\nexit 4\n");
  ck_assert_int_eq (run_hook (hook, "t"), 0);
  ck_assert_str_eq (read_file (below ("log")), "mount\n");
}
END_TEST

/* ---- JSON --------------------------------------------------------------- */

static json_t *
parsed (const char *content)
{
  json_error_t error;
  json_t *object = json_loads (content, 0, &error);

  ck_assert_msg (object != NULL, "%s", error.text);
  return object;
}

static const char *
dumped (json_t *object, const char *key)
{
  json_t *value = json_object_get (object, key);
  char *text;
  const char *copy;

  ck_assert_msg (value != NULL, "%s is not there", key);
  text = json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY);
  copy = vms_arena_strdup (&arena, text);
  free (text);
  return copy;
}

START_TEST (json_has_every_member)
{
  static const struct vmspec_guest_overlay overlay
    = { VMSPEC_INIT (vmspec_guest_overlay), .lower = "/l" };
  const struct vmspec_file_system *const table[] = {
    FS (.mount_point = "/a\nb\xc3\xa4", .device = "\xff/", .replace = VMSPEC_ON),
    NULL
  };
  struct vmspec_guest_settings settings = settings_of (table);
  const struct vmspec_option *row = NULL;
  json_t *object;
  size_t n = 0;

  settings.overlay = &overlay;
  settings.kernel_params = STRINGS ("a b", "c");
  settings.files = LIST (vmspec_guest_file, &(struct vmspec_guest_file) {
    VMSPEC_INIT (vmspec_guest_file), .content = "never" });
  settings.kernel_needs = LIST (
    vmspec_kernel_need, NEED (.module = "m", .initrd = VMSPEC_INITRD_LOAD));
  object = parsed (render (vms_guest_json, &settings));
  while ((row = vmspec_option_next (row)))
    if (!strcmp (row->owner, "vmspec_guest_settings")
        && row->kind != VMSPEC_KIND_SIZE && row->kind != VMSPEC_KIND_RESERVED
        && strcmp (row->name, "files")) {
      ck_assert_ptr_nonnull (json_object_get (object, row->name));
      n++;
    }
  ck_assert_uint_eq (json_object_size (object), n);
  ck_assert_uint_gt (n, 20);

  ck_assert_str_eq (dumped (object, "nixos"), "false");
  ck_assert_str_eq (dumped (object, "swap"), "null");
  ck_assert_str_eq (dumped (object, "video_driver"), "null");
  ck_assert_str_eq (dumped (object, "initrd_commands"), "\"\"");
  ck_assert_str_eq (dumped (object, "color_depth"), "0");
  ck_assert_str_eq (dumped (object, "resolution_x"), "800");
  ck_assert_str_eq (dumped (object, "consoles"), "[]");
  ck_assert_str_eq (dumped (object, "kernel_params"), "[\"a b\",\"c\"]");
  ck_assert_str_eq (dumped (object, "overlay"),
                    "{\"mount_point\":null,\"lower\":\"/l\",\"upper\":null,"
                    "\"work\":null}");
  ck_assert_str_eq (dumped (object, "file_systems"),
                    "[{\"needed_for_boot\":null,\"no_check\":null,"
                    "\"auto_format\":null,\"replace\":true,"
                    "\"mount_point\":\"/a\\nb\xc3\xa4\",\"device\":[255,47],"
                    "\"type\":null,\"options\":null}]");
  ck_assert_ptr_nonnull (strstr (dumped (object, "kernel_needs"),
                                 "\"initrd\":\"load\""));
  json_decref (object);
  ck_assert_ptr_nonnull (find_file ("guest.json", VMSPEC_OFF));
}
END_TEST

START_TEST (json_keeps_every_byte)
{
  struct random r = { 16 };

  for (unsigned round = 0; round < unit_rounds (500); round++) {
    const struct vmspec_file_system *fs = nasty_file_system (&r, 1);
    const struct vmspec_file_system *const table[] = { fs, NULL };
    struct vmspec_guest_settings settings = settings_of (table);
    json_t *object = parsed (render (vms_guest_json, &settings));
    json_t *device
      = json_object_get (json_array_get (json_object_get (object,
                                                          "file_systems"), 0),
                         "device");

    if (vms_guest_is_utf8 (fs->device))
      ck_assert_str_eq (json_string_value (device), fs->device);
    else
      ck_assert_uint_eq (json_array_size (device), strlen (fs->device));
    for (size_t i = 0; i < json_array_size (device); i++)
      ck_assert_int_eq (json_integer_value (json_array_get (device, i)),
                        (unsigned char) fs->device[i]);
    json_decref (object);
  }
}
END_TEST

/* Whether it is UTF-8, by the numbers that its bytes stand for. */
static int
is_text (const unsigned char *c)
{
  while (*c) {
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t size = *c < 0x80 ? 1 : *c / 32 == 6 ? 2 : *c / 16 == 14 ? 3
                  : *c / 8 == 30 ? 4 : 0;
    unsigned number = *c;

    if (!size)
      return 0;
    if (size > 1)
      number %= 1u << (7 - size);
    for (size_t i = 1; i < size; i++) {
      if (c[i] < 128 || c[i] > 191)
        return 0;
      number = number * 64 + c[i] % 64;
    }
    if (number < least[size] || number / 2048 == 27 || number >= 0x110000)
      return 0;
    c += size;
  }
  return 1;
}

START_TEST (utf8_ends_at_each_of_its_limits)
{
  static const unsigned char others[]
    = { 0, 1, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };

  for (unsigned first = 1; first < 256; first++)
    for (size_t i = 0; i < COUNT (others) * COUNT (others) * COUNT (others);
         i++) {
      const unsigned char bytes[]
        = { (unsigned char) first, others[i / COUNT (others) / COUNT (others)],
            others[i / COUNT (others) % COUNT (others)],
            others[i % COUNT (others)], 0 };

      ck_assert_msg (vms_guest_is_utf8 ((const char *) bytes)
                       == is_text (bytes),
                     "%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2],
                     bytes[3]);
    }
}
END_TEST

START_TEST (utf8_is_told_from_bytes)
{
  static const char *const right[]
    = { "", "a\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
  static const char *const wrong[]
    = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "a\xf0\x90\x80" };

  for (size_t i = 0; i < COUNT (right); i++)
    ck_assert_int_eq (vms_guest_is_utf8 (right[i]), 1);
  for (size_t i = 0; i < COUNT (wrong); i++)
    ck_assert_int_eq (vms_guest_is_utf8 (wrong[i]), 0);
}
END_TEST

/* ---- all of it ---------------------------------------------------------- */

START_TEST (a_plan_has_every_form)
{
  struct vmspec spec = { VMSPEC_INIT (vmspec) };
  struct vmspec_host host = unit_host ();
  vmspec_plan *plan = unit_plan (&spec, &host);

  for (uint32_t form = VMSPEC_GUEST_FORM_JSON + 1; form < 100; form++) {
    struct vmspec_guest_settings *settings = NULL;

    ck_assert_int_eq (vmspec_plan_guest (plan, form, diag, &settings), -EINVAL);
    ck_assert_ptr_null (settings);
  }
  for (uint32_t form = 0; form <= VMSPEC_GUEST_FORM_JSON; form++) {
    struct vmspec_guest_settings *settings = NULL;

    ck_assert_int_eq (vmspec_plan_guest (plan, form, diag, &settings), 0);
    ck_assert_uint_eq (vmspec_diag_count (diag), 0);
    ck_assert_int_eq (settings->files[0] != NULL, form != 0);
    for (size_t i = 0; settings->files[i]; i++) {
      const char *content = settings->files[i]->content;

      ck_assert_uint_gt (strlen (content), 0);
      ck_assert_int_eq (content[strlen (content) - 1], '\n');
    }
    vmspec_guest_settings_free (settings);
  }
  vmspec_plan_free (plan);
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("guest");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, fstab_has_a_line_for_each_mount);
  tcase_add_test (tcase, what_cannot_be_checked_is_not);
  tcase_add_test (tcase, what_is_checked_and_what_is_formatted);
  tcase_add_test (tcase, a_line_of_fstab_takes_more_options);
  tcase_add_test (tcase, whatever_fstab_says_reads_back);
  tcase_add_test (tcase, the_c_library_reads_fstab);
  tcase_add_test (tcase, options_are_told_apart);
  tcase_add_test (tcase, options_that_are_not_the_kernels_are_left_out);
  tcase_add_test (tcase, devices_have_a_path_and_a_tag);
  tcase_add_test (tcase, each_byte_has_its_place_in_a_link);
  tcase_add_test (tcase, units_mount_and_check);
  tcase_add_test (tcase, units_wait_for_what_they_need);
  tcase_add_test (tcase, units_of_the_initial_ram_disk);
  tcase_add_test (tcase, the_store_overlay_as_units);
  tcase_add_test (tcase, an_overlay_needs_the_disk_that_it_is_kept_on);
  tcase_add_test (tcase, units_are_named_by_their_path);
  tcase_add_test (tcase, a_command_line_of_a_unit_has_quotes_and_escapes);
  tcase_add_test (tcase, units_have_names_as_long_as_files);
  tcase_add_test (tcase, whatever_a_unit_says_reads_back);
  tcase_add_test (tcase, what_a_unit_cannot_say_is_told_once);
  tcase_add_test (tcase, kernel_parameters_are_one_line);
  tcase_add_test (tcase, a_root_is_said_as_it_is);
  tcase_add_test (tcase, what_no_kernel_parameter_can_say);
  tcase_add_test (tcase, parameters_may_be_as_long_as_the_kernel_reads);
  tcase_add_test (tcase, fields_of_a_mount_parameter_are_plain_or_escaped);
  tcase_add_test (tcase, quotes_stand_around_what_would_be_several_words);
  tcase_add_test (tcase, whatever_a_mount_parameter_says_reads_back);
  tcase_add_test (tcase, modules_are_named_once);
  tcase_add_test (tcase, the_hook_mounts_parents_first);
  tcase_add_test (tcase, the_hook_says_what_it_cannot_mount);
  tcase_add_test (tcase, the_hook_looks_for_devices_by_their_label);
  tcase_add_test (tcase, whatever_the_hook_mounts_reaches_mount);
  tcase_add_test (tcase, the_hook_waits_for_devices_only);
  tcase_add_test (tcase, the_hook_formats_what_is_empty);
  tcase_add_test (tcase, json_has_every_member);
  tcase_add_test (tcase, json_keeps_every_byte);
  tcase_add_test (tcase, utf8_is_told_from_bytes);
  tcase_add_test (tcase, utf8_ends_at_each_of_its_limits);
  tcase_add_test (tcase, a_plan_has_every_form);
  return unit_run ("guest", tcase);
}
