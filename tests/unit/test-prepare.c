/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a plan: what they say, and what they make. */
#include "judges.h"

static struct vmspec spec;
static struct vmspec_disk disk;
static struct vmspec_boot boot;
static struct vmspec_efi efi;
static struct vmspec_tpm tpm;
static struct vmspec_store store;
static struct vmspec_host host;
static struct vmspec_work work;
static char tmpdir[PATH_MAX + 20], bundle[PATH_MAX + 40];
static const char *environment[4];
static vmspec_plan *plan;
static vmspec_diag *diag;

static void
set_up (void)
{
  scratch_make ();
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  disk = (struct vmspec_disk) { VMSPEC_INIT (vmspec_disk), .size = 64 };
  boot = (struct vmspec_boot) { VMSPEC_INIT (vmspec_boot) };
  efi = (struct vmspec_efi) { VMSPEC_INIT (vmspec_efi) };
  tpm = (struct vmspec_tpm) { VMSPEC_INIT (vmspec_tpm), .swtpm = "/bin/sh" };
  store = (struct vmspec_store) { VMSPEC_INIT (vmspec_store) };
  spec = (struct vmspec) { VMSPEC_INIT (vmspec), .disk = &disk, .boot = &boot,
                           .efi = &efi, .tpm = &tpm, .store = &store };
  host = unit_host ();
  host.directory = scratch;
  /* All of it in the scratch directory, in a run directory that stays. */
  memset (environment, 0, sizeof environment);
  snprintf (tmpdir, sizeof tmpdir, "TMPDIR=%s/run", scratch);
  environment[0] = tmpdir;
  environment[1] = "USE_TMPDIR=1";
  host.environment = environment;
  work = (struct vmspec_work) { VMSPEC_INIT (vmspec_work) };
  plan = NULL;
}

static void
tear_down (void)
{
  vmspec_plan_free (plan);
  vmspec_diag_free (diag);
  scratch_remove ();
}

static void
be_fresh (void)
{
  snprintf (tmpdir, sizeof tmpdir, "TMPDIR=%s", scratch);
  environment[1] = NULL;
}

static void
make_plan (void)
{
  vmspec_plan_free (plan);
  plan = unit_plan (&spec, &host);
  vmspec_diag_clear (diag);
}

static int
prepare (void)
{
  return vmspec_plan_prepare (plan, NULL, &work, diag);
}

static void
prepared (void)
{
  int r;

  make_plan ();
  r = prepare ();
  ck_assert_msg (r == 0, "%d%s", r, unit_findings (diag));
}

static void
fails (int error, const char *id, const char *option)
{
  const struct vmspec_finding *f;
  int r;

  make_plan ();
  r = prepare ();
  f = unit_finding (diag, id);
  ck_assert_msg (r == error && f, "%d%s", r, unit_findings (diag));
  ck_assert_str_eq (f->path, option);
}

static const struct vmspec_step *
step (const char *name)
{
  const struct vmspec_step *s;

  for (size_t i = 0; (s = vmspec_plan_step (plan, i)); i++)
    if (!strcmp (s->name, name))
      return s;
  return NULL;
}

/* ---- what they say ------------------------------------------------------ */

START_TEST (steps_come_in_the_order_of_the_start_script)
{
  static const char *const names[] = {
    "run-directory", "disk", "store", "exchange", "certificates",
    "efi-variables", "tpm", "empty-disk.0", "empty-disk.1", "drive.1" };
  static const uint32_t kinds[] = {
    VMSPEC_STEP_KIND_DIRECTORY, VMSPEC_STEP_KIND_IMAGE, VMSPEC_STEP_KIND_EROFS,
    VMSPEC_STEP_KIND_DIRECTORY, VMSPEC_STEP_KIND_DIRECTORY,
    VMSPEC_STEP_KIND_COPY, VMSPEC_STEP_KIND_DIRECTORY, VMSPEC_STEP_KIND_IMAGE,
    VMSPEC_STEP_KIND_IMAGE, VMSPEC_STEP_KIND_IMAGE };
  struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 5 };
  struct vmspec_drive there = { VMSPEC_INIT (vmspec_drive), .file = "/d" };
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "data", .size = 7 };
  char command[PATH_MAX + 80];

  store.image = efi.enable = tpm.enable = spec.host_certs = VMSPEC_ON;
  efi.firmware = "/f";
  efi.variables = "/v";
  spec.empty_disks = LIST (vmspec_empty_disk, &empty, &empty);
  spec.drives = LIST (vmspec_drive, &there, &drive);
  make_plan ();
  for (size_t i = 0; i < COUNT (names); i++) {
    const struct vmspec_step *s = vmspec_plan_step (plan, i);

    ck_assert_ptr_nonnull (s);
    ck_assert_str_eq (s->name, names[i]);
    ck_assert_uint_eq (s->kind, kinds[i]);
    ck_assert_uint_eq (s->struct_size, sizeof *s);
    ck_assert (*s->file == '/' && s->commands && s->commands[0]);
  }
  ck_assert_ptr_null (vmspec_plan_step (plan, COUNT (names)));
  ck_assert_str_eq (step ("drive.1")->option, "drives[1].file");
  snprintf (command, sizeof command, "qemu-img create -f qcow2 %s 7M",
            below ("data"));
  ck_assert_str_eq (step ("drive.1")->commands[0], command);
  ck_assert_str_eq (step ("efi-variables")->source, "/v");
  ck_assert_uint_eq (step ("empty-disk.0")->lasts, VMSPEC_ON);
  be_fresh ();
  make_plan ();
  ck_assert_uint_eq (step ("empty-disk.0")->lasts, VMSPEC_OFF);
  ck_assert_uint_eq (step ("disk")->lasts, VMSPEC_ON);
}
END_TEST

/* All that is told of each step; @ is the scratch directory. */
static const char *
told (void)
{
  static const char *const kinds[]
    = { [VMSPEC_STEP_KIND_DIRECTORY] = "directory",
        [VMSPEC_STEP_KIND_COPY] = "copy", [VMSPEC_STEP_KIND_IMAGE] = "image",
        [VMSPEC_STEP_KIND_OVERLAY] = "overlay",
        [VMSPEC_STEP_KIND_EROFS] = "erofs" };
  static char text[8000];
  const struct vmspec_step *s;
  FILE *file = fmemopen (text, sizeof text, "w");

  for (size_t i = 0; (s = vmspec_plan_step (plan, i)); i++) {
    fprintf (file, "%s %s %s %s %s%s%s\n", s->name, s->option ? s->option : "-",
             kinds[s->kind], s->lasts == VMSPEC_ON ? "lasts" : "goes", s->file,
             s->source ? " < " : "", s->source ? s->source : "");
    for (size_t j = 0; s->commands && s->commands[j]; j++)
      fprintf (file, "  %s\n", s->commands[j]);
  }
  fclose (file);
  for (char *at; (at = strstr (text, scratch));) {
    *at = '@';
    memmove (at + 1, at + strlen (scratch), strlen (at + strlen (scratch)) + 1);
  }
  return text;
}

static void
is_told (const char *expected)
{
  const char *is = told ();
  size_t same = 0;

  while (is[same] && is[same] == expected[same])
    same++;
  ck_assert_msg (!is[same] && !expected[same], "%.100s\nis expected, and is\n"
                 "%.100s", expected + same, is + same);
}

START_TEST (each_step_says_what_a_shell_would_do)
{
  struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 5 };
  struct vmspec_drive there = { VMSPEC_INIT (vmspec_drive), .file = "/d" };
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "data", .size = 7,
        .format = VMSPEC_IMAGE_FORMAT_RAW };
  struct vmspec_network network
    = { VMSPEC_INIT (vmspec_network), .vlan_directory = "vlans",
        .vlan_backend = VMSPEC_VLAN_BACKEND_DGRAM, .machine_number = 1 };
  struct vmspec_vlan vlan = { VMSPEC_INIT (vmspec_vlan), .number = 1 };
  struct vmspec_host_file closure
    = { VMSPEC_INIT (vmspec_host_file), .path = "/closure",
        .type = VMSPEC_FILE_TYPE_FILE, .content = "/store/a\n" };

  store.image = efi.enable = tpm.enable = spec.host_certs = VMSPEC_ON;
  store.path = "/store";
  efi.firmware = "/f";
  efi.variables = "/v a";
  spec.empty_disks = LIST (vmspec_empty_disk, &empty, &empty);
  spec.drives = LIST (vmspec_drive, &there, &drive);
  spec.network = &network;
  spec.vlans = LIST (vmspec_vlan, &vlan);
  environment[2] = "NIX_SSL_CERT_FILE=/bundle";
  make_plan ();
  is_told (
    "run-directory - directory lasts @/run\n"
    "  mkdir -p @/run\n"
    "disk disk.image image lasts @/vm.qcow2\n"
    "  qemu-img create -f raw @/run/tmp.image 64M\n"
    "  mkfs.ext4 -L nixos @/run/tmp.image\n"
    "  qemu-img convert -f raw -O qcow2 @/run/tmp.image @/vm.qcow2\n"
    "  rm -- @/run/tmp.image\n"
    "store store.image erofs lasts @/run/store.img < /store\n"
    "  mkfs.erofs --force-uid=0 --force-gid=0 -L nix-store -U "
    "eb176051-bd15-49b7-9e6b-462e0b467019 -T 0 @/run/store.img /store\n"
    "exchange - directory lasts @/run/xchg\n"
    "  mkdir -p @/run/xchg\n"
    "certificates host_certs directory lasts @/run/certs < /bundle\n"
    "  mkdir -p @/run/certs\n"
    "  cp -L -- /bundle @/run/certs/ca-certificates.crt\n"
    "efi-variables efi.state copy lasts @/vm-efi-vars.fd < /v a\n"
    "  cp -- '/v a' @/vm-efi-vars.fd\n"
    "  chmod 0644 @/vm-efi-vars.fd\n"
    "tpm tpm.state_dir directory lasts @/vm-swtpm\n"
    "  mkdir -p @/vm-swtpm\n"
    "vlans network.vlan_directory directory lasts @/vlans\n"
    "  mkdir -p @/vlans\n"
    "empty-disk.0 empty_disks[0] image lasts @/run/empty0.qcow2\n"
    "  qemu-img create -f qcow2 @/run/empty0.qcow2 5M\n"
    "empty-disk.1 empty_disks[1] image lasts @/run/empty1.qcow2\n"
    "  qemu-img create -f qcow2 @/run/empty1.qcow2 5M\n"
    "drive.1 drives[1].file image lasts @/data\n"
    "  qemu-img create -f raw @/data 7M\n");
  /* With less, and with a list of what is in the store. */
  environment[1] = "NIX_SSL_CERT_FILE=";
  environment[2] = NULL;
  spec.drives = NULL;
  spec.empty_disks = NULL;
  boot.default_file_systems = VMSPEC_OFF;
  disk.format = VMSPEC_IMAGE_FORMAT_RAW;
  store.closure = "/closure";
  host.files = LIST (vmspec_host_file, &closure);
  efi.keep_variables = VMSPEC_ON;
  be_fresh ();
  make_plan ();
  is_told (
    "run-directory - directory goes @/vmspec.0123456789\n"
    "  mkdir -p @/vmspec.0123456789\n"
    "disk disk.image image lasts @/vm.qcow2\n"
    "  qemu-img create -f raw @/vm.qcow2 64M\n"
    "store store.image erofs goes @/vmspec.0123456789/store.img < "
    "/store\n"
    "  mkfs.erofs --force-uid=0 --force-gid=0 -L nix-store -U "
    "eb176051-bd15-49b7-9e6b-462e0b467019 -T 0 "
    "'--exclude-regex=^([^a]|$|a([^/]))' @/vmspec.0123456789/store.img "
    "/store\n"
    "exchange - directory goes @/vmspec.0123456789/xchg\n"
    "  mkdir -p @/vmspec.0123456789/xchg\n"
    "certificates host_certs directory goes @/vmspec.0123456789/certs\n"
    "  mkdir -p @/vmspec.0123456789/certs\n"
    "tpm tpm.state_dir directory lasts @/vm-swtpm\n"
    "  mkdir -p @/vm-swtpm\n"
    "vlans network.vlan_directory directory lasts @/vlans\n"
    "  mkdir -p @/vlans\n");
  /* As overlays. */
  boot.loader = boot.default_file_systems = VMSPEC_ON;
  disk.system_image = "images/system";
  disk.system_format = VMSPEC_IMAGE_FORMAT_RAW;
  disk.size = VMSPEC_NONE;
  store.writable = VMSPEC_ON;
  store.base_image = "base";
  make_plan ();
  is_told (
    "run-directory - directory goes @/vmspec.0123456789\n"
    "  mkdir -p @/vmspec.0123456789\n"
    "disk disk.image overlay lasts @/vm.qcow2 < @/images/system\n"
    "  qemu-img create -f qcow2 -b @/images/system -F raw @/vm.qcow2\n"
    "store store.image overlay goes @/vmspec.0123456789/store.img < "
    "@/base\n"
    "  qemu-img create -f qcow2 -F qcow2 -b @/base "
    "@/vmspec.0123456789/store.img\n"
    "exchange - directory goes @/vmspec.0123456789/xchg\n"
    "  mkdir -p @/vmspec.0123456789/xchg\n"
    "certificates host_certs directory goes @/vmspec.0123456789/certs\n"
    "  mkdir -p @/vmspec.0123456789/certs\n"
    "efi-variables efi.state copy lasts @/vm-efi-vars.fd < @/images/efi-vars.fd\n"
    "  cp -- @/images/efi-vars.fd @/vm-efi-vars.fd\n"
    "  chmod 0644 @/vm-efi-vars.fd\n"
    "tpm tpm.state_dir directory lasts @/vm-swtpm\n"
    "  mkdir -p @/vm-swtpm\n"
    "vlans network.vlan_directory directory lasts @/vlans\n"
    "  mkdir -p @/vlans\n");
}
END_TEST

START_TEST (a_machine_without_anything_has_two_directories)
{
  disk.image = "";
  make_plan ();
  ck_assert_str_eq (vmspec_plan_step (plan, 0)->name, "run-directory");
  ck_assert_str_eq (vmspec_plan_step (plan, 1)->name, "exchange");
  ck_assert_ptr_null (vmspec_plan_step (plan, 2));
}
END_TEST

/* ---- the root disk ------------------------------------------------------ */

START_TEST (the_root_disk_has_a_labelled_file_system)
{
  prepared ();
  RUN ("qemu-img check -f qcow2 vm.qcow2 && "
       "qemu-img convert -O raw vm.qcow2 raw && e2fsck -fn raw && blkid -p raw");
  SAYS ("LABEL=\"nixos\"");
  RUN ("test $(stat -c %%s raw) = $((64 * 1048576))");
}
END_TEST

START_TEST (the_root_disk_may_be_empty_and_raw)
{
  boot.default_file_systems = VMSPEC_OFF;
  disk.format = VMSPEC_IMAGE_FORMAT_RAW;
  prepared ();
  RUN ("cmp -n $((64 * 1048576)) vm.qcow2 /dev/zero && "
       "test $(stat -c %%s vm.qcow2) = $((64 * 1048576))");
}
END_TEST

START_TEST (a_loaders_disk_is_an_overlay_that_honours_the_size)
{
  RUN ("mkdir images && qemu-img create -q -f qcow2 images/system.qcow2 32M && "
       "echo variables > images/efi-vars.fd && chmod 0400 images/efi-vars.fd");
  boot.loader = efi.enable = VMSPEC_ON;
  efi.firmware = efi.variables = "/f";
  disk.system_image = "images/system.qcow2";
  prepared ();
  RUN ("qemu-img info vm.qcow2 && qemu-img check -f qcow2 vm.qcow2");
  SAYS ("virtual size: 64 MiB");
  SAYS (below ("images/system.qcow2"));
  SAYS ("backing file format: qcow2");
  RUN ("cat vm-efi-vars.fd && stat -c %%a vm-efi-vars.fd");
  ck_assert_str_eq (judgement, "variables\n644\n");
  disk.size = VMSPEC_NONE;
  RUN ("rm vm.qcow2");
  prepared ();
  RUN ("qemu-img info vm.qcow2");
  SAYS ("virtual size: 32 MiB");
}
END_TEST

START_TEST (a_wrong_system_image_is_refused)
{
  make_file ("system", 0644, "no image at all");
  boot.loader = VMSPEC_ON;
  disk.system_image = "system";
  fails (-EINVAL, "image.format", "disk.image");
  ck_assert (!exists ("vm.qcow2"));
  disk.system_format = VMSPEC_IMAGE_FORMAT_RAW;
  prepared ();
}
END_TEST

/* ---- everything else ---------------------------------------------------- */

START_TEST (a_writable_store_is_an_overlay)
{
  RUN ("qemu-img create -q -f qcow2 base.qcow2 32M");
  store.image = store.writable = VMSPEC_ON;
  store.base_image = "base.qcow2";
  prepared ();
  RUN ("qemu-img info run/store.img");
  SAYS ("virtual size: 32 MiB");
  SAYS (below ("base.qcow2"));
}
END_TEST

START_TEST (a_read_only_store_holds_what_its_closure_lists)
{
  struct vmspec_host_program mkfs
    = { VMSPEC_INIT (vmspec_host_program), .name = "mkfs.erofs",
        .path = "/usr/bin/mkfs.erofs" };
  struct vmspec_host_file closure
    = { VMSPEC_INIT (vmspec_host_file), .type = VMSPEC_FILE_TYPE_FILE };
  char content[PATH_MAX];

  RUN ("mkdir -p store/kept store/other && echo a > store/kept/file && "
       "echo b > store/other/file");
  store.image = VMSPEC_ON;
  store.path = below ("store");
  store.closure = below ("closure");
  snprintf (content, sizeof content, "%s/kept\n", store.path);
  closure.path = store.closure;
  closure.content = content;
  host.programs = LIST (vmspec_host_program, &unit_qemu, &mkfs);
  host.files = LIST (vmspec_host_file, &closure);
  prepared ();
  RUN ("test $(stat -c %%a run/store.img) = 644 && "
       "fsck.erofs run/store.img && blkid -p run/store.img");
  SAYS ("LABEL=\"nix-store\"");
  RUN ("fsck.erofs --extract=out run/store.img > /dev/null && find out -type f");
  ck_assert_str_eq (judgement, "out/kept/file\n");
}
END_TEST

START_TEST (a_store_without_its_list_or_its_program_is_said)
{
  store.image = VMSPEC_ON;
  store.path = scratch;
  fails (-ENOENT, "helper.missing", "store.image");
  store.closure = "absent";
  fails (-ENOENT, "store.closure", "store.image");
}
END_TEST

START_TEST (directories_are_made_once_and_used_again)
{
  tpm.enable = VMSPEC_ON;
  spec.host_certs = VMSPEC_ON;
  make_file ("bundle", 0600, "certificates");
  snprintf (bundle, sizeof bundle, "NIX_SSL_CERT_FILE=%s/bundle", scratch);
  environment[2] = bundle;
  prepared ();
  RUN ("stat -c '%%F %%a' vm-swtpm run/xchg run/certs && "
       "cat run/certs/ca-certificates.crt");
  ck_assert_str_eq (judgement, "directory 700\ndirectory 755\n"
                               "directory 755\ncertificates");
  make_file ("vm-swtpm/state", 0644, "precious");
  prepared ();
  ck_assert_str_eq (read_file ("vm-swtpm/state"), "precious");
}
END_TEST

START_TEST (a_directory_that_cannot_be_made_is_said)
{
  tpm.enable = VMSPEC_ON;
  make_file ("vm-swtpm", 0644, "");
  fails (-EEXIST, "directory.failed", "tpm.state_dir");
}
END_TEST

START_TEST (a_failure_beside_the_store_is_a_failure)
{
  struct vmspec_host_program mkfs
    = { VMSPEC_INIT (vmspec_host_program), .name = "mkfs.erofs",
        .path = "/usr/bin/mkfs.erofs" };

  ck_assert_int_eq (mkdir ("store", 0755), 0);
  store.image = tpm.enable = VMSPEC_ON;
  store.path = below ("store");
  host.programs = LIST (vmspec_host_program, &unit_qemu, &mkfs);
  make_file ("vm-swtpm", 0644, "");
  fails (-EEXIST, "directory.failed", "tpm.state_dir");
  ck_assert (!exists ("run/store.img"));
}
END_TEST

START_TEST (what_cannot_be_copied_is_said)
{
  efi.enable = VMSPEC_ON;
  efi.firmware = "/f";
  efi.variables = below (".");
  fails (-EISDIR, "file.not-copied", "efi.state");
  ck_assert (!exists ("vm-efi-vars.fd"));
}
END_TEST

/* ---- existing files ----------------------------------------------------- */

START_TEST (what_exists_is_left_as_it_is)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "data", .size = 7 };

  spec.drives = LIST (vmspec_drive, &drive);
  make_file ("vm.qcow2", 0400, "precious");
  make_file ("target", 0400, "precious, too");
  ck_assert_int_eq (symlink ("target", "data"), 0);
  prepared ();
  ck_assert_str_eq (read_file ("vm.qcow2"), "precious");
  ck_assert_str_eq (read_file ("target"), "precious, too");
  RUN ("ls -A");
  ck_assert_str_eq (judgement, "data\nrun\ntarget\nvm.qcow2\n");
}
END_TEST

START_TEST (images_in_a_run_directory_that_stays_are_used_again)
{
  struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 8 };

  RUN ("qemu-img create -q -f qcow2 base.qcow2 32M");
  store.image = store.writable = VMSPEC_ON;
  store.base_image = "base.qcow2";
  spec.empty_disks = LIST (vmspec_empty_disk, &empty);
  prepared ();
  RUN ("echo precious > run/store.img && cp run/store.img run/empty0.qcow2");
  prepared ();
  ck_assert_str_eq (read_file ("run/store.img"), "precious\n");
  ck_assert_str_eq (read_file ("run/empty0.qcow2"), "precious\n");
}
END_TEST

START_TEST (a_link_that_leads_nowhere_is_refused_by_name)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "data", .size = 7 };

  spec.drives = LIST (vmspec_drive, &drive);
  ck_assert_int_eq (symlink ("nowhere", "data"), 0);
  fails (-ELOOP, "image.dangling-link", "drives[0].file");
  ck_assert_ptr_nonnull (strstr (unit_finding (diag, "image.dangling-link")
                                   ->text, below ("data")));
  ck_assert (!exists ("nowhere"));
}
END_TEST

/* ---- choosing ----------------------------------------------------------- */

START_TEST (steps_are_taken_by_name)
{
  make_plan ();
  ck_assert_int_eq (vmspec_plan_prepare (plan, STRINGS ("disk"), &work, diag),
                    0);
  RUN ("ls -A");
  ck_assert_str_eq (judgement, "vm.qcow2\n");
  ck_assert_int_eq (vmspec_plan_prepare (plan, (const char *[]) { NULL }, &work,
                                         diag), 0);
  ck_assert_int_eq (vmspec_plan_prepare (plan, STRINGS ("exchange"), &work,
                                         diag), -ENOENT);
  ck_assert_int_eq (vmspec_plan_prepare (plan, STRINGS ("dsk", "disk"), &work,
                                         diag), -EINVAL);
  ck_assert_ptr_nonnull (strstr (unit_finding (diag, "step.unknown")->text,
                                 "did you mean 'disk'"));
}
END_TEST

/* ---- fresh run directories ---------------------------------------------- */

START_TEST (a_fresh_run_directory_is_gone_after_a_failure)
{
  struct vmspec_drive drive
    = { VMSPEC_INIT (vmspec_drive), .file = "absent/data", .size = 7 };
  struct vmspec_empty_disk empty
    = { VMSPEC_INIT (vmspec_empty_disk), .size = 5 };

  be_fresh ();
  disk.image = "";
  spec.drives = LIST (vmspec_drive, &drive);
  spec.empty_disks = LIST (vmspec_empty_disk, &empty);
  fails (-ENOENT, "image.directory", "drives[0].file");
  RUN ("ls -A");
  ck_assert_str_eq (judgement, "");
}
END_TEST

START_TEST (a_fresh_run_directory_that_was_prepared_is_used_again)
{
  be_fresh ();
  disk.image = "";
  prepared ();
  ck_assert (exists (below ("vmspec.0123456789/xchg")));
  ck_assert_int_eq (prepare (), 0);
  make_plan (); /* of which nothing was prepared */
  ck_assert_int_eq (prepare (), -EEXIST);
  ck_assert_ptr_nonnull (unit_finding (diag, "run-directory.failed"));
  ck_assert (exists (below ("vmspec.0123456789/xchg")));
}
END_TEST

/* ---- progress ----------------------------------------------------------- */

struct seen {
  char steps[400];
  unsigned calls, cancel_at;
};

static int
see (void *data, const struct vmspec_progress *progress)
{
  struct seen *seen = data;

  if (progress->done == progress->total)
    sprintf (seen->steps + strlen (seen->steps), "%s ", progress->step);
  return ++seen->calls == seen->cancel_at;
}

START_TEST (the_end_of_each_step_is_told)
{
  struct seen seen = { .calls = 0 };

  make_file ("template", 0644, "v");
  efi.enable = VMSPEC_ON;
  efi.firmware = "/f";
  efi.variables = below ("template");
  work.progress = see;
  work.data = &seen;
  prepared ();
  ck_assert_str_eq (seen.steps,
                    "run-directory disk exchange efi-variables ");
}
END_TEST

static int
see_sizes (void *data, const struct vmspec_progress *progress)
{
  char *sizes = data;

  if (progress->done == progress->total)
    sprintf (sizes + strlen (sizes), "%s %" PRIu64 "\n", progress->step,
             progress->total);
  return 0;
}

START_TEST (how_large_each_step_was_is_told_at_its_end)
{
  char sizes[2000] = "";

  make_file ("template", 0644, "seven..");
  efi.enable = VMSPEC_ON;
  efi.firmware = "/f";
  efi.variables = below ("template");
  work.progress = see_sizes;
  work.data = sizes;
  prepared ();
  ck_assert_str_eq (sizes, "run-directory 0\ndisk 67108864\nexchange 0\n"
                           "efi-variables 7\n");
  /* Nothing is to be told of what was there. */
  *sizes = '\0';
  prepared ();
  ck_assert_str_eq (sizes, "run-directory 0\nexchange 0\nefi-variables 7\n");
}
END_TEST

START_TEST (steps_that_are_not_there_are_named)
{
  make_plan ();
  ck_assert_int_eq (vmspec_plan_prepare (plan, STRINGS ("disk", "exchang", "x"),
                                         &work, diag), -EINVAL);
  ck_assert_uint_eq (vmspec_diag_count (diag), 2);
  ck_assert_str_eq (vmspec_diag_get (diag, 0)->text,
                    "this plan has no step 'exchang'; did you mean 'exchange'?");
  ck_assert_str_eq (vmspec_diag_get (diag, 1)->text, "this plan has no step 'x'");
  ck_assert (!exists ("vm.qcow2"));
  ck_assert_int_eq (vmspec_plan_prepare (plan, STRINGS ("exchange",
                                                        "run-directory"),
                                         &work, diag), 0);
  ck_assert (exists ("run/xchg"));
  ck_assert (!exists ("vm.qcow2"));
}
END_TEST

START_TEST (it_can_be_cancelled_anywhere)
{
  struct seen seen = { .calls = 0 };
  unsigned n = 0;
  int r;

  make_file ("template", 0644, "v");
  efi.enable = VMSPEC_ON;
  efi.firmware = "/f";
  efi.variables = below ("template");
  be_fresh ();
  work.progress = see;
  work.data = &seen;
  make_plan ();
  do {
    seen = (struct seen) { .cancel_at = ++n };
    r = prepare ();
    ck_assert_msg (r == 0 || r == -ECANCELED, "%d%s", r, unit_findings (diag));
    RUN ("ls -Ad .* vmspec.* 2> /dev/null | grep -vxE '\\.\\.?' || true");
    if (r < 0)
      ck_assert_str_eq (judgement, "");
  } while (r < 0);
  ck_assert_uint_gt (n, 3);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("prepare");

  tcase_add_checked_fixture (t, set_up, tear_down);
  tcase_add_test (t, steps_come_in_the_order_of_the_start_script);
  tcase_add_test (t, a_machine_without_anything_has_two_directories);
  tcase_add_test (t, the_root_disk_has_a_labelled_file_system);
  tcase_add_test (t, the_root_disk_may_be_empty_and_raw);
  tcase_add_test (t, a_loaders_disk_is_an_overlay_that_honours_the_size);
  tcase_add_test (t, a_wrong_system_image_is_refused);
  tcase_add_test (t, a_writable_store_is_an_overlay);
  tcase_add_test (t, a_read_only_store_holds_what_its_closure_lists);
  tcase_add_test (t, a_store_without_its_list_or_its_program_is_said);
  tcase_add_test (t, directories_are_made_once_and_used_again);
  tcase_add_test (t, a_directory_that_cannot_be_made_is_said);
  tcase_add_test (t, a_failure_beside_the_store_is_a_failure);
  tcase_add_test (t, what_cannot_be_copied_is_said);
  tcase_add_test (t, what_exists_is_left_as_it_is);
  tcase_add_test (t, images_in_a_run_directory_that_stays_are_used_again);
  tcase_add_test (t, a_link_that_leads_nowhere_is_refused_by_name);
  tcase_add_test (t, steps_are_taken_by_name);
  tcase_add_test (t, a_fresh_run_directory_is_gone_after_a_failure);
  tcase_add_test (t, a_fresh_run_directory_that_was_prepared_is_used_again);
  tcase_add_test (t, the_end_of_each_step_is_told);
  tcase_add_test (t, it_can_be_cancelled_anywhere);
  tcase_add_test (t, how_large_each_step_was_is_told_at_its_end);
  tcase_add_test (t, steps_that_are_not_there_are_named);
  tcase_add_test (t, each_step_says_what_a_shell_would_do);
  return unit_run ("prepare", t);
}
