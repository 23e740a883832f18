/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Headers of qcow and qcow2 images, by the numbers: each field is where QEMU's
 * documentation has it, and each limit is where QEMU has it.
 */
#include "unit.h"

#include "image-header.h"

#define MIB ((uint64_t) 1 << 20)
#define CLUSTER 65536
#define MOST_CHANGES 8

struct change {
  uint32_t at;
  unsigned size;          /* 0: no more changes */
  uint64_t number;
};

static unsigned char bytes[2 * MIB];
static size_t there;      /* bytes of the file that are given */
static uint64_t file_size;
static struct image_header header;

static void
put (uint32_t at, unsigned size, uint64_t number)
{
  for (unsigned i = 0; i < size; i++)
    bytes[at + i] = (unsigned char) (number >> 8 * (size - 1 - i));
}

static void
change (const struct change *changes)
{
  for (size_t i = 0; i < MOST_CHANGES && changes[i].size; i++)
    put (changes[i].at, changes[i].size, changes[i].number);
}

/* A disk of 1 MiB, of which nothing is stored. */
static void
start (uint32_t version)
{
  static const struct change old[MOST_CHANGES]
    = { { 24, 8, MIB }, { 32, 1, 12 }, { 33, 1, 9 }, { 40, 8, 48 } };
  static const struct change new[MOST_CHANGES]
    = { { 20, 4, 16 }, { 24, 8, MIB }, { 36, 4, 1 }, { 40, 8, 3 * CLUSTER },
        { 48, 8, CLUSTER }, { 56, 4, 1 }, { 96, 4, 4 }, { 100, 4, 104 } };

  memset (bytes, 0, sizeof bytes);
  put (0, 4, 0x514649fb);
  put (4, 4, version);
  change (version == 1 ? old : new);
  if (version == 2)
    memset (bytes + 72, 0, 32);
  there = CLUSTER;
  file_size = 5 * CLUSTER;
}

static int
read_it (void)
{
  return vms_image_header_read (&header, bytes, there, file_size);
}

static void
accepted (void)
{
  int r = read_it ();

  ck_assert_msg (r == 0, "%s", header.problem);
  ck_assert_str_eq (header.problem, "");
  ck_assert_int_eq (header.is_unsupported, 0);
}

static void
refused (const char *problem, int is_unsupported)
{
  ck_assert_int_eq (read_it (), -EINVAL);
  ck_assert_str_eq (header.problem, problem);
  ck_assert_int_eq (header.is_unsupported, is_unsupported);
}

/* ---- where everything is ------------------------------------------------- */

#define SAME(field) ck_assert_uint_eq (header.field, expected->field)

static void
is_read_as (const struct image_header *expected)
{
  accepted ();
  SAME (version);
  SAME (cluster_bits);
  SAME (l2_bits);
  SAME (header_size);
  SAME (size);
  SAME (l1_offset);
  SAME (l1_entries);
  SAME (refcounts_offset);
  SAME (refcounts_clusters);
  SAME (refcount_order);
  SAME (snapshots_offset);
  SAME (snapshots);
  SAME (crypt_method);
  SAME (incompatible);
  SAME (compatible);
  SAME (backing_offset);
  SAME (backing_size);
  SAME (compression);
  ck_assert_int_eq (header.has_crypto_header, expected->has_crypto_header);
  ck_assert_str_eq (header.backing_format, expected->backing_format);
}

START_TEST (an_image_of_version_1_is_read_whole)
{
  static const struct change fields[MOST_CHANGES]
    = { { 8, 8, 0x1020304050607 }, { 16, 4, 0x123 },
        { 20, 4, 0xffffffff }, /* when the backing file was changed */
        { 24, 8, 0x102030405 }, { 32, 4, 0x0b0affff }, { 36, 4, 1 },
        { 40, 8, 0x2030405060708 } };

  start (1);
  change (fields);
  there = 48;
  file_size = (uint64_t) 1 << 60;
  is_read_as (&(struct image_header) {
    .version = 1, .backing_offset = 0x1020304050607, .backing_size = 0x123,
    .size = 0x102030405, .cluster_bits = 11, .l2_bits = 10, .crypt_method = 1,
    .l1_offset = 0x2030405060708, .header_size = 48,
    .l1_entries = 0x102030405 / (1 << 21) + 1 });
}
END_TEST

static const struct change fields_of_2[MOST_CHANGES]
  = { { 8, 8, 0x8765 }, { 16, 4, 0x123 }, { 24, 8, 0x123456789 },
      { 32, 4, 1 }, { 36, 4, 0x10111 }, { 40, 8, 0x1234560000 } };
static const struct change more_fields_of_2[MOST_CHANGES]
  = { { 48, 8, 0x2345670000 }, { 56, 4, 17 }, { 60, 4, 0x3456 },
      { 64, 8, 0x4567890000 } };

START_TEST (an_image_of_version_2_is_read_whole)
{
  start (2);
  change (fields_of_2);
  change (more_fields_of_2);
  /* What only version 3 has is an extension here. */
  change ((struct change[MOST_CHANGES]) { { 72, 8, 0xe2792acaull << 32 | 3 },
                                          { 80, 3, 0x726177 } });
  file_size = (uint64_t) 1 << 40;
  is_read_as (&(struct image_header) {
    .version = 2, .backing_offset = 0x8765, .backing_size = 0x123,
    .cluster_bits = 16, .l2_bits = 13, .size = 0x123456789, .crypt_method = 1,
    .l1_entries = 0x10111, .l1_offset = 0x1234560000,
    .refcounts_offset = 0x2345670000, .refcounts_clusters = 17,
    .refcount_order = 4, .snapshots = 0x3456, .snapshots_offset = 0x4567890000,
    .header_size = 72, .backing_format = "raw" });
}
END_TEST

START_TEST (an_image_of_version_3_is_read_whole)
{
  start (3);
  change (fields_of_2);
  change (more_fields_of_2);
  change ((struct change[MOST_CHANGES]) {
    { 72, 8, 0x1f }, { 80, 8, 0x102030405060708 }, { 88, 8, 0 }, { 96, 4, 6 },
    { 100, 4, 112 }, { 104, 4, 0x01ffffff },
    { 112, 8, 0xe2792acaull << 32 | 5 }, { 120, 5, 0x71636f7732 } });
  file_size = (uint64_t) 1 << 40;
  is_read_as (&(struct image_header) {
    .version = 3, .backing_offset = 0x8765, .backing_size = 0x123,
    .cluster_bits = 16, .l2_bits = 12, .size = 0x123456789, .crypt_method = 1,
    .l1_entries = 0x10111, .l1_offset = 0x1234560000,
    .refcounts_offset = 0x2345670000, .refcounts_clusters = 17,
    .refcount_order = 6, .snapshots = 0x3456, .snapshots_offset = 0x4567890000,
    .incompatible = 0x1f, .compatible = 0x102030405060708, .compression = 1,
    .header_size = 112, .backing_format = "qcow2" });
}
END_TEST

START_TEST (so_much_of_the_file_is_wanted_as_a_cluster_has)
{
  static const struct {
    uint32_t version, bits;
    size_t wanted;
  } cases[] = {
    { 1, 12, 512 }, { 1, 0, 512 }, { 2, 8, 512 }, { 2, 9, 512 },
    { 2, 10, 1024 }, { 3, 16, 65536 }, { 3, 21, 2 * MIB }, { 3, 22, 512 },
    { 3, 64, 512 }, { 4, 12, 4096 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    start (3);
    put (4, 4, cases[i].version);
    put (20, 4, cases[i].bits);
    ck_assert_uint_eq (vms_image_header_wanted (bytes, 512), cases[i].wanted);
  }
  /* Of a file that ends before. */
  ck_assert_uint_eq (vms_image_header_wanted (bytes, 20), 512);
}
END_TEST

/* ---- limits -------------------------------------------------------------- */

/* At a limit, and beyond it. */
struct limit {
  uint32_t version;
  uint64_t file_size;       /* 0: large enough */
  const char *problem;      /* NULL: there is none */
  struct change changes[MOST_CHANGES];
};

static void
is_as_said (const struct limit *limit, int is_unsupported)
{
  start (limit->version);
  if (limit->file_size)
    file_size = limit->file_size;
  change (limit->changes);
  if (limit->problem)
    refused (limit->problem, is_unsupported);
  else
    accepted ();
}

static const struct limit news[] = {
  { 0, 0, "it is of version 0, and not 1, 2 or 3", { { 0 } } },
  { 4, 0, "it is of version 4, and not 1, 2 or 3", { { 0 } } },
  { 3, 0, "it has incompatible features that are not known (0x20)",
    { { 72, 8, 0x20 } } },
  { 3, 0, "it has incompatible features that are not known "
    "(0xffffffffffffffe0)", { { 72, 8, UINT64_MAX } } },
  { 3, 0, "it is compressed in the unknown way 2",
    { { 72, 8, 8 }, { 100, 4, 105 }, { 104, 1, 2 } } },
};

START_TEST (what_is_newer_than_we_is_no_damage)
{
  for (size_t i = 0; i < COUNT (news); i++)
    is_as_said (&news[i], 1);
}
END_TEST

static const struct limit limits[] = {
  /* Clusters: those that are small have more tables. */
  { 3, 0, "its clusters have 2^8 bytes, and not 2^9 to 2^21",
    { { 20, 4, 8 } } },
  { 3, 0, NULL, { { 20, 4, 9 }, { 36, 4, 32 } } },
  { 3, 0, "its table of the first level has 31 entries, and its size needs 32",
    { { 20, 4, 9 }, { 36, 4, 31 } } },
  { 3, 8 * MIB, NULL,
    { { 20, 4, 21 }, { 40, 8, 4 * MIB }, { 48, 8, 2 * MIB } } },
  { 3, 0, "its clusters have 2^22 bytes, and not 2^9 to 2^21",
    { { 20, 4, 22 } } },
  /* The header itself. */
  { 3, 0, "its header has 103 bytes, less than 104 or more than a cluster or "
    "the file", { { 100, 4, 103 } } },
  { 3, 0, NULL, { { 100, 4, 65536 } } },
  { 3, 0, "its header has 65537 bytes, less than 104 or more than a cluster or "
    "the file", { { 100, 4, 65537 } } },
  { 3, 103, "its header has 104 bytes, less than 104 or more than a cluster or "
    "the file", { { 0 } } },
  { 3, 104, "its table of reference counts, at 65536, is not within the file's "
    "104", { { 0 } } },
  { 2, 71, "its header has 72 bytes, less than 72 or more than a cluster or "
    "the file", { { 0 } } },
  { 2, 72, "its table of reference counts, at 65536, is not within the file's "
    "72", { { 0 } } },
  /* Compression is said twice, from 105 bytes of header on. */
  { 3, 0, NULL, { { 72, 8, 8 }, { 100, 4, 105 }, { 104, 1, 1 } } },
  { 3, 0, NULL, { { 100, 4, 105 } } },
  { 3, 0, NULL, { { 104, 1, 1 } } },
  { 3, 0, "its way of compression and its features contradict each other",
    { { 100, 4, 105 }, { 104, 1, 1 } } },
  { 3, 0, "its way of compression and its features contradict each other",
    { { 72, 8, 8 }, { 100, 4, 105 } } },
  { 3, 0, "its way of compression and its features contradict each other",
    { { 72, 8, 8 }, { 104, 1, 1 } } },
  /* Clusters that are divided. */
  { 3, 0, NULL, { { 20, 4, 14 }, { 72, 8, 16 } } },
  { 3, 0, "its clusters of 2^13 bytes are too small to be divided",
    { { 20, 4, 13 }, { 72, 8, 16 } } },
  { 3, 0, NULL, { { 20, 4, 13 }, { 72, 8, 7 } } },
  /* Half as many entries in a table of the second level. */
  { 3, 0, NULL, { { 24, 8, 256 * MIB }, { 72, 8, 16 } } },
  { 3, 0, "its table of the first level has 1 entries, and its size needs 2",
    { { 24, 8, 256 * MIB + 1 }, { 72, 8, 16 } } },
  /* Reference counts and encryption. */
  { 3, 0, NULL, { { 96, 4, 6 } } },
  { 3, 0, "its reference counts have 2^7 bits, more than 64",
    { { 96, 4, 7 } } },
  { 3, 0, NULL, { { 32, 4, 1 } } },
  { 3, 0, "it is encrypted, but does not say where its keys are",
    { { 32, 4, 2 } } },
  { 3, 0, "it is encrypted in the unknown way 3", { { 32, 4, 3 } } },
  /* The backing file's name: within the first cluster, and within the file. */
  { 3, 0, NULL, { { 8, 8, 65536 } } },
  { 3, 0, "its backing file's name starts at 65537, outside of the first "
    "cluster", { { 8, 8, 65537 } } },
  { 3, 0, NULL, { { 8, 8, 65526 }, { 16, 4, 10 } } },
  { 3, 0, "its backing file's name has 11 bytes, more than the 10 that there "
    "is room for", { { 8, 8, 65526 }, { 16, 4, 11 } } },
  { 3, 0, NULL, { { 8, 8, 65536 - 1023 }, { 16, 4, 1023 } } },
  { 3, 0, "its backing file's name has 1024 bytes, more than the 1023 that "
    "there is room for", { { 8, 8, 512 }, { 16, 4, 1024 } } },
  { 2, 0, "its backing file's name has 11 bytes, more than the 10 that there "
    "is room for", { { 8, 8, 65526 }, { 16, 4, 11 } } },
  { 3, 1000, "its table of reference counts, at 65536, is not within the "
    "file's 1000", { { 8, 8, 900 }, { 16, 4, 100 } } },
  { 3, 1000, "its backing file's name is not within the file",
    { { 8, 8, 900 }, { 16, 4, 101 } } },
  { 3, 1000, "its backing file's name is not within the file",
    { { 8, 8, 1001 }, { 16, 4, 1 } } },
  { 3, 1000, "its table of reference counts, at 65536, is not within the "
    "file's 1000", { { 8, 8, 1001 } } },
  /* The table of reference counts. */
  { 3, 0, "it has no reference counts", { { 56, 4, 0 } } },
  { 3, 0, NULL, { { 56, 4, 128 } } },
  { 3, 0, "its table of reference counts has 129 entries, more than 128",
    { { 56, 4, 129 } } },
  { 3, 0, "its table of reference counts starts at 66048, within a cluster",
    { { 48, 8, 66048 } } },
  { 3, 0, NULL, { { 48, 8, 4 * CLUSTER } } },
  { 3, 4 * CLUSTER, "its table of reference counts, at 262144, is not within "
    "the file's 262144", { { 48, 8, 4 * CLUSTER } } },
  { 3, 4 * CLUSTER + 1, NULL, { { 48, 8, 4 * CLUSTER } } },
  /* The table of snapshots. */
  { 3, 4 * CLUSTER + 40, NULL, { { 60, 4, 1 }, { 64, 8, 4 * CLUSTER } } },
  { 3, 4 * CLUSTER + 39, "its table of snapshots, at 262144 with 40 bytes, is "
    "not within the file's 262183", { { 60, 4, 1 }, { 64, 8, 4 * CLUSTER } } },
  { 3, 0, "its table of snapshots, at 393216 with 40 bytes, is not within the "
    "file's 327680", { { 60, 4, 1 }, { 64, 8, 6 * CLUSTER } } },
  { 3, 0, NULL, { { 64, 8, 6 * CLUSTER } } },
  { 3, 0, "its table of snapshots starts at 8, within a cluster",
    { { 64, 8, 8 } } },
  { 3, 4 * MIB, NULL, { { 60, 4, 65536 }, { 64, 8, 4 * CLUSTER } } },
  { 3, 4 * MIB, "its table of snapshots has 65537 entries, more than 65536",
    { { 60, 4, 65537 }, { 64, 8, 4 * CLUSTER } } },
  /* The table of the first level. */
  { 3, 64 * MIB, NULL, { { 36, 4, 4194304 } } },
  { 3, 64 * MIB, "its table of the first level has 4194305 entries, more than "
    "4194304", { { 36, 4, 4194305 } } },
  { 3, 0, "its table of the first level starts at 196616, within a cluster",
    { { 40, 8, 3 * CLUSTER + 8 } } },
  { 2, 0, "its table of the first level starts at 196616, within a cluster",
    { { 40, 8, 3 * CLUSTER + 8 } } },
  { 3, 3 * CLUSTER + 8, NULL, { { 0 } } },
  { 3, 3 * CLUSTER + 7, "its table of the first level, at 196608 with 8 bytes, "
    "is not within the file's 196615", { { 0 } } },
  { 3, 2 * CLUSTER, "its table of the first level, at 196608 with 8 bytes, is "
    "not within the file's 131072", { { 0 } } },
  { 3, 0, "its table of the first level, at 18446744073709486080 with 65536 "
    "bytes, is not within the file's 327680",
    { { 36, 4, 8192 }, { 40, 8, UINT64_MAX << 16 } } },
  /* The disk. */
  { 3, 0, NULL, { { 24, 8, 0 }, { 36, 4, 0 } } },
  { 3, 0, "its table of the first level has 0 entries, and its size needs 1",
    { { 24, 8, 1 }, { 36, 4, 0 } } },
  { 3, 0, NULL, { { 24, 8, 512 * MIB } } },
  { 3, 0, "its table of the first level has 1 entries, and its size needs 2",
    { { 24, 8, 512 * MIB + 1 } } },
  { 3, 0, NULL, { { 24, 8, 512 * MIB + 1 }, { 36, 4, 2 } } },
  { 3, 0, "its table of the first level has 1 entries, and its size needs "
    "17179869184", { { 24, 8, INT64_MAX } } },
  { 3, 0, "its size of 9223372036854775808 bytes is no disk's",
    { { 24, 8, (uint64_t) 1 << 63 } } },
};

START_TEST (each_limit_of_a_header_is_exact)
{
  for (size_t i = 0; i < COUNT (limits); i++)
    is_as_said (&limits[i], 0);
}
END_TEST

static const struct limit old_limits[] = {
  { 1, 0, "its size of 1 bytes is no disk's", { { 24, 8, 1 } } },
  { 1, 0, NULL, { { 24, 8, 2 } } },
  { 1, 0, "its size of 9223372036854775808 bytes is no disk's",
    { { 24, 8, (uint64_t) 1 << 63 } } },
  { 1, 0, "its table of the first level has 4398046511104 entries, more than "
    "268435455", { { 24, 8, INT64_MAX } } },
  { 1, 0, "its clusters have 2^8 bytes, and not 2^9 to 2^16",
    { { 32, 1, 8 } } },
  { 1, 0, NULL, { { 32, 1, 9 } } },
  { 1, 0, NULL, { { 32, 1, 16 } } },
  { 1, 0, "its clusters have 2^17 bytes, and not 2^9 to 2^16",
    { { 32, 1, 17 } } },
  { 1, 0, "its tables have 2^5 entries, and not 2^6 to 2^13",
    { { 33, 1, 5 } } },
  { 1, 0, NULL, { { 33, 1, 6 } } },
  { 1, 0, NULL, { { 33, 1, 13 } } },
  { 1, 0, "its tables have 2^14 entries, and not 2^6 to 2^13",
    { { 33, 1, 14 } } },
  { 1, 0, NULL, { { 36, 4, 1 } } },
  { 1, 0, "it is encrypted in the unknown way 2", { { 36, 4, 2 } } },
  /* 2 MiB an entry, from any byte on. */
  { 1, 56, NULL, { { 24, 8, 2 * MIB } } },
  { 1, 57, NULL, { { 40, 8, 49 } } },
  { 1, 56, "its table of the first level, at 49 with 8 bytes, is not within "
    "the file's 56", { { 40, 8, 49 } } },
  { 1, 63, "its table of the first level, at 48 with 16 bytes, is not within "
    "the file's 63", { { 24, 8, 2 * MIB + 1 } } },
  { 1, (uint64_t) 1 << 40, NULL, { { 24, 8, 268435455 * 2 * MIB } } },
  { 1, (uint64_t) 1 << 40, "its table of the first level has 268435456 "
    "entries, more than 268435455", { { 24, 8, 268435455 * 2 * MIB + 1 } } },
  /* The backing file's name may be anywhere in the file. */
  { 1, 0, NULL, { { 8, 8, 5 * CLUSTER - 1023 }, { 16, 4, 1023 } } },
  { 1, 0, "its backing file's name is not within the file",
    { { 8, 8, 5 * CLUSTER - 1022 }, { 16, 4, 1023 } } },
  { 1, 0, "its backing file's name has 1024 bytes, more than the 1023 that "
    "there is room for", { { 8, 8, 48 }, { 16, 4, 1024 } } },
};

START_TEST (a_name_without_a_place_has_no_size)
{
  start (3);
  put (16, 4, 2000);
  accepted ();
  ck_assert_uint_eq (header.backing_size, 0);
}
END_TEST

START_TEST (each_limit_of_an_old_header_is_exact)
{
  for (size_t i = 0; i < COUNT (old_limits); i++)
    is_as_said (&old_limits[i], 0);
}
END_TEST

/* Beyond its end QEMU reads zeros. */
START_TEST (a_file_may_end_within_its_header)
{
  start (1);
  there = 47;
  refused ("it ends within its header", 0);
  there = 48;
  accepted ();
  start (3);
  there = 104;
  accepted ();
  there = 103;
  refused ("its header has 0 bytes, less than 104 or more than a cluster or "
           "the file", 0);
  there = 100;
  refused ("its header has 0 bytes, less than 104 or more than a cluster or "
           "the file", 0);
}
END_TEST

/* ---- extensions ---------------------------------------------------------- */

#define FORMAT 0xe2792acaull
#define CRYPTO 0x0537be77ull
#define BITMAPS 0x23852875ull
#define EXTENSION(type, size) ((type) << 32 | (size))

/* An extension of each size, and one behind it that says "raw". */
START_TEST (what_follows_an_extension_is_8_bytes_further_or_more)
{
  for (uint32_t size = 0; size <= 17; size++)
    for (uint32_t version = 2; version <= 3; version++) {
      uint32_t at = version == 2 ? 72 : 104;
      uint32_t padded = size > 16 ? 24 : size > 8 ? 16 : size ? 8 : 0;

      start (version);
      put (at, 8, EXTENSION (0x12345678ull, size));
      memset (bytes + at + 8, 0xff, padded);
      at += 8 + padded;
      put (at, 8, EXTENSION (FORMAT, 3));
      memcpy (bytes + at + 8, "raw", 3);
      accepted ();
      ck_assert_str_eq (header.backing_format, "raw");
    }
}
END_TEST

START_TEST (nothing_follows_the_end_of_extensions)
{
  start (3);
  put (104, 8, EXTENSION (FORMAT, 5));
  memcpy (bytes + 112, "qcow2", 5);
  put (120, 8, EXTENSION (FORMAT, 3));
  memcpy (bytes + 128, "raw", 3);
  put (136, 8, 0);
  put (144, 8, EXTENSION (FORMAT, 400));
  accepted ();
  ck_assert_str_eq (header.backing_format, "raw");
  put (120, 8, 0);
  accepted ();
  ck_assert_str_eq (header.backing_format, "qcow2");
  /* Nor is there one where the name starts. */
  put (8, 8, 104);
  accepted ();
  ck_assert_str_eq (header.backing_format, "");
}
END_TEST

static const struct limit extensions[] = {
  /* They end where the name of the backing file starts, or the cluster ends. */
  { 3, 0, NULL, { { 104, 8, EXTENSION (1ull, 65536 - 112) } } },
  { 3, 0, "an extension of its header has 65425 bytes, more than there is room "
    "for", { { 104, 8, EXTENSION (1ull, 65536 - 111) } } },
  { 3, 0, NULL, { { 8, 8, 200 }, { 104, 8, EXTENSION (1ull, 88) } } },
  { 3, 0, "an extension of its header has 89 bytes, more than there is room "
    "for", { { 8, 8, 200 }, { 104, 8, EXTENSION (1ull, 89) } } },
  { 3, 0, NULL, { { 8, 8, 112 }, { 104, 8, EXTENSION (1ull, 0) } } },
  { 3, 0, "an extension of its header has 0 bytes, more than there is room for",
    { { 8, 8, 111 }, { 104, 8, EXTENSION (1ull, 0) } } },
  { 3, 0, "an extension of its header has 1 bytes, more than there is room for",
    { { 8, 8, 112 }, { 104, 8, EXTENSION (0ull, 1) } } },
  { 3, 0, NULL, { { 104, 8, EXTENSION (FORMAT, 15) } } },
  { 3, 0, "the name of its backing file's format has 16 bytes, more than 15",
    { { 104, 8, EXTENSION (FORMAT, 16) } } },
  /* Where keys are. */
  { 3, 0, NULL, { { 32, 4, 2 }, { 104, 8, EXTENSION (CRYPTO, 16) },
                  { 112, 8, CLUSTER } } },
  { 2, 0, NULL, { { 32, 4, 2 }, { 72, 8, EXTENSION (CRYPTO, 16) },
                  { 80, 8, CLUSTER } } },
  { 3, 0, "its extension for encryption makes no sense",
    { { 32, 4, 2 }, { 104, 8, EXTENSION (CRYPTO, 15) } } },
  { 3, 0, "its extension for encryption makes no sense",
    { { 32, 4, 2 }, { 104, 8, EXTENSION (CRYPTO, 17) } } },
  { 3, 0, "its extension for encryption makes no sense",
    { { 32, 4, 2 }, { 104, 8, EXTENSION (CRYPTO, 16) },
      { 112, 8, CLUSTER / 2 } } },
  { 3, 0, "its extension for encryption makes no sense",
    { { 32, 4, 1 }, { 104, 8, EXTENSION (CRYPTO, 16) } } },
  /* Bitmaps, of which a bit says whether they are to be believed. */
  { 3, 0, NULL, { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) },
                  { 112, 4, 1 }, { 120, 8, 64 * MIB }, { 128, 8, CLUSTER } } },
  { 3, 0, NULL, { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) },
                  { 112, 4, 65535 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 65536 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 0 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 1 },
      { 116, 4, 1 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 1 },
      { 116, 4, 1 << 24 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 1 },
      { 120, 8, 64 * MIB + 1 } } },
  { 3, 0, "its extension for bitmaps makes no sense",
    { { 88, 8, 1 }, { 104, 8, EXTENSION (BITMAPS, 24) }, { 112, 4, 1 },
      { 128, 8, CLUSTER / 2 } } },
  { 3, 0, NULL, { { 88, 8, 2 }, { 104, 8, EXTENSION (BITMAPS, 24) },
                  { 112, 4, 0 } } },
  { 2, 0, NULL, { { 72, 8, EXTENSION (BITMAPS, 24) }, { 88, 8, 1 } } },
  { 3, 0, "its extension for bitmaps has 23 bytes, and not 24",
    { { 104, 8, EXTENSION (BITMAPS, 23) } } },
  { 3, 0, "its extension for bitmaps has 25 bytes, and not 24",
    { { 104, 8, EXTENSION (BITMAPS, 25) } } },
};

START_TEST (each_limit_of_an_extension_is_exact)
{
  for (size_t i = 0; i < COUNT (extensions); i++) {
    is_as_said (&extensions[i], 0);
    ck_assert_int_eq (header.has_crypto_header,
                      header.crypt_method == 2 && !extensions[i].problem);
  }
}
END_TEST

/* ------------------------------------------------------------------------- */

int
main (void)
{
  TCase *t = unit_case ("image-header");

  tcase_add_test (t, an_image_of_version_1_is_read_whole);
  tcase_add_test (t, an_image_of_version_2_is_read_whole);
  tcase_add_test (t, an_image_of_version_3_is_read_whole);
  tcase_add_test (t, so_much_of_the_file_is_wanted_as_a_cluster_has);
  tcase_add_test (t, what_is_newer_than_we_is_no_damage);
  tcase_add_test (t, each_limit_of_a_header_is_exact);
  tcase_add_test (t, each_limit_of_an_old_header_is_exact);
  tcase_add_test (t, a_name_without_a_place_has_no_size);
  tcase_add_test (t, a_file_may_end_within_its_header);
  tcase_add_test (t, what_follows_an_extension_is_8_bytes_further_or_more);
  tcase_add_test (t, nothing_follows_the_end_of_extensions);
  tcase_add_test (t, each_limit_of_an_extension_is_exact);
  return unit_run ("image-header", t);
}
