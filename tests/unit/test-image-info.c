/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vmspec_image_info() on images that QEMU's own tools have made, and on what is
 * left of them after some damage.
 */
#include "judges.h"

#include "image-layer.h"

#define RAW VMSPEC_IMAGE_FORMAT_RAW
#define QCOW VMSPEC_IMAGE_FORMAT_QCOW
#define QCOW2 VMSPEC_IMAGE_FORMAT_QCOW2
#define ANY VMSPEC_IMAGE_FORMAT_UNSET
#define MIB ((uint64_t) 1 << 20)
#define UUID "11111111-2222-3333-4444-555555555555"

static vmspec_diag *diag;
static struct vmspec_image_info *info;

static void
set_up (void)
{
  scratch_make ();
  info = NULL;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
}

static void
forget (void)
{
  vmspec_image_info_free (info);
  info = NULL;
  vmspec_diag_clear (diag);
}

static void
tear_down (void)
{
  vmspec_image_info_free (info);
  vmspec_diag_free (diag);
  scratch_remove ();
}

/* It is described, without a finding. */
static void
look (const char *file, uint32_t format)
{
  int r;

  forget ();
  r = vmspec_image_info (file, format, diag, &info);
  ck_assert_msg (r == 0, "%s: %s%s", file, strerror (-r), unit_findings (diag));
  ck_assert_msg (!vmspec_diag_count (diag), "%s", unit_findings (diag));
  ck_assert_str_eq (info->file, file);
  ck_assert_uint_eq (info->struct_size, sizeof *info);
}

/* It is refused, with one finding that says @text. */
static void
refused (const char *file, uint32_t format, int error, const char *id,
         const char *text)
{
  const struct vmspec_finding *f;
  int r;

  forget ();
  r = vmspec_image_info (file, format, diag, &info);
  ck_assert_ptr_null (info);
  ck_assert_msg (r == error, "%s: %d%s", file, r, unit_findings (diag));
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  f = vmspec_diag_get (diag, 0);
  ck_assert_str_eq (f->id, id);
  ck_assert_str_eq (f->path, "file");
  ck_assert_msg (strstr (f->text, text) != NULL, "%s", f->text);
  ck_assert_int_eq (vmspec_image_info (file, format, NULL, &info), error);
}

static void
damaged (const char *file, const char *text)
{
  refused (file, ANY, -EINVAL, "image.damaged", text);
}

/* Overwrites bytes of a file. */
static void
patch (const char *file, off_t offset, const void *bytes, size_t size)
{
  int fd = open (file, O_WRONLY | O_CLOEXEC);

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (pwrite (fd, bytes, size, offset), (ssize_t) size);
  close (fd);
}

static void
patch_number (const char *file, off_t offset, uint64_t number, size_t size)
{
  unsigned char bytes[8];

  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char) (number >> 8 * (size - 1 - i));
  patch (file, offset, bytes, size);
}

/* ---- formats ------------------------------------------------------------ */

static void
holds_as_qemu_says (const char *file, uint32_t format)
{
  char text[64];

  for (int named = 0; named < 2; named++) {
    look (file, named ? format : ANY);
    ck_assert_uint_eq (info->format, format);
    ck_assert_uint_eq (info->in_use, VMSPEC_OFF);
    RUN ("qemu-img info --output=json %s", file);
    if (info->virtual_size) {
      snprintf (text, sizeof text, "\"virtual-size\": %" PRIu64 ",",
                info->virtual_size);
      SAYS (text);
    }
    snprintf (text, sizeof text, "\"actual-size\": %" PRIu64 ",",
              info->stored_size);
    SAYS (text);
  }
}

START_TEST (qcow2_images_of_both_versions_are_described)
{
  RUN ("qemu-img create -q -f qcow2 three 10M;"
       "qemu-img create -q -f qcow2 -o compat=0.10,cluster_size=2M two 3G");
  holds_as_qemu_says ("three", QCOW2);
  ck_assert_uint_eq (info->version, 3);
  ck_assert_uint_eq (info->cluster_size, 65536);
  ck_assert_uint_eq (info->virtual_size, 10 * MIB);
  ck_assert_uint_eq (info->encrypted, VMSPEC_OFF);
  ck_assert_ptr_null (info->backing_file);
  ck_assert_ptr_null (info->backing);
  ck_assert_ptr_null (info->file_system);
  holds_as_qemu_says ("two", QCOW2);
  ck_assert_uint_eq (info->version, 2);
  ck_assert_uint_eq (info->cluster_size, 2 * MIB);
}
END_TEST

START_TEST (qcow_and_raw_images_are_described)
{
  RUN ("qemu-img create -q -f qcow one 10M; qemu-img create -q -f raw raw 10M;"
       "printf 'x' | dd of=raw conv=notrunc status=none");
  holds_as_qemu_says ("one", QCOW);
  ck_assert_uint_eq (info->version, 1);
  ck_assert_uint_eq (info->cluster_size, 4096);
  holds_as_qemu_says ("raw", RAW);
  ck_assert_uint_eq (info->virtual_size, 10 * MIB);
  ck_assert_uint_eq (info->cluster_size, 0);
}
END_TEST

/* Of names that are not ASCII libqcow is not asked. */
START_TEST (backing_files_have_names_of_any_bytes)
{
  RUN ("qemu-img create -q -f raw 'b\303\244\377se' 10M;"
       "qemu-img create -q -f qcow -b 'b\303\244\377se' -F raw one;"
       "qemu-img create -q -f qcow2 -o compat=0.10 -b 'b\303\244\377se' -F raw two");
  look ("one", ANY);
  ck_assert_str_eq (info->backing_file, "b\303\244\377se");
  look ("two", ANY);
  ck_assert_str_eq (info->backing_file, "b\303\244\377se");
  ck_assert_ptr_nonnull (info->backing);
}
END_TEST

START_TEST (images_of_other_programs_are_recognised)
{
  RUN ("for f in vdi vmdk vhdx vpc; do qemu-img create -q -f $f $f 10M; done;"
       "qemu-img create -q -f vpc -o subformat=fixed fixed 10M;"
       "qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 10M");
  holds_as_qemu_says ("vdi", VMSPEC_IMAGE_FORMAT_VDI);
  ck_assert_uint_eq (info->virtual_size, 10 * MIB);
  holds_as_qemu_says ("vmdk", VMSPEC_IMAGE_FORMAT_VMDK);
  ck_assert_uint_eq (info->virtual_size, 10 * MIB);
  holds_as_qemu_says ("vpc", VMSPEC_IMAGE_FORMAT_VPC);
  ck_assert_uint_ge (info->virtual_size, 10 * MIB);
  holds_as_qemu_says ("vhdx", VMSPEC_IMAGE_FORMAT_VHDX);
  ck_assert_uint_eq (info->virtual_size, 0);
  look ("fixed", ANY);
  ck_assert_uint_eq (info->format, VMSPEC_IMAGE_FORMAT_VPC);
  ck_assert_uint_ge (info->virtual_size, 10 * MIB);
  look ("flat.vmdk", ANY);
  ck_assert_uint_eq (info->format, VMSPEC_IMAGE_FORMAT_VMDK);
}
END_TEST

START_TEST (a_format_that_is_said_must_be_the_image_s)
{
  RUN ("qemu-img create -q -f qcow2 image 1M; echo text > text;"
       "qemu-img create -q -f qcow old 1M");
  refused ("text", QCOW2, -EINVAL, "image.format",
           "text holds no qcow2 image; say format=raw if it is a raw one");
  refused ("image", VMSPEC_IMAGE_FORMAT_VMDK, -EINVAL, "image.format",
           "image holds no vmdk image, but looks like qcow2; say format=qcow2");
  refused ("old", QCOW2, -EINVAL, "image.format", "looks like qcow;");
  refused ("image", 99, -EINVAL, "image.format", "99");
  /* What is raw may hold anything. */
  look ("image", RAW);
  ck_assert_uint_eq (info->format, RAW);
}
END_TEST

START_TEST (what_cannot_be_opened_is_said)
{
  RUN ("mkdir dir; mkfifo fifo; ln -s loop loop");
  refused ("gone", ANY, -ENOENT, "image.missing", "gone does not exist");
  refused ("", ANY, -ENOENT, "image.missing", "no image");
  refused ("dir", ANY, -EISDIR, "image.unreadable", "dir");
  refused ("fifo", ANY, -EINVAL, "image.unreadable", "fifo is neither");
  refused ("/dev/null", ANY, -EINVAL, "image.unreadable", "/dev/null");
  refused ("loop", ANY, -ELOOP, "image.unreadable", "loop");
}
END_TEST

START_TEST (the_largest_image_is_no_more_work)
{
  RUN ("qemu-img create -q -f qcow2 huge 2P");
  look ("huge", ANY);
  ck_assert_uint_eq (info->virtual_size, (uint64_t) 2 << 50);
  RUN ("qemu-img create -q -f qcow2 none 0");
  look ("none", ANY);
  ck_assert_uint_eq (info->virtual_size, 0);
}
END_TEST

START_TEST (encrypted_images_are_encrypted)
{
  RUN ("qemu-img create -q -f qcow2 --object secret,id=s,data=x "
       "-o encrypt.format=aes,encrypt.key-secret=s aes 1M");
  /* It measures how fast it is, and may not succeed while others work. */
  RUN ("for i in 1 2 3 4 5 6 7 8 9; do "
       "qemu-img create -q -f qcow2 --object secret,id=s,data=x -o "
       "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 luks 1M "
       "&& exit; done; exit 1");
  look ("aes", ANY);
  ck_assert_uint_eq (info->encrypted, VMSPEC_ON);
  look ("luks", QCOW2);
  ck_assert_uint_eq (info->encrypted, VMSPEC_ON);
  ck_assert_ptr_null (info->file_system);
  patch_number ("luks", 32, 1, 4);
  damaged ("luks", "encryption makes no sense");
}
END_TEST

/* Headers of others, as their programs lay them out; in any size of file. */
START_TEST (sizes_of_other_formats_are_where_they_are_said_to_be)
{
  static const struct {
    uint32_t format;
    off_t size;
    const char *mark;
    off_t mark_at;
    const char *number;   /* 8 bytes */
    off_t at;
    uint64_t expected;
  } cases[] = {
    { VMSPEC_IMAGE_FORMAT_VDI, 512, "<<< ", 0, "\1\2\3\4\5\6\7\10", 0x170,
      0x0807060504030201 },
    { VMSPEC_IMAGE_FORMAT_VDI, 512, "<<< ", 0, "\1\0\0\0\0\0\0\200", 0x170, 0 },
    { VMSPEC_IMAGE_FORMAT_VDI, 512, "<<< ", 0,
      "\377\377\377\377\377\377\377\177", 0x170, INT64_MAX },
    { VMSPEC_IMAGE_FORMAT_VMDK, 512, "KDMV", 0, "\1\2\3\4\5\0\0\0", 12,
      0x0504030201 * 512 },
    { VMSPEC_IMAGE_FORMAT_VMDK, 512, "KDMV", 0,
      "\377\377\377\377\377\377\77\0", 12, 0x3fffffffffffff * 512 },
    { VMSPEC_IMAGE_FORMAT_VMDK, 512, "KDMV", 0, "\0\0\0\0\0\0\100\0", 12, 0 },
    { VMSPEC_IMAGE_FORMAT_VMDK, 512, "COWD", 0, "\1\2\3\4\5\6\7\10", 12,
      0x04030201ull * 512 },
    { VMSPEC_IMAGE_FORMAT_VMDK, 512, "# Disk DescriptorFile", 0,
      "\1\2\3\4\5\6\7\10", 24, 0 },
    { VMSPEC_IMAGE_FORMAT_VHDX, 512, "vhdxfile", 0, "\1\2\3\4\5\6\7\10", 12,
      0 },
    { VMSPEC_IMAGE_FORMAT_VPC, 2000, "conectix", 0, "\1\2\3\4\5\6\7\10", 48,
      0x0102030405060708 },
    { VMSPEC_IMAGE_FORMAT_VPC, 2000, "conectix", 2000 - 512,
      "\1\2\3\4\5\6\7\10", 2000 - 512 + 48, 0x0102030405060708 },
    { VMSPEC_IMAGE_FORMAT_VPC, 512, "conectix", 0, "\0\0\0\0\0\0\0\7", 48, 7 },
    { VMSPEC_IMAGE_FORMAT_VPC, 513, "conectix", 1, "\0\0\0\0\0\0\0\7", 49, 7 },
    { VMSPEC_IMAGE_FORMAT_RAW, 513, "conectix", 2, "\0\0\0\0\0\0\0\7", 50,
      1024 },
    { VMSPEC_IMAGE_FORMAT_RAW, 511, "conectix", 1, "\0\0\0\0\0\0\0\7", 50,
      512 },
    { VMSPEC_IMAGE_FORMAT_RAW, 512, "", 0, "\0\0\0\0\0\0\0\7", 48, 512 },
    { VMSPEC_IMAGE_FORMAT_RAW, 0, "", 0, "", 0, 0 },
    { VMSPEC_IMAGE_FORMAT_RAW, 1000, "<<< ", 0, "\1\0\0\0\0\0\0\0", 0x170,
      1024 },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct stat status;

    (void) unlink ("image");
    make_file ("image", 0600, "");
    ck_assert_int_eq (truncate ("image", cases[i].size), 0);
    patch ("image", cases[i].mark_at, cases[i].mark, strlen (cases[i].mark));
    if (cases[i].format == VMSPEC_IMAGE_FORMAT_VDI)
      patch ("image", 0x40, "\x7f\x10\xda\xbe", 4);
    if (cases[i].at)
      patch ("image", cases[i].at, cases[i].number, 8);
    look ("image", ANY);
    ck_assert_uint_eq (info->format, cases[i].format);
    ck_assert_uint_eq (info->virtual_size, cases[i].expected);
    ck_assert_int_eq (stat ("image", &status), 0);
    ck_assert_uint_eq (info->stored_size, (uint64_t) status.st_blocks * 512);
  }
}
END_TEST

START_TEST (formats_have_the_names_that_qemu_gives_them)
{
  static const struct {
    const char *name;
    uint32_t format;
  } cases[] = {
    { "raw", RAW }, { "file", RAW }, { "host_device", RAW }, { "qcow", QCOW },
    { "qcow2", QCOW2 }, { "vdi", VMSPEC_IMAGE_FORMAT_VDI },
    { "vmdk", VMSPEC_IMAGE_FORMAT_VMDK }, { "vhdx", VMSPEC_IMAGE_FORMAT_VHDX },
    { "vpc", VMSPEC_IMAGE_FORMAT_VPC }, { "", ANY }, { "parallels", ANY },
    { "RAW", ANY }, { "qcow3", ANY },
  };

  for (size_t i = 0; i < COUNT (cases); i++)
    ck_assert_uint_eq (vms_image_format_number (cases[i].name),
                       cases[i].format);
}
END_TEST

/* ---- chains ------------------------------------------------------------- */

START_TEST (an_overlay_names_what_it_rests_on)
{
  RUN ("mkdir -p 'a b' d; qemu-img create -q -f qcow2 'd/b,a:s =e' 1M;"
       "cd d; qemu-img create -q -f qcow2 -F qcow2 -b './b,a:s =e' 1 2M;"
       "qemu-img create -q -f qcow2 -F qcow2 -b $PWD/1 '../a b/2' 3M;"
       "cd '../a b'; qemu-img create -q -f qcow2 -F qcow2 -b ../'a b'/2 3");
  look ("a b/3", QCOW2);
  ck_assert_str_eq (info->backing_file, "../a b/2");
  ck_assert_uint_eq (info->backing_format, QCOW2);
  ck_assert_uint_eq (info->virtual_size, 3 * MIB);
  ck_assert_str_eq (info->backing->file, "a b/../a b/2");
  ck_assert_str_eq (info->backing->backing_file, below ("d/1"));
  ck_assert_str_eq (info->backing->backing->file, below ("d/1"));
  ck_assert_str_eq (info->backing->backing->backing->file,
                    below ("d/./b,a:s =e"));
  ck_assert_uint_eq (info->backing->backing->backing->virtual_size, MIB);
  ck_assert_ptr_null (info->backing->backing->backing->backing);
}
END_TEST

START_TEST (a_recorded_format_is_never_guessed)
{
  RUN ("qemu-img create -q -f qcow2 image 1M;"
       "qemu-img create -q -f qcow2 -F raw -b image on-raw;"
       "qemu-img create -q -f qcow2 -F raw -b image on-any;"
       "qemu-img rebase -u -f qcow2 -b image on-any 2>&1;"
       "qemu-img create -q -f qcow -o backing_file=image,backing_fmt=qcow2 old "
       "1M; qemu-img create -q -f qcow2 -F qcow2 -b on-text -u wrong 1M;"
       "echo text > on-text;"
       "qemu-img create -q -f qcow2 -u -F parallels -b image other 1M");
  look ("on-raw", ANY);
  ck_assert_uint_eq (info->backing_format, RAW);
  ck_assert_uint_eq (info->backing->format, RAW);
  look ("old", ANY);
  ck_assert_str_eq (info->backing_file, "image");
  ck_assert_uint_eq (info->backing_format, ANY);
  ck_assert_uint_eq (info->backing->format, QCOW2);
  refused ("wrong", ANY, -EINVAL, "image.format",
           "on-text holds no qcow2 image; say format=raw");
  look ("other", ANY);
  ck_assert_str_eq (info->backing_file, "image");
  ck_assert_uint_eq (info->backing_format, ANY);
  ck_assert_ptr_null (info->backing);
}
END_TEST

START_TEST (what_is_no_file_is_not_followed)
{
  RUN ("qemu-img create -q -f qcow2 -u -F raw -b nbd://localhost/x nbd 1M;"
       "qemu-img create -q -f qcow2 -u -F raw "
       "-b 'json:{\"driver\":\"null-co\"}' json 1M");
  look ("nbd", ANY);
  ck_assert_str_eq (info->backing_file, "nbd://localhost/x");
  ck_assert_ptr_null (info->backing);
  look ("json", ANY);
  ck_assert_str_eq (info->backing_file, "json:{\"driver\":\"null-co\"}");
  ck_assert_ptr_null (info->backing);
  ck_assert_ptr_null (info->file_system);
}
END_TEST

START_TEST (a_chain_that_is_broken_is_refused)
{
  RUN ("qemu-img create -q -f qcow2 -u -F raw -b gone over 1M;"
       "qemu-img create -q -f qcow2 -u -F qcow2 -b over top 1M;"
       "qemu-img create -q -f qcow2 -u -F raw -b /dev/null null 1M");
  refused ("top", ANY, -ENOENT, "image.backing-missing",
           "over is an overlay of gone, which does not exist");
  refused ("null", ANY, -EINVAL, "image.unreadable",
           "null is an overlay, but /dev/null is neither");
}
END_TEST

START_TEST (a_chain_that_has_no_end_is_refused)
{
  RUN ("qemu-img create -q -f qcow2 a 1M; ln a A;"
       "qemu-img create -q -f qcow2 -F qcow2 -b a b 1M;"
       "qemu-img create -q -f qcow2 -F qcow2 -b b c 1M;"
       "qemu-img rebase -u -f qcow2 -F qcow2 -b b A;"
       "qemu-img create -q -f qcow2 -u -F qcow2 -b self x 1M; mv x self");
  refused ("c", ANY, -ELOOP, "image.circular", "a is an overlay of b");
  refused ("self", ANY, -ELOOP, "image.circular", "self");
}
END_TEST

START_TEST (a_chain_of_200_is_not_too_long)
{
  unsigned n = 0;

  RUN ("qemu-img create -q -f qcow2 -u -F qcow2 -o cluster_size=512 -b 999 "
       "model 64K; i=200; while [ $i -gt 0 ]; do "
       "sed \"s/999/$(printf %%03d $((i - 1)))/\" model > $(printf %%03d $i);"
       "i=$((i - 1)); done; qemu-img create -q -f qcow2 000 1M");
  look ("199", ANY);
  for (const struct vmspec_image_info *i = info; i; i = i->backing)
    n++;
  ck_assert_uint_eq (n, 200);
  refused ("200", ANY, -EINVAL, "image.chain-too-long", "qemu-img commit");
}
END_TEST

/* ---- what is on a disk -------------------------------------------------- */

/* A raw image in all the ways in which a disk can be kept. */
static const char *const ways[] = { "raw", "qcow2", "qcow2 -c", "qcow -c",
  "qcow2 -c -o cluster_size=512", "qcow2 -c -o cluster_size=2M",
  "qcow2 -o compat=0.10" };

static void
holds_everywhere (const char *file_system, const char *label, const char *uuid,
                  const char *table)
{
  for (size_t i = 0; i < COUNT (ways) + 3; i++) {
    if (i < COUNT (ways))
      /* Compressed qcow images are made with status 1, and without fault. */
      RUN ("rm -f image; qemu-img convert -f raw -O %s disk image; "
           "qemu-img compare -f raw disk image", ways[i]);
    else if (i == COUNT (ways))
      RUN ("qemu-img create -q -f qcow2 -F raw -b disk image 1G");
    else if (i == COUNT (ways) + 1)
      RUN ("mv image below; "
           "qemu-img create -q -f qcow2 -F qcow2 -b below image");
    else /* a part of it is above, and a part is zero there */
      RUN ("qemu-io -f qcow2 -c 'write -P 7 2M 64K' "
           "-c 'write -z 3M 64K' image");
    look (i ? "image" : "disk", ANY);
    ck_assert_pstr_eq (info->file_system, file_system);
    ck_assert_pstr_eq (info->label, label);
    ck_assert_pstr_eq (info->partition_table, table);
    if (uuid)
      ck_assert_pstr_eq (info->uuid, uuid);
  }
}

START_TEST (an_ext4_file_system_is_found)
{
  RUN ("truncate -s 64M disk; mkfs.ext4 -q -L 'my label' -U " UUID " disk");
  holds_everywhere ("ext4", "my label", UUID, NULL);
}
END_TEST

START_TEST (a_fat_file_system_is_found)
{
  RUN ("truncate -s 64M disk; mkfs.vfat -n BOOT -i 12345678 disk");
  holds_everywhere ("vfat", "BOOT", "1234-5678", NULL);
}
END_TEST

START_TEST (an_erofs_file_system_is_found)
{
  RUN ("mkdir tree; echo text > tree/file; mkfs.erofs -U " UUID " disk tree");
  holds_everywhere ("erofs", NULL, UUID, NULL);
}
END_TEST

START_TEST (a_partition_table_is_found)
{
  RUN ("truncate -s 64M disk; printf 'label: gpt\\nlabel-id: " UUID "\\n,8M\\n'"
       " | sfdisk -q disk");
  holds_everywhere (NULL, NULL, UUID, "gpt");
  RUN ("rm disk image below; truncate -s 64M disk;"
       "printf 'label: dos\\nlabel-id: 0x12345678\\n,8M\\n' | sfdisk -q disk");
  holds_everywhere (NULL, NULL, "12345678", "dos");
}
END_TEST

START_TEST (what_libqcow_cannot_read_is_described_without)
{
  RUN ("truncate -s 8M disk; mkfs.ext4 -q disk;"
       "c='qemu-img convert -f raw -O qcow2 disk';"
       "$c -c -o compression_type=zstd zstd; $c -o extended_l2=on extended;"
       "$c -o data_file=data,data_file_raw=on outside");
  for (size_t i = 0; i < 3; i++) {
    look (STRINGS ("zstd", "extended", "outside")[i], ANY);
    ck_assert_uint_eq (info->virtual_size, 8 * MIB);
    ck_assert_uint_eq (info->version, 3);
    ck_assert_ptr_null (info->file_system);
  }
}
END_TEST

/* libqcow gives what was in memory before for what a stream does not make. */
START_TEST (a_stream_makes_exactly_its_cluster)
{
  static const struct {
    unsigned made;
    size_t size;
    const char *bytes;
  } streams[] = {
    { 0, 2, "\x03\x00" },
    { 511, 8, "\x63\x60\x18\x05\x23\x18\x00\x00" },
    { 512, 8, "\x63\x60\x18\x05\x23\x19\x00\x00" },
    { 513, 8, "\x63\x60\x18\x05\x23\x1a\x00\x00" },
    { 1024, 11, "\x63\x60\x18\x05\xa3\x60\x14\x8c\x54\x00\x00" },
    { 4096, 20, "\xed\xc1\x01\x0d\x00\x00\x00\xc2\xa0\xf7\x4f\x6d\x0f\x07\x14\x00\x00\x00\xf0\x6e" },
  };
  unsigned char cluster[4096];

  for (size_t i = 0; i < COUNT (streams); i++)
    for (uint32_t bits = 9; bits <= 12; bits++) {
      int r = vms_image_qcow_inflate (streams[i].bytes, streams[i].size, bits,
                                      cluster);

      ck_assert_int_eq (r, streams[i].made == 1u << bits ? 0 : -EUCLEAN);
      if (r == 0)
        ck_assert (!cluster[0] && !cluster[(1u << bits) - 1]);
    }
  ck_assert_int_eq (vms_image_qcow_inflate ("\xff\xff", 2, 9, cluster), -EUCLEAN);
  ck_assert_int_eq (vms_image_qcow_inflate ("", 0, 9, cluster), -EUCLEAN);
}
END_TEST

START_TEST (an_overlay_covers_what_is_below)
{
  RUN ("truncate -s 16M old; mkfs.ext4 -q -L old old; cp old new;"
       "e2label new new; for c in 512 64K; do qemu-img convert -f raw -O qcow2 "
       "-o cluster_size=$c -B old -F raw new over$c; done;"
       "qemu-img create -q -f qcow2 -F qcow2 -b over512 zero;"
       "qemu-io -f qcow2 -c 'write -z 0 64K' zero");
  look ("over512", ANY);
  ck_assert_pstr_eq (info->label, "new");
  look ("over64K", ANY);
  ck_assert_pstr_eq (info->label, "new");
  ck_assert_pstr_eq (info->backing->file, "old");
  look ("zero", ANY);
  ck_assert_pstr_eq (info->file_system, NULL);
}
END_TEST

/* ---- clusters one by one ------------------------------------------------- */

/* A file that is made up here: a header is not looked at. */
struct disk {
  struct vmspec_image_info info;
  struct image_layer layer;
};

static void
open_disk (struct disk *disk, const char *file, uint32_t version, uint32_t bits)
{
  (void) unlink (file);
  make_file (file, 0600, "");
  *disk = (struct disk) { .info = { VMSPEC_INIT (vmspec_image_info),
                                    .format = version > 1 ? QCOW2 : QCOW,
                                    .virtual_size = 64 * MIB } };
  disk->layer = (struct image_layer) {
    .info = &disk->info, .fd = open (file, O_RDWR | O_CLOEXEC),
    .file_size = MIB, .header = { .version = version, .cluster_bits = bits,
                                  .l2_bits = bits - 3, .l1_offset = 2048 } };
  ck_assert_int_ge (disk->layer.fd, 0);
  ck_assert_int_eq (ftruncate (disk->layer.fd, MIB), 0);
}

static void
put_number (const struct disk *disk, off_t at, uint64_t number)
{
  uint64_t bytes = htobe64 (number);

  ck_assert_int_eq (pwrite (disk->layer.fd, &bytes, 8, at), 8);
}

static void
put_letters (const struct disk *disk, off_t at, char letter, size_t size)
{
  char bytes[8192];

  memset (bytes, letter, size);
  ck_assert_int_eq (pwrite (disk->layer.fd, bytes, size, at), (ssize_t) size);
}

/* What is read there is all this, or cannot be read. */
static void
holds (struct disk *disk, uint64_t offset, size_t size, char letter, int error)
{
  struct image_reader reader = { .top = &disk->layer };
  char bytes[8192], expected[8192];

  memset (bytes, '?', sizeof bytes);
  memset (expected, letter, size);
  ck_assert_int_eq (vms_image_content_read (&reader, offset, bytes, size),
                    error);
  if (!error)
    ck_assert_mem_eq (bytes, expected, size);
  ck_assert_int_eq (bytes[size], '?');
  vms_image_reader_free (&reader);
}

/* 512 times "b". */
#define DEFLATED "\x4b\x4a\x1a\x05\x23\x19\x00\x00"

START_TEST (each_entry_of_a_table_means_what_it_says)
{
  /* The last one is in another slice of the table. */
  static const struct {
    unsigned index;
    uint64_t entry;
    char letter;
    int error;
  } entries[] = {
    { 0, 1ull << 63 | 8192, 'a', 0 }, { 1, 8192, 'a', 0 },
    { 2, 0, 0, 0 }, { 3, 1, 0, 0 }, { 4, 8192 | 1, 0, 0 },
    { 5, 8192 | 0x1fe, 'a', 0 }, { 6, 8192 | 0xbfull << 56, 'a', 0 },
    { 7, 8192 + 512, 0, -EUCLEAN }, { 8, 1ull << 54, 0, 0 },
    { 63, 9216, 'c', 0 }, { 64, 10240, 'd', 0 }, { 127, 9216, 'c', 0 },
  };
  struct disk disk;

  for (uint32_t version = 2; version <= 3; version++) {
    open_disk (&disk, "disk", version, 10);
    put_letters (&disk, 8192, 'a', 1024);
    put_letters (&disk, 9216, 'c', 1024);
    put_letters (&disk, 10240, 'd', 1024);
    put_number (&disk, 2048, 1ull << 63 | 4096);
    put_number (&disk, 2056, 5120 | 511);
    put_number (&disk, 5120, 9216);
    put_number (&disk, 5120 + 127 * 8, 10240);
    for (size_t i = 0; i < COUNT (entries); i++)
      put_number (&disk, 4096 + entries[i].index * 8, entries[i].entry);
    for (size_t i = 0; i < COUNT (entries); i++)
      holds (&disk, entries[i].index * 1024, 1024, entries[i].letter,
             version < 3 && entries[i].entry & 1 ? -EUCLEAN : entries[i].error);
    /* The next table; a part of a cluster, and parts of two. */
    holds (&disk, 128 * 1024, 1024, 'c', 0);
    holds (&disk, 255 * 1024, 1024, 'd', 0);
    holds (&disk, 256 * 1024, 1024, 0, 0);
    holds (&disk, 1023, 1, 'a', 0);
    holds (&disk, 1000, 1048, 'a', 0);
    holds (&disk, 127 * 1024 + 1, 1500, 'c', 0);
    /* Beyond the end of the disk, which may be within a cluster. */
    disk.info.virtual_size = 127 * 1024 + 100;
    holds (&disk, 127 * 1024, 100, 'c', 0);
    holds (&disk, 127 * 1024 + 100, 2000, 0, 0);
    /* Tables that cannot be. */
    disk.info.virtual_size = MIB;
    put_number (&disk, 2048, 4096 + 512);
    holds (&disk, 0, 1, 0, -EUCLEAN);
    put_number (&disk, 2048, MIB);
    holds (&disk, 0, 1, 0, -EUCLEAN);
    put_number (&disk, 2048, MIB - 1024);
    holds (&disk, 0, 1, 0, 0);
    close (disk.layer.fd);
  }
}
END_TEST

/* It takes whole sectors from where it starts on, and may end exactly there. */
START_TEST (a_compressed_cluster_is_as_long_as_it_says)
{
  struct disk disk;

  open_disk (&disk, "disk", 3, 9);
  put_number (&disk, 2048, 4096);
  for (int i = 0; i < 3; i++) {
    off_t place = i == 0 ? 8704 - 8 : i == 1 ? 8704 - 4 : 8704 + 512;
    uint64_t sectors = i == 1;

    ck_assert_int_eq (pwrite (disk.layer.fd, DEFLATED, 8, place), 8);
    put_number (&disk, 4096, 1ull << 62 | sectors << 61 | (uint64_t) place);
    holds (&disk, 0, 512, 'b', 0);
    holds (&disk, 100, 412, 'b', 0);
    if (i == 1) {
      put_number (&disk, 4096, 1ull << 62 | (uint64_t) place);
      disk.layer.slice_place = 0;
      holds (&disk, 0, 512, 'b', -EUCLEAN);
    }
    disk.layer.slice_place = 0;
  }
  close (disk.layer.fd);
  /* Version 1 knows the bytes. */
  open_disk (&disk, "disk", 1, 9);
  put_number (&disk, 2048, 4095);
  ck_assert_int_eq (pwrite (disk.layer.fd, DEFLATED, 8, 8195), 8);
  put_letters (&disk, 9001, 'e', 512);
  put_number (&disk, 4095, 1ull << 63 | 8ull << 54 | 8195);
  put_number (&disk, 4103, 1ull << 63 | 7ull << 54 | 8195);
  put_number (&disk, 4111, 1ull << 63 | 8195);
  put_number (&disk, 4119, 9001);
  holds (&disk, 0, 512, 'b', 0);
  holds (&disk, 512, 512, 'b', -EUCLEAN);
  holds (&disk, 1024, 512, 'b', -EUCLEAN);
  holds (&disk, 1536, 512, 'e', 0);
  holds (&disk, 2048, 512, 0, 0);
  close (disk.layer.fd);
}
END_TEST

START_TEST (what_is_absent_is_read_from_below)
{
  struct disk over, below_it;

  open_disk (&over, "over", 3, 10);
  open_disk (&below_it, "below", 3, 10);
  below_it.info.format = RAW;
  below_it.info.virtual_size = 3000;
  put_letters (&below_it, 0, 'x', 3000);
  put_letters (&over, 8192, 'a', 1024);
  put_number (&over, 2048, 4096);
  put_number (&over, 4096 + 8, 8192);
  over.info.backing_file = "below";
  holds (&over, 0, 512, 0, -ENOTSUP);
  holds (&over, 1024, 512, 'a', 0);
  over.layer.backing = &below_it.layer;
  holds (&over, 0, 1024, 'x', 0);
  holds (&over, 1024, 1024, 'a', 0);
  holds (&over, 2048, 952, 'x', 0);
  holds (&over, 3000, 3000, 0, 0);
  below_it.layer.is_unreadable = 1;
  holds (&over, 0, 1024, 0, -ENOTSUP);
  holds (&over, 1024, 1024, 'a', 0);
  /* Beyond the end of a file is zero. */
  below_it.layer.is_unreadable = 0;
  below_it.info.virtual_size = 2 * MIB;
  holds (&over, MIB - 100, 100, 0, 0);
  put_letters (&below_it, MIB - 100, 'y', 100);
  holds (&over, MIB - 100, 100, 'y', 0);
  holds (&over, MIB, 2000, 0, 0);
  close (over.layer.fd);
  close (below_it.layer.fd);
}
END_TEST

/* ---- damage ------------------------------------------------------------- */

struct damage {
  off_t at;
  uint64_t number;
  size_t size;
  const char *text;
};

/* Of an image of version 3 with clusters of 64 KiB. */
static const struct damage damages[] = {
  { 4, 4, 4, "version 4" }, { 4, 0, 4, "version 0" },
  { 72, 1ull << 40, 8, "not known" },
  { 104, 2, 1, "compressed in the unknown" },
  { 20, 8, 4, "2^8" }, { 20, 22, 4, "2^22" }, { 20, 63, 4, "2^63" },
  { 100, 96, 4, "96 bytes" }, { 100, 65544, 4, "65544" },
  { 104, 1, 1, "contradict" }, { 72, 8, 8, "contradict" },
  { 96, 7, 4, "2^7 bits" }, { 32, 3, 4, "unknown way 3" },
  { 32, 2, 4, "where its keys are" },
  { 8, 65537, 8, "outside of the first" }, { 16, 1024, 4, "1024 bytes" },
  { 24, 1ull << 63, 8, "no disk's" }, { 24, 1ull << 40, 8, "needs" },
  { 36, 0, 4, "entries, and" }, { 36, 4 << 20 | 1, 4, "more than 4194304" },
  { 36, 1 << 20, 4, "not within" }, { 40, 65537, 8, "within a cluster" },
  { 40, 1ull << 40, 8, "not within" },
  { 40, UINT64_MAX << 16, 8, "not within" },
  { 56, 0, 4, "no reference counts" }, { 56, 129, 4, "more than 128" },
  { 48, 1ull << 40, 8, "not within" }, { 48, 512, 8, "within a cluster" },
  { 60, 65537, 4, "more than 65536" }, { 60, 65536, 4, "not within" },
  { 64, 8, 8, "within a cluster" },
  { 116, 1 << 20, 4, "more than there is room for" },
  { 112, 0xe2792acaull << 32 | 16, 8, "more than 15" },
  { 112, 0x0537be77ull << 32 | 16, 8, "encryption makes no sense" },
  { 112, 0x23852875ull << 32 | 16, 8, "bitmaps" },
};

START_TEST (each_damage_of_a_header_is_said)
{
  RUN ("qemu-img create -q -f qcow2 -u -F raw -b backing image 64K");
  for (size_t i = 0; i < COUNT (damages); i++) {
    const struct damage *d = &damages[i];

    RUN ("cp --sparse=always image damaged");
    patch_number ("damaged", d->at, d->number, d->size);
    refused ("damaged", ANY, -EINVAL,
             i < 4 ? "image.unsupported" : "image.damaged", d->text);
    /* QEMU reads zeros where there is no file. */
    if (!strstr (d->text, "not within"))
      ck_assert_msg (run ("qemu-img info -f qcow2 damaged") != 0, "%zu", i);
  }
}
END_TEST

START_TEST (each_damage_of_an_old_header_is_said)
{
  static const struct damage old[] = {
    { 24, 1, 8, "no disk's" }, { 24, 1ull << 63, 8, "no disk's" },
    { 32, 8, 1, "2^8" }, { 32, 17, 1, "2^17" }, { 33, 5, 1, "2^5" },
    { 33, 14, 1, "2^14" }, { 36, 2, 4, "unknown way 2" },
    { 24, 1ull << 62, 8, "more than" }, { 40, 1 << 20, 8, "not within" },
    { 8, 1 << 20, 8, "not within" },
  };

  RUN ("qemu-img create -q -f qcow -o backing_file=x,backing_fmt=raw -u image "
       "64K");
  for (size_t i = 0; i < COUNT (old); i++) {
    RUN ("cp image damaged");
    patch_number ("damaged", old[i].at, old[i].number, old[i].size);
    damaged ("damaged", old[i].text);
  }
  patch_number ("image", 16, 1024, 4);
  damaged ("image", "1024 bytes");
}
END_TEST

START_TEST (an_image_that_qemu_calls_corrupt_is_warned_about)
{
  RUN ("qemu-img create -q -f qcow2 image 1M");
  patch_number ("image", 72, 2, 8);
  ck_assert_int_eq (vmspec_image_info ("image", ANY, diag, &info), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->id, "image.corrupt");
  ck_assert_uint_eq (vmspec_diag_get (diag, 0)->severity,
                     VMSPEC_SEVERITY_WARNING);
}
END_TEST

/* Images that have all kinds of tables, and are small. */
static const char *const small_images
  = "truncate -s 128K disk; mke2fs -q -b 1024 -N 16 disk;"
    "for v in 0.10 1.1; do qemu-img convert -f raw -O qcow2 "
    "-o cluster_size=512,compat=$v disk $v;"
    "qemu-img convert -c -f raw -O qcow2 -o cluster_size=512,compat=$v disk "
    "c$v; qemu-img snapshot -c one $v; done;"
    "qemu-img convert -c -f raw -O qcow disk old; test -s old";
static const char *const small_names[] = { "0.10", "1.1", "c0.10", "c1.1",
                                           "old" };

static void
holds_for (const unsigned char *content, size_t size, size_t at)
{
  int fd = open ("image", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r;

  ck_assert_int_eq (write (fd, content, size), (ssize_t) size);
  close (fd);
  forget ();
  r = vmspec_image_info ("image", ANY, diag, &info);
  ck_assert_msg (r == 0 || r == -EINVAL || r == -ENOENT || r == -EISDIR
                   || r == -ENOTDIR || r == -ELOOP || r == -ENAMETOOLONG,
                 "%zu: %s", at, strerror (-r));
  ck_assert_msg ((r < 0) == (info == NULL), "%zu", at);
  ck_assert_msg ((r < 0) <= (vmspec_diag_count (diag) > 0), "%zu", at);
}

static size_t
load (const char *file, unsigned char *content, size_t size)
{
  int fd = open (file, O_RDONLY | O_CLOEXEC);
  ssize_t n;

  ck_assert_int_ge (fd, 0);
  n = read (fd, content, size);
  ck_assert_int_gt (n, 0);
  close (fd);
  return (size_t) n;
}

START_TEST (any_byte_may_be_wrong)
{
  static unsigned char content[1 << 17];
  struct random random = { 1 };

  RUN ("%s", small_images);
  for (size_t i = 0; i < COUNT (small_names); i++) {
    size_t size = load (small_names[i], content, sizeof content);
    unsigned rounds = unit_rounds (1000);

    /* All of the header, and some of what follows. */
    for (size_t n = 0; n < rounds; n++) {
      size_t at = n < 512 && rounds > 512 ? n : random_below (&random, size);
      unsigned char byte = content[at];

      content[at] ^= (unsigned char) (n % 3 ? 1 << random_below (&random, 8)
                                            : 0xff);
      holds_for (content, size, at);
      content[at] = byte;
    }
  }
}
END_TEST

START_TEST (a_file_may_end_anywhere)
{
  static unsigned char content[1 << 17];

  RUN ("%s", small_images);
  for (size_t i = 0; i < COUNT (small_names); i++) {
    size_t size = load (small_names[i], content, sizeof content);
    size_t step = size / unit_rounds (700) + 1;

    for (size_t length = 0; length < size;
         length += length < 200 && step < 1000 ? 1 : step)
      holds_for (content, length, length);
  }
}
END_TEST

/* Where QEMU refuses, so do we. */
START_TEST (qemu_refuses_no_header_that_is_accepted)
{
  struct random random = { 7 };

  RUN ("qemu-img create -q -f qcow2 -o cluster_size=512 model 64K");
  for (unsigned n = 0; n < unit_rounds (150); n++) {
    off_t at = (off_t) random_below (&random, 112);
    unsigned char byte = (unsigned char) (1 << random_below (&random, 8));

    /* Not what needs more than the header: keys, a data file, snapshots. */
    if ((at >= 32 && at < 36) || at == 79 || (at >= 60 && at < 72))
      continue;
    RUN ("cp model image");
    patch ("image", at, &byte, 1);
    forget ();
    if (vmspec_image_info ("image", QCOW2, diag, &info) == 0)
      ck_assert_msg (run ("qemu-img info -f qcow2 image") == 0, "%ld: %s",
                     (long) at, judgement);
  }
}
END_TEST

START_TEST (tables_that_point_to_themselves_are_no_trap)
{
  RUN ("qemu-img create -q -f qcow2 -o cluster_size=512 image 64K;"
       "qemu-img create -q -f qcow2 -F qcow2 -b image over 1M");
  /* The table of the first level is at 1536, and holds itself. */
  RUN ("qemu-img info --output=json image");
  for (int i = 0; i < 2; i++) {
    patch_number ("image", 1536 + 8 * i, 1ull << 63 | 1536, 8);
    look ("image", ANY);
    look ("over", ANY);
  }
  /* A compressed cluster at the end of the file, of which there is nothing. */
  patch_number ("image", 1536, 1ull << 63 | 512, 8);
  patch_number ("image", 512, 1ull << 62 | 2048, 8);
  look ("image", ANY);
  look ("over", ANY);
}
END_TEST

/* ---- locks -------------------------------------------------------------- */

static void
wait_for_lock (const char *file, enum image_use use)
{
  for (int i = 0; i < 2000 && vms_image_lock_test (file, use) == 0; i++)
    usleep (10000);
}

/* A program that has opened the image, until it is told to end.  It takes its
 * locks one after the other. */
static FILE *
hold (const char *command, const char *file, enum image_use use)
{
  FILE *program = popen (command, "w");

  ck_assert_ptr_nonnull (program);
  wait_for_lock (file, use);
  return program;
}

static void
let_go (FILE *program)
{
  fputs ("quit\n", program);
  ck_assert_int_eq (pclose (program), 0);
}

#define QEMU                                                                   \
  "exec qemu-system-x86_64 -S -nodefaults -display none -monitor stdio "       \
  "-drive if=virtio,format=qcow2,file="

START_TEST (who_writes_is_alone)
{
  const char *const programs[] = { "exec qemu-io -f qcow2 image >/dev/null",
                                   QEMU "image > /dev/null" };

  RUN ("qemu-img create -q -f qcow2 image 1M");
  ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_WRITE), 0);
  for (size_t i = 0; i < COUNT (programs); i++) {
    FILE *program = hold (programs[i], "image", IMAGE_READ);

    ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_WRITE), -EAGAIN);
    ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_READ), -EAGAIN);
    look ("image", ANY);
    ck_assert_uint_eq (info->in_use, VMSPEC_ON);
    let_go (program);
    ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_WRITE), 0);
    look ("image", ANY);
    ck_assert_uint_eq (info->in_use, VMSPEC_OFF);
  }
}
END_TEST

START_TEST (readers_are_alone_with_each_other)
{
  FILE *program;

  RUN ("qemu-img create -q -f qcow2 image 1M; echo x > raw;"
       "qemu-img create -q -f qcow2 -F qcow2 -b image over");
  program = hold (QEMU "image,readonly=on > /dev/null", "image", IMAGE_WRITE);
  ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_WRITE), -EAGAIN);
  ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_READ), 0);
  let_go (program);
  /* An overlay that is written to: what is below is only read. */
  program = hold (QEMU "over > /dev/null", "over", IMAGE_READ);
  wait_for_lock ("image", IMAGE_WRITE);
  ck_assert_int_eq (vms_image_lock_test ("over", IMAGE_READ), -EAGAIN);
  ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_READ), 0);
  ck_assert_int_eq (vms_image_lock_test ("image", IMAGE_WRITE), -EAGAIN);
  let_go (program);
  ck_assert_int_eq (vms_image_lock_test ("gone", IMAGE_READ), -ENOENT);
}
END_TEST

/* Each lock by itself: QEMU's tools are refused exactly where we say so. */
START_TEST (each_lock_means_what_it_means_to_qemu)
{
  RUN ("qemu-img create -q -f qcow2 image 1M");
  for (int i = 0; i < 8; i++) {
    int fd = open ("image", O_RDONLY | O_CLOEXEC);
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET,
                          .l_start = (i < 4 ? 100 : 200 - 4) + i, .l_len = 1 };

    ck_assert_int_eq (fcntl (fd, F_OFD_SETLK, &lock), 0);
    ck_assert_msg ((vms_image_lock_test ("image", IMAGE_WRITE) < 0)
                     == (run ("qemu-io -f qcow2 -c quit image") != 0),
                   "%d: %s", i, judgement);
    ck_assert_msg ((vms_image_lock_test ("image", IMAGE_READ) < 0)
                     == (run ("qemu-io -r -f qcow2 -c quit image") != 0),
                   "%d: %s", i, judgement);
    close (fd);
  }
}
END_TEST

/* ------------------------------------------------------------------------- */

int
main (void)
{
  TCase *tcase = unit_case ("image-info");

  tcase_add_checked_fixture (tcase, set_up, tear_down);
  tcase_add_test (tcase, qcow2_images_of_both_versions_are_described);
  tcase_add_test (tcase, qcow_and_raw_images_are_described);
  tcase_add_test (tcase, images_of_other_programs_are_recognised);
  tcase_add_test (tcase, backing_files_have_names_of_any_bytes);
  tcase_add_test (tcase, a_format_that_is_said_must_be_the_image_s);
  tcase_add_test (tcase, what_cannot_be_opened_is_said);
  tcase_add_test (tcase, the_largest_image_is_no_more_work);
  tcase_add_test (tcase, encrypted_images_are_encrypted);
  tcase_add_test (tcase, an_overlay_names_what_it_rests_on);
  tcase_add_test (tcase, a_recorded_format_is_never_guessed);
  tcase_add_test (tcase, what_is_no_file_is_not_followed);
  tcase_add_test (tcase, a_chain_that_is_broken_is_refused);
  tcase_add_test (tcase, a_chain_that_has_no_end_is_refused);
  tcase_add_test (tcase, a_chain_of_200_is_not_too_long);
  tcase_add_test (tcase, an_ext4_file_system_is_found);
  tcase_add_test (tcase, a_fat_file_system_is_found);
  tcase_add_test (tcase, an_erofs_file_system_is_found);
  tcase_add_test (tcase, a_partition_table_is_found);
  tcase_add_test (tcase, what_libqcow_cannot_read_is_described_without);
  tcase_add_test (tcase, a_stream_makes_exactly_its_cluster);
  tcase_add_test (tcase, sizes_of_other_formats_are_where_they_are_said_to_be);
  tcase_add_test (tcase, formats_have_the_names_that_qemu_gives_them);
  tcase_add_test (tcase, an_overlay_covers_what_is_below);
  tcase_add_test (tcase, each_entry_of_a_table_means_what_it_says);
  tcase_add_test (tcase, a_compressed_cluster_is_as_long_as_it_says);
  tcase_add_test (tcase, what_is_absent_is_read_from_below);
  tcase_add_test (tcase, each_damage_of_a_header_is_said);
  tcase_add_test (tcase, each_damage_of_an_old_header_is_said);
  tcase_add_test (tcase, an_image_that_qemu_calls_corrupt_is_warned_about);
  tcase_add_test (tcase, any_byte_may_be_wrong);
  tcase_add_test (tcase, a_file_may_end_anywhere);
  tcase_add_test (tcase, qemu_refuses_no_header_that_is_accepted);
  tcase_add_test (tcase, tables_that_point_to_themselves_are_no_trap);
  tcase_add_test (tcase, who_writes_is_alone);
  tcase_add_test (tcase, readers_are_alone_with_each_other);
  tcase_add_test (tcase, each_lock_means_what_it_means_to_qemu);
  return unit_run ("image-info", tcase);
}
