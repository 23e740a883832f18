/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one stage that looks at the machine before a plan is made. */
#include "decide.h"
#include "firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

struct detected {
  struct vmspec_host host; /* first: it is what the caller frees */
  struct arena arena;
};

/* At most @size - 1 bytes of a file, as text; -errno. */
static ssize_t
read_start (const char *path, char *bytes, size_t size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  size_t used = 0;
  ssize_t n = -1;

  if (fd < 0)
    return -errno;
  while (used < size - 1
         && (n = read (fd, bytes + used, size - 1 - used)) != 0)
    if (n > 0)
      used += (size_t) n;
    else if (errno != EINTR)
      break;
  close (fd);
  bytes[used] = '\0';
  return n < 0 ? -EIO : (ssize_t) used;
}

/* ---- processor ---------------------------------------------------------- */

/* The flags line of the first processor comes well within the first pages. */
static int
has_cpu_flag (const char *text, const char *flag)
{
  size_t length = strlen (flag);

  for (const char *at = text; (at = strstr (at, flag)); at += length)
    if (at > text && at[-1] == ' ' && strchr (" \n", at[length]))
      return 1;
  return 0;
}

/* A /dev/kvm that opens proves nothing: where an outer hypervisor emulates the
 * device without vmx or svm behind it, guests hang without a word. */
static enum vmspec_kvm
detect_kvm (uint32_t arch)
{
  const struct arch *host = vms_arch_get (arch);
  char cpuinfo[16384];
  int fd = open ("/dev/kvm", O_RDWR | O_CLOEXEC);

  if (fd < 0)
    return errno == EACCES || errno == EPERM ? VMSPEC_KVM_DENIED
                                             : VMSPEC_KVM_ABSENT;
  close (fd);
  if (!host || host->family != FAMILY_X86)
    return VMSPEC_KVM_USABLE;
  if (read_start ("/proc/cpuinfo", cpuinfo, sizeof cpuinfo) > 0
      && (has_cpu_flag (cpuinfo, "vmx") || has_cpu_flag (cpuinfo, "svm")))
    return VMSPEC_KVM_USABLE;
  return VMSPEC_KVM_NO_HARDWARE;
}

static void
detect_machine (struct vmspec_host *host)
{
  struct utsname name;
  long cpus = sysconf (_SC_NPROCESSORS_ONLN);

  if (uname (&name) == 0) {
    DEFAULT (host->arch, vms_arch_by_machine (name.machine));
    DEFAULT (host->os, strcmp (name.sysname, "Darwin") ? VMSPEC_OS_LINUX
                                                       : VMSPEC_OS_DARWIN);
  }
  DEFAULT (host->cpus, cpus > 0 ? (uint32_t) cpus : 1);
  DEFAULT (host->kvm, detect_kvm (host->arch));
}

/* ---- directories -------------------------------------------------------- */

static int
detect_directory (struct detected *found, vmspec_diag *diag)
{
  const struct path here = { .name = "directory" };
  char path[PATH_MAX];

  if (found->host.directory)
    return 0;
  if (!getcwd (path, sizeof path)) {
    int error = errno;

    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "host.directory", &here, NULL,
                  "the working directory is unknown (%s), so relative paths mean "
                  "nothing; change to one that exists", strerrordesc_np (error));
    return -error;
  }
  found->host.directory = vms_arena_strdup (&found->arena, path);
  return 0;
}

/* Ten characters, as mktemp(1) has them: enough that nobody guesses the name,
 * and the directory is made with O_EXCL's rule anyway.  So few bytes come whole. */
static int
detect_run_name (struct detected *found, vmspec_diag *diag)
{
  const struct path here = { .name = "run_name" };
  static const char letters[]
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  unsigned char random[10];
  char name[] = "vmspec.XXXXXXXXXX";

  if (found->host.run_name)
    return 0;
  if (getrandom (random, sizeof random, 0) < 0) {
    int error = errno;

    vms_diag_add (diag, VMSPEC_SEVERITY_ERROR, "host.run-name", &here, NULL,
                  "the kernel gives no random numbers to make a name of: %s",
                  strerrordesc_np (error));
    return -error;
  }
  for (size_t i = 0; i < sizeof random; i++)
    name[7 + i] = letters[random[i] % 64];
  found->host.run_name = vms_arena_strdup (&found->arena, name);
  return 0;
}

/* ---- programs ----------------------------------------------------------- */

static int
is_program (const char *path)
{
  struct stat status;

  return stat (path, &status) == 0 && S_ISREG (status.st_mode)
         && access (path, X_OK) == 0;
}

static const char *
in_path (struct detected *found, const char *name)
{
  const char *path = vms_environment_said (found->host.environment, "PATH");
  const char *directory = path ? path : "/usr/local/bin:/usr/bin:/bin";

  while (*directory) {
    size_t size = strcspn (directory, ":");
    const char *prefix = size ? vms_arena_copy (&found->arena, directory, size)
                              : ".";
    const char *program
      = vms_host_absolute (&found->arena, &found->host,
                           vms_arena_concat (&found->arena, prefix ? prefix : "", "/",
                                             name, (char *) NULL));

    if (program && is_program (program))
      return program;
    directory += size;
    directory += *directory == ':';
  }
  return NULL;
}

static void
detect_program (struct detected *found, struct vector *programs,
                const char *name)
{
  struct vmspec_host_program *program;
  const char *path;

  if (!name || strchr (name, '/') || !(path = in_path (found, name)))
    return;
  program = vms_arena_alloc (&found->arena, sizeof *program);
  if (!program)
    return;
  *program = (struct vmspec_host_program) {
    VMSPEC_INIT (vmspec_host_program), .path = path,
    .name = vms_arena_strdup (&found->arena, name) };
  vms_vector_add (programs, program);
}

static int
forwards_from_guest (const struct vmspec_network *network)
{
  for (size_t i = 0; network->forward_ports[i]; i++)
    if (network->forward_ports[i]->from == VMSPEC_FORWARD_FROM_GUEST)
      return 1;
  return 0;
}

static void
detect_programs (struct detected *found, const struct resolution *r)
{
  struct vector programs = { .arena = &found->arena };

  if (found->host.programs)
    return;
  if (r->qemu.binary)
    detect_program (found, &programs, r->qemu.binary);
  else if (!r->qemu.package)
    detect_program (found, &programs, r->arch->emulator);
  if (forwards_from_guest (&r->network))
    detect_program (found, &programs,
                    r->network.netcat ? r->network.netcat : "nc");
  if (!r->tpm.swtpm && is_on (r->tpm.enable))
    detect_program (found, &programs, "swtpm");
  if (is_on (r->tpm.enable) && is_on (r->tpm.setup))
    detect_program (found, &programs, "swtpm_setup");
  if (is_on (r->tpm.enable)) {
    detect_program (found, &programs, r->tpm.provision);
    detect_program (found, &programs, "socat");
  }
  if (is_on (r->network.vlan_switch)
      && r->network.vlan_backend == VMSPEC_VLAN_BACKEND_VDE)
    detect_program (found, &programs, "vde_switch");
  if (is_on (r->store.image) && !is_on (r->store.writable))
    detect_program (found, &programs, "mkfs.erofs");
  found->host.programs = (const void *) vms_vector_end (&programs);
}

/* ---- files -------------------------------------------------------------- */

static uint32_t
file_type (const struct stat *status)
{
  return S_ISREG (status->st_mode)   ? VMSPEC_FILE_TYPE_FILE
         : S_ISDIR (status->st_mode) ? VMSPEC_FILE_TYPE_DIRECTORY
                                     : VMSPEC_FILE_TYPE_OTHER;
}

/* The directory's real path and the last component; NULL if there is no such
 * directory. */
static const char *
real_parent (struct arena *arena, const char *path)
{
  const char *name = strrchr (path, '/') + 1;
  char *parent = vms_arena_copy (arena, path, (size_t) (name - path));
  char real[PATH_MAX];

  if (!parent || !*name || !realpath (*parent ? parent : "/", real))
    return NULL;
  return vms_arena_concat (arena, real, strcmp (real, "/") ? "/" : "", name,
                           (char *) NULL);
}

/* A link's target, as seen from where the link stands. */
static const char *
from_directory_of (struct arena *arena, const char *link, const char *target)
{
  size_t size = (size_t) (strrchr (link, '/') - link);
  char *directory = vms_arena_copy (arena, link, size);

  if (*target == '/' || !directory)
    return vms_arena_strdup (arena, target);
  return vms_arena_concat (arena, directory, "/", target, (char *) NULL);
}

/* As readlink -f: what is missing may only be the last component, also of what
 * a dangling link points at. */
static void
follow (struct arena *arena, struct vmspec_host_file *file)
{
  char real[PATH_MAX], target[PATH_MAX];
  const char *path = file->path;
  struct stat status;
  ssize_t size;

  for (int links = 0; links < 40; links++) {
    if (realpath (path, real) && stat (real, &status) == 0) {
      file->type = file_type (&status);
      file->real_path = vms_arena_strdup (arena, real);
      return;
    }
    path = real_parent (arena, path);
    if (!path)
      break;
    size = readlink (path, target, sizeof target - 1);
    if (size < 0) {
      file->type = VMSPEC_FILE_TYPE_ABSENT;
      file->real_path = path;
      return;
    }
    target[size] = '\0';
    path = from_directory_of (arena, path, target);
    if (!path)
      break;
  }
  file->type = VMSPEC_FILE_TYPE_NO_PARENT;
}

static struct vmspec_host_file *
detect_file (struct detected *found, struct vector *files, const char *path)
{
  struct vmspec_host_file *file;

  if (!path)
    return NULL;
  file = vms_arena_alloc (&found->arena, sizeof *file);
  if (!file)
    return NULL;
  *file = (struct vmspec_host_file) { VMSPEC_INIT (vmspec_host_file) };
  file->path = vms_arena_strdup (&found->arena, path);
  if (!file->path)
    return NULL;
  follow (&found->arena, file);
  vms_vector_add (files, file);
  return file;
}

static void
detect_system (struct detected *found, struct vector *files,
               const char *system)
{
  char content[65536];
  struct vmspec_host_file *params;

  detect_file (found, files, vms_arena_concat (&found->arena, system, "/initrd",
                                               (char *) NULL));
  params = detect_file (found, files,
                        vms_arena_concat (&found->arena, system, "/kernel-params",
                                          (char *) NULL));
  if (params && params->type == VMSPEC_FILE_TYPE_FILE
      && read_start (params->path, content, sizeof content) >= 0)
    params->content = vms_arena_strdup (&found->arena, content);
}

/* A list of store paths may be long. */
#define LONGEST_CLOSURE (16 << 20)

static void
detect_closure (struct detected *found, struct vector *files, const char *path)
{
  struct vmspec_host_file *closure = detect_file (found, files, path);
  char *content = closure ? malloc (LONGEST_CLOSURE) : NULL;

  if (content && closure->type == VMSPEC_FILE_TYPE_FILE
      && read_start (closure->path, content, LONGEST_CLOSURE) >= 0)
    closure->content = vms_arena_strdup (&found->arena, content);
  free (content);
}

static void
detect_files (struct detected *found, const struct resolution *r)
{
  struct vector files = { .arena = &found->arena };
  struct decided d;

  if (found->host.files)
    return;
  /* Without files nothing is followed: these are the names to look at. */
  vms_decide (&d, r, NULL);
  detect_file (found, &files, d.image);
  detect_file (found, &files, d.efi_state);
  detect_file (found, &files, d.tpm_state);
  if (r->boot.system)
    detect_system (found, &files,
                   vms_host_absolute (&found->arena, &found->host,
                                      r->boot.system));
  if (is_on (r->store.image))
    detect_closure (found, &files,
                    vms_host_absolute (&found->arena, &found->host,
                                       r->store.closure));
  found->host.files = (const void *) vms_vector_end (&files);
}

/* ------------------------------------------------------------------------- */

/* What to look at depends on the description, with its defaults. */
static int
detect_for (struct detected *found, const struct vmspec *spec,
            vmspec_diag *diag)
{
  struct arena arena = { 0 };
  struct vmspec empty = { VMSPEC_INIT (vmspec) };
  struct resolution r;
  void *given = NULL;
  int error = vms_spec_copy (&arena, "vmspec", spec ? spec : &empty, diag, &given);

  if (error == 0) {
    /* What is wrong with it is said when the plan is made. */
    vms_spec_accept (&arena, "vmspec", given, NULL);
    vms_resolve (&r, &arena, given, &found->host);
    error = vms_arena_error (&arena);
  }
  if (error == 0) {
    detect_programs (found, &r);
    detect_files (found, &r);
    if (!found->host.firmware)
      found->host.firmware = vms_detect_firmware (&found->arena, &r);
    error = vms_arena_error (&arena);
  }
  vms_arena_free (&arena);
  return error;
}

int
vmspec_host_detect (const struct vmspec *spec, const struct vmspec_host *given,
                    vmspec_diag *diag, struct vmspec_host **ret_host)
{
  struct arena arena = { 0 };
  struct detected *found = vms_arena_alloc (&arena, sizeof *found);
  struct vmspec_host none = { VMSPEC_INIT (vmspec_host) };
  void *copy = NULL;
  int r = -ENOMEM;

  if (!found)
    return r;
  found->arena = arena;
  r = vms_spec_copy (&found->arena, "vmspec_host", given ? given : &none, diag,
                     &copy);
  if (r == 0) {
    r = vms_spec_accept (&found->arena, "vmspec_host", copy, diag);
    found->host = *(struct vmspec_host *) copy;
  }
  if (r == 0) {
    detect_machine (&found->host);
    r = detect_directory (found, diag);
  }
  if (r == 0)
    r = detect_run_name (found, diag);
  if (r == 0)
    r = detect_for (found, spec, diag);
  if (r == 0)
    r = vms_arena_error (&found->arena);
  if (r < 0)
    vmspec_host_free (&found->host);
  else
    *ret_host = &found->host;
  return r;
}

void
vmspec_host_free (struct vmspec_host *host)
{
  if (host) {
    struct arena arena = ((struct detected *) host)->arena;

    vms_arena_free (&arena);
  }
}
