/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts that this library was configured without say so, each function by its
 * finding; those that it has never do.  WITHOUT names the former. */
#include "emulator.h"

static const char gzip[]
  = "\x1f\x8b\x08\0\0\0\0\0\x02\x03\x73\xf6\xf7\x73\xf3\x74\x8f\x0f\xf3\x0c\x0a"
    "\xf1\xf4\xb7\xad\xe4\x02\0\x06\x7d\x52\x48\x10\0\0"; /* CONFIG_VIRTIO=y */

static int
is_without (const char *part)
{
  const char *found = strstr (" " WITHOUT " ", part);

  return found && found[-1] == ' ' && found[strlen (part)] == ' ';
}

/* So that nothing has to be made before a start. */
static const struct vmspec_disk no_disk
  = { VMSPEC_INIT (vmspec_disk), .image = "" };

/* @r and the findings are those of a function that needs the part. */
static void
judge (const char *part, int r)
{
  char id[64], option[64];
  const struct vmspec_finding *finding;

  snprintf (id, sizeof id, "build.without-%s", part);
  snprintf (option, sizeof option, "--without-%s", part);
  finding = unit_finding (diag, id);
  if (is_without (part)) {
    ck_assert_int_eq (r, -EOPNOTSUPP);
    ck_assert_ptr_nonnull (finding);
    ck_assert_ptr_nonnull (strstr (finding->text, option));
    ck_assert_uint_eq (vmspec_diag_count (diag), 1);
  } else
    ck_assert_ptr_null (finding);
  vmspec_diag_clear (diag);
}

static const char *
write_file (const char *name, const void *bytes, size_t size)
{
  FILE *file = fopen (below (name), "w");

  ck_assert_uint_eq (fwrite (bytes, 1, size, file), size);
  ck_assert_int_eq (fclose (file), 0);
  return below (name);
}

/* "build.without-libxml2" */
START_TEST (reading_xml)
{
  static const char xml[] = "<vmspec xmlns=\"urn:vmspec:1\" name=\"a\"/>";
  vmspec_doc *doc = NULL;

  judge ("libxml2", vmspec_doc_read_memory (xml, sizeof xml - 1, "a", diag,
                                            &doc));
  vmspec_doc_free (doc);
  doc = NULL;
  judge ("libxml2",
         vmspec_doc_read_file (write_file ("a.xml", xml, sizeof xml - 1), diag,
                               &doc));
  vmspec_doc_free (doc);
}
END_TEST

/* Writing needs no library. */
START_TEST (what_is_set_can_be_written_as_xml)
{
  vmspec_doc *doc = NULL;
  const char *xml;

  ck_assert_int_eq (vmspec_doc_new (NULL, diag, &doc), 0);
  ck_assert_int_eq (vmspec_doc_set (doc, "name=a", diag), 0);
  ck_assert_int_eq (vmspec_doc_write (doc, &xml), 0);
  ck_assert_ptr_nonnull (strstr (xml, "name=\"a\""));
  vmspec_doc_free (doc);
}
END_TEST

/* "build.without-images" */
START_TEST (file_systems)
{
  struct vmspec_image image = { VMSPEC_INIT (vmspec_image),
                                .file = below ("ext4.qcow2"), .size = 64 << 20,
                                .content = VMSPEC_CONTENT_EXT4 };
  struct vmspec_system_image system = { VMSPEC_INIT (vmspec_system_image),
                                        .file = below ("system.qcow2"),
                                        .tree = scratch };

  judge ("images", vmspec_image_create (&image, NULL, diag));
  ck_assert_int_eq (access (image.file, F_OK), is_without ("images") ? -1 : 0);
  judge ("images", vmspec_system_image (&system, NULL, diag));
}
END_TEST

START_TEST (empty_images_and_overlays_are_always_made)
{
  struct vmspec_image image = { VMSPEC_INIT (vmspec_image),
                                .file = below ("empty.qcow2"),
                                .size = 64 << 20 };
  struct vmspec_image over = { VMSPEC_INIT (vmspec_image),
                               .file = below ("over.qcow2"),
                               .backing = "empty.qcow2" };
  struct vmspec_image_info *info = NULL;

  ck_assert_int_eq (vmspec_image_create (&image, NULL, diag), 0);
  ck_assert_int_eq (vmspec_image_create (&over, NULL, diag), 0);
  ck_assert_uint_eq (vmspec_diag_count (diag), 0);
  ck_assert_int_eq (vmspec_image_info (over.file, VMSPEC_IMAGE_FORMAT_UNSET,
                                       diag, &info), 0);
  ck_assert_uint_eq (info->virtual_size, 64 << 20);
  ck_assert_int_eq (unit_finding (diag, "build.without-images") != NULL,
                    is_without ("images"));
  vmspec_image_info_free (info);
}
END_TEST

/* "build.without-jansson" */
START_TEST (asking_machines)
{
  struct vmspec_forward_port rule = { VMSPEC_INIT (vmspec_forward_port),
                                      .any_host_port = VMSPEC_ON,
                                      .guest_port = 22 };
  struct vmspec_network network = {
    VMSPEC_INIT (vmspec_network),
    .forward_ports = LIST (vmspec_forward_port, &rule) };
  const struct vmspec_exec_result *result;
  const struct vmspec_event *event;
  const char *text;
  uint32_t port;
  vmspec_vm *vm;

  spec.network = &network;
  spec.disk = &no_disk;
  vm = started ("sleep");
  judge ("jansson", vmspec_vm_control (vm, VMSPEC_ACTION_RESET, 0, diag));
  judge ("jansson", vmspec_vm_status (vm, 0, diag, &text));
  judge ("jansson", vmspec_vm_qmp (vm, "stop", NULL, 0, diag, &text));
  judge ("jansson", vmspec_vm_host_port (vm, 0, diag, &port));
  judge ("jansson", vmspec_vm_agent (vm, "guest-ping", NULL, 0, diag, &text));
  judge ("jansson", vmspec_vm_exec (vm, STRINGS ("true"), 0, diag, &result));
  ck_assert_int_eq (vmspec_vm_event_fd (vm), -1);
  ck_assert_int_eq (vmspec_vm_event (vm, &event),
                    is_without ("jansson") ? -EOPNOTSUPP : -ENOTCONN);
  ck_assert_int_eq (vmspec_vm_stop (vm, 0, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

/* Who demands QMP is refused; who does not gets a machine all the same, and is
 * told. */
START_TEST (starting)
{
  struct vmspec_start start = plainly;
  vmspec_vm *vm = NULL;

  spec.disk = &no_disk;
  plan_to ("exit");
  start.qmp = VMSPEC_ON;
  judge ("jansson", vmspec_vm_start (plan, &start, diag, &vm));
  vmspec_vm_free (vm);
  vm = NULL;
  plan_to ("exit");
  start.qmp = VMSPEC_OFF;
  start.guest_agent = VMSPEC_ON;
  judge ("jansson", vmspec_vm_start (plan, &start, diag, &vm));
  vmspec_vm_free (vm);
  vm = NULL;
  plan_to ("exit");
  start.qmp = VMSPEC_UNSET;
  start.guest_agent = VMSPEC_OFF;
  ck_assert_int_eq (vmspec_vm_start (plan, &start, diag, &vm), 0);
  ck_assert_int_eq (unit_finding (diag, "build.without-jansson") != NULL,
                    is_without ("jansson"));
  ck_assert_int_eq (vmspec_vm_wait (vm, -1, NULL), 0);
  vmspec_vm_free (vm);
}
END_TEST

START_TEST (settings_as_json)
{
  struct vmspec_guest_settings *settings = NULL;

  plan_to ("exit");
  judge ("jansson", vmspec_plan_guest (plan, VMSPEC_GUEST_FORM_JSON, diag,
                                       &settings));
  vmspec_guest_settings_free (settings);
  ck_assert_int_eq (vmspec_plan_guest (plan, VMSPEC_GUEST_FORM_MODULES, diag,
                                       &settings), 0);
  vmspec_guest_settings_free (settings);
}
END_TEST

/* "build.without-zlib" */
START_TEST (compressed_configurations)
{
  static const char plain[] = "CONFIG_VIRTIO=y\n";
  struct vmspec_guest_settings *settings = NULL;

  plan_to ("exit");
  ck_assert_int_eq (vmspec_plan_guest (plan, VMSPEC_GUEST_FORM_UNSET, diag,
                                       &settings), 0);
  judge ("zlib", vmspec_check_kernel_config (
    settings, write_file ("config.gz", gzip, sizeof gzip), diag));
  /* Nothing else is wrong than that it lacks much. */
  ck_assert_int_eq (
    vmspec_check_kernel_config (
      settings, write_file ("config", plain, sizeof plain - 1), diag),
    -ENOEXEC);
  ck_assert_ptr_nonnull (unit_finding (diag, "kernel.missing"));
  vmspec_guest_settings_free (settings);
}
END_TEST

static TCase *
tests (void)
{
  TCase *t = unit_case ("without");

  tcase_add_test (t, reading_xml);
  tcase_add_test (t, what_is_set_can_be_written_as_xml);
  tcase_add_test (t, file_systems);
  tcase_add_test (t, empty_images_and_overlays_are_always_made);
  tcase_add_test (t, asking_machines);
  tcase_add_test (t, starting);
  tcase_add_test (t, settings_as_json);
  tcase_add_test (t, compressed_configurations);
  return t;
}

int
main (int argc, char **argv)
{
  return emulator_or_tests (argc, argv, tests, "without");
}
