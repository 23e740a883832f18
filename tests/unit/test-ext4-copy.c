/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a copy into an ext4 file system, each by itself: numbers in inodes,
 * extents, blocks of directories, and what libext2fs reads from and writes to. */
#include "judges.h"

#include <endian.h>
#include <ext2fs/ext3_extents.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#include "ext4-copy.h"
#include "ext4-io.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define TIME 1700000000

static struct arena arena;
static struct work work;
static vmspec_diag *diag;
static struct ext4_tree tree;

static void
set_up (void)
{
  const struct vmspec_work plain
    = { VMSPEC_INIT (vmspec_work), .sync = VMSPEC_OFF };

  scratch_make ();
  arena = (struct arena) { 0 };
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (vms_work_init (&work, &arena, &plain, diag), 0);
  tree = (struct ext4_tree) { .work = &work, .member = "tree",
                              .tree = "tree" };
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  vms_arena_free (&arena);
  scratch_remove ();
}

/* ---- a copy that has begun ----------------------------------------------- */

static struct ext4_copy copy;
static struct tree_directory top;
static struct ext4_directory own;
static int outcome;

/* Its top is the empty directory "tree". */
static int
begin (void *data, void *fs)
{
  void (*what) (void) = *(void (**) (void)) data;
  char block[65536], buffer[EXT4_BUFFER], names[ATTRIBUTES_SIZE],
    value[ATTRIBUTES_SIZE];
  struct stat status;

  copy = (struct ext4_copy) {
    .tree = &tree, .fs = fs, .block = block, .buffer = buffer, .names = names,
    .value = value,
    .walk = { .work = &work, .member = "tree", .tree = "tree" } };
  own = (struct ext4_directory) { 0 };
  top = (struct tree_directory) { .own = &own };
  ck_assert_int_eq (mkdir ("tree", 0755), 0);
  top.fd = open ("tree", O_RDONLY | O_CLOEXEC);
  ck_assert_int_ge (top.fd, 0);
  ck_assert_int_eq (fstat (top.fd, &status), 0);
  ck_assert_int_eq (vms_ext4_enter (&copy, &top, &status), 0);
  what ();
  ck_assert_int_eq (vms_ext4_leave (&copy, &top), 0);
  vms_tree_links_free (&copy.links);
  close (top.fd);
  ck_assert_int_eq (rmdir ("tree"), 0);
  return outcome;
}

/* Makes the file "fs" of what @what does with the copy. */
static void
with_file_system (uint64_t size, uint32_t block_size, void (*what) (void))
{
  static const unsigned char uuid[16] = { 1, 2, 3 };
  const struct ext4_setup setup = {
    .size = size, .uuid = uuid, .hash_seed = uuid, .time = TIME,
    .block_size = block_size };
  const struct image_format format = {
    .format = VMSPEC_IMAGE_FORMAT_RAW, .size = size, .cluster_size = 65536 };
  /* Few file systems have files so large: then there is nothing to look at. */
  int is_large = size > TIB;
  int fd = is_large ? memfd_create ("fs", MFD_CLOEXEC)
                    : open ("fs", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  struct image *image;
  int r;

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (vms_image_new (fd, &format, &image), 0);
  outcome = is_large ? -ECANCELED : 0;
  r = vms_ext4_make (image, &setup, begin, &what, &work);
  ck_assert_msg (r == outcome, "%s%s", strerror (-r), unit_findings (diag));
  if (!is_large)
    ck_assert_int_eq (vms_image_finish (image), 0);
  vms_image_free (image);
  close (fd);
}

static struct ext2_inode_large
inode_of (ext2_ino_t number)
{
  struct ext2_inode_large inode;

  ck_assert_int_eq (ext2fs_read_inode_full (copy.fs, number,
                                            EXT2_INODE (&inode),
                                            (int) sizeof inode), 0);
  return inode;
}

/* One of memory alone. */
static struct image *
new_image (int *ret_fd, uint64_t size)
{
  const struct image_format format = {
    .format = VMSPEC_IMAGE_FORMAT_RAW, .size = size, .cluster_size = 65536 };
  struct image *image;

  *ret_fd = memfd_create ("disk", MFD_CLOEXEC);
  ck_assert_int_ge (*ret_fd, 0);
  ck_assert_int_eq (vms_image_new (*ret_fd, &format, &image), 0);
  return image;
}

/* ---- inodes -------------------------------------------------------------- */

/* As @status has it, in a file system with inodes of @size bytes. */
static struct ext2_inode_large
filled (const struct stat *status, unsigned size)
{
  struct ext2_super_block super = { .s_rev_level = EXT2_DYNAMIC_REV,
                                    .s_inode_size = (__u16) size };
  struct struct_ext2_filsys fs = { .super = &super, .now = TIME };
  struct ext4_copy small = { .tree = &tree, .fs = &fs };
  struct ext2_inode_large inode = { 0 };

  vms_ext4_inode_fill (&small, &inode, status);
  return inode;
}

START_TEST (an_inode_has_all_bits_of_its_owners)
{
  const struct stat status = { .st_mode = S_IFREG | 07654,
                               .st_uid = 0x12345678, .st_gid = 0x9abcdef0 };
  struct ext2_inode_large inode = filled (&status, 256);

  ck_assert_uint_eq (inode.i_mode, S_IFREG | 07654);
  ck_assert_uint_eq (inode.i_uid, 0x5678);
  ck_assert_uint_eq (inode.osd2.linux2.l_i_uid_high, 0x1234);
  ck_assert_uint_eq (inode.i_gid, 0xdef0);
  ck_assert_uint_eq (inode.osd2.linux2.l_i_gid_high, 0x9abc);
  ck_assert_uint_eq (inode.i_extra_isize, 32);
  tree.root_owned = 1;
  inode = filled (&status, 256);
  ck_assert_uint_eq (inode.i_uid | inode.osd2.linux2.l_i_uid_high, 0);
  ck_assert_uint_eq (inode.i_gid | inode.osd2.linux2.l_i_gid_high, 0);
}
END_TEST

/* Seconds in 32 bits, how often they went round in two more, and nanoseconds; the
 * nearest where that ends, which without room for more is 2038. */
START_TEST (times_end_where_an_inode_has_no_room_for_more)
{
  static const struct {
    long long seconds;
    long nanoseconds;
    uint32_t kept, extra, kept_small;
  } times[] = {
    { -2147483649, 0, 0x80000000, 0, 0x80000000 },
    { -2147483648, 1, 0x80000000, 4, 0x80000000 },
    { -1, 999999999, 0xffffffff, 0xee6b27fc, 0xffffffff },
    { 0, 0, 0, 0, 0 },
    { 2147483646, 0, 0x7ffffffe, 0, 0x7ffffffe },
    { 2147483647, 0, 0x7fffffff, 0, 0x7fffffff },
    { 2147483648, 5, 0x80000000, 5 << 2 | 1, 0x7fffffff },
    { 4294967295, 0, 0xffffffff, 1, 0x7fffffff },
    { 4294967296, 0, 0, 1, 0x7fffffff },
    { 6442450944, 0, 0x80000000, 2, 0x7fffffff },
    { 15032385534, 0, 0x7ffffffe, 3, 0x7fffffff },
    { 15032385535, 0, 0x7fffffff, 3, 0x7fffffff },
    { 15032385536, 0, 0x7fffffff, 3, 0x7fffffff },
  };

  for (size_t i = 0; i < COUNT (times); i++) {
    const struct stat status = {
      .st_mtim = { (time_t) times[i].seconds, times[i].nanoseconds } };
    struct ext2_inode_large inode;

    if (status.st_mtim.tv_sec != times[i].seconds)
      continue; /* a time_t of 32 bits */
    inode = filled (&status, 256);
    ck_assert_uint_eq (inode.i_mtime, times[i].kept);
    ck_assert_uint_eq (inode.i_mtime_extra, times[i].extra);
    ck_assert_uint_eq (inode.i_atime, times[i].kept);
    ck_assert_uint_eq (inode.i_atime_extra, times[i].extra);
    ck_assert_uint_eq (inode.i_ctime, TIME);
    ck_assert_uint_eq (inode.i_ctime_extra, 0);
    ck_assert_uint_eq (inode.i_crtime, TIME);
    ck_assert_uint_eq (inode.i_crtime_extra, 0);
    inode = filled (&status, 128);
    ck_assert_uint_eq (inode.i_mtime, times[i].kept_small);
  }
}
END_TEST

static ext2_ino_t
copy_special (const char *name, mode_t mode, dev_t device)
{
  const struct stat status = { .st_mode = mode, .st_rdev = device };
  ext2_ino_t number = 0;

  ck_assert_int_eq (vms_ext4_copy_file (&copy, &top, name, &status, &number),
                    0);
  return number;
}

/* Up to 255 and 255 in 16 bits, and otherwise the upper bits of the minor number
 * stand above the major one. */
static void
copy_devices (void)
{
  static const struct {
    unsigned major, minor;
    uint32_t small, large;
  } devices[] = {
    { 0, 0, 0, 0 }, { 1, 3, 0x103, 0 }, { 255, 255, 0xffff, 0 },
    { 256, 0, 0, 0x10000 }, { 0, 256, 0, 0x100000 },
    { 255, 256, 0, 0x10ff00 }, { 256, 255, 0, 0x100ff },
    { 0xabc, 0x12345, 0, 0x123abc45 },
  };

  for (size_t i = 0; i < COUNT (devices); i++) {
    char name[] = { (char) ('a' + i), '\0' };
    struct ext2_inode_large inode = inode_of (
      copy_special (name, (i % 2 ? S_IFCHR : S_IFBLK) | 0600,
                    makedev (devices[i].major, devices[i].minor)));

    ck_assert_uint_eq (inode.i_block[0], devices[i].small);
    ck_assert_uint_eq (inode.i_block[1], devices[i].large);
    ck_assert_uint_eq (inode.i_links_count, 1);
  }
}

START_TEST (devices_have_small_and_large_numbers)
{
  with_file_system (64 * MIB, 4096, copy_devices);
  RUN ("e2fsck -fn fs");
  RUN ("debugfs -R 'stat d' fs");
  SAYS ("Device major/minor number: 256:00 (hex 100:00)");
  RUN ("debugfs -R 'stat h' fs");
  SAYS ("Device major/minor number: 2748:74565");
}
END_TEST

START_TEST (each_kind_of_file_has_its_type)
{
  static const struct {
    mode_t mode;
    int type;
  } kinds[] = {
    { S_IFREG, 1 }, { S_IFCHR, 3 }, { S_IFBLK, 4 }, { S_IFIFO, 5 },
    { S_IFSOCK, 6 }, { S_IFLNK, 7 }, { 0, 0 },
  };

  for (size_t i = 0; i < COUNT (kinds); i++)
    ck_assert_int_eq (vms_ext4_type_of (kinds[i].mode | 07777),
                      kinds[i].type);
}
END_TEST

/* Content of nothing but a hole, as it has only a size. */
static void
copy_hole (off_t size, int expected)
{
  const struct stat status = { .st_mode = S_IFREG | 0600 };
  ext2_ino_t number = 0;

  make_file ("tree/hole", 0600, "");
  ck_assert_int_eq (truncate ("tree/hole", size), 0);
  ck_assert_int_eq (vms_ext4_copy_file (&copy, &top, "hole", &status, &number),
                    expected);
  ck_assert_int_eq (unlink ("tree/hole"), 0);
}

static void
copy_largest (void)
{
  copy_hole ((off_t) (UINT32_MAX * KIB + 1), -EFBIG);
  ck_assert_str_eq (
    unit_finding (diag, "tree.file-too-large")->text,
    "tree/hole has 4398046510081 bytes, more than a file of an ext4 file system "
    "can have");
  copy_hole ((off_t) (UINT32_MAX * KIB), 0);
}

START_TEST (a_file_has_as_many_blocks_as_32_bits_count)
{
  with_file_system (64 * MIB, 1024, copy_largest);
}
END_TEST

/* ---- extents ------------------------------------------------------------- */

struct root {
  struct ext3_extent_header header;
  struct ext3_extent extents[4];
};

static struct root
root_of (const struct ext2_inode *inode)
{
  struct root root;

  memcpy (&root, inode->i_block, sizeof root);
  return root;
}

static void
add_extents (void)
{
  struct ext2_inode_large inode = { 0 };
  struct ext4_extents extents;
  struct root root;
  uint64_t counts[5], logical = 7;
  blk64_t places[5];

  vms_ext4_extents_start (&extents, &copy, 12, EXT2_INODE (&inode));
  root = root_of (EXT2_INODE (&inode));
  ck_assert_uint_eq (inode.i_flags, EXT4_EXTENTS_FL);
  ck_assert_uint_eq (le16toh (root.header.eh_magic), 0xf30a);
  ck_assert_uint_eq (le16toh (root.header.eh_entries), 0);
  ck_assert_uint_eq (le16toh (root.header.eh_max), 4);
  ck_assert_uint_eq (root.header.eh_depth, 0);
  for (unsigned i = 0; i < 4; i++) {
    /* The last is longer than an extent can be. */
    ck_assert_int_eq (vms_ext4_extents_add (&extents, logical,
                                            i < 3 ? i + 1 : 40000,
                                            &places[i], &counts[i]), 0);
    ck_assert_uint_eq (counts[i], i < 3 ? i + 1 : 32768);
    ck_assert_uint_eq (copy.goal, places[i] + counts[i]);
    if (i)
      ck_assert_uint_ge (places[i], places[i - 1] + counts[i - 1]);
    root = root_of (EXT2_INODE (&inode));
    ck_assert_uint_eq (le16toh (root.header.eh_entries), i + 1);
    ck_assert_uint_eq (le32toh (root.extents[i].ee_block), logical);
    ck_assert_uint_eq (le16toh (root.extents[i].ee_len), counts[i]);
    ck_assert_uint_eq (le16toh (root.extents[i].ee_start_hi), 0);
    ck_assert_uint_eq (le32toh (root.extents[i].ee_start), places[i]);
    ck_assert_ptr_null (extents.tree);
    logical += counts[i] + 5;
    /* Where there is room for the last. */
    copy.goal = i == 2 ? 40000 : copy.goal;
  }
  ck_assert_uint_eq (inode.i_blocks, (1 + 2 + 3 + 32768) * 8);
  ck_assert_int_eq (vms_ext4_extents_add (&extents, logical, 1, &places[4],
                                          &counts[4]), 0);
  ck_assert_ptr_nonnull (extents.tree);
  root = root_of (EXT2_INODE (&inode));
  ck_assert_uint_eq (le16toh (root.header.eh_depth), 1);
  ck_assert_uint_eq (le16toh (root.header.eh_entries), 1);
  vms_ext4_extents_end (&extents);
  ck_assert_ptr_null (extents.tree);
}

START_TEST (four_extents_stand_in_the_inode)
{
  with_file_system (GIB, 4096, add_extents);
}
END_TEST

static void
add_far_away (void)
{
  struct ext2_inode_large inode = { 0 };
  struct ext4_extents extents;
  struct root root;
  uint64_t count;
  blk64_t place;

  vms_ext4_extents_start (&extents, &copy, 12, EXT2_INODE (&inode));
  copy.goal = (1ull << 32) + 100000;
  ck_assert_int_eq (vms_ext4_extents_add (&extents, 0, 3, &place, &count), 0);
  root = root_of (EXT2_INODE (&inode));
  ck_assert_uint_eq (place >> 32, 1);
  ck_assert_uint_eq (le16toh (root.extents[0].ee_start_hi), 1);
  ck_assert_uint_eq (le32toh (root.extents[0].ee_start), (uint32_t) place);
  vms_ext4_extents_end (&extents);
}

START_TEST (extents_reach_beyond_32_bits)
{
  if (!unit_is_watched ()) /* it would take minutes */
    with_file_system (17 * TIB, 4096, add_far_away);
}
END_TEST

/* ---- directories --------------------------------------------------------- */

/* Names of up to four bytes take 12, and the last one 16. */
START_TEST (a_name_that_does_not_fit_takes_the_next_block)
{
  static const char *const names[]
    = { "a", "b", "cccc", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m",
        "n", "o", "p", "qqqqq" };
  static const struct {
    unsigned capacity, used;
    size_t count;
    uint32_t blocks;
  } cases[] = {
    { 100, 0, 0, 1 }, { 96, 0, 8, 1 }, { 96, 0, 9, 2 }, { 95, 0, 8, 2 },
    { 96, 12, 7, 1 }, { 96, 12, 8, 2 }, { 96, 13, 7, 2 }, { 96, 0, 16, 2 },
    { 96, 0, 17, 3 }, { 100, 24, 6, 1 }, { 12, 0, 16, 16 }, { 12, 12, 16, 17 },
    { 208, 0, 17, 1 }, { 207, 0, 17, 2 }, { 208, 4, 17, 2 }, { 212, 4, 17, 1 },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_uint_eq (vms_ext4_directory_blocks (cases[i].capacity,
                                                  cases[i].used, names,
                                                  cases[i].count),
                       cases[i].blocks);
  ck_assert_uint_eq (vms_ext4_top_used (), 12 + 12 + 20);
}
END_TEST

/* The top has one block of 4 KiB, of which 12 bytes are its checksum, and 44 those
 * of what is in it already. */
static void
fill_top (void)
{
  char name[5];

  for (unsigned i = 0; i < (4096 - 12 - 44) / 12; i++) {
    snprintf (name, sizeof name, "%04u", i);
    ck_assert_int_eq (vms_ext4_add_entry (&copy, &top, name, 11, EXT2_FT_DIR),
                      0);
  }
  ck_assert_uint_eq (copy.block_used, 4096 - 12 - (4096 - 12 - 44) % 12);
  ck_assert_int_eq (vms_ext4_add_entry (&copy, &top, "full", 11, EXT2_FT_DIR),
                    -ENOSPC);
  ck_assert_str_eq (unit_finding (diag, "tree.no-space")->text,
                    "the file system is too small for tree: it is full at "
                    "tree/full; make it larger, or leave its size out");
}

START_TEST (a_full_directory_takes_no_more_names)
{
  with_file_system (64 * MIB, 4096, fill_top);
}
END_TEST

static void
add_long_names (void)
{
  char name[257] = "";

  memset (name, 'x', 256);
  ck_assert_int_eq (vms_ext4_add_entry (&copy, &top, name, 11, EXT2_FT_DIR),
                    -ENAMETOOLONG);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  name[255] = '\0';
  ck_assert_int_eq (vms_ext4_add_entry (&copy, &top, name, 11, EXT2_FT_DIR), 0);
}

START_TEST (a_name_of_more_than_255_bytes_is_refused)
{
  with_file_system (64 * MIB, 4096, add_long_names);
}
END_TEST

/* The top begins with three links: by ".", "..", and "lost+found/..". */
static void
add_subdirectories (void)
{
  own.subdirectories = 65000 - 3;
}

static void
add_too_many_subdirectories (void)
{
  own.subdirectories = 65000 - 3 + 1;
}

START_TEST (more_links_than_can_be_counted_are_one)
{
  with_file_system (64 * MIB, 4096, add_subdirectories);
  RUN ("debugfs -R 'stat /' fs");
  SAYS ("Links: 65000 ");
  with_file_system (64 * MIB, 4096, add_too_many_subdirectories);
  RUN ("debugfs -R 'stat /' fs");
  SAYS ("Links: 1 ");
}
END_TEST

/* ---- what is said -------------------------------------------------------- */

START_TEST (errors_of_libext2fs_are_those_of_the_system)
{
  static const struct {
    long code;
    int error;
  } errors[] = {
    { 0, 0 }, { 1, -1 }, { ENOSPC, -ENOSPC }, { 255, -255 }, { 256, -EIO },
    { -1, -EIO }, { -ENOSPC, -EIO }, { EXT2_ET_NO_MEMORY, -ENOMEM },
    { EXT2_ET_BLOCK_ALLOC_FAIL, -ENOSPC },
    { EXT2_ET_INODE_ALLOC_FAIL, -ENOSPC }, { EXT2_ET_DIR_NO_SPACE, -ENOSPC },
    { EXT2_ET_TOOSMALL, -ENOSPC }, { EXT2_ET_BAD_INODE_NUM, -ENOSPC },
    { EXT2_ET_SHORT_READ, -EIO },
  };

  for (size_t i = 0; i < COUNT (errors); i++)
    ck_assert_int_eq (vms_ext4_errno (errors[i].code), errors[i].error);
}
END_TEST

START_TEST (it_is_said_what_fails)
{
  static const struct {
    long code;
    int error;
    const char *id, *text;
  } errors[] = {
    { EIO, -EIO, "image.failed",
      "tree/a cannot be copied into the image: Input/output error" },
    { ENOSPC, -ENOSPC, "image.failed",
      "tree/a cannot be copied into the image: No space left on device" },
    { 256, -EIO, "image.failed",
      "tree/a cannot be copied into the image: libext2fs fails" },
    { EXT2_ET_SHORT_WRITE, -EIO, "image.failed",
      "tree/a cannot be copied into the image: libext2fs fails" },
    { EXT2_ET_BLOCK_ALLOC_FAIL, -ENOSPC, "tree.no-space",
      "the file system is too small for tree: it is full at tree/a; make it "
      "larger, or leave its size out" },
  };
  struct ext4_copy failing = {
    .tree = &tree,
    .walk = { .work = &work, .member = "tree", .tree = "tree" } };

  errno = 0;
  ck_assert_int_eq (vms_ext4_copy_fail (&failing, NULL, "a", 0), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  for (size_t i = 0; i < COUNT (errors); i++) {
    vmspec_diag_clear (diag);
    errno = 0;
    ck_assert_int_eq (vms_ext4_copy_fail (&failing, NULL, "a", errors[i].code),
                      errors[i].error);
    ck_assert_uint_eq (vmspec_diag_count (diag), 1);
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, errors[i].id);
    ck_assert_str_eq (vmspec_diag_get (diag, 0)->text, errors[i].text);
  }
  vmspec_diag_clear (diag);
  errno = ENOMEM; /* that libext2fs did not tell of */
  ck_assert_int_eq (vms_ext4_copy_fail (&failing, NULL, "a", 0), -ENOMEM);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

/* ---- what there is room for ---------------------------------------------- */

/* Kinds of mke2fs.conf, by size: "floppy", "small", none, "big", "huge"; here as they
 * are without such a file, and in every system's.  Eleven inodes are in use. */
START_TEST (kinds_of_file_systems_begin_at_their_sizes)
{
  static const unsigned char uuid[16] = { 1 };
  static const struct {
    uint64_t size, inodes;
  } sizes[] = {
    { 3 * MIB - 4096, 384 - 11 }, { 3 * MIB, 768 - 11 },
    { 512 * MIB - 4096, 128 * KIB - 11 }, { 512 * MIB, 32 * KIB - 11 },
    { 4 * TIB - 4096, 256 * MIB - 11 }, { 4 * TIB, 128 * MIB - 11 },
    { 16 * TIB - 4096, 512 * MIB - 11 }, { 16 * TIB, 256 * MIB - 11 },
  };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    const struct ext4_setup setup = { .size = sizes[i].size, .uuid = uuid,
                                      .hash_seed = uuid, .time = TIME };
    uint64_t bytes, inodes;

    if (unit_is_watched () && sizes[i].size > GIB)
      break;
    ck_assert_int_eq (vms_ext4_room (&work, &setup, &bytes, &inodes), 0);
    ck_assert_uint_eq (inodes, sizes[i].inodes);
    ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  }
}
END_TEST

/* And of lost+found. */
static unsigned sizes_made[2];

static int
look_at_sizes (void *data UNUSED, void *fs)
{
  struct ext2_inode inode;

  ck_assert_int_eq (ext2fs_read_inode (fs, 11, &inode), 0);
  sizes_made[0] = ((ext2_filsys) fs)->blocksize;
  sizes_made[1] = inode.i_size;
  return -ECANCELED;
}

/* What is no size of a block is no wish.  lost+found has 16 KiB, and at least two
 * blocks, but not more than stand in an inode by themselves. */
START_TEST (blocks_have_sizes_that_ext4_knows)
{
  static const unsigned char uuid[16] = { 1 };
  static const struct {
    uint32_t wanted, made, lost_and_found;
  } sizes[] = {
    { 512, 4096, 16384 }, { 1023, 4096, 16384 }, { 1024, 1024, 12288 },
    { 1025, 4096, 16384 }, { 2048, 2048, 16384 }, { 3072, 4096, 16384 },
    { 4096, 4096, 16384 }, { 8192, 8192, 16384 }, { 16384, 16384, 32768 },
    { 32768, 32768, 65536 }, { 65536, 65536, 131072 }, { 65537, 4096, 16384 },
    { 131072, 4096, 16384 }, { 0, 1024, 12288 },
  };

  for (size_t i = 0; i < COUNT (sizes); i++) {
    const struct ext4_setup setup = {
      .size = 64 * MIB, .uuid = uuid, .hash_seed = uuid, .time = TIME,
      .block_size = sizes[i].wanted };
    struct image *image;
    int fd;

    image = new_image (&fd, setup.size);
    ck_assert_int_eq (vms_ext4_make (image, &setup, look_at_sizes, NULL, &work),
                      -ECANCELED);
    ck_assert_uint_eq (sizes_made[0], sizes[i].made);
    ck_assert_uint_eq (sizes_made[1], sizes[i].lost_and_found);
    vms_image_free (image);
    close (fd);
  }
}
END_TEST

START_TEST (a_size_beyond_what_is_kept_in_memory_is_refused)
{
  static const unsigned char uuid[16] = { 1 };
  const struct ext4_setup setup = { .size = 1024 * TIB + 1, .uuid = uuid,
                                    .hash_seed = uuid, .time = TIME };
  struct image *image;
  int fd;

  image = new_image (&fd, MIB);
  ck_assert_int_eq (vms_ext4_make (image, &setup, NULL, NULL, &work), -EFBIG);
  ck_assert_str_eq (unit_finding (diag, "image.file-system-size")->text,
                    "an ext4 file system of 1125899906842625 bytes cannot be "
                    "made, for it is too large");
  vms_image_free (image);
  close (fd);
}
END_TEST

/* ---- input and output ---------------------------------------------------- */

#define DISK_AT 512
#define DISK_SIZE 10240

START_TEST (a_channel_reaches_as_far_as_its_disk)
{
  static const struct struct_io_manager *m = &vms_ext4_io_manager;
  static const struct {
    unsigned long long block;
    int count, reaches;
  } blocks[] = {
    { 0, 1, 1 }, { 0, 10, 1 }, { 0, 11, 0 }, { 9, 1, 1 }, { 9, 2, 0 },
    { 10, 0, 1 }, { 10, 1, 0 }, { 11, 0, 0 }, { 9, -1024, 1 }, { 9, -1025, 0 },
    { 0, -10240, 1 }, { 0, -10241, 0 }, { 10, -1, 0 }, { 8, 2, 1 }, { 8, 3, 0 },
  };
  static char data[16384], found[16384], zeros[16384];
  struct ext4_disk disk = { .offset = DISK_AT, .size = DISK_SIZE };
  char name[EXT4_DISK_NAME];
  io_channel channel;
  int fd;

  memset (data, 'd', sizeof data);
  disk.image = new_image (&fd, 65536);
  vms_ext4_disk_name (&disk, name);
  ck_assert_int_eq (m->open ("nothing", 0, &channel),
                    EXT2_ET_BAD_DEVICE_NAME);
  ck_assert_int_eq (m->open (name, 0, &channel), 0);
  ck_assert_int_eq (channel->block_size, 1024);
  ck_assert_str_eq (channel->name, name);
  ck_assert_int_eq (m->set_option (channel, "any", "thing"), 0);
  ck_assert_int_eq (m->flush (channel), 0);
  for (size_t i = 0; i < COUNT (blocks); i++) {
    int count = blocks[i].count;
    size_t size = (size_t) (count < 0 ? -count : count * 1024);
    uint64_t at = DISK_AT + blocks[i].block * 1024;

    ck_assert_int_eq (vms_image_zero (disk.image, 0, 65536), 0);
    ck_assert_int_eq (m->write_blk64 (channel, blocks[i].block, count, data),
                      blocks[i].reaches ? 0 : EXT2_ET_SHORT_WRITE);
    memset (found, 'x', sizeof found);
    ck_assert_int_eq (m->read_blk64 (channel, blocks[i].block, count, found),
                      blocks[i].reaches ? 0 : EXT2_ET_SHORT_READ);
    if (blocks[i].reaches)
      ck_assert_int_eq (memcmp (found, data, size), 0);
    /* It is where it should be, and nowhere else. */
    ck_assert_int_eq (vms_image_read (disk.image, 0, found, 16384), 0);
    if (blocks[i].reaches) {
      ck_assert_int_eq (memcmp (found + at, data, size), 0);
      memset (found + at, 0, size);
    }
    ck_assert_int_eq (memcmp (found, zeros, 16384), 0);
    ck_assert_int_eq (m->write_blk (channel, blocks[i].block, count, data),
                      blocks[i].reaches ? 0 : EXT2_ET_SHORT_WRITE);
    ck_assert_int_eq (m->read_blk (channel, blocks[i].block, count, found),
                      blocks[i].reaches ? 0 : EXT2_ET_SHORT_READ);
    if (count < 0)
      continue;
    ck_assert_int_eq (vms_image_write (disk.image, 0, data, 16384), 0);
    ck_assert_int_eq (m->zeroout (channel, blocks[i].block,
                                  (unsigned long long) count),
                      blocks[i].reaches ? 0 : EXT2_ET_SHORT_WRITE);
    ck_assert_int_eq (vms_image_read (disk.image, 0, found, 16384), 0);
    if (blocks[i].reaches) {
      ck_assert_int_eq (memcmp (found + at, zeros, size), 0);
      memset (found + at, 'd', size);
    }
    ck_assert_int_eq (memcmp (found, data, 16384), 0);
  }
  ck_assert_ptr_eq (m->discard, m->zeroout);
  ck_assert_int_eq (m->set_blksize (channel, 4096), 0);
  ck_assert_int_eq (m->write_blk64 (channel, 2, -2048, data), 0);
  ck_assert_int_eq (m->write_blk64 (channel, 2, 1, data), EXT2_ET_SHORT_WRITE);
  channel->refcount++;
  ck_assert_int_eq (m->close (channel), 0);
  ck_assert_int_eq (channel->refcount, 1);
  ck_assert_int_eq (m->close (channel), 0);
  vms_image_free (disk.image);
  close (fd);
}
END_TEST

START_TEST (single_bytes_are_written_anywhere_on_a_disk)
{
  static const struct {
    unsigned long at;
    int count, reaches;
  } bytes[] = {
    { 0, 1, 1 }, { 1, 3, 1 }, { 0, 0, 1 }, { 0, -1, 0 }, { DISK_SIZE - 1, 1, 1 },
    { DISK_SIZE - 1, 2, 0 }, { DISK_SIZE, 0, 1 }, { DISK_SIZE, 1, 0 },
  };
  static char data[16] = "dddddddddddddddd", found[16384], zeros[16384];
  struct ext4_disk disk = { .offset = DISK_AT, .size = DISK_SIZE };
  char name[EXT4_DISK_NAME];
  io_channel channel;
  int fd;

  disk.image = new_image (&fd, 65536);
  vms_ext4_disk_name (&disk, name);
  ck_assert_int_eq (vms_ext4_io_manager.open (name, 0, &channel), 0);
  for (size_t i = 0; i < COUNT (bytes); i++) {
    ck_assert_int_eq (vms_image_zero (disk.image, 0, 65536), 0);
    ck_assert_int_eq (vms_ext4_io_manager.write_byte (channel, bytes[i].at,
                                                      bytes[i].count, data),
                      bytes[i].reaches ? 0 : EXT2_ET_SHORT_WRITE);
    ck_assert_int_eq (vms_image_read (disk.image, 0, found, 16384), 0);
    if (bytes[i].reaches) {
      char *at = found + DISK_AT + bytes[i].at;

      ck_assert_int_eq (memcmp (at, data, (size_t) bytes[i].count), 0);
      memset (at, 0, (size_t) bytes[i].count);
    }
    ck_assert_int_eq (memcmp (found, zeros, 16384), 0);
  }
  ck_assert_int_eq (vms_ext4_io_manager.close (channel), 0);
  vms_image_free (disk.image);
  close (fd);
}
END_TEST

static int reports;

static int
cancel_second (void *data, const struct vmspec_progress *progress)
{
  (void) progress;
  ((struct work *) data)->next_report = 0;
  return ++reports == 2;
}

START_TEST (once_cancelled_nothing_is_written)
{
  const struct vmspec_work said = { VMSPEC_INIT (vmspec_work),
                                    .progress = cancel_second, .data = &work };
  struct ext4_disk disk = { .size = 65536, .work = &work };
  char name[EXT4_DISK_NAME], data[1024] = "data";
  io_channel channel;
  int fd;

  ck_assert_int_eq (vms_work_init (&work, &arena, &said, diag), 0);
  disk.image = new_image (&fd, 65536);
  vms_ext4_disk_name (&disk, name);
  ck_assert_int_eq (vms_ext4_io_manager.open (name, 0, &channel), 0);
  reports = 0;
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq (disk.cancelled, i > 1);
    ck_assert_int_eq (vms_ext4_io_manager.write_blk64 (channel, 0, 1, data),
                      i ? ECANCELED : 0);
  }
  ck_assert_int_eq (reports, 2);
  ck_assert_int_eq (vms_ext4_io_manager.close (channel), 0);
  vms_image_free (disk.image);
  close (fd);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("ext4-copy");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, an_inode_has_all_bits_of_its_owners);
  tcase_add_test (t, times_end_where_an_inode_has_no_room_for_more);
  tcase_add_test (t, devices_have_small_and_large_numbers);
  tcase_add_test (t, each_kind_of_file_has_its_type);
  tcase_add_test (t, a_file_has_as_many_blocks_as_32_bits_count);
  tcase_add_test (t, four_extents_stand_in_the_inode);
  tcase_add_test (t, extents_reach_beyond_32_bits);
  tcase_add_test (t, a_name_that_does_not_fit_takes_the_next_block);
  tcase_add_test (t, a_full_directory_takes_no_more_names);
  tcase_add_test (t, a_name_of_more_than_255_bytes_is_refused);
  tcase_add_test (t, more_links_than_can_be_counted_are_one);
  tcase_add_test (t, errors_of_libext2fs_are_those_of_the_system);
  tcase_add_test (t, it_is_said_what_fails);
  tcase_add_test (t, kinds_of_file_systems_begin_at_their_sizes);
  tcase_add_test (t, blocks_have_sizes_that_ext4_knows);
  tcase_add_test (t, a_size_beyond_what_is_kept_in_memory_is_refused);
  tcase_add_test (t, a_channel_reaches_as_far_as_its_disk);
  tcase_add_test (t, single_bytes_are_written_anywhere_on_a_disk);
  tcase_add_test (t, once_cancelled_nothing_is_written);
  return unit_run ("ext4-copy", t);
}
