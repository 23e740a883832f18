/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File systems as mkfs.ext4 makes them: compared with its own, and judged by
 * e2fsck and blkid. */
#include "judges.h"

#include <ext2fs/ext2fs.h>

#include "ext4.h"
#include "mke2fs-conf.h"
#include "output.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

#define UUID "01234567-89ab-cdef-0123-456789abcdef"
#define TIME 1700000000

static const unsigned char uuid[16]
  = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
      0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static struct arena arena;
static struct work work;
static vmspec_diag *diag;
static struct ext4_setup setup;

static void
set_up (void)
{
  const struct vmspec_work plain
    = { VMSPEC_INIT (vmspec_work), .sync = VMSPEC_OFF };

  scratch_make ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, &plain, diag), 0);
  setup = (struct ext4_setup) { .size = 64 * MIB, .label = "nixos",
                                .uuid = uuid, .hash_seed = uuid,
                                .time = TIME };
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  vms_arena_free (&arena);
  scratch_remove ();
}

/* Makes the file "ours". */
static int
make (uint32_t format, int (*fill) (void *data, void *fs))
{
  const struct image_format how = {
    .format = format, .size = setup.offset + setup.size,
    .cluster_size = 65536 };
  struct output output;
  struct image *image;
  int r;

  unlink ("ours");
  ck_assert_int_eq (vms_output_open (&output, &work, "ours", 0644), 0);
  ck_assert_int_eq (vms_image_new (output.fd, &how, &image), 0);
  r = vms_ext4_make (image, &setup, fill, NULL, &work);
  if (r == 0)
    ck_assert_int_eq (vms_image_finish (image), 0);
  vms_image_free (image);
  if (r == 0)
    ck_assert_int_eq (vms_output_commit (&output, &work), 0);
  vms_output_close (&output);
  return r;
}

/* mkfs.ext4 with what is random made equal. */
static void
make_theirs (uint64_t size)
{
  RUN ("rm -f theirs; truncate -s %" PRIu64 " theirs && "
       "E2FSPROGS_FAKE_TIME=%d SOURCE_DATE_EPOCH=%d mkfs.ext4 -q -L nixos "
       "-U " UUID " -E hash_seed=" UUID " theirs", size, TIME, TIME);
}

/* What is about the making, and not about what was made. */
#define SAME_LINES "grep -vE '^(Lifetime writes|Checksum):'"

START_TEST (features_counts_and_reserves_are_those_of_mkfs)
{
  static const uint64_t sizes[] = {
    1 * MIB, 3 * MIB, 64 * MIB, 64 * MIB + 5000, 64 * MIB + 7 * 1024, 512 * MIB - 4096, 512 * MIB,
    GIB, 4 * GIB, 100 * GIB, TIB };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    if (unit_is_watched () && sizes[i] > 4 * GIB)
      break;
    setup.size = sizes[i];
    ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, NULL), 0);
    make_theirs (sizes[i]);
    RUN ("dumpe2fs ours 2>&1 | " SAME_LINES " > a; "
         "dumpe2fs theirs 2>&1 | " SAME_LINES " > b; "
         "sed -i 's/theirs/ours/' b; diff a b && grep 'Inode count' a");
    RUN ("e2fsck -fn ours");
    RUN ("test \"$(blkid -p -o value -s LABEL -s UUID ours)\" = \"nixos\n"
         UUID "\"");
  }
}
END_TEST

/* As mkfs.ext4 1.47 makes it, which needs a file that most file systems cannot
 * hold; ours is looked at in memory. */
START_TEST (sixteen_tebibytes_are_no_special_case)
{
  const struct image_format how = {
    .format = VMSPEC_IMAGE_FORMAT_QCOW2, .size = 16 * TIB,
    .cluster_size = 65536 };
  struct ext2_super_block super;
  struct image *image;
  int fd;

  if (unit_is_watched ()) /* it would take minutes */
    return;
  fd = open ("ours", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  ck_assert_int_ge (fd, 0);
  setup.size = 16 * TIB;
  ck_assert_int_eq (vms_image_new (fd, &how, &image), 0);
  ck_assert_int_eq (vms_ext4_make (image, &setup, NULL, NULL, &work), 0);
  ck_assert_int_eq (vms_image_read (image, 1024, &super, sizeof super), 0);
  ck_assert_uint_eq (ext2fs_blocks_count (&super), 4294967296);
  ck_assert_uint_eq (ext2fs_r_blocks_count (&super), 214748364);
  ck_assert_uint_eq (super.s_inodes_count, 268435456);
  ck_assert_uint_eq (super.s_inodes_per_group, 2048);
  ck_assert (ext2fs_has_feature_64bit (&super));
  ck_assert (!ext2fs_has_feature_resize_inode (&super));
  ck_assert_int_eq (vms_image_finish (image), 0);
  vms_image_free (image);
  close (fd);
  RUN ("qemu-img check -f qcow2 ours");
  SAYS ("No errors were found");
}
END_TEST

/* In each copy of the superblock, takes away the count of what was written while
 * making it, and the checksum over that. */
#define MAGIC 0x38
#define UUID_AT 0x68
#define WRITTEN 0x178
#define CHECKSUM 0x3fc

static void
neutralize (const char *file)
{
  unsigned char block[1024], zeros[8] = { 0 };
  int fd = open (file, O_RDWR | O_CLOEXEC);
  off_t data = 0, hole;

  while ((data = lseek (fd, data, SEEK_DATA)) >= 0) {
    hole = lseek (fd, data, SEEK_HOLE);
    for (; data < hole; data += 1024) {
      ck_assert_int_eq (pread (fd, block, 1024, data), 1024);
      if (block[MAGIC] != 0x53 || memcmp (block + UUID_AT, uuid, 16))
        continue;
      ck_assert_int_eq (pwrite (fd, zeros, 8, data + WRITTEN), 8);
      ck_assert_int_eq (pwrite (fd, zeros, 4, data + CHECKSUM), 4);
    }
  }
  close (fd);
}

START_TEST (the_bytes_are_those_of_mkfs)
{
  static const uint64_t sizes[] = { 64 * MIB, GIB, 4 * GIB };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    if (unit_is_watched () && sizes[i] > GIB)
      break;
    setup.size = sizes[i];
    ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_QCOW2, NULL), 0);
    make_theirs (sizes[i]);
    RUN ("qemu-img check -f qcow2 ours");
    SAYS ("No errors were found");
    RUN ("qemu-img convert -f qcow2 -O raw ours raw");
    neutralize ("raw");
    neutralize ("theirs");
    RUN ("qemu-img compare -f raw -F raw raw theirs");
    SAYS ("identical");
  }
}
END_TEST

START_TEST (a_file_system_may_stand_anywhere_in_an_image)
{
  setup.offset = 3 * MIB;
  setup.size = 100 * MIB;
  ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, NULL), 0);
  RUN ("dd if=ours of=part bs=1M skip=3 status=none && e2fsck -fn part");
  RUN ("cmp -n 3145728 ours /dev/zero");
}
END_TEST

START_TEST (there_are_at_least_as_many_inodes_as_are_needed)
{
  setup.inodes = 100000;
  ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, NULL), 0);
  RUN ("dumpe2fs -h ours | sed -n 's/^Inode count: *//p'");
  ck_assert_int_ge (atoi (strstr (judgement, "\n") + 1), 100000);
  RUN ("e2fsck -fn ours");
}
END_TEST

START_TEST (the_block_size_can_be_chosen)
{
  setup.block_size = 4096;
  ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, NULL), 0);
  RUN ("dumpe2fs -h ours");
  SAYS ("Block size:               4096");
  SAYS ("Lifetime writes:          1 kB");
  RUN ("e2fsck -fn ours");
}
END_TEST

START_TEST (a_size_that_holds_no_file_system_is_refused)
{
  static const uint64_t sizes[]
    = { 0, 512, 1024, 4096, 12288, 16384, 20480, 32768, 65536 };
  char text[200];

  for (size_t i = 0; i < COUNT (sizes); i++) {
    vmspec_diag_clear (diag);
    setup.size = sizes[i];
    ck_assert_int_lt (make (VMSPEC_IMAGE_FORMAT_RAW, NULL), 0);
    snprintf (text, sizeof text, "an ext4 file system of %" PRIu64 " bytes cannot "
              "be made, for it is too small for its own tables", sizes[i]);
    ck_assert_msg (unit_finding (diag, "image.file-system-size") != NULL,
                   "%" PRIu64 "%s", sizes[i], unit_findings (diag));
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, text);
  }
}
END_TEST

static int
fill_and_fail (void *data, void *fs)
{
  (void) data, (void) fs;
  return -ECANCELED;
}

static int
fill_with_directory (void *data, void *fs)
{
  (void) data;
  ck_assert_int_eq (ext2fs_mkdir (fs, EXT2_ROOT_INO, 0, "there"), 0);
  return 0;
}

START_TEST (it_can_be_filled_before_it_is_closed)
{
  ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, fill_and_fail), -ECANCELED);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert (!exists ("ours"));
  ck_assert_int_eq (make (VMSPEC_IMAGE_FORMAT_RAW, fill_with_directory), 0);
  RUN ("e2fsck -fn ours && debugfs -R 'ls -p /' ours");
  SAYS ("/there/");
}
END_TEST

/* ---- mke2fs.conf -------------------------------------------------------- */

static const char *const types[] = { "ext4", "small", NULL };

START_TEST (a_configuration_is_read_as_mke2fs_reads_it)
{
  struct mke2fs_conf conf;

  make_file ("conf", 0644,
             "# a comment = 1\n"
             "[defaults]\n  blocksize = 4096 \n\tinode_ratio=8192\n"
             "  name = \"quoted text\"\n"
             "[options]\n  blocksize = 1\n"
             "[fs_types]\n ext4 = {\n  features = a,b\n  blocksize = 2048\n"
             " ; features = none\n }\n"
             " small = {\n  blocksize = 1024\n }\n"
             " inode_ratio = 77\n");
  vms_mke2fs_conf_read (&conf, &arena, "conf");
  ck_assert_str_eq (vms_mke2fs_conf_of_type (&conf, "ext4", "features"), "a,b");
  ck_assert_ptr_null (vms_mke2fs_conf_of_type (&conf, "small", "features"));
  ck_assert_ptr_null (vms_mke2fs_conf_of_type (&conf, "big", "features"));
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "blocksize", 0), 1024);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "inode_ratio", 0), 8192);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "other", 5), 5);
  ck_assert_str_eq (vms_mke2fs_conf_get (&conf, types, "name", ""), "quoted text");
}
END_TEST

/* What "a" is for ext4, and among the defaults. */
START_TEST (lines_of_a_configuration_belong_to_their_braces)
{
  static const struct {
    const char *text, *of_type, *of_defaults;
  } cases[] = {
    { "[fs_types]\next4 = {\na = 1\n}\n", "1", NULL },
    { "[fs_types]\next4 = {\na = 1\na = 2\n}\n", "1", NULL },
    { "[fs_types]\next4 = {\n}\na = 1\n", NULL, NULL },
    { "[fs_types]\next4 = {\nb = {\na = 1\n}\n}\n", NULL, NULL },
    { "[fs_types]\nb = {\next4 = {\na = 1\n}\n}\n", NULL, NULL },
    { "[fs_types]\n}\n}\next4 = {\na = 1\n}\n", "1", NULL },
    { "[fs_types]\nb = {\n}\next4 = {\na = 1\n}\n", "1", NULL },
    { "[fs_types]\nb = {\n[fs_types]\next4 = {\na = 1\n}\n", "1", NULL },
    { "[fs_types]\next4 = {\n[fs_types]\na = 1\n}\n", NULL, NULL },
    { "[defaults]\next4 = {\na = 1\n}\n", NULL, NULL },
    { "[fs_types]\next4 = {\n}\n[defaults]\na = 1\n", NULL, "1" },
    { "[defaults]\nb = {\na = 1\n}\na = 2\n", NULL, "2" },
    { "[defaults]\na = 1\n[other]\na = 2\n", NULL, "1" },
    { "[defaults]\na=\n", NULL, "" }, { "[defaults]\na\n", NULL, "" },
    { "[defaults]\na=\"\"\n", NULL, "" }, { "[defaults]\na=\"\n", NULL, "\"" },
    { "[defaults]\na=\"b\n", NULL, "\"b" }, { "[defaults]\na=b\"\n", NULL, "b\"" },
    { "[defaults]\n\t a \t=\r\t b c \t\r\n", NULL, "b c" },
    { "[defaults]\na=b=c\n", NULL, "b=c" }, { "[defaults]\na = 1", NULL, "1" },
    { "[defaults]\n# a = 1\n;a = 2\n a = 3\n", NULL, "3" },
    { "[defaults]\n\"a\" = 1\n", NULL, "1" }, { "[defaults]\naa = 1\n", NULL, NULL },
    { "[defaults]\n\n \n=2\na = 1\n", NULL, "1" },
  };
  static const char *const no_types[] = { NULL };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct mke2fs_conf conf;

    unlink ("conf");
    make_file ("conf", 0644, cases[i].text);
    vms_mke2fs_conf_read (&conf, &arena, "conf");
    ck_assert_pstr_eq (vms_mke2fs_conf_of_type (&conf, "ext4", "a"),
                       cases[i].of_type);
    ck_assert_pstr_eq (vms_mke2fs_conf_get (&conf, no_types, "a", NULL),
                       cases[i].of_defaults);
  }
}
END_TEST

START_TEST (the_last_type_that_says_something_counts)
{
  static const char *const one[] = { "ext4", NULL }, *const none[] = { NULL },
                    *const others[] = { "ext4", "big", "none", NULL };
  struct mke2fs_conf conf;

  make_file ("conf", 0644, "[defaults]\na = 1\nb = 010\nc = 0x10\n[fs_types]\n"
                           "ext4 = {\na = 2\n}\nbig = {\na = 3\n}\n");
  vms_mke2fs_conf_read (&conf, &arena, "conf");
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, none, "a", 9), 1);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, one, "a", 9), 2);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, others, "a", 9), 3);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, others, "b", 9), 8);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, others, "c", 9), 16);
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, others, "d", 9), 9);
  ck_assert_str_eq (vms_mke2fs_conf_get (&conf, others, "d", "e"), "e");
}
END_TEST

START_TEST (without_a_configuration_there_is_a_built_in_one)
{
  struct mke2fs_conf conf;

  vms_mke2fs_conf_read (&conf, &arena, "absent");
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "blocksize", 0), 1024);
  ck_assert_ptr_nonnull (strstr (vms_mke2fs_conf_of_type (&conf, "ext4",
                                                          "features"), "extent"));
  /* And so with one that says nothing at all, or cannot be read. */
  make_file ("conf", 0644, "");
  vms_mke2fs_conf_read (&conf, &arena, "conf");
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "blocksize", 0), 1024);
  vms_mke2fs_conf_read (&conf, &arena, ".");
  ck_assert_int_eq (vms_mke2fs_conf_number (&conf, types, "blocksize", 0), 1024);
  /* Of a large one, the start. */
  ck_assert_int_eq (truncate ("conf", 70000), 0);
  RUN ("tr '\\0' '#' < conf > large");
  vms_mke2fs_conf_read (&conf, &arena, "large");
  ck_assert_uint_eq (strlen (conf.text), 65535);
}
END_TEST

START_TEST (a_configuration_may_be_anything)
{
  static const char *const texts[] = {
    "", "\n", "=", "[", "]", "[fs_types", "}\n}\n", "{", "a = {\nb = {\n",
    "[fs_types]\next4 = {", "[fs_types]\n= = =\n\"\"\n\"", "[fs_types]\n}{=",
  };

  for (size_t i = 0; i < COUNT (texts); i++) {
    struct mke2fs_conf conf;

    unlink ("conf");
    make_file ("conf", 0644, texts[i]);
    vms_mke2fs_conf_read (&conf, &arena, "conf");
    vms_mke2fs_conf_number (&conf, types, "blocksize", 0);
    vms_mke2fs_conf_of_type (&conf, "ext4", "features");
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("ext4");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, features_counts_and_reserves_are_those_of_mkfs);
  tcase_add_test (t, sixteen_tebibytes_are_no_special_case);
  tcase_add_test (t, the_bytes_are_those_of_mkfs);
  tcase_add_test (t, a_file_system_may_stand_anywhere_in_an_image);
  tcase_add_test (t, there_are_at_least_as_many_inodes_as_are_needed);
  tcase_add_test (t, the_block_size_can_be_chosen);
  tcase_add_test (t, a_size_that_holds_no_file_system_is_refused);
  tcase_add_test (t, it_can_be_filled_before_it_is_closed);
  tcase_add_test (t, a_configuration_is_read_as_mke2fs_reads_it);
  tcase_add_test (t, lines_of_a_configuration_belong_to_their_braces);
  tcase_add_test (t, the_last_type_that_says_something_counts);
  tcase_add_test (t, without_a_configuration_there_is_a_built_in_one);
  tcase_add_test (t, a_configuration_may_be_anything);
  return unit_run ("ext4", t);
}
