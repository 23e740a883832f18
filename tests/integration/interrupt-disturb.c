/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tries, each in a process of its own, and what disturbs them. */
#include "interrupt.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct report *report;

void
disturb_set_up (void)
{
  const struct rlimit none = { 0, 0 };

  report = mmap (NULL, sizeof *report, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  /* Helper programs whose parent was killed become ours. */
  if (report == MAP_FAILED || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0
      || setrlimit (RLIMIT_CORE, &none) < 0)
    fatal ("setting up");
}

/* ---- allocations -------------------------------------------------------- *
 *
 * In the places of the C library's, for all libraries of the process.
 */

static struct {
  int watching, for_ever;
  long until_failure;        /* counts down; the one at 0 fails */
  int failed;
} memory;

#if !defined __SANITIZE_ADDRESS__
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);
void *__libc_memalign (size_t alignment, size_t size);

/* libext2fs (1.47) calls abort() where a bitmap cannot grow, and follows null
 * pointers in the cache of inodes; libfdisk (2.38) asserts that it has a label
 * of each kind.  That is like being killed. */
static int
is_of_frail_library (const void *caller)
{
  Dl_info info;

  return dladdr (caller, &info) && info.dli_fname
         && (strstr (info.dli_fname, "libext2fs")
             || strstr (info.dli_fname, "libfdisk"));
}

static int
fails (const void *caller)
{
  if (!memory.watching)
    return 0;
  if (memory.until_failure-- == 0 || (memory.for_ever && memory.failed)) {
    memory.failed = 1;
    if (is_of_frail_library (caller))
      report->may_crash = 1;
    errno = ENOMEM;
    return 1;
  }
  return 0;
}

#define FAILS() fails (__builtin_return_address (0))

void *
malloc (size_t size)
{
  return FAILS () ? NULL : __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  return FAILS () ? NULL : __libc_calloc (n, size);
}

void *
realloc (void *old, size_t size)
{
  return FAILS () ? NULL : __libc_realloc (old, size);
}

int
posix_memalign (void **ret_block, size_t alignment, size_t size)
{
  void *block = FAILS () ? NULL : __libc_memalign (alignment, size);

  if (!block)
    return ENOMEM;
  *ret_block = block;
  return 0;
}
#endif

/* ---- system calls ------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

static int
install (struct sock_filter *code, size_t n, unsigned flags)
{
  const struct sock_fprog program = { (unsigned short) n, code };

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return -1;
  return (int) syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

/* The file system cannot do without a name (O_TMPFILE, which is more than one
 * bit), or rename without replacing. */
static void
install_mode (enum mode mode)
{
  const unsigned tmpfile = O_TMPFILE & ~O_DIRECTORY;
  struct sock_filter named[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
              offsetof (struct seccomp_data, args[2]) + LOW_HALF),
    BPF_JUMP (BPF_JMP | BPF_JSET | BPF_K, tmpfile, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_filter linked[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
              offsetof (struct seccomp_data, args[4]) + LOW_HALF),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };

  if ((mode != NAMELESS && install (named, COUNT (named), 0) < 0)
      || (mode == LINKED && install (linked, COUNT (linked), 0) < 0))
    fatal ("seccomp");
}

#define MOST_CALLS 40

#if defined SYS_fstat && defined SYS_newfstatat
#define STAT_CALLS SYS_newfstatat, SYS_fstat
#else
#define STAT_CALLS SYS_statx
#endif
#ifdef SYS_poll
#define POLL_CALLS SYS_poll
#else
#define POLL_CALLS SYS_ppoll
#endif
#ifdef SYS_mkdir
#define MKDIR_CALLS SYS_mkdir, SYS_mkdirat
#else
#define MKDIR_CALLS SYS_mkdirat
#endif

#define WRITE_CALLS SYS_write, SYS_pwrite64, SYS_pwritev, SYS_ftruncate,       \
  SYS_fallocate, SYS_fsync
#define NAME_CALLS SYS_linkat, SYS_renameat2, MKDIR_CALLS
#define READ_CALLS SYS_read, SYS_pread64, SYS_getdents64, SYS_lseek

/* EINTR is for those that may wait; a call that fails to close or to remove
 * something would be pretended. */
static const struct class {
  const char *name;
  int error;
  int calls[MOST_CALLS];
} classes[] = {
  { "EINTR", EINTR,
    { SYS_read, SYS_pread64, SYS_write, SYS_pwrite64, SYS_pwritev, SYS_openat,
      SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_flock, SYS_getrandom,
      SYS_wait4, SYS_waitid, POLL_CALLS, -1 } },
  { "ENOSPC", ENOSPC, { WRITE_CALLS, NAME_CALLS, SYS_openat, -1 } },
  { "EDQUOT", EDQUOT, { WRITE_CALLS, NAME_CALLS, SYS_openat, -1 } },
  { "EIO", EIO, { WRITE_CALLS, NAME_CALLS, READ_CALLS, STAT_CALLS, SYS_openat,
                  SYS_flock, SYS_getrandom, SYS_faccessat, SYS_fchmod,
                  SYS_memfd_create, SYS_fcntl, -1 } },
  { "EMFILE", EMFILE, { SYS_openat, SYS_memfd_create, SYS_pipe2, SYS_fcntl,
                        -1 } },
  { "EAGAIN", EAGAIN, { SYS_clone, SYS_clone3, SYS_pidfd_open, -1 } },
};

const char *
class_name (size_t class)
{
  return class < COUNT (classes) ? classes[class].name : NULL;
}

int
class_error (size_t class)
{
  return classes[class].error;
}

struct notifier {
  const struct class *class;
  long n;
  pid_t who;
  int fd, ready[2];
};

/* Calls of this process get the error in their turn; those of its helpers are
 * let through. */
static void *
answer (void *data)
{
  struct notifier *notifier = data;
  char byte;

  if (read (notifier->ready[0], &byte, 1) < 0)
    return NULL;
  for (;;) {
    struct seccomp_notif asked = { 0 };
    struct seccomp_notif_resp told = { 0 };

    if (ioctl (notifier->fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
      continue;
    told.id = asked.id;
    told.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    if ((pid_t) asked.pid == notifier->who && --notifier->n == 0) {
      report->failed = asked.data.nr + 1;
      told.flags = 0;
      told.error = -notifier->class->error;
    }
    ioctl (notifier->fd, SECCOMP_IOCTL_NOTIF_SEND, &told);
  }
  return NULL;
}

static void
install_class (const struct class *class, long n)
{
  static struct notifier notifier;
  struct sock_filter code[MOST_CALLS + 3] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)) };
  pthread_t thread;
  unsigned char size = 0;

  while (class->calls[size] >= 0)
    size++;
  for (unsigned char i = 0; i < size; i++)
    code[i + 1] = (struct sock_filter) BPF_JUMP (
      BPF_JMP | BPF_JEQ | BPF_K, (unsigned) class->calls[i],
      (unsigned char) (size - i), 0);
  code[size + 1]
    = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  code[size + 2]
    = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  notifier = (struct notifier) { .class = class, .n = n, .who = getpid () };
  if (pipe (notifier.ready) < 0
      || pthread_create (&thread, NULL, answer, &notifier))
    fatal ("pthread_create");
  notifier.fd = install (code, size + 3u, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  if (notifier.fd < 0)
    _exit (77);
  /* Not by write(), which may be one of them. */
  close (notifier.ready[1]);
}

/* ---- a process ---------------------------------------------------------- */

/* By a call that is in no class. */
static int
open_descriptors (void)
{
  struct statfs status;
  int n = 0;

  for (int fd = 0; fd < 64; fd++)
    n += fstatfs (fd, &status) == 0;
  return n;
}

static void
make_and_tell (vmspec_diag *diag)
{
  int before = open_descriptors ();

  report->result = kind_make (diag);
  memory.watching = 0;
  if (memory.failed)
    report->failed = 1;
  report->findings = (int) vmspec_diag_count (diag);
  if (report->findings)
    snprintf (report->said, sizeof report->said, "%s: %s",
              vmspec_diag_get (diag, 0)->id, vmspec_diag_get (diag, 0)->text);
  report->leaked = open_descriptors () - before;
  report->ended = 1;
  _exit (0);
}

static pid_t
start (vmspec_diag **ret_diag)
{
  pid_t pid;

  fflush (NULL);
  *report = (struct report) { 0 };
  pid = fork ();
  if (pid < 0 || (pid == 0 && vmspec_diag_new (ret_diag) < 0))
    fatal ("fork");
  if (pid == 0)
    alarm (60); /* it hangs */
  return pid;
}

static int
wait_for (pid_t pid)
{
  int status;

  while (waitpid (pid, &status, 0) < 0)
    if (errno != EINTR)
      fatal ("waitpid");
  return status;
}

int
wait_for_orphans (void)
{
  const struct timespec moment = { 0, 200000 };

  for (int i = 0; i < 50000; i++) {
    pid_t pid = waitpid (-1, NULL, WNOHANG);

    if (pid < 0)
      return 1;
    if (pid == 0)
      nanosleep (&moment, NULL);
  }
  return 0;
}

int
run_undisturbed (enum mode mode)
{
  vmspec_diag *diag;
  pid_t pid = start (&diag);

  if (pid == 0) {
    install_mode (mode);
    make_and_tell (diag);
  }
  return wait_for (pid);
}

int
run_failing (enum mode mode, size_t class, long n)
{
  vmspec_diag *diag;
  pid_t pid = start (&diag);

  if (pid == 0) {
    install_mode (mode);
    install_class (&classes[class], n);
    make_and_tell (diag);
  }
  return wait_for (pid);
}

int
run_without_memory (enum mode mode, long n, int for_ever)
{
  vmspec_diag *diag;
  pid_t pid = start (&diag);

  if (pid == 0) {
    install_mode (mode);
    memory.until_failure = n;
    memory.for_ever = for_ever;
    memory.watching = 1;
    make_and_tell (diag);
  }
  return wait_for (pid);
}

int
run_limited (enum mode mode, uint64_t size)
{
  const struct rlimit limit = { size, size };
  vmspec_diag *diag;
  pid_t pid = start (&diag);

  if (pid == 0) {
    install_mode (mode);
    signal (SIGXFSZ, SIG_IGN);
    if (setrlimit (RLIMIT_FSIZE, &limit) < 0)
      fatal ("setrlimit");
    make_and_tell (diag);
  }
  return wait_for (pid);
}

/* ---- death -------------------------------------------------------------- */

int
run_killed (enum mode mode, long *n)
{
  vmspec_diag *diag;
  pid_t pid = start (&diag);
  int status, entering = 1;

  if (pid == 0) {
    install_mode (mode);
    if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) < 0)
      _exit (77);
    raise (SIGSTOP);
    _exit (kind_make (diag) < 0);
  }
  status = wait_for (pid);
  if (!WIFSTOPPED (status))
    return status;
  if (ptrace (PTRACE_SETOPTIONS, pid, NULL,
              PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD) < 0)
    fatal ("ptrace");
  while (WIFSTOPPED (status)) {
    int signal = WSTOPSIG (status) == (SIGTRAP | 0x80)
                     || WSTOPSIG (status) == SIGSTOP ? 0 : WSTOPSIG (status);

    if (WSTOPSIG (status) == (SIGTRAP | 0x80)) {
      if (entering && --*n == 0)
        kill (pid, SIGKILL);
      entering = !entering;
    }
    if (*n > 0)
      ptrace (PTRACE_SYSCALL, pid, NULL, (long) signal);
    status = wait_for (pid);
  }
  return status;
}

/* ---- several ------------------------------------------------------------ */

/* Not even a warning, except that somebody was faster. */
static int
make_without_a_word (void)
{
  vmspec_diag *diag = NULL;
  int r = vmspec_diag_new (&diag);

  if (r == 0)
    r = kind_make (diag);
  for (size_t i = 0; i < vmspec_diag_count (diag); i++)
    if (strcmp (vmspec_diag_get (diag, i)->id, "image.exists"))
      return 1;
  return r < 0;
}

pid_t
start_undisturbed (enum mode mode, unsigned delay)
{
  pid_t pid = fork ();

  if (pid == 0) {
    install_mode (mode);
    usleep (delay);
    _exit (make_without_a_word ());
  }
  return pid;
}

static void *
make_apart (void *wrong)
{
  return kind_make_apart () == 0 ? NULL : wrong;
}

pid_t
start_threads (enum mode mode, unsigned n)
{
  pid_t pid = fork ();
  pthread_t threads[16];
  void *wrong = NULL;

  if (pid)
    return pid;
  install_mode (mode);
  for (unsigned i = 0; i < n; i++)
    if (pthread_create (&threads[i], NULL, make_apart, report))
      fatal ("pthread_create");
  for (unsigned i = 0; i < n; i++) {
    void *r;

    pthread_join (threads[i], &r);
    wrong = r ? r : wrong;
  }
  _exit (wrong != NULL);
}
