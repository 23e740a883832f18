/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program as others write them.  It is compiled with the header of one
 * version and run with the library of another, which may be older: what that
 * does not have is then not used, but for once, to be refused.  "make record-abi"
 * keeps it with the version that it is of.
 *
 *     program KEEPER DIRECTORY
 *
 * DIRECTORY is for what it makes, and has a program "qemu" that exits with 7.
 * What fails is said on standard output.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <vmspec/vmspec.h>

/* Functions that older libraries do not have. */
#pragma weak vmspec_plan_guest
#pragma weak vmspec_guest_settings_free

static int failures;

static void
expect (int is_so, const char *what, const char *of)
{
  if (is_so)
    return;
  printf ("%s: not so: %s\n", of, what);
  failures++;
}

#define EXPECT(condition, of) expect (condition, #condition, of)

/* ---- a description with each struct in it -------------------------------- */

#define OBJECT(type, name, ...)                                                \
  static struct type name = { VMSPEC_INIT (type), __VA_ARGS__ }
#define ENTRIES(type, name)                                                    \
  static const struct type *name##_list[] = { &(name), NULL }

OBJECT (vmspec_property, property, .name = "cache", .value = "none");
ENTRIES (vmspec_property, property);
OBJECT (vmspec_drive, drive, .file = "/images/a, b.img",
        .format = VMSPEC_IMAGE_FORMAT_RAW, .drive_options = property_list);
ENTRIES (vmspec_drive, drive);
OBJECT (vmspec_empty_disk, empty_disk, .size = 16);
ENTRIES (vmspec_empty_disk, empty_disk);
OBJECT (vmspec_share, share, .tag = "src", .source = "/home/me/src, second try",
        .target = "/mnt/src");
ENTRIES (vmspec_share, share);
OBJECT (vmspec_file_system, file_system, .mount_point = "/data",
        .device = "/dev/vdb", .type = "ext4");
ENTRIES (vmspec_file_system, file_system);
OBJECT (vmspec_vlan, vlan, .number = 3);
ENTRIES (vmspec_vlan, vlan);
OBJECT (vmspec_interface, interface, .vlan = 4, .name = "eth7");
ENTRIES (vmspec_interface, interface);
OBJECT (vmspec_forward_port, forward_port, .host_port = 2222, .guest_port = 22);
ENTRIES (vmspec_forward_port, forward_port);
OBJECT (vmspec_credential, credential, .name = "c", .value = "v");
ENTRIES (vmspec_credential, credential);
OBJECT (vmspec_host_program, host_program, .name = "qemu-system-x86_64",
        .path = "/usr/bin/qemu-system-x86_64");
ENTRIES (vmspec_host_program, host_program);
OBJECT (vmspec_host_file, host_file, .path = "/f", .real_path = "/f");
ENTRIES (vmspec_host_file, host_file);
OBJECT (vmspec_host_firmware, host_firmware, .firmware = "/f",
        .variables = "/v");
ENTRIES (vmspec_host_firmware, host_firmware);

OBJECT (vmspec_qemu, qemu, .machine = "q35", .cpu = "max");
OBJECT (vmspec_disk, disk, .image = "");
OBJECT (vmspec_network, network, .forward_ports = forward_port_list);
OBJECT (vmspec_boot, boot, .kernel = "/boot/vmlinuz");
OBJECT (vmspec_efi, efi, .enable = VMSPEC_OFF);
OBJECT (vmspec_tpm, tpm, .enable = VMSPEC_OFF);
OBJECT (vmspec_store, store, .mount_host = VMSPEC_OFF);
OBJECT (vmspec_guest, guest, .credentials = credential_list);

OBJECT (vmspec, spec, .name = "demo", .memory = 2048,
        .arch = VMSPEC_ARCH_X86_64, .qemu = &qemu, .disk = &disk,
        .network = &network, .boot = &boot, .efi = &efi, .tpm = &tpm,
        .store = &store, .guest = &guest, .drives = drive_list,
        .empty_disks = empty_disk_list, .shares = share_list,
        .file_systems = file_system_list, .vlans = vlan_list,
        .interfaces = interface_list);
OBJECT (vmspec_host, host, .arch = VMSPEC_ARCH_X86_64, .os = VMSPEC_OS_LINUX,
        .kvm = VMSPEC_KVM_ABSENT, .cpus = 4, .directory = "/here",
        .run_name = "vmspec.0123456789", .programs = host_program_list,
        .files = host_file_list, .firmware = host_firmware_list);

static const struct vmspec *the_spec = &spec;
static const struct vmspec_host *the_host = &host;

/* Each struct, and where it is pointed at. */
static const struct place {
  const char *tag;
  const void *object;
  size_t size;
  void *pointer;
} places[] = {
#define PLACE(name, pointer)                                                   \
  { "vmspec_" #name, &(name), sizeof (name), (void *) &(pointer) }
  { "vmspec", &spec, sizeof spec, &the_spec },
  PLACE (host, the_host),
  PLACE (qemu, spec.qemu), PLACE (disk, spec.disk),
  PLACE (network, spec.network), PLACE (boot, spec.boot),
  PLACE (efi, spec.efi), PLACE (tpm, spec.tpm), PLACE (store, spec.store),
  PLACE (guest, spec.guest), PLACE (credential, credential_list[0]),
  PLACE (property, property_list[0]), PLACE (drive, drive_list[0]),
  PLACE (empty_disk, empty_disk_list[0]), PLACE (share, share_list[0]),
  PLACE (file_system, file_system_list[0]), PLACE (vlan, vlan_list[0]),
  PLACE (interface, interface_list[0]),
  PLACE (forward_port, forward_port_list[0]),
  PLACE (host_program, host_program_list[0]),
  PLACE (host_file, host_file_list[0]),
  PLACE (host_firmware, host_firmware_list[0]),
};

/* The size that the library knows; 0: it does not know such a struct. */
static size_t
known_size (const char *tag)
{
  size_t size = 0;

  for (const struct vmspec_option *o = vmspec_option_next (NULL); o;
       o = vmspec_option_next (o))
    if (!strcmp (o->owner, tag) && o->offset + o->size > size)
      size = o->offset + o->size;
  return size;
}

static void
point (const struct place *place, const void *at)
{
  memcpy (place->pointer, &at, sizeof at);
}

/* ---- plans --------------------------------------------------------------- */

static int
plan_result (vmspec_diag *diag)
{
  vmspec_plan *plan = NULL;
  int r = vmspec_plan_new (the_spec, the_host, diag, &plan);

  vmspec_plan_free (plan);
  return r;
}

/* What is new is refused if it is used; the message has both sizes. */
static void
is_too_new (const struct place *place)
{
  size_t known = known_size (place->tag);
  const struct vmspec_finding *f;
  vmspec_diag *diag = NULL;
  char with[32], knows[32];

  vmspec_diag_new (&diag);
  EXPECT (plan_result (diag) == -E2BIG, place->tag);
  f = vmspec_diag_get (diag, 0);
  EXPECT (f && !strcmp (f->id, "struct.too-new"), place->tag);
  snprintf (with, sizeof with, " %zu bytes", place->size);
  snprintf (knows, sizeof knows, " %zu bytes", known);
  EXPECT (f && strstr (f->text, with) && strstr (f->text, knows), place->tag);
  vmspec_diag_free (diag);
}

/* A struct that the library does not know is pointed at by a new member of one
 * that it knows, the outermost. */
static void
leave_out_new_structs (void)
{
  size_t n = 0;

  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    n += !known_size (places[i].tag);
  if (n)
    is_too_new (&places[0]);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    if (!known_size (places[i].tag))
      point (&places[i], NULL);
}

static void
try_sizes (const struct place *place)
{
  size_t known = known_size (place->tag);
  char *copy;

  EXPECT (plan_result (NULL) == 0, place->tag);
  if (!known || known >= place->size)
    return;
  copy = calloc (1, place->size);
  memcpy (copy, place->object, known);
  memcpy (copy, &(uint32_t) { (uint32_t) place->size }, sizeof (uint32_t));
  point (place, copy);
  EXPECT (plan_result (NULL) == 0, place->tag);
  copy[place->size - 1] = 1;
  is_too_new (place);
  point (place, place->object);
  free (copy);
}

static int
has (const char *const *argv, const char *part)
{
  for (; *argv; argv++)
    if (strstr (*argv, part))
      return 1;
  return 0;
}

static void
plans (void)
{
  struct vmspec_guest_settings *settings = NULL;
  vmspec_plan *plan = NULL;

  EXPECT (vmspec_plan_new (the_spec, the_host, NULL, &plan) == 0, "plan");
  if (!plan)
    return;
  EXPECT (!strcmp (vmspec_plan_argv (plan)[0], host_program.path), "plan");
  EXPECT (has (vmspec_plan_argv (plan), "/images/a,, b.img"), "plan");
  EXPECT (has (vmspec_plan_argv (plan), ":2222-:22"), "plan");
  EXPECT (has (vmspec_plan_argv (plan), "mount_tag=src"), "plan");
  EXPECT (strstr (vmspec_plan_command (plan), "-m 2048") != NULL, "plan");
  EXPECT (vmspec_plan_spec (plan)->memory == 2048, "plan");
  EXPECT (vmspec_plan_step (plan, 0) != NULL, "plan");
  if (vmspec_plan_guest) {
    EXPECT (vmspec_plan_guest (plan, VMSPEC_GUEST_FORM_FSTAB, NULL, &settings)
              == 0, "guest");
    vmspec_guest_settings_free (settings);
  }
  vmspec_plan_free (plan);
}

/* ---- documents, images, machines ----------------------------------------- */

static void
documents (void)
{
  static const char xml[] = "<vmspec xmlns='urn:vmspec:1' memory='77'>\n"
                            "<disk image=''/></vmspec>";
  const char *text = "";
  vmspec_doc *doc = NULL;

  EXPECT (vmspec_doc_read_memory (xml, sizeof xml - 1, "a", NULL, &doc) == 0,
          "document");
  EXPECT (vmspec_doc_set (doc, "cores=3", NULL) == 0, "document");
  EXPECT (vmspec_doc_spec (doc)->memory == 77, "document");
  EXPECT (vmspec_doc_spec (doc)->cores == 3, "document");
  EXPECT (vmspec_doc_write (doc, &text) == 0, "document");
  EXPECT (strstr (text, "cores=\"3\"") != NULL, "document");
  vmspec_doc_free (doc);
}

static void
images (const char *directory)
{
  struct vmspec_image_info *info = NULL;
  char path[4096];
  struct vmspec_image image
    = { VMSPEC_INIT (vmspec_image), .file = path, .size = 64 << 20,
        .format = VMSPEC_IMAGE_FORMAT_QCOW2, .content = VMSPEC_CONTENT_EXT4,
        .label = "data" };

  snprintf (path, sizeof path, "%s/image", directory);
  remove (path);
  EXPECT (vmspec_image_create (&image, NULL, NULL) == 0, "image");
  EXPECT (vmspec_image_info (path, 0, NULL, &info) == 0, "image");
  EXPECT (info && info->virtual_size == image.size, "image");
  EXPECT (info && !strcmp (info->label, "data"), "image");
  vmspec_image_info_free (info);
  remove (path);
}

static void
machines (const char *keeper, const char *directory)
{
  char program[4096];
  struct vmspec_qemu with = { VMSPEC_INIT (vmspec_qemu), .binary = program };
  struct vmspec of
    = { VMSPEC_INIT (vmspec), .name = "demo", .qemu = &with, .disk = &disk };
  struct vmspec_start start = { VMSPEC_INIT (vmspec_start), .keeper = keeper };
  struct vmspec_host *seen = NULL;
  vmspec_plan *plan = NULL;
  vmspec_vm *vm = NULL;
  int status = 0;

  snprintf (program, sizeof program, "%s/qemu", directory);
  EXPECT (vmspec_host_detect (&of, NULL, NULL, &seen) == 0, "machine");
  EXPECT (vmspec_plan_new (&of, seen, NULL, &plan) == 0, "machine");
  EXPECT (vmspec_vm_start (plan, &start, NULL, &vm) == 0, "machine");
  EXPECT (vm && vmspec_vm_wait (vm, 20000, &status) == 0, "machine");
  EXPECT (WIFEXITED (status) && WEXITSTATUS (status) == 7, "machine");
  vmspec_vm_free (vm);
  vmspec_plan_free (plan);
  vmspec_host_free (seen);
}

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  leave_out_new_structs ();
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    try_sizes (&places[i]);
  plans ();
  documents ();
  images (argv[2]);
  machines (argv[1], argv[2]);
  return failures != 0;
}
