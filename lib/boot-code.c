/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot-code.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512u

/* ---- reading ------------------------------------------------------------ */

/* At most @size bytes, and how many those are. */
static int
read_start (const char *file, unsigned char *bytes, size_t size,
            size_t *ret_size)
{
  int fd = TEMP_FAILURE_RETRY (
    open (file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  int r = 0;
  size_t done = 0;

  if (fd < 0)
    return -errno;
  while (r == 0 && done < size) {
    ssize_t n = read (fd, bytes + done, size - done);

    if (n < 0 && errno != EINTR)
      r = -errno;
    if (n == 0)
      break;
    done += n > 0 ? (size_t) n : 0;
  }
  close (fd);
  *ret_size = done;
  return r == 0 && !done ? -ENODATA : r;
}

static int
say_unreadable (struct work *work, int error, const char *member,
                const char *file)
{
  return vms_work_fail (work, error, "system-image.boot-file", member,
                        "%s cannot be read: %s", file,
                        error == -ENODATA ? "it is empty"
                                          : strerrordesc_np (-error));
}

static int
read_core (struct boot_code *boot, struct work *work, const char *file,
           uint64_t room)
{
  struct stat status;
  size_t size;
  int r = stat (file, &status) < 0 ? -errno : 0;

  if (r == 0 && (uint64_t) status.st_size > room)
    return vms_work_fail (work, -EFBIG, "system-image.core-image", "core_image",
                          "%s has %llu bytes, and its place on the disk only %llu; "
                          "make it with fewer modules", file,
                          (unsigned long long) status.st_size,
                          (unsigned long long) room);
  if (r == 0) {
    size = (size_t) status.st_size + SECTOR;
    boot->core = vms_arena_alloc (work->arena, size - size % SECTOR);
    if (!boot->core)
      return -ENOMEM;
    r = read_start (file, boot->core, (size_t) status.st_size,
                    &boot->core_size);
  }
  return r < 0 ? say_unreadable (work, r, "core_image", file) : 0;
}

int
vms_boot_code_read (struct boot_code *boot, struct work *work,
                    const char *code_file, const char *core_file, uint64_t room)
{
  int r = 0, error;

  if (code_file) {
    r = read_start (code_file, boot->code, sizeof boot->code,
                    &boot->code_size);
    if (r < 0)
      say_unreadable (work, r, "boot_code", code_file);
  }
  if (core_file && (error = read_core (boot, work, core_file, room)) < 0)
    r = error;
  return r;
}

/* ---- GRUB --------------------------------------------------------------- *
 *
 * boot.img has the core image's first sector at 0x5c.  The first sector of the
 * core image loads the rest: 12 bytes at its end say from where, how many
 * sectors, and to which segment.
 */

#define CORE_SECTOR 0x5c
#define REST_SECTOR 500
#define REST_COUNT 508
#define REST_SEGMENT 510
#define GRUB_SEGMENT 0x820

static int
is_grub_boot (const struct boot_code *boot)
{
  return boot->code_size == sizeof boot->code
         && memmem (boot->code, BOOT_CODE_SIZE, "GRUB ", 5);
}

static int
is_grub_core (const struct boot_code *boot)
{
  uint16_t segment;

  if (boot->core_size <= SECTOR)
    return 0;
  memcpy (&segment, boot->core + REST_SEGMENT, sizeof segment);
  return segment == htole16 (GRUB_SEGMENT)
         && memmem (boot->core, REST_SECTOR, "loading", 7);
}

void
vms_boot_code_patch (struct boot_code *boot, uint64_t place)
{
  uint64_t sector = htole64 (place / SECTOR);
  uint64_t rest = htole64 (place / SECTOR + 1);
  uint16_t count = htole16 ((uint16_t) ((boot->core_size - 1) / SECTOR));

  if (!boot->core)
    return;
  if (is_grub_boot (boot))
    memcpy (boot->code + CORE_SECTOR, &sector, sizeof sector);
  if (is_grub_core (boot)) {
    memcpy (boot->core + REST_SECTOR, &rest, sizeof rest);
    memcpy (boot->core + REST_COUNT, &count, sizeof count);
  }
}

int
vms_boot_code_write (struct image *image, const struct boot_code *boot,
                     uint64_t place)
{
  size_t code = MIN (boot->code_size, BOOT_CODE_SIZE);
  int r = code ? vms_image_write (image, 0, boot->code, code) : 0;

  return r == 0 && boot->core
           ? vms_image_write (image, place, boot->core, boot->core_size) : r;
}
