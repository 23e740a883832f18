/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmspec_host_detect() on directories made for the purpose. */
#include "scratch.h"

static char environment_path[2 * PATH_MAX + 20];
static struct vmspec_host *found;

static void
set_up (void)
{
  scratch_make ();
  snprintf (environment_path, sizeof environment_path, "PATH=%s/bin::%s/other",
            scratch, scratch);
  found = NULL;
}

static void
tear_down (void)
{
  vmspec_host_free (found);
  scratch_remove ();
}

/* Looks with $PATH set to "bin", ".", and "other" below the directory. */
static void
detect (const struct vmspec *spec, const struct vmspec_host *given)
{
  const char *const environment[] = { environment_path, NULL };
  struct vmspec_host host = { VMSPEC_INIT (vmspec_host),
                              .environment = environment };

  vmspec_host_free (found);
  found = NULL;
  ck_assert_int_eq (vmspec_host_detect (spec, given ? given : &host, NULL,
                                        &found), 0);
}

static const char *
program (const char *name)
{
  for (size_t i = 0; found->programs[i]; i++)
    if (!strcmp (found->programs[i]->name, name))
      return found->programs[i]->path;
  return NULL;
}

START_TEST (what_the_system_says_is_found)
{
  detect (NULL, NULL);
  ck_assert_uint_eq (found->struct_size, sizeof *found);
  ck_assert_uint_ne (found->arch, VMSPEC_ARCH_UNSET);
  ck_assert_uint_eq (found->os, VMSPEC_OS_LINUX);
  ck_assert_uint_ne (found->kvm, VMSPEC_KVM_UNSET);
  ck_assert_int_eq ((long) found->cpus, sysconf (_SC_NPROCESSORS_ONLN));
  ck_assert_str_eq (found->directory, scratch);
}
END_TEST

START_TEST (every_run_gets_a_name_of_its_own)
{
  char first[100];

  detect (NULL, NULL);
  strcpy (first, found->run_name);
  detect (NULL, NULL);
  ck_assert_str_ne (found->run_name, first);
  ck_assert_uint_eq (strlen (found->run_name), strlen ("vmspec.0123456789"));
  ck_assert_int_eq (strncmp (found->run_name, "vmspec.", 7), 0);
  ck_assert_ptr_null (strchr (found->run_name, '/'));
}
END_TEST

/* Ten characters, each any of 64. */
START_TEST (names_of_runs_are_made_of_letters_digits_and_two_more)
{
  static const char letters[]
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  char seen[256] = "", first[11] = "";
  int varies[10] = { 0 };

  for (int round = 0; round < 200; round++) {
    const char *name;

    detect (NULL, NULL);
    name = found->run_name + strlen ("vmspec.");
    ck_assert_uint_eq (strlen (name), 10);
    ck_assert_uint_eq (strspn (name, letters), 10);
    for (int i = 0; i < 10; i++) {
      seen[(unsigned char) name[i]] = 1;
      varies[i] |= round && name[i] != first[i];
    }
    strcpy (first, name);
  }
  for (int i = 0; i < 64; i++)
    ck_assert_msg (seen[(unsigned char) letters[i]], "no %c", letters[i]);
  for (int i = 0; i < 10; i++)
    ck_assert_msg (varies[i], "always %c at %d", first[i], i);
}
END_TEST

START_TEST (what_was_given_is_not_looked_up)
{
  struct vmspec_host given = unit_host ();
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON };
  struct vmspec_efi efi = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .tpm = &tpm, .efi = &efi };

  given.arch = VMSPEC_ARCH_S390X;
  given.os = VMSPEC_OS_DARWIN;
  given.cpus = 77;
  given.kvm = VMSPEC_KVM_DENIED;
  given.environment = STRINGS ("A=b");
  given.arguments = STRINGS ("-S");
  spec.arch = VMSPEC_ARCH_X86_64;
  detect (&spec, &given);
  ck_assert_uint_eq (found->arch, VMSPEC_ARCH_S390X);
  ck_assert_uint_eq (found->os, VMSPEC_OS_DARWIN);
  ck_assert_uint_eq (found->cpus, 77);
  ck_assert_uint_eq (found->kvm, VMSPEC_KVM_DENIED);
  ck_assert_str_eq (found->directory, "/here");
  ck_assert_str_eq (found->run_name, "vmspec.0123456789");
  ck_assert_str_eq (found->environment[0], "A=b");
  ck_assert_str_eq (found->arguments[0], "-S");
  ck_assert_str_eq (found->programs[0]->name, "qemu-system-x86_64");
  ck_assert_ptr_null (found->programs[1]);
  ck_assert_ptr_null (found->files[0]);
  ck_assert_ptr_null (found->firmware[0]);
}
END_TEST

START_TEST (the_process_environment_is_not_read)
{
  struct vmspec_host empty = { VMSPEC_INIT (vmspec_host) };
  char *path = strdup (getenv ("PATH"));

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  make_file ("bin/qemu-system-x86_64", 0755, "");
  setenv ("PATH", below ("bin"), 1);
  setenv ("NIX_DISK_IMAGE", "/elsewhere", 1);
  detect (&(struct vmspec) { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_X86_64 },
          &empty);
  setenv ("PATH", path, 1);
  unsetenv ("NIX_DISK_IMAGE");
  free (path);
  ck_assert_msg (!program ("qemu-system-x86_64")
                   || strcmp (program ("qemu-system-x86_64"),
                              below ("bin/qemu-system-x86_64")),
                 "$PATH of the process was used");
  ck_assert_str_eq (found->files[0]->path, below ("vm.qcow2"));
}
END_TEST

START_TEST (programs_are_found_in_the_order_of_path)
{
  struct vmspec spec
    = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_X86_64 };

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  ck_assert_int_eq (mkdir ("other", 0700), 0);
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("qemu-system-x86_64"));
  make_file ("other/qemu-system-x86_64", 0755, "");
  detect (&spec, NULL);
  ck_assert_str_eq (program ("qemu-system-x86_64"),
                    below ("other/qemu-system-x86_64"));
  /* An empty entry is the working directory. */
  make_file ("qemu-system-x86_64", 0755, "");
  detect (&spec, NULL);
  ck_assert_str_eq (program ("qemu-system-x86_64"),
                    below ("qemu-system-x86_64"));
  /* Neither a directory nor what cannot be run is a program. */
  ck_assert_int_eq (mkdir ("bin/qemu-system-x86_64", 0700), 0);
  detect (&spec, NULL);
  ck_assert_str_eq (program ("qemu-system-x86_64"),
                    below ("qemu-system-x86_64"));
  ck_assert_int_eq (rmdir ("bin/qemu-system-x86_64"), 0);
  make_file ("bin/qemu-system-x86_64", 0644, "");
  detect (&spec, NULL);
  ck_assert_str_eq (program ("qemu-system-x86_64"),
                    below ("qemu-system-x86_64"));
  ck_assert_int_eq (chmod ("bin/qemu-system-x86_64", 0755), 0);
  detect (&spec, NULL);
  ck_assert_str_eq (program ("qemu-system-x86_64"),
                    below ("bin/qemu-system-x86_64"));
}
END_TEST

START_TEST (only_what_is_needed_is_looked_for)
{
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON };
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .binary = "emu" };
  struct vmspec_forward_port port
    = { VMSPEC_INIT (vmspec_forward_port), .from = VMSPEC_FORWARD_FROM_GUEST };
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network),
        .forward_ports = LIST (vmspec_forward_port, &port) };
  struct vmspec_store store = { VMSPEC_INIT (vmspec_store) };
  struct vmspec spec
    = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_X86_64, .store = &store };

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  make_file ("bin/qemu-system-x86_64", 0755, "");
  make_file ("bin/mkfs.erofs", 0755, "");
  make_file ("bin/swtpm", 0755, "");
  make_file ("bin/nc", 0755, "");
  make_file ("bin/emu", 0755, "");
  make_file ("bin/socat", 0755, "");
  make_file ("bin/vde_switch", 0755, "");
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("swtpm"));
  ck_assert_ptr_null (program ("socat"));
  ck_assert_ptr_null (program ("vde_switch"));
  ck_assert_ptr_null (program ("nc"));
  spec.tpm = &tpm;
  spec.network = &network;
  spec.qemu = &qemu;
  detect (&spec, NULL);
  ck_assert_str_eq (program ("swtpm"), below ("bin/swtpm"));
  ck_assert_str_eq (program ("nc"), below ("bin/nc"));
  ck_assert_str_eq (program ("emu"), below ("bin/emu"));
  ck_assert_ptr_null (program ("qemu-system-x86_64"));
  ck_assert_str_eq (program ("socat"), below ("bin/socat"));
  ck_assert_ptr_null (program ("vde_switch"));
  network.vlan_backend = VMSPEC_VLAN_BACKEND_VDE;
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("vde_switch"));
  network.vlan_switch = VMSPEC_ON;
  detect (&spec, NULL);
  ck_assert_str_eq (program ("vde_switch"), below ("bin/vde_switch"));
  network.vlan_backend = VMSPEC_VLAN_BACKEND_STREAM;
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("vde_switch"));
  for (int i = 0; i < 4; i++) {
    store.image = i & 1 ? VMSPEC_ON : VMSPEC_OFF;
    store.writable = i & 2 ? VMSPEC_ON : VMSPEC_OFF;
    detect (&spec, NULL);
    ck_assert_int_eq (program ("mkfs.erofs") != NULL, i == 1);
  }
}
END_TEST

START_TEST (what_makes_and_provisions_a_tpm_is_looked_for)
{
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .setup = VMSPEC_ON,
                            .provision = "own" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_X86_64,
                         .tpm = &tpm };

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  make_file ("bin/swtpm_setup", 0755, "");
  make_file ("bin/own", 0755, "");
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("swtpm_setup"));
  ck_assert_ptr_null (program ("own"));
  tpm.enable = VMSPEC_ON;
  detect (&spec, NULL);
  ck_assert_str_eq (program ("swtpm_setup"), below ("bin/swtpm_setup"));
  ck_assert_str_eq (program ("own"), below ("bin/own"));
  tpm.setup = VMSPEC_OFF;
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("swtpm_setup"));
}
END_TEST

START_TEST (without_a_path_the_usual_directories_are_looked_through)
{
  struct vmspec_host empty = { VMSPEC_INIT (vmspec_host) };
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
                            .provision = "sh" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .tpm = &tpm };

  detect (&spec, &empty);
  ck_assert_ptr_nonnull (program ("sh"));
  ck_assert (!strcmp (program ("sh"), "/usr/bin/sh")
             || !strcmp (program ("sh"), "/bin/sh"));
}
END_TEST

START_TEST (what_has_a_slash_is_not_looked_for)
{
  struct vmspec_qemu qemu = { VMSPEC_INIT (vmspec_qemu), .binary = "sub/emu" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_X86_64,
                         .qemu = &qemu };

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  ck_assert_int_eq (mkdir ("bin/sub", 0700), 0);
  make_file ("bin/sub/emu", 0755, "");
  make_file ("bin/qemu-system-x86_64", 0755, "");
  detect (&spec, NULL);
  ck_assert_ptr_null (found->programs[0]);
  /* Nor is QEMU where a package has it. */
  qemu.binary = NULL;
  qemu.package = "/package";
  detect (&spec, NULL);
  ck_assert_ptr_null (found->programs[0]);
}
END_TEST

START_TEST (netcat_is_for_what_the_guest_connects_to)
{
  struct vmspec_forward_port from_host
    = { VMSPEC_INIT (vmspec_forward_port), .from = VMSPEC_FORWARD_FROM_HOST };
  struct vmspec_forward_port from_guest
    = { VMSPEC_INIT (vmspec_forward_port), .from = VMSPEC_FORWARD_FROM_GUEST };
  struct vmspec_network network = { VMSPEC_INIT (vmspec_network) };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .network = &network };

  ck_assert_int_eq (mkdir ("bin", 0700), 0);
  make_file ("bin/nc", 0755, "");
  make_file ("bin/other", 0755, "");
  network.forward_ports = LIST (vmspec_forward_port, &from_host);
  detect (&spec, NULL);
  ck_assert_ptr_null (program ("nc"));
  network.forward_ports = LIST (vmspec_forward_port, &from_host, &from_guest);
  detect (&spec, NULL);
  ck_assert_str_eq (program ("nc"), below ("bin/nc"));
  network.netcat = "other";
  detect (&spec, NULL);
  ck_assert_str_eq (program ("other"), below ("bin/other"));
  ck_assert_ptr_null (program ("nc"));
}
END_TEST

/* What is found about an image of this name. */
static const struct vmspec_host_file *
look_at (const char *image)
{
  struct vmspec_disk disk = { VMSPEC_INIT (vmspec_disk), .image = image };

  detect (&(struct vmspec) { VMSPEC_INIT (vmspec), .disk = &disk }, NULL);
  return found->files[0];
}

START_TEST (files_are_what_stat_says)
{
  ck_assert_int_eq (mkdir ("dir", 0700), 0);
  make_file ("file", 0600, "");
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  ck_assert_uint_eq (look_at ("file")->type, VMSPEC_FILE_TYPE_FILE);
  ck_assert_uint_eq (look_at ("dir")->type, VMSPEC_FILE_TYPE_DIRECTORY);
  ck_assert_uint_eq (look_at ("fifo")->type, VMSPEC_FILE_TYPE_OTHER);
  ck_assert_uint_eq (look_at ("/dev/null")->type, VMSPEC_FILE_TYPE_OTHER);
  ck_assert_uint_eq (look_at ("new")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_uint_eq (look_at ("dir/new")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_uint_eq (look_at ("no/new")->type, VMSPEC_FILE_TYPE_NO_PARENT);
  ck_assert_uint_eq (look_at ("/no-such")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_str_eq (found->files[0]->real_path, "/no-such");
  ck_assert_uint_eq (look_at ("/dev/no-such")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_str_eq (found->files[0]->real_path, "/dev/no-such");
}
END_TEST

/* What readlink -f says, or NULL if it fails. */
static const char *
readlink_f (const char *name)
{
  static char line[4096];
  char command[4096];
  FILE *pipe;
  size_t size;

  snprintf (command, sizeof command, "readlink -f '%s'", name);
  pipe = popen (command, "r");
  ck_assert_ptr_nonnull (pipe);
  size = fread (line, 1, sizeof line - 1, pipe);
  line[size] = '\0';
  line[strcspn (line, "\n")] = '\0';
  return pclose (pipe) == 0 ? line : NULL;
}

static void
link_to (const char *target, const char *name)
{
  ck_assert_int_eq (symlink (target, name), 0);
}

START_TEST (links_are_followed_as_by_readlink)
{
  static const char *const names[] = {
    "file", "new", "dir/new", "l1", "l2", "l3", "abs", "dangling", "dangling2",
    "in-dir", "dir/up", "to-dir", "to-dir/new", "to-dir/file2", "loop",
    "nowhere", "nowhere/x", "far", "dir/../file", "dir/./file2", "chain0",
    "dangling-abs", "no/new",
  };

  ck_assert_int_eq (mkdir ("dir", 0700), 0);
  make_file ("file", 0600, "");
  make_file ("dir/file2", 0600, "");
  link_to ("file", "l1");
  link_to ("l1", "l2");
  link_to ("./dir/../l2", "l3");
  link_to ("/dev/null", "abs");
  link_to ("absent", "dangling");
  link_to ("dangling", "dangling2");
  link_to ("dir/absent", "in-dir");
  link_to ("../absent", "dir/up");
  link_to ("dir", "to-dir");
  link_to ("loop", "loop");
  link_to ("no/absent", "nowhere");
  link_to ("to-dir/up", "far");
  link_to (below ("dir/absent2"), "dangling-abs");
  link_to ("chain1", "chain0");
  link_to ("dir/chain2", "chain1");
  link_to ("../to-dir/chain3", "dir/chain2");
  link_to (below ("absent3"), "dir/chain3");
  for (size_t i = 0; i < COUNT (names); i++) {
    const struct vmspec_host_file *file = look_at (names[i]);
    const char *expected = readlink_f (names[i]);

    if (expected) {
      ck_assert_msg (file->real_path != NULL, "%s", names[i]);
      ck_assert_str_eq (file->real_path, expected);
      ck_assert_uint_ne (file->type, VMSPEC_FILE_TYPE_NO_PARENT);
    } else
      ck_assert_msg (file->type == VMSPEC_FILE_TYPE_NO_PARENT, "%s", names[i]);
  }
}
END_TEST

/* The last of a chain leads nowhere. */
START_TEST (so_many_links_are_followed_and_no_more)
{
  char name[20], target[20];

  for (int i = 1; i <= 40; i++) {
    snprintf (name, sizeof name, "chain%d", i);
    snprintf (target, sizeof target, i > 1 ? "chain%d" : "absent", i - 1);
    link_to (target, name);
  }
  ck_assert_uint_eq (look_at ("chain39")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_str_eq (found->files[0]->real_path, below ("absent"));
  ck_assert_uint_eq (look_at ("chain40")->type, VMSPEC_FILE_TYPE_NO_PARENT);
}
END_TEST

START_TEST (the_longest_link_is_read_whole)
{
  char target[PATH_MAX];
  size_t size = strlen (scratch);

  memcpy (target, scratch, size);
  memset (target + size, '/', sizeof target - size);
  strcpy (target + sizeof target - sizeof "absent", "absent");
  ck_assert_uint_eq (strlen (target), PATH_MAX - 1);
  link_to (target, "long");
  ck_assert_uint_eq (look_at ("long")->type, VMSPEC_FILE_TYPE_ABSENT);
  ck_assert_str_eq (found->files[0]->real_path, below ("absent"));
}
END_TEST

/* The file of this name that was looked at, or NULL. */
static const struct vmspec_host_file *
file (const char *path)
{
  for (size_t i = 0; found->files[i]; i++)
    if (!strcmp (found->files[i]->path, path))
      return found->files[i];
  return NULL;
}

/* Files of these many bytes, of which so many are read. */
static void
is_read_up_to (size_t limit, const char *name, const struct vmspec *spec)
{
  char *bytes = malloc (limit + 2);

  for (size_t size = limit - 1; size <= limit + 1; size++) {
    memset (bytes, 'x', size);
    bytes[size] = '\0';
    (void) unlink (name);
    make_file (name, 0600, bytes);
    detect (spec, NULL);
    ck_assert_uint_eq (strlen (file (below (name))->content),
                       size < limit ? size : limit);
  }
  free (bytes);
  (void) unlink (name);
  detect (spec, NULL);
  ck_assert_ptr_null (file (below (name))->content);
  ck_assert_uint_eq (file (below (name))->type, VMSPEC_FILE_TYPE_ABSENT);
  /* What cannot be read is there all the same. */
  ck_assert_int_eq (mkdir (name, 0700), 0);
  detect (spec, NULL);
  ck_assert_ptr_null (file (below (name))->content);
  ck_assert_uint_eq (file (below (name))->type, VMSPEC_FILE_TYPE_DIRECTORY);
}

START_TEST (so_much_of_a_file_is_read_and_no_more)
{
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot), .system = "system" };
  struct vmspec_store store = { VMSPEC_INIT (vmspec_store), .image = VMSPEC_ON,
                                .closure = "closure" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .boot = &boot };

  ck_assert_int_eq (mkdir ("system", 0700), 0);
  is_read_up_to (65535, "system/kernel-params", &spec);
  ck_assert_ptr_nonnull (file (below ("system/initrd")));
  ck_assert_ptr_null (file (below ("closure")));
  spec.store = &store;
  is_read_up_to ((16 << 20) - 1, "closure", &spec);
}
END_TEST

START_TEST (what_a_machine_keeps_is_looked_at)
{
  struct vmspec_tpm tpm = { VMSPEC_INIT (vmspec_tpm), .enable = VMSPEC_ON,
                            .state_dir = "tpm" };
  struct vmspec_efi efi = { VMSPEC_INIT (vmspec_efi), .enable = VMSPEC_ON,
                            .keep_variables = VMSPEC_ON, .state = "vars" };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .tpm = &tpm, .efi = &efi };

  ck_assert_int_eq (mkdir ("tpm", 0700), 0);
  make_file ("vars", 0600, "");
  detect (&spec, NULL);
  ck_assert_uint_eq (file (below ("tpm"))->type, VMSPEC_FILE_TYPE_DIRECTORY);
  ck_assert_uint_eq (file (below ("vars"))->type, VMSPEC_FILE_TYPE_FILE);
  ck_assert_ptr_null (file (below ("vars"))->content);
  detect (NULL, NULL);
  ck_assert_ptr_null (file (below ("tpm")));
  ck_assert_ptr_null (file (below ("vars")));
}
END_TEST

START_TEST (kernel_parameters_are_read_from_the_system)
{
  struct vmspec_boot boot = { VMSPEC_INIT (vmspec_boot) };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .boot = &boot };
  const struct vmspec_host_file *params = NULL;
  char system[200];

  strcpy (system, below ("system"));
  ck_assert_int_eq (mkdir ("system", 0700), 0);
  make_file ("system/kernel-params", 0600, "loglevel=4 a=\"b c\"");
  boot.system = system;
  detect (&spec, NULL);
  for (size_t i = 0; found->files[i]; i++)
    if (strstr (found->files[i]->path, "kernel-params"))
      params = found->files[i];
  ck_assert_ptr_nonnull (params);
  ck_assert_str_eq (params->content, "loglevel=4 a=\"b c\"");
}
END_TEST

START_TEST (a_working_directory_that_is_gone_is_said)
{
  struct vmspec_host *none = NULL;
  vmspec_diag *diag = NULL;

  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  ck_assert_int_eq (mkdir ("gone", 0700), 0);
  ck_assert_int_eq (chdir ("gone"), 0);
  ck_assert_int_eq (rmdir ("../gone"), 0);
  ck_assert_int_eq (vmspec_host_detect (NULL, NULL, diag, &none), -ENOENT);
  ck_assert_ptr_null (none);
  ck_assert_ptr_nonnull (unit_finding (diag, "host.directory"));
  vmspec_diag_free (diag);
}
END_TEST

START_TEST (a_description_that_is_wrong_is_looked_at_all_the_same)
{
  struct vmspec_share share = { VMSPEC_INIT (vmspec_share) };
  struct vmspec spec = { VMSPEC_INIT (vmspec), .arch = 99, .name = "",
                         .memory = UINT64_MAX,
                         .shares = LIST (vmspec_share, &share) };

  detect (&spec, NULL);
  ck_assert_ptr_nonnull (found);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("detect");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, what_the_system_says_is_found);
  tcase_add_test (t, every_run_gets_a_name_of_its_own);
  tcase_add_test (t, what_was_given_is_not_looked_up);
  tcase_add_test (t, programs_are_found_in_the_order_of_path);
  tcase_add_test (t, only_what_is_needed_is_looked_for);
  tcase_add_test (t, what_makes_and_provisions_a_tpm_is_looked_for);
  tcase_add_test (t, files_are_what_stat_says);
  tcase_add_test (t, links_are_followed_as_by_readlink);
  tcase_add_test (t, kernel_parameters_are_read_from_the_system);
  tcase_add_test (t, a_working_directory_that_is_gone_is_said);
  tcase_add_test (t, a_description_that_is_wrong_is_looked_at_all_the_same);
  tcase_add_test (t, the_process_environment_is_not_read);
  tcase_add_test (t, names_of_runs_are_made_of_letters_digits_and_two_more);
  tcase_add_test (t, without_a_path_the_usual_directories_are_looked_through);
  tcase_add_test (t, what_has_a_slash_is_not_looked_for);
  tcase_add_test (t, netcat_is_for_what_the_guest_connects_to);
  tcase_add_test (t, so_many_links_are_followed_and_no_more);
  tcase_add_test (t, the_longest_link_is_read_whole);
  tcase_add_test (t, so_much_of_a_file_is_read_and_no_more);
  tcase_add_test (t, what_a_machine_keeps_is_looked_at);
  return unit_run ("detect", t);
}
