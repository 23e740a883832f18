/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's half of a plan.  What NixOS's module says of each guest is said
 * here of each guest, too; what only means something to NixOS, or to a Nix store,
 * is left to guests that have one.
 */
#include "guest.h"

#include "plan.h"

#include <errno.h>
#include <string.h>

static const char *const none[] = { NULL };

struct handle {
  struct vmspec_guest_settings settings;
  struct arena arena;
  vmspec_plan *plan;        /* whose texts are used */
};

/* ---- the store ---------------------------------------------------------- */

static const struct vmspec_guest_overlay store_overlay = {
  VMSPEC_INIT (vmspec_guest_overlay), .mount_point = "/nix/store",
  .lower = "/nix/.ro-store", .upper = "/nix/.rw-store/store",
  .work = "/nix/.rw-store/work",
};

static void
add_line (struct text *text, const char *line)
{
  vms_text_add (text, line);
  vms_text_add (text, "\n");
}

/* In the words of NixOS's script, which is compared. */
static void
add_overlay (struct text *text, const struct vmspec_guest_overlay *overlay)
{
  char *dirs = vms_arena_concat (text->arena, "$targetRoot", overlay->upper,
                                 " $targetRoot", overlay->work, " $targetRoot",
                                 overlay->mount_point, (char *) NULL);
  char *layers = vms_arena_concat (text->arena, "lowerdir=$targetRoot",
                                   overlay->lower, ",upperdir=$targetRoot",
                                   overlay->upper, ",workdir=$targetRoot",
                                   overlay->work, (char *) NULL);

  vms_text_add (text, "echo \"mounting overlay filesystem on ");
  vms_text_add (text, overlay->mount_point);
  add_line (text, "...\"");
  vms_text_add (text, "mkdir -p -m 0755 ");
  add_line (text, dirs);
  vms_text_add (text, "mount -t overlay overlay $targetRoot");
  vms_text_add (text, overlay->mount_point);
  add_line (text, " \\");
  vms_text_add (text, "  -o ");
  vms_text_add (text, layers);
  add_line (text, " || fail");
}

static const char *
initrd_commands (const struct resolution *r,
                 const struct vmspec_guest_settings *s)
{
  struct text text = { .arena = r->arena };

  if (is_on (s->nixos)) {
    add_line (&text, "mkdir -p $targetRoot/etc");
    add_line (&text, "echo -n > $targetRoot/etc/NIXOS");
    add_line (&text, "chmod 1777 $targetRoot/tmp");
    add_line (&text, "mkdir -p $targetRoot/boot");
  }
  if (s->overlay)
    add_overlay (&text, s->overlay);
  return vms_text_end (&text);
}

/* ---- the kernel's command line ------------------------------------------ */

static void
add_param (struct vector *params, const char *name, const char *value,
           const char *end)
{
  vms_vector_add (params, vms_arena_concat (params->arena, name, value, end,
                                            (char *) NULL));
}

static const char *const *
kernel_params (const struct resolution *r)
{
  struct vector params = { .arena = r->arena };
  const char *const *word = r->boot.kernel_params;
  const char *const *console = r->qemu.consoles;

  if (is_on (r->boot.direct)) {
    for (; *word; word++)
      vms_vector_add (&params, *word);
    if (r->boot.system)
      add_param (&params, "init=", r->boot.system, "/init");
    if (r->boot.system && r->boot.registration)
      add_param (&params, "regInfo=", r->boot.registration, "");
  }
  for (; *console; console++)
    add_param (&params, "console=", *console, "");
  return (const void *) vms_vector_end (&params);
}

/* ---- all of it ---------------------------------------------------------- */

static void
describe (struct vmspec_guest_settings *s, const struct resolution *r)
{
  static const char *const nixos_tmpfiles[]
    = { "f /etc/NIXOS 0644 root root -", "d /boot 0644 root root -", NULL };
  uint32_t unused = is_on (r->boot.default_file_systems) ? VMSPEC_OFF
                                                         : VMSPEC_UNSET;

  *s = (struct vmspec_guest_settings) {
    VMSPEC_INIT (vmspec_guest_settings),
    .nixos = to_switch (r->boot.system != NULL),
    .file_systems = r->spec.file_systems,
    .overlay = is_on (r->store.writable) ? &store_overlay : NULL,
    .kernel_params = kernel_params (r),
    .consoles = r->qemu.consoles,
    .kernel_needs = vms_guest_kernel_needs (r),
    .tmpfiles = r->boot.system ? nixos_tmpfiles : none,
    /* GRUB for BIOS has no place on a disk that EFI boots from. */
    .loader_device = is_on (r->efi.enable) ? "nodev" : r->boot.loader_device,
    .graphics_mode = vms_arena_printf (r->arena, "%ux%u", r->spec.resolution_x,
                                       r->spec.resolution_y),
    .resolution_x = r->spec.resolution_x,
    .resolution_y = r->spec.resolution_y,
    .guest_agent = r->qemu.guest_agent,
    /* The disks that these are on are not this machine's. */
    .swap = unused,
    .luks = unused,
    /* Nothing appends to an initial RAM disk that QEMU loads. */
    .initrd_secrets = is_on (r->boot.loader) ? VMSPEC_UNSET : VMSPEC_OFF,
    .ca_certificates = is_on (r->spec.host_certs) ? VMSPEC_OFF : VMSPEC_UNSET,
    .time_sync = VMSPEC_OFF,
    .wireless = VMSPEC_OFF,
    .predictable_names = VMSPEC_OFF,
    .dhcp_arp = VMSPEC_OFF,
    .graphics = r->spec.graphics,
    .command_line_max = r->arch->command_line_max,
    .video_driver = "modesetting",
    /* Ranges that do not keep the server at 800x600. */
    .monitor = "HorizSync 30-140\nVertRefresh 50-160\n",
    .primary_address = r->network.primary_address,
  };
  s->initrd_commands = initrd_commands (r, s);
}

static void
render (struct vmspec_guest_settings *s, uint32_t form, struct arena *arena,
        vmspec_diag *diag)
{
  static void (*const renderers[]) (struct vector *,
                                    const struct vmspec_guest_settings *,
                                    vmspec_diag *) = {
    [VMSPEC_GUEST_FORM_FSTAB] = vms_guest_fstab,
    [VMSPEC_GUEST_FORM_UNITS] = vms_guest_units,
    [VMSPEC_GUEST_FORM_CMDLINE] = vms_guest_cmdline,
    [VMSPEC_GUEST_FORM_MODULES] = vms_guest_modules,
    [VMSPEC_GUEST_FORM_HOOK] = vms_guest_hook,
    [VMSPEC_GUEST_FORM_JSON] = vms_guest_json,
  };
  struct vector files = { .arena = arena };

  if (renderers[form])
    renderers[form] (&files, s, diag);
  s->files = (const void *) vms_vector_end (&files);
}

struct vmspec_guest_file *
vms_guest_add (struct vector *files, uint32_t form, const char *name,
               const char *content)
{
  struct vmspec_guest_file *file = vms_arena_alloc (files->arena, sizeof *file);

  if (!file)
    return NULL;
  *file = (struct vmspec_guest_file) {
    VMSPEC_INIT (vmspec_guest_file), .form = form, .name = name,
    .content = content, .executable = VMSPEC_OFF, .initrd = VMSPEC_OFF };
  vms_vector_add (files, file);
  return file;
}

int
vmspec_plan_guest (const vmspec_plan *plan, uint32_t form, vmspec_diag *diag,
                   struct vmspec_guest_settings **ret_settings)
{
  struct arena arena = { 0 };
  struct handle *handle = vms_arena_alloc (&arena, sizeof *handle);
  struct resolution resolution = plan->resolution;
  int r;

  if (!handle)
    return -ENOMEM;
  if (form > VMSPEC_GUEST_FORM_JSON) {
    vms_arena_free (&arena);
    return -EINVAL;
  }
  handle->arena = arena;
  handle->plan = vms_plan_reference (plan);
  resolution.arena = &handle->arena;
  describe (&handle->settings, &resolution);
  if (!vms_arena_error (&handle->arena))
    render (&handle->settings, form, &handle->arena, diag);
  r = vms_arena_error (&handle->arena);
  if (r < 0)
    vmspec_guest_settings_free (&handle->settings);
  else
    *ret_settings = &handle->settings;
  return r;
}

void
vmspec_guest_settings_free (struct vmspec_guest_settings *settings)
{
  struct handle *handle = (struct handle *) settings;
  struct arena arena;

  if (!handle)
    return;
  vmspec_plan_free (handle->plan);
  arena = handle->arena;
  vms_arena_free (&arena);
}
