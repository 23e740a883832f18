/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmspec_image_create(): one image by itself. */
#include "judges.h"

#define MIB (1024ull * 1024)

static struct vmspec_image image;
static struct vmspec_work work;
static vmspec_diag *diag;

static void
set_up (void)
{
  scratch_make ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  image = (struct vmspec_image) { VMSPEC_INIT (vmspec_image), .file = "image",
                                  .size = 64 * MIB };
  work = (struct vmspec_work) { VMSPEC_INIT (vmspec_work),
                                .sync = VMSPEC_OFF };
}

static void
tear_down (void)
{
  vmspec_diag_free (diag);
  scratch_remove ();
}

static void
made (void)
{
  int r;

  vmspec_diag_clear (diag);
  unlink (image.file);
  r = vmspec_image_create (&image, &work, diag);
  ck_assert_msg (r == 0, "%d%s", r, unit_findings (diag));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}

static void
refused (int error, const char *id, const char *member)
{
  const struct vmspec_finding *f;
  int r;

  vmspec_diag_clear (diag);
  r = vmspec_image_create (&image, &work, diag);
  f = unit_finding (diag, id);
  ck_assert_msg (r == error && f, "%d%s", r, unit_findings (diag));
  ck_assert_str_eq (f->path, member);
  ck_assert_uint_eq (f->severity, VMSPEC_SEVERITY_ERROR);
  ck_assert (!exists ("image"));
  RUN ("ls -A | grep -c 'vmspec-' | grep -qx 0");
}

START_TEST (an_image_is_empty_qcow2_unless_more_is_said)
{
  made ();
  RUN ("qemu-img check -f qcow2 image && qemu-img info image");
  SAYS ("file format: qcow2");
  SAYS ("virtual size: 64 MiB");
}
END_TEST

START_TEST (an_image_may_be_raw_and_hold_a_file_system)
{
  image.format = VMSPEC_IMAGE_FORMAT_RAW;
  image.content = VMSPEC_CONTENT_EXT4;
  image.label = "sixteen bytes ok";
  image.uuid = "01234567-89ab-cdef-0123-456789abcdef";
  made ();
  RUN ("e2fsck -fn image && blkid -p image");
  SAYS ("LABEL=\"sixteen bytes ok\"");
  SAYS ("UUID=\"01234567-89ab-cdef-0123-456789abcdef\"");
  RUN ("stat -c %%s image");
  ck_assert_int_eq (atoi (judgement), (int) (64 * MIB));
}
END_TEST

START_TEST (what_is_written_can_be_written_to)
{
  image.content = VMSPEC_CONTENT_EXT4;
  made ();
  RUN ("qemu-io -f qcow2 -c 'write -P 7 20M 300k' -c 'read -P 7 20M 300k' "
       "-c 'write -z 1M 64k' image && qemu-img check -f qcow2 image");
  SAYS ("No errors were found");
}
END_TEST

START_TEST (every_option_of_qcow2_is_taken)
{
  image.cluster_size = 4096;
  image.lazy_refcounts = VMSPEC_ON;
  image.preallocation = VMSPEC_PREALLOCATION_METADATA;
  made ();
  RUN ("qemu-img check -f qcow2 image && qemu-img info image");
  SAYS ("cluster_size: 4096");
  SAYS ("lazy refcounts: true");
}
END_TEST

/* ---- overlays ----------------------------------------------------------- */

START_TEST (an_overlay_is_as_large_as_the_larger_of_both)
{
  RUN ("qemu-img create -q -f qcow2 base 1G");
  image.backing = "base";
  made ();
  RUN ("qemu-img info image");
  SAYS ("virtual size: 1 GiB");
  SAYS ("backing file: base");
  SAYS ("backing file format: qcow2");
  image.size = 2048 * MIB;
  made ();
  RUN ("qemu-img info image");
  SAYS ("virtual size: 2 GiB");
  image.size = 0;
  made ();
  RUN ("qemu-img info image && qemu-img check -f qcow2 image");
  SAYS ("virtual size: 1 GiB");
}
END_TEST

START_TEST (an_overlay_is_found_from_where_it_stands)
{
  RUN ("mkdir a b && qemu-img create -q -f raw './a/x, y:z' 8M");
  image.file = "b/image";
  image.backing = "../a/x, y:z";
  image.backing_format = VMSPEC_IMAGE_FORMAT_RAW;
  made ();
  RUN ("cd / && qemu-io -f qcow2 -c 'read 0 8M' '%s'", below ("b/image"));
  RUN ("mv './a/x, y:z' 'b/x:z'");
  image.backing = "x:z";
  made ();
  RUN ("cd / && qemu-io -f qcow2 -c 'read 0 8M' '%s'", below ("b/image"));
  ck_assert_ptr_null (strstr (judgement, "rror"));
}
END_TEST

START_TEST (what_an_overlay_rests_on_must_be_what_it_is_said_to_be)
{
  image.backing = "base";
  refused (-ENOENT, "image.missing", "backing");
  make_file ("base", 0644, "no image");
  refused (-EINVAL, "image.format", "backing");
  RUN ("rm base && qemu-img create -q -f qcow2 base 1M && "
       "qemu-img rebase -u -f qcow2 -b base -F qcow2 base");
  refused (-ELOOP, "image.circular", "backing");
  RUN ("qemu-img rebase -u -f qcow2 -b none -F qcow2 base");
  refused (-ENOENT, "image.backing-missing", "backing");
}
END_TEST

START_TEST (what_somebody_writes_to_can_carry_no_overlay)
{
  struct flock lock = { .l_type = F_RDLCK, .l_start = 101, .l_len = 1 };
  int fd;

  RUN ("qemu-img create -q -f qcow2 base 1M");
  image.backing = "base";
  fd = open ("base", O_RDWR | O_CLOEXEC);
  ck_assert_int_eq (fcntl (fd, F_OFD_SETLK, &lock), 0);
  refused (-EAGAIN, "image.in-use", "backing");
  close (fd);
  made ();
}
END_TEST

START_TEST (a_disk_has_whole_sectors)
{
  RUN ("head -c 1000 /dev/zero > base");
  image.backing = "base";
  image.backing_format = VMSPEC_IMAGE_FORMAT_RAW;
  image.size = 0;
  made ();
  RUN ("qemu-img info --output=json image");
  SAYS ("\"virtual-size\": 1024");
  image.backing = NULL;
  image.backing_format = VMSPEC_IMAGE_FORMAT_UNSET;
  image.size = 513;
  made ();
  RUN ("qemu-img info --output=json image");
  SAYS ("\"virtual-size\": 1024");
  image.format = VMSPEC_IMAGE_FORMAT_RAW;
  made ();
  RUN ("stat -c %%s image");
  ck_assert_str_eq (judgement, "1024\n");
}
END_TEST

/* ---- refusals ----------------------------------------------------------- */

START_TEST (what_cannot_be_made_is_refused)
{
  image.format = VMSPEC_IMAGE_FORMAT_VDI;
  refused (-EINVAL, "image.not-made", "format");
  image.format = VMSPEC_IMAGE_FORMAT_RAW;
  image.lazy_refcounts = VMSPEC_ON;
  refused (-EINVAL, "image.raw-has-no-tables", "format");
  image.format = VMSPEC_IMAGE_FORMAT_UNSET;
  image.cluster_size = 65537;
  refused (-EINVAL, "image.cluster-size", "cluster_size");
  image.cluster_size = 512;
  image.size = 1ull << 40;
  refused (-EFBIG, "image.too-large", "size");
  image.cluster_size = 0;
  image.size = 0;
  refused (-EINVAL, "image.no-size", "size");
  image.file = NULL;
  refused (-EINVAL, "option.missing", "file");
}
END_TEST

START_TEST (what_goes_with_a_file_system_needs_one)
{
  image.content = VMSPEC_CONTENT_EMPTY;
  image.tree = ".";
  refused (-EINVAL, "image.tree-without-file-system", "content");
  image.tree = NULL;
  image.label = "x";
  refused (-EINVAL, "image.label-without-file-system", "content");
  image.content = VMSPEC_CONTENT_EXT4;
  image.label = "seventeen bytes, ";
  refused (-EINVAL, "image.label", "label");
  image.label = NULL;
  image.uuid = "0123";
  refused (-EINVAL, "image.uuid", "uuid");
  image.uuid = NULL;
  image.size = 1000;
  refused (-ENOSPC, "image.file-system-size", "size");
}
END_TEST

START_TEST (an_overlay_is_qcow2_and_nothing_else)
{
  image.backing = "base";
  image.format = VMSPEC_IMAGE_FORMAT_RAW;
  refused (-EINVAL, "image.overlay-format", "format");
  image.format = VMSPEC_IMAGE_FORMAT_UNSET;
  image.content = VMSPEC_CONTENT_EXT4;
  refused (-EINVAL, "image.overlay-content", "content");
}
END_TEST

START_TEST (a_name_that_cannot_be_recorded_is_refused)
{
  char name[1200] = "", *at = name;

  for (int i = 0; i < 275; i++)
    at = stpcpy (at, "././");
  RUN ("qemu-img create -q -f qcow2 base 1M");
  strcpy (name + 1100, "base");
  image.backing = name;
  refused (-ENAMETOOLONG, "image.backing-name", "backing");
}
END_TEST

START_TEST (everything_that_is_wrong_is_said_at_once)
{
  image.format = VMSPEC_IMAGE_FORMAT_VHDX;
  image.cluster_size = 1000;
  image.label = "x";
  image.size = 0;
  refused (-EINVAL, "image.not-made", "format");
  ck_assert_msg (vmspec_diag_count (diag) == 4, "%s", unit_findings (diag));
}
END_TEST

START_TEST (nothing_is_overwritten)
{
  make_file ("other", 0644, "precious");
  image.file = "other";
  refused (-EEXIST, "image.exists", "file");
  ck_assert_str_eq (read_file ("other"), "precious");
  ck_assert_int_eq (symlink ("absent", "link"), 0);
  image.file = "link";
  refused (-ELOOP, "image.dangling-link", "file");
  image.file = "none/image";
  refused (-ENOENT, "image.directory", "file");
}
END_TEST

/* ---- progress ----------------------------------------------------------- */

struct seen {
  unsigned calls, cancel_at;
  uint64_t done, total;
};

/* Whatever it does to errno is its own affair. */
static int
leave_errno (void *data, const struct vmspec_progress *progress)
{
  (void) data, (void) progress;
  errno = ENOMEM;
  return 0;
}

START_TEST (what_is_told_may_leave_any_errno)
{
  ck_assert_int_eq (mkdir ("tree", 0755), 0);
  make_file ("tree/file", 0644, "content");
  work.progress = leave_errno;
  image.tree = "tree";
  made ();
}
END_TEST

static int
see (void *data, const struct vmspec_progress *progress)
{
  struct seen *seen = data;

  ck_assert_uint_eq (progress->struct_size, sizeof *progress);
  ck_assert (!progress->total || progress->done <= progress->total);
  seen->done = progress->done;
  seen->total = progress->total;
  return ++seen->calls == seen->cancel_at;
}

START_TEST (the_end_is_told_and_the_work_can_be_cancelled)
{
  struct seen seen = { 0 };

  work.progress = see;
  work.data = &seen;
  image.content = VMSPEC_CONTENT_EXT4;
  made ();
  ck_assert_uint_gt (seen.calls, 0);
  ck_assert_uint_eq (seen.done, 64 * MIB);
  ck_assert_uint_eq (seen.total, 64 * MIB);
  unlink ("image");
  seen = (struct seen) { .cancel_at = 1 };
  ck_assert_int_eq (vmspec_image_create (&image, &work, diag), -ECANCELED);
  ck_assert (!exists ("image"));
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("image-create");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, an_image_is_empty_qcow2_unless_more_is_said);
  tcase_add_test (t, an_image_may_be_raw_and_hold_a_file_system);
  tcase_add_test (t, what_is_written_can_be_written_to);
  tcase_add_test (t, every_option_of_qcow2_is_taken);
  tcase_add_test (t, an_overlay_is_as_large_as_the_larger_of_both);
  tcase_add_test (t, an_overlay_is_found_from_where_it_stands);
  tcase_add_test (t, what_an_overlay_rests_on_must_be_what_it_is_said_to_be);
  tcase_add_test (t, what_somebody_writes_to_can_carry_no_overlay);
  tcase_add_test (t, a_disk_has_whole_sectors);
  tcase_add_test (t, what_cannot_be_made_is_refused);
  tcase_add_test (t, what_goes_with_a_file_system_needs_one);
  tcase_add_test (t, an_overlay_is_qcow2_and_nothing_else);
  tcase_add_test (t, a_name_that_cannot_be_recorded_is_refused);
  tcase_add_test (t, everything_that_is_wrong_is_said_at_once);
  tcase_add_test (t, nothing_is_overwritten);
  tcase_add_test (t, what_is_told_may_leave_any_errno);
  tcase_add_test (t, the_end_is_told_and_the_work_can_be_cancelled);
  return unit_run ("image-create", t);
}
