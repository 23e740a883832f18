/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs that were compiled with an older or a newer header: each public
 * struct ends at each of its members, or goes on after its last.  Only public
 * functions are called, of the shared library.
 */
#include "unit.h"

/* A description in which a struct of each tag occurs, with what must be said;
 * the library's own structs are copied to places of any size. */
static struct vmspec spec;
static struct vmspec_host host;

static struct vmspec_qemu qemu;
static struct vmspec_disk disk;
static struct vmspec_network network;
static struct vmspec_boot boot;
static struct vmspec_efi efi;
static struct vmspec_tpm tpm;
static struct vmspec_store store;
static struct vmspec_guest guest;
static struct vmspec_credential credential;
static struct vmspec_property property;
static struct vmspec_drive drive;
static struct vmspec_empty_disk empty_disk;
static struct vmspec_share share;
static struct vmspec_file_system file_system;
static struct vmspec_vlan vlan;
static struct vmspec_interface interface;
static struct vmspec_forward_port forward_port;
static struct vmspec_host_program program;
static struct vmspec_host_file file;
static struct vmspec_host_firmware firmware;

/* Where each struct is pointed at, so that another can stand there. */
static const void *properties[2], *drives[2], *empty_disks[2], *shares[2],
  *credentials[2], *file_systems[2], *vlans[2], *interfaces[2], *forward_ports[2], *programs[2],
  *files[2], *firmwares[2];

static const struct place {
  const char *tag;
  void *from;
  size_t size;
  const void **entry;       /* of a list */
  const void *member;       /* or the pointer of a group */
} places[] = {
#define GROUP(name) { "vmspec_" #name, &name, sizeof name, NULL, &spec.name }
#define ENTRY(name, list) { "vmspec_" #name, &name, sizeof name, list, NULL }
  GROUP (qemu), GROUP (disk), GROUP (network), GROUP (boot), GROUP (efi),
  GROUP (tpm), GROUP (store), GROUP (guest),
  ENTRY (credential, credentials),
  ENTRY (property, properties), ENTRY (drive, drives),
  ENTRY (empty_disk, empty_disks), ENTRY (share, shares),
  ENTRY (file_system, file_systems), ENTRY (vlan, vlans),
  ENTRY (interface, interfaces), ENTRY (forward_port, forward_ports),
  { "vmspec_host_program", &program, sizeof program, programs, NULL },
  { "vmspec_host_file", &file, sizeof file, files, NULL },
  { "vmspec_host_firmware", &firmware, sizeof firmware, firmwares, NULL },
};

#define AS(type, list) (const struct type *const *) (const void *) (list)

static void
set_up (void)
{
#define SET(name, ...)                                                         \
  name = (struct vmspec_##name) { VMSPEC_INIT (vmspec_##name), __VA_ARGS__ }
  SET (qemu, .binary = "/q");
  SET (disk, .size = 7);
  SET (network, .forward_ports = AS (vmspec_forward_port, forward_ports));
  SET (boot, .kernel = "/k");
  SET (efi, .firmware = "/f", .variables = "/v");
  SET (tpm, .swtpm = "/s");
  SET (store, .path = "/p");
  SET (guest, .credentials = AS (vmspec_credential, credentials));
  SET (credential, .name = "c", .value = "v");
  SET (property, .name = "n", .value = "v");
  SET (drive, .file = "/d", .drive_options = AS (vmspec_property, properties));
  SET (empty_disk, .size = 1);
  SET (share, .tag = "t", .source = "/s", .target = "/t");
  SET (file_system, .mount_point = "/m");
  SET (vlan, .number = 3);
  SET (interface, .name = "i");
  SET (forward_port, .host_port = 1, .guest_port = 2);
  program = (struct vmspec_host_program) {
    VMSPEC_INIT (vmspec_host_program), .name = "nc", .path = "/nc" };
  file = (struct vmspec_host_file) {
    VMSPEC_INIT (vmspec_host_file), .path = "/f", .real_path = "/f" };
  firmware = (struct vmspec_host_firmware) {
    VMSPEC_INIT (vmspec_host_firmware), .firmware = "/f", .variables = "/v" };
  for (size_t i = 0; i < COUNT (places); i++)
    if (places[i].entry)
      places[i].entry[0] = places[i].from;
  spec = (struct vmspec) {
    VMSPEC_INIT (vmspec), .qemu = &qemu, .disk = &disk, .network = &network,
    .boot = &boot, .efi = &efi, .tpm = &tpm, .store = &store, .guest = &guest,
    .drives = AS (vmspec_drive, drives), .shares = AS (vmspec_share, shares),
    .empty_disks = AS (vmspec_empty_disk, empty_disks),
    .file_systems = AS (vmspec_file_system, file_systems),
    .vlans = AS (vmspec_vlan, vlans),
    .interfaces = AS (vmspec_interface, interfaces),
  };
  host = unit_host ();
  host.programs = AS (vmspec_host_program, programs);
  host.files = AS (vmspec_host_file, files);
  host.firmware = AS (vmspec_host_firmware, firmwares);
}

static int
result (const struct vmspec *with, const struct vmspec_host *on,
        vmspec_diag *diag)
{
  vmspec_plan *plan = NULL;
  int r = vmspec_plan_new (with, on, diag, &plan);

  if (r == 0)
    vmspec_plan_free (plan);
  return r;
}

/* @size bytes on their own, of which the first are the struct's. */
static void *
of_size (const void *from, size_t known, size_t size)
{
  char *copy = calloc (1, size);
  uint32_t said = (uint32_t) size;

  memcpy (copy, from, known < size ? known : size);
  memcpy (copy, &said, sizeof said);
  return copy;
}

/* Puts @copy in its place for one plan. */
static int
result_with (const struct place *place, void *copy, vmspec_diag *diag)
{
  int r;

  if (place->entry)
    place->entry[0] = copy;
  else
    memcpy ((char *) &spec + ((const char *) place->member
                              - (const char *) &spec), &copy, sizeof copy);
  r = result (&spec, &host, diag);
  free (copy);
  set_up ();
  return r;
}

/* Whether a struct that ends before it lacks what must be said. */
static int
is_required_beyond (const char *tag, size_t size)
{
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    if (!strcmp (o->owner, tag) && o->flags & VMSPEC_OPTION_REQUIRED
        && o->offset + o->size > size)
      return 1;
  return 0;
}

START_TEST (old_structs_are_accepted_wherever_they_end)
{
  vmspec_diag *diag;

  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  for (size_t i = 0; i < COUNT (places); i++)
    for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
         o = vmspec_option_next (o)) {
      size_t size = o->offset + o->size;
      int r, expected;

      if (strcmp (o->owner, places[i].tag))
        continue;
      vmspec_diag_clear (diag);
      r = result_with (&places[i],
                       of_size (places[i].from, places[i].size, size), diag);
      expected = is_required_beyond (places[i].tag, size) ? -EINVAL : 0;
      ck_assert_msg (r == expected, "%s of %zu bytes: %d%s", places[i].tag,
                     size, r, unit_findings (diag));
      if (r < 0)
        ck_assert_ptr_nonnull (unit_finding (diag, "option.missing"));
    }
  vmspec_diag_free (diag);
}
END_TEST

START_TEST (new_structs_are_accepted_while_they_say_nothing_new)
{
  static const size_t more[] = { 1, 4, 8, 40, 4096 };

  for (size_t i = 0; i < COUNT (places); i++)
    for (size_t j = 0; j < COUNT (more); j++) {
      size_t size = places[i].size + more[j];
      char *copy = of_size (places[i].from, places[i].size, size);
      vmspec_diag *diag;

      ck_assert_int_eq (vmspec_diag_new (&diag), 0);
      ck_assert_msg (result_with (&places[i], copy, diag) == 0, "%s%s",
                     places[i].tag, unit_findings (diag));
      copy = of_size (places[i].from, places[i].size, size);
      copy[size - 1] = 1;
      ck_assert_int_eq (result_with (&places[i], copy, diag), -E2BIG);
      ck_assert_ptr_nonnull (unit_finding (diag, "struct.too-new"));
      vmspec_diag_free (diag);
    }
}
END_TEST

START_TEST (the_outermost_structs_follow_the_same_rule)
{
  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o)) {
    int of_host = !strcmp (o->owner, "vmspec_host");
    void *copy;

    if (!of_host && strcmp (o->owner, "vmspec"))
      continue;
    copy = of_size (of_host ? (void *) &host : (void *) &spec,
                    of_host ? sizeof host : sizeof spec, o->offset + o->size);
    ck_assert_int_eq (result (of_host ? &spec : copy, of_host ? copy : &host,
                              NULL), 0);
    free (copy);
  }
  for (int of_host = 0; of_host < 2; of_host++) {
    size_t size = (of_host ? sizeof host : sizeof spec) + 100;
    char *copy = of_size (of_host ? (void *) &host : (void *) &spec, size - 100,
                          size);
    const void *one = of_host ? (void *) &spec : copy;
    const void *other = of_host ? copy : (void *) &host;

    ck_assert_int_eq (result (one, other, NULL), 0);
    copy[size - 1] = 1;
    ck_assert_int_eq (result (one, other, NULL), -E2BIG);
    free (copy);
  }
}
END_TEST

/* Structs that are arguments by themselves.  Nothing is made: there is no such
 * directory. */
static struct vmspec_image image
  = { VMSPEC_INIT (vmspec_image), .file = "/absent/image", .size = 512 };
static struct vmspec_system_image system_image
  = { VMSPEC_INIT (vmspec_system_image), .file = "/absent/image",
      .tree = "/absent" };
static struct vmspec_work work = { VMSPEC_INIT (vmspec_work), VMSPEC_OFF };

static int
make_image (const void *with, vmspec_diag *diag)
{
  return vmspec_image_create (with, NULL, diag);
}

static int
make_system_image (const void *with, vmspec_diag *diag)
{
  return vmspec_system_image (with, NULL, diag);
}

static int
work_with (const void *with, vmspec_diag *diag)
{
  return vmspec_image_create (&image, with, diag);
}

static struct vmspec_kernel_need kernel_need
  = { VMSPEC_INIT (vmspec_kernel_need), .symbol = "A" };
static const struct vmspec_kernel_need *const kernel_needs[]
  = { &kernel_need, NULL };
static struct vmspec_guest_settings settings
  = { VMSPEC_INIT (vmspec_guest_settings), .kernel_needs = kernel_needs };

static int
check_with (const void *with, vmspec_diag *diag)
{
  return vmspec_check_kernel_config (with, "/absent/config", diag);
}

static int
need_of (const void *with, vmspec_diag *diag)
{
  const struct vmspec_guest_settings of
    = { VMSPEC_INIT (vmspec_guest_settings),
        .kernel_needs = LIST (vmspec_kernel_need, with) };

  return vmspec_check_kernel_config (&of, "/absent/config", diag);
}

static struct vmspec_descriptor descriptor
  = { VMSPEC_INIT (vmspec_descriptor), .number = 3 };

/* Of a machine that is not started: QEMU for it was not found. */
static int
start_with (const void *with, vmspec_diag *diag)
{
  const struct vmspec_start start
    = { VMSPEC_INIT (vmspec_start),
        .descriptors = LIST (vmspec_descriptor, with) };
  const struct vmspec blocked
    = { VMSPEC_INIT (vmspec), .arch = VMSPEC_ARCH_S390X };
  vmspec_plan *plan = unit_plan (&blocked, &host);
  vmspec_vm *vm = NULL;
  int r = vmspec_vm_start (plan, &start, diag, &vm);

  ck_assert_ptr_null (vm);
  vmspec_plan_free (plan);
  return r;
}

static const struct argument {
  const char *tag;
  const void *from;
  size_t size;
  int (*call) (const void *with, vmspec_diag *diag);
  int accepted;             /* what it then fails with */
} arguments[] = {
  { "vmspec_image", &image, sizeof image, make_image, -ENOENT },
  { "vmspec_system_image", &system_image, sizeof system_image,
    make_system_image, -ENOENT },
  { "vmspec_work", &work, sizeof work, work_with, -ENOENT },
  { "vmspec_descriptor", &descriptor, sizeof descriptor, start_with,
    -ENOEXEC },
  { "vmspec_guest_settings", &settings, sizeof settings, check_with, -ENOENT },
  { "vmspec_kernel_need", &kernel_need, sizeof kernel_need, need_of, -ENOENT },
};

static int
try_argument (const struct argument *a, size_t size, int last, const char *id)
{
  char *copy = of_size (a->from, a->size, size);
  vmspec_diag *diag;
  int r;

  if (last)
    copy[size - 1] = 1;
  ck_assert_int_eq (vmspec_diag_new (&diag), 0);
  r = a->call (copy, diag);
  ck_assert_msg (!!unit_finding (diag, "struct.too-new") == !!id, "%s of %zu"
                 " bytes: %d%s", a->tag, size, r, unit_findings (diag));
  vmspec_diag_free (diag);
  free (copy);
  return r;
}

START_TEST (arguments_follow_the_same_rule)
{
  for (size_t i = 0; i < COUNT (arguments); i++) {
    const struct argument *a = &arguments[i];

    for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
         o = vmspec_option_next (o))
      if (!strcmp (o->owner, a->tag)) {
        int r = try_argument (a, o->offset + o->size, 0, NULL);

        ck_assert_msg (r == a->accepted || r == -EINVAL, "%s: %d", a->tag, r);
      }
    ck_assert_int_eq (try_argument (a, a->size + 100, 0, NULL), a->accepted);
    ck_assert_int_eq (try_argument (a, a->size + 100, 1, "struct.too-new"),
                      -E2BIG);
  }
}
END_TEST

START_TEST (every_struct_of_the_table_is_tried)
{
  /* These are given out, and never taken. */
  static const char *const results[]
    = { "vmspec_progress", "vmspec_step", "vmspec_image_info",
        "vmspec_helper", "vmspec_event", "vmspec_exec_result",
        "vmspec_guest_overlay", "vmspec_guest_file" };

  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o)) {
    /* The start's options are tried in unit/test-vm.c. */
    int found = !strcmp (o->owner, "vmspec") || !strcmp (o->owner, "vmspec_host")
                || !strcmp (o->owner, "vmspec_start");

    for (size_t i = 0; i < COUNT (places); i++)
      found |= !strcmp (o->owner, places[i].tag);
    for (size_t i = 0; i < COUNT (arguments); i++)
      found |= !strcmp (o->owner, arguments[i].tag);
    for (size_t i = 0; i < COUNT (results); i++)
      found |= !strcmp (o->owner, results[i]);
    ck_assert_msg (found, "struct %s", o->owner);
  }
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("sizes");

  tcase_add_checked_fixture (t, set_up, NULL);
  tcase_add_test (t, old_structs_are_accepted_wherever_they_end);
  tcase_add_test (t, new_structs_are_accepted_while_they_say_nothing_new);
  tcase_add_test (t, the_outermost_structs_follow_the_same_rule);
  tcase_add_test (t, arguments_follow_the_same_rule);
  tcase_add_test (t, every_struct_of_the_table_is_tried);
  return unit_run ("sizes", t);
}
