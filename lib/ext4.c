/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What mke2fs does, with libext2fs as it has it: parameters by mke2fs.conf(5)
 * and the size, then tables, root, lost+found, journal.
 */
#include "ext4.h"

#include <e2p/e2p.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ext4-io.h"
#include "mke2fs-conf.h"

#define KIB 1024ull
#define MIB (KIB * 1024)
#define TIB (MIB * 1024 * 1024)
#define PAGE (4 * KIB)

struct maker {
  const struct ext4_setup *setup;
  struct mke2fs_conf conf;
  const char *types[3];           /* "ext4", and by the size */
  struct ext2_super_block wanted;
  ext2_filsys fs;
  struct image *image;
  struct work *work;
};

int
vms_ext4_errno (long code)
{
  switch (code) {
  case 0:
    return 0;
  case EXT2_ET_NO_MEMORY:
    return -ENOMEM;
  case EXT2_ET_BLOCK_ALLOC_FAIL:
  case EXT2_ET_INODE_ALLOC_FAIL:
  case EXT2_ET_DIR_NO_SPACE:
  case EXT2_ET_TOOSMALL:
  case EXT2_ET_BAD_INODE_NUM: /* not even room for the reserved inodes */
    return -ENOSPC;
  default:
    /* Below the library's own numbers are those of errno(3). */
    return code > 0 && code < 256 ? (int) -code : -EIO;
  }
}

/* ---- parameters --------------------------------------------------------- */

/* The sizes have types of their own, which say what differs. */
static const char *
type_by_size (uint64_t size)
{
  if (size < 3 * MIB)
    return "floppy";
  if (size < 512 * MIB)
    return "small";
  if (size < 4 * TIB)
    return NULL;
  return size < 16 * TIB ? "big" : "huge";
}

static long
number (const struct maker *m, const char *name, long fallback)
{
  return vms_mke2fs_conf_number (&m->conf, m->types, name, fallback);
}

static void
want_features (struct maker *m)
{
  const char *base = vms_mke2fs_conf_get (
    &m->conf, m->types, "base_features",
    "sparse_super,large_file,filetype,resize_inode,dir_index");
  const char *more = vms_mke2fs_conf_get (&m->conf, m->types, "default_features",
                                          "");

  e2p_edit_feature (base, &m->wanted.s_feature_compat, NULL);
  for (const char *const *type = m->types; *type; type++) {
    const char *features = vms_mke2fs_conf_of_type (&m->conf, *type, "features");

    if (features)
      e2p_edit_feature (features, &m->wanted.s_feature_compat, NULL);
  }
  e2p_edit_feature (more, &m->wanted.s_feature_compat, NULL);
  if (ext2fs_has_feature_metadata_csum (&m->wanted))
    ext2fs_clear_feature_gdt_csum (&m->wanted);
}

static void
want_mount_options (struct maker *m)
{
  const char *options = vms_mke2fs_conf_get (&m->conf, m->types,
                                             "default_mntopts", "acl,user_xattr");

  e2p_edit_mntopts (options, &m->wanted.s_default_mount_opts, ~0u);
}

/* Where mke2fs.conf says nothing, or nothing that can be. */
#define BLOCK_SIZE 4096
#define INODE_SIZE 256
#define INODE_RATIO 8192
#define GROUPS_PER_FLEX 16

/* With fewer, libext2fs has other complaints than that it is too small. */
#define FEWEST_BLOCKS 16
/* Its tables are kept in memory: some 5 MiB for each TiB. */
#define LARGEST (1024 * TIB)

/* Sizes that do not fit in a file system's numbers end at what does. */
static int
want_sizes (struct maker *m)
{
  struct ext2_super_block *w = &m->wanted;
  /* mke2fs counts blocks of 1 KiB first, and whole pages of them. */
  uint64_t kib = m->setup->size / PAGE * (PAGE / KIB);
  long block = number (m, "blocksize", BLOCK_SIZE);
  long ratio = number (m, "inode_ratio", INODE_RATIO), inode;
  uint64_t blocks, inodes;

  if (m->setup->block_size)
    block = m->setup->block_size;
  if (block < EXT2_MIN_BLOCK_SIZE || block > EXT2_MAX_BLOCK_SIZE
      || block & (block - 1))
    block = BLOCK_SIZE;
  inode = number (m, "inode_size", INODE_SIZE);
  if (inode < EXT2_GOOD_OLD_INODE_SIZE || inode > block || inode & (inode - 1))
    inode = INODE_SIZE;
  if (ratio < block)
    ratio = block;
  blocks = kib / ((uint64_t) block / KIB);
  if (blocks > UINT32_MAX) {
    if (!ext2fs_has_feature_64bit (w))
      return -EFBIG;
    ext2fs_clear_feature_resize_inode (w);
  }
  if (blocks < FEWEST_BLOCKS)
    return -ENOSPC;
  if (m->setup->size > LARGEST)
    return -EFBIG;
  inodes = blocks * (uint64_t) block / (uint64_t) ratio;
  if (inodes < m->setup->inodes)
    inodes = m->setup->inodes;
  w->s_rev_level = EXT2_DYNAMIC_REV;
  w->s_log_block_size
    = (unsigned) __builtin_ctzl ((unsigned long) block) - EXT2_MIN_BLOCK_LOG_SIZE;
  w->s_log_cluster_size = w->s_log_block_size;
  w->s_inode_size = (__u16) inode;
  w->s_inodes_count = inodes > UINT32_MAX ? UINT32_MAX : (__u32) inodes;
  if (ext2fs_has_feature_64bit (w))
    w->s_desc_size = EXT2_MIN_DESC_SIZE_64BIT;
  if (ext2fs_has_feature_flex_bg (w))
    w->s_log_groups_per_flex = (__u8) __builtin_ctzl (
      (unsigned long) number (m, "flex_bg_size", GROUPS_PER_FLEX));
  ext2fs_blocks_count_set (w, blocks);
  return 0;
}

static void
want_reserve (struct maker *m)
{
  const char *ratio = vms_mke2fs_conf_get (&m->conf, m->types, "reserved_ratio",
                                           "5.0");
  double percent = strtod (ratio, NULL);
  double blocks = (double) ext2fs_blocks_count (&m->wanted);

  ext2fs_r_blocks_count_set (&m->wanted, (blk64_t) (percent * blocks / 100.0));
}

static int
want (struct maker *m)
{
  int r;

  vms_mke2fs_conf_read (&m->conf, m->work->arena, NULL);
  m->types[0] = "ext4";
  m->types[1] = type_by_size (m->setup->size);
  want_features (m);
  want_mount_options (m);
  r = want_sizes (m);
  if (r == 0)
    want_reserve (m);
  return vms_arena_error (m->work->arena) ? vms_arena_error (m->work->arena)
                                          : r;
}

/* ---- the superblock ----------------------------------------------------- */

static void
set_identity (struct maker *m)
{
  struct ext2_super_block *super = m->fs->super;
  const struct ext4_setup *setup = m->setup;
  const char *hash = vms_mke2fs_conf_get (&m->conf, m->types, "hash_alg",
                                          "half_md4");
  /* It only reads the name. */
  int version = e2p_string2hash (vms_writable (hash));

  memcpy (super->s_uuid, setup->uuid, sizeof super->s_uuid);
  memcpy (super->s_hash_seed, setup->hash_seed, sizeof super->s_hash_seed);
  if (setup->label)
    memcpy (super->s_volume_name, setup->label,
            strnlen (setup->label, sizeof super->s_volume_name));
  if (ext2fs_has_feature_csum_seed (super))
    super->s_checksum_seed
      = ext2fs_crc32c_le (~0u, super->s_uuid, sizeof super->s_uuid);
  ext2fs_init_csum_seed (m->fs);
  super->s_def_hash_version
    = (__u8) (version >= 0 ? version : EXT2_HASH_HALF_MD4);
  if (ext2fs_has_feature_metadata_csum (super))
    super->s_checksum_type = EXT2_CRC32C_CHKSUM;
}

static void
set_time (struct maker *m)
{
  struct ext2_super_block *super = m->fs->super;

  m->fs->now = (time_t) m->setup->time;
  super->s_mkfs_time = super->s_wtime = super->s_lastcheck
    = (__u32) m->setup->time;
  super->s_kbytes_written = 1;
  super->s_max_mnt_count = -1;
}

/* ---- the file system ---------------------------------------------------- */

/* A fresh image is zero, so that nobody has to clear the inode tables, neither
 * now nor the guest in the background. */
static errcode_t
make_tables (struct maker *m, blk64_t *ret_overhead)
{
  ext2_filsys fs = m->fs;
  struct ext2_inode *zero = NULL;
  errcode_t error = ext2fs_allocate_tables (fs);

  if (!error)
    error = ext2fs_convert_subcluster_bitmap (fs, &fs->block_map);
  if (!error)
    error = ext2fs_count_used_clusters (
      fs, fs->super->s_first_data_block, ext2fs_blocks_count (fs->super) - 1,
      ret_overhead);
  if (error)
    return error;
  for (dgrp_t i = 0; i < fs->group_desc_count; i++) {
    ext2fs_bg_flags_set (fs, i, EXT2_BG_INODE_ZEROED);
    ext2fs_group_desc_csum_set (fs, i);
  }
  if (!ext2fs_has_feature_metadata_csum (fs->super))
    return 0;
  error = ext2fs_get_memzero ((unsigned long) EXT2_INODE_SIZE (fs->super),
                              &zero);
  for (ext2_ino_t i = 1; !error && i < EXT2_FIRST_INO (fs->super); i++)
    error = ext2fs_write_inode_full (fs, i, zero, EXT2_INODE_SIZE (fs->super));
  ext2fs_free_mem (&zero);
  return error;
}

/* Large enough for e2fsck to put what it finds. */
#define LOST_AND_FOUND (16 * 1024)

static errcode_t
make_directories (struct maker *m)
{
  const char *name = "lost+found";
  ext2_filsys fs = m->fs;
  ext2_ino_t inode;
  errcode_t error = ext2fs_mkdir (fs, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);

  if (!error) {
    fs->umask = 077;
    error = ext2fs_mkdir (fs, EXT2_ROOT_INO, 0, name);
  }
  if (!error)
    error = ext2fs_lookup (fs, EXT2_ROOT_INO, name, (int) strlen (name), NULL,
                           &inode);
  for (unsigned i = 1, size = 0; !error && i < EXT2_NDIR_BLOCKS; i++) {
    size += fs->blocksize;
    if (size >= LOST_AND_FOUND && size >= 2 * fs->blocksize)
      break;
    error = ext2fs_expand_dir (fs, inode);
  }
  return error;
}

static errcode_t
make_reserved (struct maker *m)
{
  ext2_filsys fs = m->fs;
  errcode_t error;

  for (ext2_ino_t i = EXT2_ROOT_INO + 1; i < EXT2_FIRST_INODE (fs->super); i++)
    ext2fs_inode_alloc_stats2 (fs, i, +1, 0);
  ext2fs_mark_ib_dirty (fs);
  ext2fs_mark_inode_bitmap2 (fs->inode_map, EXT2_BAD_INO);
  ext2fs_inode_alloc_stats2 (fs, EXT2_BAD_INO, +1, 0);
  error = ext2fs_update_bb_inode (fs, NULL);
  if (!error && ext2fs_has_feature_resize_inode (fs->super))
    error = ext2fs_create_resize_inode (fs);
  return error;
}

static errcode_t
make_journal (struct maker *m, blk64_t *overhead)
{
  struct ext2fs_journal_params params = { 0 };
  ext2_filsys fs = m->fs;
  errcode_t error;

  if (!ext2fs_has_feature_journal (fs->super))
    return 0;
  /* Too small for one. */
  if (ext2fs_get_journal_params (&params, fs) || !params.num_journal_blocks) {
    ext2fs_clear_feature_journal (fs->super);
    ext2fs_clear_feature_orphan_file (fs->super);
    return 0;
  }
  *overhead += EXT2FS_NUM_B2C (fs, params.num_journal_blocks
                                     + params.num_fc_blocks);
  error = ext2fs_add_journal_inode3 (fs, &params, ~0ull,
                                     EXT2_MKJOURNAL_NO_MNT_CHECK
                                       | EXT2_MKJOURNAL_LAZYINIT);
  return error;
}

static errcode_t
make_orphan_file (struct maker *m)
{
  ext2_filsys fs = m->fs;

  if (!ext2fs_has_feature_orphan_file (fs->super))
    return 0;
  return ext2fs_create_orphan_file (fs, (blk_t) ext2fs_default_orphan_file_blocks (fs));
}

static errcode_t
make (struct maker *m)
{
  blk64_t overhead = 0;
  errcode_t error = make_tables (m, &overhead);

  if (!error)
    error = make_directories (m);
  if (!error)
    error = make_reserved (m);
  if (!error)
    error = make_journal (m, &overhead);
  if (!error) {
    overhead += EXT2FS_NUM_B2C (m->fs, m->fs->super->s_first_data_block);
    m->fs->super->s_overhead_clusters = (__u32) overhead;
    error = make_orphan_file (m);
  }
  return error;
}

static int
vms_say (struct maker *m, errcode_t error)
{
  /* What the file had against it, libext2fs may not know. */
  int r = vms_image_error (m->image) ? vms_image_error (m->image)
                                     : vms_ext4_errno (error);

  if (r == -ECANCELED)
    return r;
  if (r == -ENOSPC || r == -EFBIG)
    return vms_work_fail (m->work, r, "image.file-system-size", "size",
                          "an ext4 file system of %llu bytes cannot be made, for it "
                          "is too %s", (unsigned long long) m->setup->size,
                          r == -EFBIG ? "large" : "small for its own tables");
  return vms_work_fail (m->work, r, "image.failed", "file",
                        "the ext4 file system cannot be written: %s",
                        r == -EIO && error >= 256
                          ? "libext2fs fails" : strerrordesc_np (-r));
}

static int
make_file_system (struct image *image, const struct ext4_setup *setup,
                  int (*fill) (void *data, void *fs), void *data,
                  struct work *work)
{
  struct ext4_disk disk = { .image = image, .offset = setup->offset,
                            .size = setup->size };
  struct maker m = { .setup = setup, .work = work, .image = image };
  io_manager manager;
  char name[EXT4_DISK_NAME];
  errcode_t error;
  int r = want (&m);

  /* Who fills it tells how far that is. */
  if (!fill)
    disk.work = work;
  if (errno == ENOMEM)
    return -ENOMEM;
  if (r < 0)
    return vms_say (&m, -r);
  vms_ext4_disk_name (&disk, name);
  memcpy (&manager, &(const void *) { &vms_ext4_io_manager }, sizeof manager);
  error = ext2fs_initialize (name, EXT2_FLAG_EXCLUSIVE | EXT2_FLAG_64BITS,
                             &m.wanted, manager, &m.fs);
  if (error)
    return vms_say (&m, error);
  set_time (&m);
  set_identity (&m);
  error = make (&m);
  if (!error && fill)
    r = fill (data, m.fs);
  if (error || r < 0) {
    ext2fs_free (m.fs);
    return error ? vms_say (&m, error) : r;
  }
  error = ext2fs_close_free (&m.fs);
  if (disk.cancelled)
    return -ECANCELED;
  return error ? vms_say (&m, error) : 0;
}

/* libe2p and libext2fs do not tell of every allocation that fails: they leave
 * something out, or have another reason.  errno(3) knows. */
int
vms_ext4_make (struct image *image, const struct ext4_setup *setup,
               int (*fill) (void *data, void *fs), void *data,
               struct work *work)
{
  int r;

  errno = 0;
  r = make_file_system (image, setup, fill, data, work);
  return errno == ENOMEM ? -ENOMEM : r;
}
