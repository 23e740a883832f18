/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks that boot by themselves, taken apart by other programs. */
#include "judges.h"

#include <dirent.h>

#include "system-image.h"

#define KIB 1024ull
#define MIB (KIB * KIB)
#define TIME 1700000000

static vmspec_diag *diag;
static struct vmspec_system_image spec;
static struct vmspec_work work;
static unsigned calls, cancel_at;
static uint64_t last_done, last_total;

static int
count_call (void *data, const struct vmspec_progress *progress)
{
  (void) data;
  ck_assert_str_eq (progress->step, "image");
  last_done = progress->done;
  last_total = progress->total;
  return cancel_at && ++calls == cancel_at;
}

/* ---- what is there ------------------------------------------------------- */

static void
fill_file (const char *name, size_t size, unsigned seed)
{
  char *bytes = malloc (size + 1);
  struct random r = { seed };
  int fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  ck_assert_ptr_nonnull (bytes);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (char) random_number (&r);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, bytes, size), (ssize_t) size);
  close (fd);
  free (bytes);
}

static void
set_up (void)
{
  scratch_make ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (mkdir ("tree", 0755), 0);
  ck_assert_int_eq (mkdir ("tree/etc", 0755), 0);
  make_file ("tree/etc/message", 0644, "hello\n");
  fill_file ("tree/large", 700000, 1);
  ck_assert_int_eq (mkdir ("esp", 0755), 0);
  ck_assert_int_eq (mkdir ("esp/EFI", 0755), 0);
  ck_assert_int_eq (mkdir ("esp/EFI/BOOT", 0755), 0);
  ck_assert_int_eq (mkdir ("esp/empty", 0755), 0);
  fill_file ("esp/EFI/BOOT/BOOTX64.EFI", 100000, 2);
  make_file ("esp/a [name] of some length, 'quoted'.cfg", 0644, "default x\n");
  ck_assert_int_eq (symlink ("../tree/etc/message", "esp/message"), 0);
  make_file ("template.fd", 0600, "variables");
  spec = (struct vmspec_system_image) {
    VMSPEC_INIT (vmspec_system_image), .file = "image", .tree = "tree",
    .seed = "a seed", .time = TIME,
  };
  work = (struct vmspec_work) { VMSPEC_INIT (vmspec_work),
                                .sync = VMSPEC_OFF, .progress = count_call };
  calls = cancel_at = 0;
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  scratch_remove ();
}

static __attribute__ ((format (printf, 1, 2))) const char *
output_of (const char *format, ...)
{
  char command[4096];
  va_list args;

  va_start (args, format);
  vsnprintf (command, sizeof command, format, args);
  va_end (args);
  RUN ("export MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1; %s", command);
  return judgement;
}

#define HAS(text, part)                                                        \
  ck_assert_msg (strstr (text, part) != NULL, "no %s in %s", part, text)

static int
make (void)
{
  (void) unlink (spec.file);
  return vmspec_system_image (&spec, &work, diag);
}

static void
must_make (void)
{
  int r = make ();

  ck_assert_msg (r == 0, "%s%s", strerror (-r), unit_findings (diag));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_uint_eq (last_done, last_total);
}

/* Nothing but what was there before. */
static void
nothing_is_left (void)
{
  DIR *directory = opendir (".");

  for (struct dirent *entry; (entry = readdir (directory));)
    ck_assert_msg (*entry->d_name == '.' ? strlen (entry->d_name) <= 2
                                         : strcmp (entry->d_name, "image")
                                             && strcmp (entry->d_name,
                                                        "efi-vars.fd"),
                   "%s was left", entry->d_name);
  closedir (directory);
}

static void
refused (int error, const char *id, const char *path)
{
  const struct vmspec_finding *f;
  int r = make ();

  f = unit_finding (diag, id);
  ck_assert_msg (f != NULL, "no %s in %s", id, unit_findings (diag));
  ck_assert_str_eq (f->path, path);
  ck_assert_int_eq (r, error);
  nothing_is_left ();
  vmspec_diag_clear (diag);
}

/* ---- the disk ------------------------------------------------------------ */

static void
make_raw (void)
{
  output_of ("rm -f raw; qemu-img convert -f %s -O raw %s raw",
             spec.format == VMSPEC_IMAGE_FORMAT_RAW ? "raw" : "qcow2",
             spec.file);
  if (spec.format != VMSPEC_IMAGE_FORMAT_RAW)
    output_of ("qemu-img check -q %s", spec.file);
}

/* qemu-img leaves out the holes. */
static void
take_out (const char *name, uint64_t start, uint64_t size)
{
  output_of ("rm -f %s; qemu-img convert -O raw --image-opts driver=raw,"
             "offset=%" PRIu64 ",size=%" PRIu64 ",file.filename=raw %s", name,
             start, size, name);
}

static void
check_root (uint64_t start, uint64_t size)
{
  take_out ("root", start, size);
  output_of ("e2fsck -fn root 2>&1");
  output_of ("debugfs -R 'dump large out' root 2> /dev/null; cmp tree/large "
             "out");
  HAS (output_of ("dumpe2fs -h root 2> /dev/null"), "nixos");
}

static void
check_esp (uint64_t size)
{
  take_out ("part", 8 * MIB, size);
  output_of ("fsck.fat -n part");
  HAS (output_of ("mdir -i raw@@8M ::"), "is ESP ");
  output_of ("mcopy -n -i raw@@8M ::/EFI/BOOT/BOOTX64.EFI out; "
             "cmp out esp/EFI/BOOT/BOOTX64.EFI");
  HAS (output_of ("mtype -i raw@@8M ::/message"), "hello");
  HAS (output_of ("mdir -b -/ -i raw@@8M ::"),
       "::/a [name] of some length, 'quoted'.cfg");
  HAS (output_of ("mdir -i raw@@8M ::/EFI"), "2023-11-14  22:13");
}

#define ROOT_TYPE "type=0FC63DAF-8483-4772-8E79-3D69D8477DE4"
#define ESP_TYPE "type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define BIOS_TYPE "type=21686148-6449-6E6F-744E-656564454649"

static const struct {
  uint32_t table;
  const char *label, *parts[3];
  uint64_t root_start;
} tables[] = {
  { VMSPEC_PARTITION_TABLE_NONE, "", { 0 }, 0 },
  { VMSPEC_PARTITION_TABLE_LEGACY, "label: dos",
    { "1 : start=        2048, size=%12llu, type=83, bootable" }, MIB },
  { VMSPEC_PARTITION_TABLE_LEGACY_GPT, "label: gpt",
    { "1 : start=        2048, size=        2048, " BIOS_TYPE,
      "2 : start=        4096, size=%12llu, " ROOT_TYPE }, 2 * MIB },
  { VMSPEC_PARTITION_TABLE_EFI, "label: gpt",
    { "1 : start=       16384, size=      524288, " ESP_TYPE,
      "2 : start=      540672, size=%12llu, " ROOT_TYPE }, 264 * MIB },
  { VMSPEC_PARTITION_TABLE_HYBRID, "label: gpt",
    { "1 : start=       16384, size=      524288, " ESP_TYPE,
      "2 : start=          34, size=        2014, " BIOS_TYPE,
      "3 : start=      540672, size=%12llu, " ROOT_TYPE }, 264 * MIB },
};

static void
check_table (int i, uint64_t root_size)
{
  const char *said;

  if (!*tables[i].label)
    return;
  said = output_of ("sfdisk -d raw 2>&1");
  HAS (said, tables[i].label);
  for (size_t j = 0; j < COUNT (tables[i].parts) && tables[i].parts[j]; j++) {
    char line[200];

    /* The last is the root, whose size depends. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf (line, sizeof line, tables[i].parts[j],
              (unsigned long long) root_size / 512);
#pragma GCC diagnostic pop
    HAS (said, line);
  }
  HAS (output_of ("sfdisk -V raw 2>&1"), "No errors detected");
}

/* Every table, in both formats, with sizes given and not. */
START_TEST (every_partition_table_is_as_others_read_it)
{
  int i = _i / 4;
  uint64_t gpt = i >= 2, has_esp = i >= 3, size, root, start;

  spec.partition_table = tables[i].table;
  spec.esp = has_esp ? "esp" : NULL;
  spec.format = _i & 1 ? VMSPEC_IMAGE_FORMAT_RAW : VMSPEC_IMAGE_FORMAT_QCOW2;
  spec.size = _i & 2 ? 301 * MIB + 512 : 0;
  must_make ();
  make_raw ();
  size = strtoull (output_of ("stat -c %%s raw"), NULL, 10);
  start = tables[i].root_start;
  if (spec.size)
    ck_assert_uint_eq (size, spec.size);
  root = spec.size ? (size - start - (gpt ? 33 * 512 : 0)) / 4096 * 4096
                   : size - start - (gpt ? MIB : 0);
  check_table (i, root);
  check_root (start, root);
  if (has_esp)
    check_esp (256 * MIB);
}
END_TEST

START_TEST (what_needs_no_place_has_none)
{
  struct stat status;

  spec.esp = "esp";
  must_make ();
  ck_assert_int_eq (stat ("image", &status), 0);
  ck_assert_int_lt (status.st_blocks * 512, 8 * MIB);
}
END_TEST

START_TEST (every_cluster_size_will_do)
{
  spec.esp = "esp";
  spec.esp_size = 33 * MIB + 1;
  spec.cluster_size = 512u << _i;
  must_make ();
  make_raw ();
  check_esp (34 * MIB);
}
END_TEST

START_TEST (an_esp_of_every_size_is_sound)
{
  static const uint64_t sizes[] = { 1, 2, 4, 15, 16, 17, 31, 63, 64, 65, 127,
                                    128, 511, 512, 2048, 20000 };

  spec.format = VMSPEC_IMAGE_FORMAT_RAW;
  spec.esp = "esp";
  spec.esp_size = sizes[_i] * MIB;
  must_make ();
  make_raw ();
  check_esp (spec.esp_size);
}
END_TEST

START_TEST (an_esp_grows_with_what_is_in_it)
{
  spec.esp = "esp";
  make_file ("esp/big", 0644, "");
  ck_assert_int_eq (truncate ("esp/big", 300 * MIB), 0);
  must_make ();
  make_raw ();
  output_of ("mcopy -n -i raw@@8M ::/big out; cmp out esp/big");
}
END_TEST

START_TEST (an_esp_without_files_is_empty)
{
  spec.partition_table = VMSPEC_PARTITION_TABLE_EFI;
  must_make ();
  make_raw ();
  HAS (output_of ("mdir -i raw@@8M :: 2>&1"), "No files");
}
END_TEST

START_TEST (many_files_are_more_than_one_call)
{
  char name[200];
  int n = unit_is_watched () ? 50 : 700;

  spec.esp = "esp";
  for (int i = 0; i < n; i++) {
    snprintf (name, sizeof name, "esp/a file with a name that is so long that "
              "a few hundred do not fit in one call of the program %d", i);
    make_file (name, 0644, "x");
  }
  must_make ();
  make_raw ();
  output_of ("mdir -b -i raw@@8M :: | grep -c 'so long'");
  ck_assert_int_eq (atoi (judgement), n);
}
END_TEST

/* ---- identity ------------------------------------------------------------ */

START_TEST (the_same_seed_gives_the_same_bytes)
{
  spec.format = _i & 1 ? VMSPEC_IMAGE_FORMAT_RAW : VMSPEC_IMAGE_FORMAT_QCOW2;
  spec.partition_table = VMSPEC_PARTITION_TABLE_HYBRID;
  spec.esp = "esp";
  must_make ();
  output_of ("cp --sparse=always image one; cp -a esp esp2; rm -r esp; "
             "mv esp2 esp");
  must_make ();
  output_of ("cmp image one");
  spec.seed = "another seed";
  must_make ();
  output_of ("! cmp -s image one");
}
END_TEST

START_TEST (without_a_seed_every_disk_is_another)
{
  spec.partition_table = VMSPEC_PARTITION_TABLE_LEGACY;
  spec.format = VMSPEC_IMAGE_FORMAT_RAW;
  spec.seed = NULL;
  spec.time = 0;
  must_make ();
  output_of ("sfdisk -d image | grep label-id > one");
  must_make ();
  output_of ("sfdisk -d image | grep label-id > two; ! cmp -s one two");
}
END_TEST

/* ---- sizes --------------------------------------------------------------- */

START_TEST (additional_space_is_free)
{
  spec.additional_space = 77 * MIB;
  spec.format = VMSPEC_IMAGE_FORMAT_RAW;
  must_make ();
  ck_assert_uint_ge (
    strtoull (output_of ("dumpe2fs -h image 2> /dev/null | "
                         "awk '/^Free blocks:/ { print $3 }'"), NULL, 10),
    77 * MIB / 4096);
}
END_TEST

START_TEST (a_tree_that_does_not_fit_is_refused)
{
  spec.size = 5 * MIB;
  fill_file ("tree/larger", 8 * MIB, 3);
  refused (-ENOSPC, "system-image.size", "size");
  spec.partition_table = VMSPEC_PARTITION_TABLE_EFI;
  refused (-ENOSPC, "system-image.size", "size");
  spec.size = 1000 * MIB + 1;
  refused (-EINVAL, "system-image.sectors", "size");
  spec.size = 0;
  spec.additional_space = 1ull << 60;
  refused (-EFBIG, "system-image.size", "additional_space");
}
END_TEST

START_TEST (an_mbr_has_an_end)
{
  spec.partition_table = VMSPEC_PARTITION_TABLE_LEGACY;
  spec.size = 3 * MIB * MIB;
  refused (-EFBIG, "system-image.mbr-size", "size");
}
END_TEST

START_TEST (a_format_has_an_end)
{
  spec.size = 64 * MIB * MIB;
  spec.cluster_size = 512;
  refused (-EFBIG, "image.too-large", "size");
}
END_TEST

START_TEST (an_esp_that_is_too_small_is_refused)
{
  spec.esp = "esp";
  spec.esp_size = MIB;
  fill_file ("esp/larger", MIB, 4);
  refused (-ENOSPC, "system-image.esp-size", "esp_size");
}
END_TEST

/* ---- by the numbers ------------------------------------------------------ */

#define GIB (MIB * KIB)

START_TEST (clusters_of_an_esp_grow_with_it)
{
  static const struct {
    uint64_t size;
    uint32_t cluster;
  } cases[] = {
    { 1, 512 }, { 16 * MIB, 512 }, { 16 * MIB + 1, 1024 },
    { 64 * MIB - 1, 1024 }, { 64 * MIB, 512 }, { 128 * MIB - 1, 512 },
    { 128 * MIB, 1024 }, { 256 * MIB - 1, 1024 }, { 256 * MIB, 2048 },
    { 512 * MIB - 1, 2048 }, { 512 * MIB, 4096 }, { 2 * GIB, 4096 },
    { 256 * GIB + 4095, 4096 }, { 256 * GIB + 4096, 8192 },
    { 512 * GIB + 8191, 8192 }, { 512 * GIB + 8192, 16384 },
    { 1024 * GIB + 16383, 16384 }, { 1024 * GIB + 16384, 32768 },
    { 1024 * 1024 * GIB, 32768 },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_uint_eq (vms_esp_cluster_size (cases[i].size), cases[i].cluster);
}
END_TEST

/* Boot sector, 32 reserved ones, two tables of 4 bytes for a cluster and for
 * two more, the top directory, and the content. */
START_TEST (what_an_esp_lacks_is_exact)
{
  static const struct {
    uint64_t size, top_entries;
    int content;
    uint64_t needed;
  } cases[] = {
    { 18943, 0, 0, 18944 }, { 1, 0, 0, 18944 }, { 18944, 1, 0, 18976 },
    { 18944, 16, 0, 19456 }, { 62 * KIB, 0, 12345, 18944 + 12345 * 512 },
    { 62 * KIB + 512, 0, 12345, 18944 + 12345 * 512 },
    { 63 * KIB, 0, 12345, 19968 + 12345 * 512 },
    { MIB, 0, 100000, 35328 + 100000 * 512 },
    { 16 * MIB, 1, 100000, 281120 + 100000 * 512 },
    { 32 * MIB, 0, 100000, 281600 + 100000 * 1024 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct esp esp = { .top_entries = cases[i].top_entries };

    for (size_t j = 0; j < ESP_CLUSTER_SIZES; j++)
      esp.clusters[j] = (uint64_t) cases[i].content;
    ck_assert_uint_eq (vms_esp_shortage (&esp, cases[i].size),
                       cases[i].needed - cases[i].size);
  }
  ck_assert_uint_eq (vms_esp_shortage (&(struct esp) { 0 }, 18944), 0);
  /* For clusters of each size, from what was counted for that size. */
  for (int i = 0; i < ESP_CLUSTER_SIZES; i++) {
    static const uint64_t sizes[ESP_CLUSTER_SIZES]
      = { MIB, 32 * MIB, 256 * MIB, GIB, 300 * GIB, 600 * GIB, 2000 * GIB };
    struct esp esp = { 0 };

    esp.clusters[i] = (uint64_t) 1 << 40;
    ck_assert_uint_ge (vms_esp_shortage (&esp, sizes[i]),
                       ((uint64_t) 1 << 40) * (512u << i) - sizes[i]);
    esp.clusters[i] = 0;
    ck_assert_uint_eq (vms_esp_shortage (&esp, sizes[i]), 0);
  }
}
END_TEST

static int
look_at_esp (struct esp *esp)
{
  struct arena arena = { 0 };
  struct work inner;
  int r;

  vmspec_diag_clear (diag);
  ck_assert_int_eq (vms_work_init (&inner, &arena, NULL, diag), 0);
  r = vms_esp_look (esp, &inner, "source");
  vms_arena_free (&arena);
  return r;
}

/* A long name has an entry for 13 letters of it, beside one of its own. */
START_TEST (what_an_esp_takes_is_counted)
{
  static const struct {
    const char *name;
    off_t size;
    uint64_t entries;
  } files[] = {
    { "a", 1, 2 }, { "thirteen-abcd", 512, 2 }, { "fourteen-abcde", 513, 3 },
    { "twenty-six-abcdefghijklmno", 1024, 3 },
    { "twenty-seven-abcdefghijklmn", 1025, 4 }, { "empty", 0, 2 },
    { "large", 65537, 2 },
  };
  uint64_t entries = 2, total = 0;
  struct esp esp;

  ck_assert_int_eq (mkdir ("source", 0755), 0);
  for (size_t i = 0; i < COUNT (files); i++) {
    char name[80];

    snprintf (name, sizeof name, "source/%s", files[i].name);
    fill_file (name, (size_t) files[i].size, 1);
    entries += files[i].entries;
    total += (uint64_t) files[i].size;
    ck_assert_int_eq (look_at_esp (&esp), 0);
    ck_assert_uint_eq (esp.top_entries, entries);
    ck_assert_uint_eq (esp.bytes, total);
    for (unsigned j = 0; j < ESP_CLUSTER_SIZES; j++) {
      uint64_t size = 512u << j, expected = 0;

      for (size_t k = 0; k <= i; k++)
        expected += (uint64_t) files[k].size / size
                    + ((uint64_t) files[k].size % size != 0);
      expected += entries * 32 / size + (entries * 32 % size != 0);
      ck_assert_uint_eq (esp.clusters[j], expected);
    }
  }
  ck_assert_int_eq (mkdir ("source/dir", 0755), 0);
  ck_assert_int_eq (look_at_esp (&esp), 0);
  ck_assert_uint_eq (esp.top_entries, entries + 2);
  ck_assert_uint_eq (esp.bytes, total);
}
END_TEST

/* Each letter of a name that is a device's, and each character. */
START_TEST (each_name_is_judged_by_itself)
{
  static const char *const devices[]
    = { "con", "prn", "aux", "nul", "CON", "PRN", "AUX", "NUL", "Con", "com0",
        "com1", "com9", "lpt0", "lpt9", "COM5", "LPT5", "cOm5", "LpT5" };
  static const char *const others[]
    = { "co", "cona", "prx", "aux1", "null", "com", "comA", "com-",
        "xom1", "cxm1", "cox1", "xpt1", "lxt1", "lpx1", "cpt1", "lom1", "lpm1",
        "cot1", "com11", "lpt", "lpt10" };
  char name[40];
  struct esp esp;

  ck_assert_int_eq (mkdir ("source", 0755), 0);
  for (size_t i = 0; i < COUNT (devices); i++) {
    snprintf (name, sizeof name, "source/%s", devices[i]);
    make_file (name, 0644, "");
    ck_assert_int_eq (look_at_esp (&esp), -EINVAL);
    HAS (vmspec_diag_get (diag, 0)->text, "is that of a device");
    ck_assert_int_eq (unlink (name), 0);
  }
  for (size_t i = 0; i < COUNT (others); i++) {
    snprintf (name, sizeof name, "source/%s", others[i]);
    make_file (name, 0644, "");
    ck_assert_msg (look_at_esp (&esp) == 0, "%s", name);
    ck_assert_int_eq (unlink (name), 0);
  }
  for (int c = 1; c < 256; c++) {
    int is_said = c < 32 || c > 126;
    int is_special = strchr ("\"*:<>?\\|", c) != NULL;

    if (c == '/')
      continue;
    snprintf (name, sizeof name, "source/x%cx", c);
    make_file (name, 0644, "");
    ck_assert_int_eq (look_at_esp (&esp), is_said || is_special ? -EINVAL : 0);
    if (is_said || is_special)
      HAS (vmspec_diag_get (diag, 0)->text,
           is_said ? "beyond printable ASCII" : "one of the characters");
    ck_assert_int_eq (unlink (name), 0);
    if (c != '[' && c != ']')
      continue;
    ck_assert_int_eq (mkdir (name, 0755), 0);
    ck_assert_int_eq (look_at_esp (&esp), -EINVAL);
    HAS (vmspec_diag_get (diag, 0)->text, "is a directory with a bracket");
    ck_assert_int_eq (rmdir (name), 0);
  }
}
END_TEST

/* Letters are the same in both cases, and what is beside them is not. */
START_TEST (names_clash_by_their_letters)
{
  static const char *const pairs[][2]
    = { { "a", "A" }, { "z", "Z" }, { "Xy1", "xY1" }, { "a b", "A B" } };
  static const char *const others[][2]
    = { { "@", "`" }, { "[", "{" }, { "a", "b" }, { "a", "aa" },
        { "A", "aa" }, { "a1", "A2" }, { "Z", "y" } };
  char one[40], other[40];
  struct esp esp;

  ck_assert_int_eq (mkdir ("source", 0755), 0);
  for (size_t i = 0; i < COUNT (pairs) + COUNT (others); i++) {
    int clash = i < COUNT (pairs);
    const char *const *pair = clash ? pairs[i] : others[i - COUNT (pairs)];

    snprintf (one, sizeof one, "source/%s", pair[0]);
    snprintf (other, sizeof other, "source/%s", pair[1]);
    make_file (one, 0644, "");
    make_file (other, 0644, "");
    ck_assert_int_eq (look_at_esp (&esp), clash ? -EINVAL : 0);
    ck_assert_uint_eq (vmspec_diag_count (diag), clash);
    if (clash)
      ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "esp.clash");
    ck_assert_int_eq (unlink (one), 0);
    ck_assert_int_eq (unlink (other), 0);
  }
}
END_TEST

START_TEST (a_core_image_has_its_place_by_the_table)
{
  static const struct {
    uint32_t table;
    uint64_t place, room;
  } cases[] = {
    { VMSPEC_PARTITION_TABLE_NONE, 0, 0 },
    { VMSPEC_PARTITION_TABLE_LEGACY, 512, 1048064 },
    { VMSPEC_PARTITION_TABLE_LEGACY_GPT, 1048576, 1048576 },
    { VMSPEC_PARTITION_TABLE_EFI, 0, 0 },
    { VMSPEC_PARTITION_TABLE_HYBRID, 17408, 1031168 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct vmspec_system_image said = { .partition_table = cases[i].table };
    struct system_image s = { .spec = &said };

    vms_system_image_place_core (&s);
    ck_assert_uint_eq (s.core_place, cases[i].place);
    ck_assert_uint_eq (s.core_room, cases[i].room);
  }
}
END_TEST

/* Room for one MiB of root file system behind the partitions, at least. */
START_TEST (a_disk_with_no_room_says_how_much_it_takes)
{
  static const struct {
    uint32_t table;
    uint64_t least;
  } cases[] = {
    { VMSPEC_PARTITION_TABLE_LEGACY, 2097152 },
    { VMSPEC_PARTITION_TABLE_LEGACY_GPT, 3162624 },
    { VMSPEC_PARTITION_TABLE_EFI, 277889536 },
    { VMSPEC_PARTITION_TABLE_HYBRID, 277889536 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    char text[200];
    int r;

    spec.partition_table = cases[i].table;
    spec.size = cases[i].least - 512;
    snprintf (text, sizeof text, "%llu bytes have no room for a root file "
              "system behind the partitions before it; make it %llu or more",
              (unsigned long long) spec.size,
              (unsigned long long) cases[i].least);
    r = make ();
    ck_assert_msg (r == -ENOSPC, "%s", unit_findings (diag));
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, text);
    vmspec_diag_clear (diag);
    spec.size = cases[i].least;
    /* Whether these files fit is another matter. */
    make ();
    ck_assert_ptr_null (strstr (unit_findings (diag), "have no room"));
    vmspec_diag_clear (diag);
  }
}
END_TEST

START_TEST (an_mbr_ends_with_its_last_sector)
{
  const struct vmspec_finding *f;

  spec.partition_table = VMSPEC_PARTITION_TABLE_LEGACY;
  spec.size = (uint64_t) UINT32_MAX * 512 + 512;
  ck_assert_int_eq (make (), -EFBIG);
  f = vmspec_diag_get (diag, 0);
  HAS (f->text, "2199023255552 bytes is more than the 2199023255040 that");
}
END_TEST

/* ---- what is refused ----------------------------------------------------- */

START_TEST (everything_that_is_wrong_is_said_at_once)
{
  spec.format = VMSPEC_IMAGE_FORMAT_VDI;
  spec.cluster_size = 3000;
  spec.label = "a label that is too long";
  spec.esp = "esp";
  spec.partition_table = VMSPEC_PARTITION_TABLE_NONE;
  spec.boot_code = "template.fd";
  spec.core_image = "template.fd";
  spec.variables_file = "x";
  refused (-EINVAL, "image.not-made", "format");
  make ();
  ck_assert_uint_eq (vmspec_diag_count (diag), 7);
  for (size_t i = 0; i < 7; i++) {
    static const char *const expected[]
      = { "image.not-made", "image.cluster-size", "image.label",
          "system-image.esp-without-place",
          "system-image.boot-code-without-place", "system-image.core-image",
          "system-image.no-variables" };

    ck_assert_str_eq (vmspec_diag_get (diag, i)->id, expected[i]);
  }
}
END_TEST

START_TEST (files_that_are_missing_are_all_named)
{
  spec.partition_table = VMSPEC_PARTITION_TABLE_HYBRID;
  spec.tree = "no-tree";
  spec.esp = "no-esp";
  spec.boot_code = "no-code";
  spec.core_image = "no-core";
  spec.variables = "no-variables";
  ck_assert_int_eq (make (), -ENOENT);
  ck_assert_uint_eq (vmspec_diag_count (diag), 5);
  ck_assert_ptr_nonnull (unit_finding (diag, "system-image.variables"));
  ck_assert_ptr_nonnull (unit_finding (diag, "system-image.boot-file"));
  ck_assert_ptr_nonnull (unit_finding (diag, "tree.unreadable"));
  nothing_is_left ();
}
END_TEST

START_TEST (names_that_fat_cannot_hold_are_refused)
{
  static const char *const names[]
    = { "a:b", "a*", "a?", "a\\b", "a|b", "<", ">", "a\"", "end.", "end ",
        "con", "NUL", "Com1", "lpt9", "tab\t", "\303\274", "\377", "\177" };
  const char *path = below ("esp");
  char name[300];

  spec.esp = "esp";
  snprintf (name, sizeof name, "esp/%s", names[_i % COUNT (names)]);
  if ((size_t) _i < COUNT (names))
    make_file (name, 0644, "");
  else
    ck_assert_int_eq (mkdir ("esp/a[b]", 0755), 0);
  ck_assert_ptr_nonnull (path);
  refused (-EINVAL, "esp.name", "esp");
}
END_TEST

START_TEST (names_that_fat_can_hold_are_kept)
{
  static const char *const names[]
    = { "con.txt", "com", "com10", ".hidden", "-i", "~", "$x", "#", "%41", "'",
        "a b", " lead", "x+y,z;=.t", "[x]", "LONGNAMEFOO1.TXT",
        "LONGNAMEFOO2.TXT", "lower.cfg", "ESP", "{}^`!@&()" };
  char name[100];

  spec.esp = "esp";
  for (size_t i = 0; i < COUNT (names); i++) {
    snprintf (name, sizeof name, "esp/EFI/%s", names[i]);
    make_file (name, 0644, "");
  }
  must_make ();
  make_raw ();
  output_of ("mdir -a -b -i raw@@8M ::/EFI | grep -vxF ::/EFI/BOOT/ | "
             "sed s,::/EFI/,, | LC_ALL=C sort > out; ls -A esp/EFI | "
             "grep -vx BOOT | LC_ALL=C sort | diff - out");
}
END_TEST

START_TEST (names_that_differ_in_case_are_refused)
{
  spec.esp = "esp";
  make_file ("esp/EFI/one", 0644, "");
  make_file ("esp/EFI/ONE", 0644, "");
  refused (-EINVAL, "esp.clash", "esp");
}
END_TEST

START_TEST (an_esp_has_only_files_and_directories)
{
  spec.esp = "esp";
  if (_i == 0)
    ck_assert_int_eq (mkfifo ("esp/fifo", 0600), 0);
  else if (_i == 1)
    ck_assert_int_eq (symlink ("EFI", "esp/link"), 0);
  else if (_i == 2)
    ck_assert_int_eq (symlink ("nowhere", "esp/link"), 0);
  else {
    make_file ("esp/file", 0644, "");
    ck_assert_int_eq (truncate ("esp/file", 4096 * MIB), 0);
  }
  refused (-EINVAL, "esp.file", "esp");
}
END_TEST

START_TEST (a_file_of_the_esp_that_cannot_be_read_is_named)
{
  int status;
  pid_t pid;

  ck_assert_int_eq (chmod (scratch, 0777), 0);
  make_file ("esp/secret", 0000, "");
  pid = fork ();
  if (pid == 0) {
    be_nobody ();
    spec.esp = "esp";
    _exit (make () == -EACCES && unit_finding (diag, "tree.unreadable")
           && strstr (vmspec_diag_get (diag, 0)->text, "esp/secret")
             ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert_int_eq (status, 0);
  nothing_is_left ();
}
END_TEST

START_TEST (partitions_that_cannot_be_are_refused)
{
  const struct image_format format = { .format = VMSPEC_IMAGE_FORMAT_RAW,
                                       .size = 4 * MIB, .cluster_size = 65536 };
  const struct partition_table table = {
    .is_gpt = 1, .disk_size = 4 * MIB, .count = 1,
    .partitions = { { .kind = PARTITION_ROOT, .start = 8 * MIB,
                      .size = MIB } },
  };
  struct arena arena = { 0 };
  struct work inner;
  struct image *image;
  int fd = open ("raw", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

  ck_assert_int_eq (vms_work_init (&inner, &arena, NULL, diag), 0);
  ck_assert_int_eq (vms_image_new (fd, &format, &image), 0);
  ck_assert_int_lt (vms_partition_table_write (image, &table, &inner), 0);
  ck_assert_ptr_nonnull (unit_finding (diag, "system-image.partitions"));
  vms_image_free (image);
  close (fd);
  vms_arena_free (&arena);
}
END_TEST

/* ---- helper programs ----------------------------------------------------- */

START_TEST (missing_mtools_are_named)
{
  spec.esp = "esp";
  work.environment = STRINGS ("PATH=/nowhere");
  refused (-ENOENT, "helper.missing", "esp");
}
END_TEST

static void
make_programs (const char *mcopy)
{
  output_of ("mkdir -p bin; for p in mformat mmd; do ln -sf $(command -v $p) "
             "bin/$p; done");
  (void) unlink ("bin/mcopy");
  make_file ("bin/mcopy", 0755, mcopy);
}

START_TEST (a_program_that_fails_is_the_end)
{
  static char path[PATH_MAX + 30];

  spec.esp = "esp";
  snprintf (path, sizeof path, "PATH=%s:/usr/bin:/bin", below ("bin"));
  work.environment = STRINGS (path);
  make_programs (_i ? "#!/bin/sh\nkill -9 $$\n"
                    : "#!/bin/sh\necho disk full; exit 1\n");
  ck_assert_int_eq (make (), -EIO);
  ck_assert_ptr_nonnull (unit_finding (diag, "helper.failed"));
  nothing_is_left ();
}
END_TEST

START_TEST (programs_have_an_environment_of_their_own)
{
  static char path[PATH_MAX + 30];

  spec.esp = "esp";
  snprintf (path, sizeof path, "PATH=%s:/usr/bin:/bin", below ("bin"));
  work.environment = STRINGS (path, "MTOOLSRC=/bad", "TZ=Asia/Tokyo",
                              "SOURCE_DATE_EPOCH=1", "OTHER=x");
  make_programs ("#!/bin/sh\nenv > ${0%/bin/*}/environment\nexit 1\n");
  make ();
  HAS (read_file ("environment"), "MTOOLSRC=/dev/null\n");
  HAS (read_file ("environment"), "TZ=UTC0\n");
  HAS (read_file ("environment"), "SOURCE_DATE_EPOCH=1700000000\n");
  HAS (read_file ("environment"), "OTHER=x\n");
  ck_assert_ptr_null (strstr (read_file ("environment"), "Tokyo"));
}
END_TEST

/* ---- boot code ----------------------------------------------------------- */

static void
make_grub (size_t core_size)
{
  unsigned char sector[512] = "boot code";
  int fd = open ("boot.img", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

  memcpy (sector + 0x180, "GRUB ", 5);
  memset (sector + 440, 0xee, 72);
  ck_assert_int_eq (write (fd, sector, 512), 512);
  close (fd);
  fill_file ("core.img", core_size, 5);
  memset (sector, 0, sizeof sector);
  memcpy (sector + 100, "loading", 7);
  sector[510] = 0x20;
  sector[511] = 8;
  fd = open ("core.img", O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq (write (fd, sector, 512), 512);
  close (fd);
}

/* Bytes of the raw disk, as a number. */
static unsigned long long
number_at (uint64_t at, int size)
{
  output_of ("od -An -v -tu%d -j %" PRIu64 " -N %d raw", size, at, size);
  return strtoull (judgement, NULL, 10);
}

START_TEST (grub_is_told_where_it_is)
{
  static const uint64_t places[]
    = { [VMSPEC_PARTITION_TABLE_LEGACY] = 1,
        [VMSPEC_PARTITION_TABLE_LEGACY_GPT] = 2048,
        [VMSPEC_PARTITION_TABLE_HYBRID] = 34 };

  if (_i == VMSPEC_PARTITION_TABLE_EFI)
    return;
  make_grub (30000);
  spec.partition_table = (uint32_t) _i;
  spec.boot_code = "boot.img";
  spec.core_image = "core.img";
  must_make ();
  make_raw ();
  ck_assert_uint_eq (number_at (0x5c, 8), places[_i]);
  ck_assert_uint_eq (number_at (places[_i] * 512 + 500, 8), places[_i] + 1);
  ck_assert_uint_eq (number_at (places[_i] * 512 + 508, 2), 58);
  output_of ("cmp -n 92 raw boot.img; cmp -n 340 -i 100 raw boot.img");
  output_of ("cmp -n 29488 -i %" PRIu64 ":512 raw core.img",
             places[_i] * 512 + 512);
  ck_assert_uint_eq (number_at (510, 2), 0xaa55);
  HAS (output_of ("sfdisk -d raw"), "raw1");
}
END_TEST

START_TEST (other_boot_code_is_left_as_it_is)
{
  fill_file ("boot.img", 512, 6);
  fill_file ("core.img", 1000, 7);
  spec.partition_table = VMSPEC_PARTITION_TABLE_LEGACY;
  spec.boot_code = "boot.img";
  spec.core_image = "core.img";
  must_make ();
  make_raw ();
  output_of ("cmp -n 440 raw boot.img && cmp -n 1000 -i 512:0 raw core.img");
}
END_TEST

START_TEST (a_core_image_has_to_fit)
{
  make_grub (MIB - 511);
  spec.partition_table = VMSPEC_PARTITION_TABLE_LEGACY;
  spec.core_image = "core.img";
  refused (-EFBIG, "system-image.core-image", "core_image");
  ck_assert_int_eq (truncate ("core.img", MIB - 512), 0);
  must_make ();
  ck_assert_int_eq (truncate ("core.img", 0), 0);
  refused (-ENODATA, "system-image.boot-file", "core_image");
}
END_TEST

/* GRUB's own marks, where the first and the last of it may be. */
START_TEST (grub_is_known_by_its_marks)
{
  unsigned char core[1024];

  for (int i = 0; i < 64; i++) {
    /* All but one of these are as they are with GRUB. */
    int has_size = i != 0, is_long = i != 1, has_segment = i != 2;
    int has_word = i != 3, has_name = i != 4;
    size_t size = is_long ? 513 + (size_t) i * 8 : 512;
    struct boot_code boot = { .code_size = has_size ? 512 : 511, .core = core,
                              .core_size = size };
    uint64_t number;

    memset (core, 0xaa, sizeof core);
    memset (boot.code, 0xaa, sizeof boot.code);
    memcpy (boot.code + (has_name ? i % 2 ? 0 : 435 : 436), "GRUB ", 5);
    memcpy (core + (has_word ? i % 2 ? 0 : 493 : 494), "loading", 7);
    core[510] = has_segment ? 0x20 : 0x21;
    core[511] = 8;
    vms_boot_code_patch (&boot, 77 * 512);
    memcpy (&number, boot.code + 0x5c, 8);
    ck_assert_uint_eq (le64toh (number) == 77, has_size && has_name);
    memcpy (&number, core + 500, 8);
    ck_assert_uint_eq (le64toh (number) == 78,
                       is_long && has_segment && has_word);
    if (is_long && has_segment && has_word)
      ck_assert_uint_eq (core[508] | core[509] << 8,
                         size <= 512 ? 0 : size <= 1024 ? 1 : 2);
  }
}
END_TEST

/* ---- the variable store -------------------------------------------------- */

START_TEST (the_variable_store_is_a_copy)
{
  struct stat status;
  mode_t mask = umask (022);

  spec.variables = "template.fd";
  if (_i)
    spec.variables_file = "other.fd";
  must_make ();
  umask (mask);
  ck_assert_str_eq (read_file (_i ? "other.fd" : "efi-vars.fd"), "variables");
  ck_assert_int_eq (stat (_i ? "other.fd" : "efi-vars.fd", &status), 0);
  ck_assert_uint_eq (status.st_mode & 0777, 0644);
}
END_TEST

START_TEST (the_variable_store_is_beside_the_image)
{
  ck_assert_int_eq (mkdir ("sub", 0755), 0);
  spec.file = "sub/image";
  spec.variables = "template.fd";
  must_make ();
  ck_assert (exists ("sub/efi-vars.fd"));
}
END_TEST

/* Of a call that died before the image had its name. */
START_TEST (a_variable_store_that_is_the_same_is_used)
{
  make_file ("efi-vars.fd", 0644, "variables");
  spec.variables = "template.fd";
  must_make ();
  ck_assert_str_eq (read_file ("efi-vars.fd"), "variables");
}
END_TEST

START_TEST (a_variable_store_that_exists_stays)
{
  const struct vmspec_finding *f;

  make_file ("mine.fd", 0600, "precious");
  spec.variables = "template.fd";
  spec.variables_file = "mine.fd";
  ck_assert_int_eq (make (), -EEXIST);
  f = unit_finding (diag, "image.exists");
  ck_assert_ptr_nonnull (f);
  ck_assert_str_eq (f->path, "variables_file");
  HAS (f->text, "mine.fd");
  ck_assert_str_eq (read_file ("mine.fd"), "precious");
  nothing_is_left ();
  spec.variables_file = spec.file;
  vmspec_diag_clear (diag);
  refused (-EINVAL, "system-image.same-file", "variables_file");
}
END_TEST

START_TEST (an_image_that_exists_stays)
{
  make_file ("mine", 0600, "precious");
  spec.file = "mine";
  spec.variables = "template.fd";
  ck_assert_int_eq (vmspec_system_image (&spec, &work, diag), -EEXIST);
  ck_assert_str_eq (read_file ("mine"), "precious");
  nothing_is_left ();
}
END_TEST

/* Somebody makes the image in the last moment. */
static int
make_it_first (void *data, const struct vmspec_progress *progress)
{
  (void) data;
  if (progress->total && progress->done == progress->total
      && !exists ("mine"))
    make_file ("mine", 0600, "precious");
  return 0;
}

/* The first may have taken the second's store for their own, so it stays. */
START_TEST (who_comes_second_takes_nothing_away)
{
  spec.file = "mine";
  spec.variables = "template.fd";
  work.progress = make_it_first;
  ck_assert_int_eq (vmspec_system_image (&spec, &work, diag), -EEXIST);
  ck_assert_ptr_nonnull (unit_finding (diag, "image.exists"));
  ck_assert_str_eq (read_file ("mine"), "precious");
  ck_assert_str_eq (read_file ("efi-vars.fd"), "variables");
}
END_TEST

START_TEST (every_report_may_be_the_last)
{
  int r = -1;

  spec.esp = "esp";
  spec.variables = "template.fd";
  for (unsigned i = 1; r; i++) {
    ck_assert_uint_lt (i, 1000);
    calls = 0;
    cancel_at = i;
    r = make ();
    if (r) {
      ck_assert_int_eq (r, -ECANCELED);
      nothing_is_left ();
    }
  }
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert (exists ("image") && exists ("efi-vars.fd"));
}
END_TEST

int
main (void)
{
  TCase *tcase = unit_case ("system-image");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_loop_test (tcase, every_partition_table_is_as_others_read_it, 0,
                       4 * COUNT (tables));
  tcase_add_test (tcase, what_needs_no_place_has_none);
  tcase_add_loop_test (tcase, every_cluster_size_will_do, 0, 13);
  tcase_add_loop_test (tcase, an_esp_of_every_size_is_sound, 0, 16);
  tcase_add_test (tcase, an_esp_grows_with_what_is_in_it);
  tcase_add_test (tcase, an_esp_without_files_is_empty);
  tcase_add_test (tcase, many_files_are_more_than_one_call);
  tcase_add_loop_test (tcase, the_same_seed_gives_the_same_bytes, 0, 2);
  tcase_add_test (tcase, without_a_seed_every_disk_is_another);
  tcase_add_test (tcase, additional_space_is_free);
  tcase_add_test (tcase, a_tree_that_does_not_fit_is_refused);
  tcase_add_test (tcase, an_mbr_has_an_end);
  tcase_add_test (tcase, clusters_of_an_esp_grow_with_it);
  tcase_add_test (tcase, what_an_esp_lacks_is_exact);
  tcase_add_test (tcase, what_an_esp_takes_is_counted);
  tcase_add_test (tcase, each_name_is_judged_by_itself);
  tcase_add_test (tcase, names_clash_by_their_letters);
  tcase_add_test (tcase, a_core_image_has_its_place_by_the_table);
  tcase_add_test (tcase, a_disk_with_no_room_says_how_much_it_takes);
  tcase_add_test (tcase, an_mbr_ends_with_its_last_sector);
  tcase_add_test (tcase, a_format_has_an_end);
  tcase_add_test (tcase, an_esp_that_is_too_small_is_refused);
  tcase_add_test (tcase, everything_that_is_wrong_is_said_at_once);
  tcase_add_test (tcase, files_that_are_missing_are_all_named);
  tcase_add_loop_test (tcase, names_that_fat_cannot_hold_are_refused, 0, 19);
  tcase_add_test (tcase, names_that_fat_can_hold_are_kept);
  tcase_add_test (tcase, names_that_differ_in_case_are_refused);
  tcase_add_loop_test (tcase, an_esp_has_only_files_and_directories, 0, 4);
  tcase_add_test (tcase, a_file_of_the_esp_that_cannot_be_read_is_named);
  tcase_add_test (tcase, partitions_that_cannot_be_are_refused);
  tcase_add_test (tcase, missing_mtools_are_named);
  tcase_add_loop_test (tcase, a_program_that_fails_is_the_end, 0, 2);
  tcase_add_test (tcase, programs_have_an_environment_of_their_own);
  tcase_add_loop_test (tcase, grub_is_told_where_it_is,
                       VMSPEC_PARTITION_TABLE_LEGACY,
                       VMSPEC_PARTITION_TABLE_HYBRID + 1);
  tcase_add_test (tcase, other_boot_code_is_left_as_it_is);
  tcase_add_test (tcase, grub_is_known_by_its_marks);
  tcase_add_test (tcase, a_core_image_has_to_fit);
  tcase_add_loop_test (tcase, the_variable_store_is_a_copy, 0, 2);
  tcase_add_test (tcase, the_variable_store_is_beside_the_image);
  tcase_add_test (tcase, a_variable_store_that_is_the_same_is_used);
  tcase_add_test (tcase, a_variable_store_that_exists_stays);
  tcase_add_test (tcase, an_image_that_exists_stays);
  tcase_add_test (tcase, who_comes_second_takes_nothing_away);
  tcase_add_test (tcase, every_report_may_be_the_last);
  return unit_run ("system-image", tcase);
}
