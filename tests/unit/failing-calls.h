/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that are counted, and that fail in their turn: the linker puts these
 * in the place of the C library's, by the names in failing-calls.wrap. */
#ifndef VMSPEC_TESTS_FAILING_CALLS_H
#define VMSPEC_TESTS_FAILING_CALLS_H

#include "scratch.h"

#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

static struct {
  int watching;
  long until_failure; /* counts down; the one at 0 fails */
  int error;          /* in this way */
  const char *failed; /* which one that was */
  const char *only;   /* unless NULL, how the names of those that count begin */
  const char *of, *instead; /* unless NULL, which is opened in whose place */
  const char *and_of, *and_instead;
} calls;

static int
call_fails (const char *name)
{
  if (!calls.watching
      || (calls.only && strncmp (calls.only, name, strlen (calls.only)))
      || calls.until_failure-- != 0)
    return 0;
  calls.failed = name;
  errno = calls.error;
  return 1;
}

static const char *
instead_of (const char *path)
{
  if (calls.of && !strcmp (path, calls.of))
    return calls.instead;
  return calls.and_of && !strcmp (path, calls.and_of) ? calls.and_instead : path;
}

/* On processors of 32 bits, where files are large, the C library has calls of these
 * names for the headers' ones. */
#if defined __USE_FILE_OFFSET64 && __WORDSIZE == 32
#define LARGE(name) name##64
#define LARGE_NAME(name) name "64"
#else
#define LARGE(name) name
#define LARGE_NAME(name) name
#endif

#define CALL(type, failure, name, parameters, arguments)                       \
  NAMED_CALL (type, failure, name, parameters, arguments)
#define NAMED_CALL(type, failure, name, parameters, arguments)                 \
  type __real_##name parameters;                                               \
  type __wrap_##name parameters;                                               \
  type __wrap_##name parameters                                                \
  {                                                                            \
    return call_fails (#name) ? (failure) : __real_##name arguments;           \
  }

CALL (int, -1, access, (const char *a, int b), (a, b))
CALL (int, -1, bind, (int a, const struct sockaddr *b, socklen_t c), (a, b, c))
CALL (int, -1, connect, (int a, const struct sockaddr *b, socklen_t c),
      (a, b, c))
CALL (int, -1, faccessat, (int a, const char *b, int c, int d), (a, b, c, d))
CALL (int, -1, LARGE (fallocate), (int a, int b, off_t c, off_t d), (a, b, c, d))
CALL (int, -1, fchmod, (int a, mode_t b), (a, b))
CALL (int, -1, fchmodat, (int a, const char *b, mode_t c, int d), (a, b, c, d))
CALL (ssize_t, -1, fgetxattr, (int a, const char *b, void *c, size_t d),
      (a, b, c, d))
CALL (int, -1, flock, (int a, int b), (a, b))
CALL (DIR *, NULL, fdopendir, (int a), (a))
CALL (int, -1, LARGE (fstat), (int a, struct stat *b), (a, b))
CALL (int, -1, LARGE (fstatat), (int a, const char *b, struct stat *c, int d),
      (a, b, c, d))
CALL (int, -1, LARGE (ftruncate), (int a, off_t b), (a, b))
CALL (char *, NULL, getcwd, (char *a, size_t b), (a, b))
CALL (ssize_t, -1, getrandom, (void *a, size_t b, unsigned c), (a, b, c))
CALL (ssize_t, -1, lgetxattr, (const char *a, const char *b, void *c, size_t d),
      (a, b, c, d))
CALL (int, -1, linkat, (int a, const char *b, int c, const char *d, int e),
      (a, b, c, d, e))
CALL (ssize_t, -1, llistxattr, (const char *a, char *b, size_t c), (a, b, c))
CALL (off_t, -1, LARGE (lseek), (int a, off_t b, int c), (a, b, c))
CALL (int, -1, LARGE (lstat), (const char *a, struct stat *b), (a, b))
CALL (int, -1, memfd_create, (const char *a, unsigned b), (a, b))
CALL (int, -1, mkdir, (const char *a, mode_t b), (a, b))
CALL (void *, MAP_FAILED, LARGE (mmap),
      (void *a, size_t b, int c, int d, int e, off_t f), (a, b, c, d, e, f))
CALL (int, -1, pipe2, (int a[2], int b), (a, b))
CALL (ssize_t, -1, LARGE (pread), (int a, void *b, size_t c, off_t d), (a, b, c, d))
CALL (ssize_t, -1, LARGE (pwrite), (int a, const void *b, size_t c, off_t d),
      (a, b, c, d))
CALL (ssize_t, -1, LARGE (pwritev), (int a, const struct iovec *b, int c, off_t d),
      (a, b, c, d))
CALL (ssize_t, -1, read, (int a, void *b, size_t c), (a, b, c))
CALL (ssize_t, -1, readlink, (const char *a, char *b, size_t c), (a, b, c))
CALL (ssize_t, -1, readlinkat, (int a, const char *b, char *c, size_t d),
      (a, b, c, d))
CALL (char *, NULL, realpath, (const char *a, char *b), (a, b))
CALL (ssize_t, -1, recvmsg, (int a, struct msghdr *b, int c), (a, b, c))
CALL (int, -1, renameat2,
      (int a, const char *b, int c, const char *d, unsigned e), (a, b, c, d, e))
CALL (ssize_t, -1, sendmsg, (int a, const struct msghdr *b, int c), (a, b, c))
CALL (int, -1, socket, (int a, int b, int c), (a, b, c))
CALL (int, -1, socketpair, (int a, int b, int c, int d[2]), (a, b, c, d))
CALL (int, -1, LARGE (stat), (const char *a, struct stat *b), (a, b))
CALL (int, -1, uname, (struct utsname *a), (a))
CALL (ssize_t, -1, write, (int a, const void *b, size_t c), (a, b, c))

/* Allocations are such calls where it is memory that is short. */
#define ALLOCATION(name, parameters, arguments)                                \
  void *__real_##name parameters;                                              \
  void *__wrap_##name parameters;                                              \
  void *__wrap_##name parameters                                               \
  {                                                                            \
    return calls.error == ENOMEM && call_fails (#name)                         \
             ? NULL : __real_##name arguments;                                 \
  }

ALLOCATION (calloc, (size_t a, size_t b), (a, b))
ALLOCATION (malloc, (size_t a), (a))
ALLOCATION (realloc, (void *a, size_t b), (a, b))

/* Nobody has to wait for the disk. */
#define SYNC(name)                                                             \
  int __wrap_##name (int fd);                                                  \
  int __wrap_##name (int fd UNUSED) { return call_fails (#name) ? -1 : 0; }

SYNC (fsync)
SYNC (syncfs)

/* What has one argument more in some calls. */
#define LONGER_CALL(name, type, parameters, last, arguments)                   \
  NAMED_LONGER_CALL (name, type, parameters, last, arguments)
#define NAMED_LONGER_CALL(name, type, parameters, last, arguments)             \
  int __real_##name parameters;                                                \
  int __wrap_##name parameters;                                                \
  int __wrap_##name parameters                                                 \
  {                                                                            \
    va_list list;                                                              \
    type more;                                                                 \
                                                                               \
    va_start (list, last);                                                     \
    more = va_arg (list, type);                                                \
    va_end (list);                                                             \
    return call_fails (#name) ? -1 : __real_##name arguments;                  \
  }

LONGER_CALL (LARGE (open), mode_t, (const char *a, int b, ...), b,
             (instead_of (a), b, more))
LONGER_CALL (LARGE (openat), mode_t, (int a, const char *b, int c, ...), c,
             (a, b, c, more))
LONGER_CALL (LARGE (fcntl), void *, (int a, int b, ...), b, (a, b, more))
LONGER_CALL (ioctl, void *, (int a, unsigned long b, ...), b, (a, b, more))

#endif
