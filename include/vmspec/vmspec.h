/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vmspec: from a typed description of a virtual machine to QEMU's argument
 * vector, and to the running machine.
 *
 *     struct vmspec spec = {
 *         VMSPEC_INIT (vmspec), .name = "demo", .memory = 2048,
 *         .boot = &(struct vmspec_boot) { VMSPEC_INIT (vmspec_boot),
 *             .kernel = "vmlinuz", .initrd = "initrd.img" },
 *     };
 *     vmspec_plan *plan = NULL;
 *     if (vmspec_plan_new (&spec, NULL, diag, &plan) == 0)
 *         puts (vmspec_plan_command (plan));
 *
 * Rules that hold everywhere:
 *
 * - Descriptions are plain structs that the caller owns.  They are borrowed for
 *   the call and copied where they are kept.  All-zero bits mean "not said".
 * - Every struct starts with struct_size, which VMSPEC_INIT sets.  Members are
 *   only ever appended.  A shorter struct is extended with zeros; a longer one
 *   is accepted if what the library does not know is zero, and is refused with
 *   -E2BIG otherwise (the rule of openat2(2)).
 * - Strings: NULL is not said, "" is "none" where the option table says so.
 *   Lists: NULL is not said, a list that holds only its final NULL is empty.
 *   Enumerations: 0 is not said.  Integers: 0 is not said.  Switches: 0 is not
 *   said, VMSPEC_OFF or VMSPEC_ON; 1 is refused, so that a stray C "true" fails
 *   loudly.  Text is UTF-8 by convention; paths are any bytes but NUL.
 * - Functions that can fail return 0 or a negative errno value, put their
 *   results last, and leave these untouched on failure.  Details go to a
 *   vmspec_diag, which may be NULL.  Every function is there in every build; one
 *   that needs what was left out of it returns -EOPNOTSUPP.
 * - The library prints nothing, never exits, reads no environment variable,
 *   and keeps no state outside of its handles, but for libxml2's, which it sets
 *   up once (xmlInitParser).  That library has its own way when memory is too
 *   short to make a parser: it tells the process's handler of its errors.  A
 *   handle belongs to one thread at a time; different handles never meet.
 * - Only vmspec_host_detect, vmspec_plan_check_files, vmspec_plan_prepare,
 *   vmspec_doc_read_file, vmspec_check_kernel_..., vmspec_clean, and functions of
 *   images and running machines touch anything outside of their arguments.  Where a host is
 *   NULL, vmspec_host_detect is called on the caller's behalf.
 */
#ifndef VMSPEC_VMSPEC_H
#define VMSPEC_VMSPEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VMSPEC_PUBLIC __attribute__ ((visibility ("default")))
#else
#define VMSPEC_PUBLIC
#endif

/* First in every designated initialiser: VMSPEC_INIT (vmspec_drive). */
#define VMSPEC_INIT(type) .struct_size = (uint32_t) sizeof (struct type)

/* The one integer that says "none" where the option table allows it. */
#define VMSPEC_NONE UINT64_MAX

/* ---- enumerations ------------------------------------------------------ */

enum vmspec_switch { VMSPEC_UNSET = 0, VMSPEC_OFF = 2, VMSPEC_ON = 3 };

enum vmspec_arch {
  VMSPEC_ARCH_UNSET = 0,
  VMSPEC_ARCH_X86_64,
  VMSPEC_ARCH_I686,
  VMSPEC_ARCH_AARCH64,
  VMSPEC_ARCH_ARMV7L,
  VMSPEC_ARCH_POWERPC64,
  VMSPEC_ARCH_POWERPC64LE,
  VMSPEC_ARCH_RISCV64,
  VMSPEC_ARCH_RISCV32,
  VMSPEC_ARCH_S390X
};

enum vmspec_os { VMSPEC_OS_UNSET = 0, VMSPEC_OS_LINUX, VMSPEC_OS_DARWIN };

/* Hardware virtualisation: demanded, used if it works, not used. */
enum vmspec_accel {
  VMSPEC_ACCEL_UNSET = 0,
  VMSPEC_ACCEL_REQUIRE,
  VMSPEC_ACCEL_PREFER,
  VMSPEC_ACCEL_OFF
};

/* What vmspec_host_detect found out about KVM. */
enum vmspec_kvm {
  VMSPEC_KVM_UNSET = 0,
  VMSPEC_KVM_USABLE,
  VMSPEC_KVM_ABSENT,     /* no /dev/kvm */
  VMSPEC_KVM_DENIED,     /* /dev/kvm is there, but not for this user */
  VMSPEC_KVM_NO_HARDWARE /* it opens, but the processor has no vmx or svm
                            behind it: guests would hang without a word */
};

enum vmspec_disk_interface {
  VMSPEC_DISK_INTERFACE_UNSET = 0,
  VMSPEC_DISK_INTERFACE_VIRTIO,
  VMSPEC_DISK_INTERFACE_SCSI, /* one LSI 53C895A for each drive */
  VMSPEC_DISK_INTERFACE_IDE,  /* AHCI, six drives to a controller */
  VMSPEC_DISK_INTERFACE_VIRTIO_SCSI,
  VMSPEC_DISK_INTERFACE_NVME
};

enum vmspec_image_format {
  VMSPEC_IMAGE_FORMAT_UNSET = 0,
  VMSPEC_IMAGE_FORMAT_RAW,
  VMSPEC_IMAGE_FORMAT_QCOW2,
  VMSPEC_IMAGE_FORMAT_QCOW,
  VMSPEC_IMAGE_FORMAT_VDI,
  VMSPEC_IMAGE_FORMAT_VMDK,
  VMSPEC_IMAGE_FORMAT_VHDX,
  VMSPEC_IMAGE_FORMAT_VPC
};

/* QEMU's security_model of a 9p share. */
enum vmspec_security_model {
  VMSPEC_SECURITY_MODEL_UNSET = 0,
  VMSPEC_SECURITY_MODEL_PASSTHROUGH,
  VMSPEC_SECURITY_MODEL_MAPPED_XATTR,
  VMSPEC_SECURITY_MODEL_MAPPED_FILE,
  VMSPEC_SECURITY_MODEL_NONE
};

/* Where the connections come from that a forwarding rule carries. */
enum vmspec_forward_from {
  VMSPEC_FORWARD_FROM_UNSET = 0,
  VMSPEC_FORWARD_FROM_HOST,
  VMSPEC_FORWARD_FROM_GUEST
};

enum vmspec_proto {
  VMSPEC_PROTO_UNSET = 0,
  VMSPEC_PROTO_TCP,
  VMSPEC_PROTO_UDP
};

/* What carries virtual networks between machines. */
enum vmspec_vlan_backend {
  VMSPEC_VLAN_BACKEND_UNSET = 0,
  VMSPEC_VLAN_BACKEND_NONE,      /* QEMU gets no devices for them */
  VMSPEC_VLAN_BACKEND_VDE,       /* vde_switch */
  VMSPEC_VLAN_BACKEND_MULTICAST, /* UDP on this host, any number of machines */
  VMSPEC_VLAN_BACKEND_DGRAM,     /* Unix datagrams between machines 1 and 2 */
  VMSPEC_VLAN_BACKEND_STREAM     /* a Unix stream, 1 listens and 2 connects */
};

/* What a machine's standard descriptor is. */
enum vmspec_stdio {
  VMSPEC_STDIO_UNSET = 0,
  VMSPEC_STDIO_INHERIT,     /* the caller's of that number */
  VMSPEC_STDIO_NULL,        /* /dev/null */
  VMSPEC_STDIO_DESCRIPTOR   /* another of the caller's */
};

/* What a machine can be asked for by vmspec_vm_control. */
enum vmspec_action {
  VMSPEC_ACTION_UNSET = 0,
  VMSPEC_ACTION_POWERDOWN,  /* presses the power button */
  VMSPEC_ACTION_RESET,
  VMSPEC_ACTION_QUIT,       /* ends QEMU at once, with its images written */
  VMSPEC_ACTION_PAUSE,
  VMSPEC_ACTION_CONTINUE
};

/* What an image is made with, besides its format. */
enum vmspec_content {
  VMSPEC_CONTENT_UNSET = 0,
  VMSPEC_CONTENT_EMPTY,
  VMSPEC_CONTENT_EXT4
};

/* qemu-img's preallocation of a qcow2 image. */
enum vmspec_preallocation {
  VMSPEC_PREALLOCATION_UNSET = 0,
  VMSPEC_PREALLOCATION_OFF,
  VMSPEC_PREALLOCATION_METADATA
};

/* What of a guest's configuration a text is. */
enum vmspec_guest_form {
  VMSPEC_GUEST_FORM_UNSET = 0,
  VMSPEC_GUEST_FORM_FSTAB,   /* fstab(5) */
  VMSPEC_GUEST_FORM_UNITS,   /* systemd.mount(5), and what belongs to them */
  VMSPEC_GUEST_FORM_CMDLINE, /* kernel parameters: kernel-command-line(7) and
                                systemd-fstab-generator(8) */
  VMSPEC_GUEST_FORM_MODULES, /* kernel modules, a name on each line */
  VMSPEC_GUEST_FORM_HOOK,    /* script for the initial RAM disk */
  VMSPEC_GUEST_FORM_JSON     /* all of it */
};

/* Whether the initial RAM disk has to have a kernel module. */
enum vmspec_initrd {
  VMSPEC_INITRD_UNSET = 0,
  VMSPEC_INITRD_NO,
  VMSPEC_INITRD_AVAILABLE,   /* loaded when something asks for it */
  VMSPEC_INITRD_LOAD         /* loaded at once */
};

/* How a system image is divided, by the names of NixOS's image builder. */
enum vmspec_partition_table {
  VMSPEC_PARTITION_TABLE_UNSET = 0,
  VMSPEC_PARTITION_TABLE_NONE,       /* the root file system alone */
  VMSPEC_PARTITION_TABLE_LEGACY,     /* MBR: root */
  VMSPEC_PARTITION_TABLE_LEGACY_GPT, /* GPT: BIOS boot, root */
  VMSPEC_PARTITION_TABLE_EFI,        /* GPT: ESP, root */
  VMSPEC_PARTITION_TABLE_HYBRID      /* GPT: ESP, BIOS boot, root */
};

enum vmspec_file_type {
  VMSPEC_FILE_TYPE_UNSET = 0,
  VMSPEC_FILE_TYPE_ABSENT,    /* may be created: its directory exists */
  VMSPEC_FILE_TYPE_NO_PARENT, /* its directory does not exist either */
  VMSPEC_FILE_TYPE_FILE,
  VMSPEC_FILE_TYPE_DIRECTORY,
  VMSPEC_FILE_TYPE_OTHER
};

/* ---- descriptions ------------------------------------------------------ *
 *
 * What each member means, its range and its default stand in the option table:
 * vmspec_option_next(), `vmspec-run --list-options`, vmspec.xml(5).
 */

/* One key=value of a QEMU option string; both are escaped when rendered. */
struct vmspec_property {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  const char *value;
};

struct vmspec_drive {
  uint32_t struct_size;
  uint32_t format;        /* enum vmspec_image_format */
  const char *name;       /* for people and findings; QEMU does not see it */
  const char *file;
  uint32_t expand;        /* switch: file is a piece of shell, see share */
  uint32_t interface;     /* enum vmspec_disk_interface */
  const struct vmspec_property *const *drive_options;
  const struct vmspec_property *const *device_options;
  uint64_t size;          /* MiB */
};

/* A disk that is made empty in the run directory. */
struct vmspec_empty_disk {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t size;          /* MiB */
};

struct vmspec_share {
  uint32_t struct_size;
  uint32_t security_model; /* enum vmspec_security_model */
  const char *tag;         /* 9p mount tag: 1 to 31 bytes, a QEMU id */
  const char *source;      /* directory of the host */
  const char *target;      /* mount point in the guest, absolute */
  uint32_t expand;         /* switch: source may hold $VAR, ${VAR},
                              ${VAR:-word} and quotes, expanded from the host's
                              environment list by the rules of wordexp(3),
                              without commands; the result is one path and is
                              never split */
  uint32_t reserved;
};

struct vmspec_file_system {
  uint32_t struct_size;
  uint32_t needed_for_boot; /* switch */
  uint32_t no_check;        /* switch */
  uint32_t auto_format;     /* switch */
  uint32_t replace;         /* switch: take the place of what is built in */
  uint32_t reserved;
  const char *mount_point;
  const char *device;
  const char *type;
  const char *const *options;
};

/* A virtual network between machines, by number (0 is a number here). */
struct vmspec_vlan {
  uint32_t struct_size;
  uint32_t number;
};

struct vmspec_interface {
  uint32_t struct_size;
  uint32_t vlan;
  uint32_t assign_ip; /* switch */
  uint32_t reserved;
  const char *name;
};

struct vmspec_forward_port {
  uint32_t struct_size;
  uint32_t from;       /* enum vmspec_forward_from */
  uint32_t proto;      /* enum vmspec_proto */
  uint32_t host_port;
  uint32_t guest_port;
  uint32_t any_host_port; /* switch: QEMU takes a free one, see
                             vmspec_vm_host_port */
  const char *host_address;  /* IPv4, dotted */
  const char *guest_address;
};

struct vmspec_qemu {
  uint32_t struct_size;
  uint32_t accel;            /* enum vmspec_accel */
  const char *package;       /* a NixOS package: fixes the first words */
  const char *binary;
  const char *machine;
  const char *cpu;
  const char *const *first_options;
  const char *const *options;
  const char *const *consoles;
  const char *const *first_network_options;
  const char *const *network_options;
  uint32_t disk_interface;   /* enum vmspec_disk_interface */
  uint32_t guest_agent;      /* switch */
  uint32_t virtio_keyboard;  /* switch */
  uint32_t expand;           /* switch: the four lists are pieces of shell */
  uint32_t builtin_options;  /* switch */
  uint32_t builtin_network;  /* switch */
};

struct vmspec_disk {
  uint32_t struct_size;
  uint32_t format;           /* enum vmspec_image_format */
  const char *image;
  uint64_t size;             /* MiB, or VMSPEC_NONE */
  const char *system_image;
  uint32_t system_format;    /* enum vmspec_image_format */
  uint32_t reserved;
};

struct vmspec_network {
  uint32_t struct_size;
  uint32_t restricted;       /* switch */
  const struct vmspec_forward_port *const *forward_ports;
  const char *netcat;
  const char *primary_address;
  uint32_t vlan_backend;     /* enum vmspec_vlan_backend */
  uint32_t machine_number;   /* among those on the same virtual networks */
  const char *vlan_directory;/* of sockets that the backend needs */
  uint32_t vlan_switch;      /* switch: start vde_switch where none runs */
  uint32_t reserved;
};

struct vmspec_boot {
  uint32_t struct_size;
  uint32_t direct;               /* switch */
  uint32_t loader;               /* switch */
  uint32_t default_file_systems; /* switch */
  const char *system;
  const char *registration;
  const char *kernel;
  const char *initrd;
  const char *const *kernel_params;
  const char *loader_device;
  const char *partition;
  const char *root_device;
  const char *bios;
};

struct vmspec_efi {
  uint32_t struct_size;
  uint32_t enable;           /* switch */
  uint32_t keep_variables;   /* switch */
  uint32_t secure_boot;      /* switch */
  uint32_t smm;              /* switch */
  uint32_t reserved;
  const char *package;
  const char *firmware;
  const char *variables;
  const char *state;
};

struct vmspec_tpm {
  uint32_t struct_size;
  uint32_t enable;           /* switch */
  const char *model;
  const char *swtpm;
  const char *state_dir;
  uint32_t setup;            /* switch: swtpm_setup makes a new TPM */
  uint32_t reserved;
  const char *provision;     /* program that is run with the TPM before a start */
};

struct vmspec_store {
  uint32_t struct_size;
  uint32_t mount_host;       /* switch */
  uint32_t image;            /* switch */
  uint32_t writable;         /* switch */
  uint32_t writable_tmpfs;   /* switch */
  uint32_t builtin_paths;    /* switch */
  const char *path;
  const char *const *additional_paths;
  const char *base_image;
  const char *closure;
};

/* What a guest with systemd is handed as a system credential: a text, or the
 * content of a file of the host. */
struct vmspec_credential {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  const char *value;
  const char *file;
};

/* What the guest is told by its host, so that nothing has to be written into its
 * image.  systemd.system-credentials(7). */
struct vmspec_guest {
  uint32_t struct_size;
  uint32_t mounts;           /* switch: it mounts its file systems itself */
  const char *hostname;
  const char *const *ssh_keys; /* lines of root's authorized_keys */
  const struct vmspec_credential *const *credentials;
};

struct vmspec {
  uint32_t struct_size;
  uint32_t arch;             /* enum vmspec_arch */
  const char *name;
  uint64_t memory;           /* MiB */
  uint32_t cores;
  uint32_t graphics;         /* switch */
  uint32_t resolution_x;
  uint32_t resolution_y;
  uint32_t msize;            /* bytes */
  uint32_t host_certs;       /* switch */
  uint32_t builtin_drives;   /* switch */
  uint32_t builtin_shares;   /* switch */
  uint32_t builtin_file_systems; /* switch */
  uint32_t reserved;
  const struct vmspec_qemu *qemu;
  const struct vmspec_disk *disk;
  const struct vmspec_network *network;
  const struct vmspec_boot *boot;
  const struct vmspec_efi *efi;
  const struct vmspec_tpm *tpm;
  const struct vmspec_store *store;
  const struct vmspec_drive *const *drives;
  const struct vmspec_empty_disk *const *empty_disks;
  const struct vmspec_share *const *shares;
  const struct vmspec_file_system *const *file_systems;
  const struct vmspec_vlan *const *vlans;
  const struct vmspec_interface *const *interfaces;
  const struct vmspec_guest *guest;
};

/* ---- the host ---------------------------------------------------------- *
 *
 * Everything that a plan needs to know about the machine it is made on.
 * vmspec_host_detect() fills one in; tests and tools write their own.
 */

struct vmspec_host_program {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  const char *path;
};

struct vmspec_host_file {
  uint32_t struct_size;
  uint32_t type;             /* enum vmspec_file_type */
  const char *path;          /* absolute */
  const char *real_path;     /* symbolic links followed, as by readlink -f */
  const char *content;       /* only of files that a plan reads */
};

struct vmspec_host_firmware {
  uint32_t struct_size;
  uint32_t arch;             /* enum vmspec_arch */
  uint32_t secure_boot;      /* switch */
  uint32_t smm;              /* switch: does not run without SMM */
  const char *firmware;
  const char *variables;
};

struct vmspec_host {
  uint32_t struct_size;
  uint32_t arch;             /* enum vmspec_arch */
  uint32_t os;               /* enum vmspec_os */
  uint32_t kvm;              /* enum vmspec_kvm */
  uint32_t cpus;
  uint32_t reserved;
  const char *directory;     /* relative paths start here; absolute */
  const char *run_name;      /* name of the fresh run directory */
  const char *const *environment; /* NAME=value */
  const char *const *arguments;   /* added to QEMU's, last and as they are */
  const struct vmspec_host_program *const *programs;
  const struct vmspec_host_file *const *files;
  const struct vmspec_host_firmware *const *firmware;
};

/* ---- the option table -------------------------------------------------- */

enum vmspec_option_kind {
  VMSPEC_KIND_STRING = 1, /* const char * */
  VMSPEC_KIND_PATH,       /* const char *, a file name */
  VMSPEC_KIND_UINT32,
  VMSPEC_KIND_UINT64,
  VMSPEC_KIND_SWITCH,     /* uint32_t, enum vmspec_switch */
  VMSPEC_KIND_ENUM,       /* uint32_t, see values */
  VMSPEC_KIND_STRINGS,    /* const char *const *, ends with NULL */
  VMSPEC_KIND_GROUP,      /* pointer to a struct, see element */
  VMSPEC_KIND_LIST,       /* pointers to structs, ends with NULL */
  VMSPEC_KIND_SIZE,       /* struct_size itself */
  VMSPEC_KIND_RESERVED,   /* must be zero */
  VMSPEC_KIND_CALLBACK,   /* pointer to a function; only C can say it */
  VMSPEC_KIND_POINTER     /* pointer that is handed through */
};

enum vmspec_option_flag {
  VMSPEC_OPTION_NONE_OK = 1,  /* "" or VMSPEC_NONE means "none" */
  VMSPEC_OPTION_REQUIRED = 2, /* has no default and must be said */
  VMSPEC_OPTION_ZERO_OK = 4,  /* 0 is a number like others, and the default */
  VMSPEC_OPTION_ABSOLUTE = 8, /* must start with a slash, if said */
  VMSPEC_OPTION_EMPTY_OK = 16, /* "" is a text like others */
  VMSPEC_OPTION_BYTES = 32     /* counts bytes; as text also with K, M, G, T
                                  or P for powers of 1024 */
};

/* One row.  Rows are constant and live as long as the library. */
struct vmspec_option {
  uint32_t struct_size;
  uint32_t kind;            /* enum vmspec_option_kind */
  const char *owner;        /* struct tag: "vmspec_drive" */
  const char *name;         /* member and XML attribute: "drive_options" */
  const char *key;          /* XML element for a list's entries ("share"),
                               else NULL */
  const char *element;      /* struct tag of a group or of a list's entries */
  const char *const *values;/* names of an enumeration by number, [0] is "";
                               ends with NULL */
  uint64_t min, max;        /* range of an integer */
  uint32_t flags;           /* enum vmspec_option_flag */
  uint32_t since;           /* version, 0x000100 is 0.1.0 */
  uint32_t offset, size;    /* of the member in its struct */
  const char *default_text; /* the default in words, or NULL */
  const char *nixos;        /* option of the NixOS module, or NULL */
  const char *doc;          /* one sentence */
};

/* The row after @previous, the first for NULL, NULL after the last. */
VMSPEC_PUBLIC const struct vmspec_option *
vmspec_option_next (const struct vmspec_option *previous);
struct vmspec_diag;
/* Stores what @text says about the option in @spec, a struct of its owner: a
 * text (which is not copied: it has to live as long as @spec), a number, the
 * name of a switch's or an enumeration's value.  -EINVAL with a finding, and
 * @spec as it was, if it cannot be that; whether all members together make sense
 * is said by the function that is given the struct. */
VMSPEC_PUBLIC int vmspec_option_parse (const struct vmspec_option *option,
                                       const char *text, void *spec,
                                       struct vmspec_diag *diag);

/* ---- findings ---------------------------------------------------------- */

enum vmspec_severity {
  VMSPEC_SEVERITY_WARNING = 1,
  VMSPEC_SEVERITY_BLOCKER, /* a plan is made, but starting it is refused
                              unless forced: it cannot work as described */
  VMSPEC_SEVERITY_ERROR    /* there is no plan */
};

struct vmspec_finding {
  uint32_t struct_size;
  uint32_t severity;
  const char *id;           /* stable: "forward-port.guest-udp" */
  const char *path;         /* "network.forward_ports[2].proto", may be "" */
  const char *text;         /* what is wrong and what to do about it */
  const char *file;         /* of an XML description, else NULL */
  uint64_t line;            /* in that file, from 1; 0 if there is none */
};

typedef struct vmspec_diag vmspec_diag;

VMSPEC_PUBLIC int vmspec_diag_new (vmspec_diag **ret_diag);
VMSPEC_PUBLIC void vmspec_diag_free (vmspec_diag *diag);
/* Forget what was found so far. */
VMSPEC_PUBLIC void vmspec_diag_clear (vmspec_diag *diag);
VMSPEC_PUBLIC size_t vmspec_diag_count (const vmspec_diag *diag);
/* NULL past the end.  Lives until the diag is cleared or freed. */
VMSPEC_PUBLIC const struct vmspec_finding *
vmspec_diag_get (const vmspec_diag *diag, size_t index);

/* ---- documents --------------------------------------------------------- *
 *
 * A description that the library owns: read from XML, copied from a struct, or
 * put together from key=value settings.
 */

typedef struct vmspec_doc vmspec_doc;

/* A copy of @spec; NULL gives an empty description.
 * -E2BIG: made for a newer library.  -EINVAL: see findings. */
VMSPEC_PUBLIC int vmspec_doc_new (const struct vmspec *spec, vmspec_diag *diag,
                                  vmspec_doc **ret_doc);
/* Reads XML, in UTF-8: at most 16 MiB, 32 levels, 100000 elements and 64
 * attributes of one; no document type, no entities, no network.
 * -EINVAL: not a description, see findings; or the error of open(2). */
VMSPEC_PUBLIC int vmspec_doc_read_file (const char *path, vmspec_diag *diag,
                                        vmspec_doc **ret_doc);
/* @name stands for the file in findings; may be NULL. */
VMSPEC_PUBLIC int vmspec_doc_read_memory (const void *data, size_t size,
                                          const char *name, vmspec_diag *diag,
                                          vmspec_doc **ret_doc);
/* "memory=4096", "qemu.cpu=host", "shares[0].source=/srv", and for a list's
 * next entry "shares[]"; several members at a time for lists:
 * "shares[]=tag=src,source=/srv,target=/mnt".  "key=" gives the empty text. */
VMSPEC_PUBLIC int vmspec_doc_set (vmspec_doc *doc, const char *assignment,
                                  vmspec_diag *diag);
/* Lives as long as @doc, and until the next vmspec_doc_set. */
VMSPEC_PUBLIC const struct vmspec *vmspec_doc_spec (const vmspec_doc *doc);
/* XML that reads back to the same description.  Lives as long as @doc, and until
 * the next vmspec_doc_set.
 * Nothing is written of a description that could not be read back:
 * -EILSEQ: a text is not UTF-8 or has control characters, which XML cannot
 * hold; -EINVAL: a number that its option does not have; -EFBIG: beyond the
 * reader's limits. */
VMSPEC_PUBLIC int vmspec_doc_write (vmspec_doc *doc, const char **ret_xml);
/* Where the option with this path (as in a finding) stands in the XML file:
 * the line of the innermost element that holds it.  -ENOENT: not from a file. */
VMSPEC_PUBLIC int vmspec_doc_locate (const vmspec_doc *doc, const char *path,
                                     const char **ret_file,
                                     uint64_t *ret_line);
VMSPEC_PUBLIC void vmspec_doc_free (vmspec_doc *doc);

/* ---- work -------------------------------------------------------------- *
 *
 * How whatever takes its time is done: by making images, or by a start.
 */

struct vmspec_progress {
  uint32_t struct_size;
  uint32_t reserved;
  const char *step;          /* "disk", "store", ...: see vmspec_step */
  uint64_t done, total;      /* bytes; total is 0 while it is not known */
};

/* Called now and then, in the calling thread, and at the end of each step with
 * done equal to total.  Anything but 0 cancels the work: it ends with
 * -ECANCELED, and what is not complete disappears. */
typedef int vmspec_progress_fn (void *data,
                                const struct vmspec_progress *progress);

struct vmspec_work {
  uint32_t struct_size;
  uint32_t sync;             /* switch: fsync files and directories */
  vmspec_progress_fn *progress;
  void *data;                /* handed to progress */
  const char *const *environment; /* NAME=value for helper programs, which are
                                     looked for in its PATH */
};

/* ---- images ------------------------------------------------------------ *
 *
 * Every file appears whole under its name or not at all, whatever interrupts
 * the work.  Nothing that exists is replaced: -EEXIST.  A symbolic link in the
 * place of the file, which leads nowhere, is refused with -ELOOP.
 */

struct vmspec_image {
  uint32_t struct_size;
  uint32_t format;           /* enum vmspec_image_format: raw or qcow2 */
  const char *file;
  uint64_t size;             /* bytes */
  uint32_t content;          /* enum vmspec_content */
  uint32_t backing_format;   /* enum vmspec_image_format */
  const char *label;         /* of the file system: at most 16 bytes */
  const char *uuid;          /* of the file system */
  const char *tree;          /* directory that fills the file system */
  const char *backing;       /* the image is an overlay of this one */
  uint32_t cluster_size;     /* bytes, a power of two */
  uint32_t preallocation;    /* enum vmspec_preallocation */
  uint32_t lazy_refcounts;   /* switch */
  uint32_t root_owned;       /* switch */
};

/* Makes one image.  @work may be NULL.  See findings for what is wrong. */
VMSPEC_PUBLIC int vmspec_image_create (const struct vmspec_image *image,
                                       const struct vmspec_work *work,
                                       vmspec_diag *diag);

/* A disk that boots by itself, made from directories. */
struct vmspec_system_image {
  uint32_t struct_size;
  uint32_t format;           /* enum vmspec_image_format: raw or qcow2 */
  const char *file;
  const char *tree;          /* becomes the root file system */
  const char *esp;           /* directory: becomes the EFI system partition */
  uint32_t partition_table;  /* enum vmspec_partition_table */
  uint32_t root_owned;       /* switch: all files of the tree belong to root */
  uint64_t size;             /* bytes of the disk; not said: as needed */
  uint64_t additional_space; /* bytes left free in the root file system */
  uint64_t esp_size;         /* bytes */
  const char *label;         /* of the root file system */
  const char *seed;          /* text from which all UUIDs are made */
  const char *variables;     /* template of the EFI variable store */
  const char *variables_file;/* where its copy goes */
  const char *boot_code;     /* the MBR's first 440 bytes: GRUB's boot.img */
  const char *core_image;    /* what it loads: GRUB's core.img */
  uint64_t time;             /* seconds since 1970: of everything made now */
  uint32_t cluster_size;     /* bytes */
  uint32_t reserved;
};

/* Makes a system image, and the variable store beside it. */
VMSPEC_PUBLIC int vmspec_system_image (const struct vmspec_system_image *image,
                                       const struct vmspec_work *work,
                                       vmspec_diag *diag);

/* What an image is.  Members that do not apply are 0 or NULL; what is on the
 * disk is said of the topmost image of a chain only. */
struct vmspec_image_info {
  uint32_t struct_size;
  uint32_t format;           /* enum vmspec_image_format */
  const char *file;
  uint64_t virtual_size;     /* bytes that a guest sees */
  uint64_t stored_size;      /* bytes that it takes on the disk, with blocks
                                only of its own file */
  uint32_t version;          /* of qcow and qcow2 */
  uint32_t cluster_size;     /* bytes */
  uint32_t encrypted;        /* switch */
  uint32_t in_use;           /* switch: a process holds QEMU's lock on it */
  const char *backing_file;  /* as it is recorded */
  uint32_t backing_format;   /* enum vmspec_image_format, as recorded */
  uint32_t reserved;
  const char *file_system;   /* "ext4", "erofs", "vfat", ... */
  const char *label;
  const char *uuid;
  const char *partition_table; /* "gpt" or "dos" */
  const struct vmspec_image_info *backing; /* what backing_file is */
};

/* Looks at an image and at those that it is an overlay of.  @format may be
 * VMSPEC_IMAGE_FORMAT_UNSET, to go by what the file holds.
 * -EINVAL: it is not in this format, or damaged; -ELOOP: it is an overlay of
 * itself; or the error of open(2).  Freed by vmspec_image_info_free. */
VMSPEC_PUBLIC int vmspec_image_info (const char *file, uint32_t format,
                                     vmspec_diag *diag,
                                     struct vmspec_image_info **ret_info);
VMSPEC_PUBLIC void vmspec_image_info_free (struct vmspec_image_info *info);

/* ---- the stages -------------------------------------------------------- */

/* Looks at this machine for what @spec needs.  @given supplies environment,
 * arguments, and whatever else of a host it holds, which is then not looked
 * up; it may be NULL.  The result is freed by vmspec_host_free. */
VMSPEC_PUBLIC int vmspec_host_detect (const struct vmspec *spec,
                                      const struct vmspec_host *given,
                                      vmspec_diag *diag,
                                      struct vmspec_host **ret_host);
VMSPEC_PUBLIC void vmspec_host_free (struct vmspec_host *host);

/* Fills in every default.  Resolving the result again changes nothing.  What
 * makes no sense is not looked for here.  -EINVAL: a value is out of its range,
 * something required is missing, or two file systems exclude each other. */
VMSPEC_PUBLIC int vmspec_resolve (const struct vmspec *spec,
                                  const struct vmspec_host *host,
                                  vmspec_diag *diag, vmspec_doc **ret_doc);
/* Everything that can be said against @spec without looking at files.
 * 0, even with warnings and blockers; -EINVAL if there is an error. */
VMSPEC_PUBLIC int vmspec_check (const struct vmspec *spec,
                                const struct vmspec_host *host,
                                vmspec_diag *diag);

typedef struct vmspec_plan vmspec_plan;

/* Resolve, check, decide, render.  -EINVAL if there is an error.  Where @host
 * is NULL, the host is looked at with no environment, and that is what QEMU
 * will have: pass a host with the caller's own to give it, say, a display. */
VMSPEC_PUBLIC int vmspec_plan_new (const struct vmspec *spec,
                                   const struct vmspec_host *host,
                                   vmspec_diag *diag, vmspec_plan **ret_plan);
VMSPEC_PUBLIC void vmspec_plan_free (vmspec_plan *plan);
/* The following live as long as the plan.  None returns NULL. */
VMSPEC_PUBLIC const struct vmspec *vmspec_plan_spec (const vmspec_plan *plan);
/* QEMU's argument vector, program first, ends with NULL. */
VMSPEC_PUBLIC const char *const *vmspec_plan_argv (const vmspec_plan *plan);
/* The same for sh(1), with its directory, to be read or pasted: a line for each
 * option, and a newline at the end. */
VMSPEC_PUBLIC const char *vmspec_plan_command (const vmspec_plan *plan);
/* NAME=value for QEMU: the host's, with TMPDIR as the machine has it. */
VMSPEC_PUBLIC const char *const *
vmspec_plan_environment (const vmspec_plan *plan);
/* The directory in which QEMU runs: the run directory. */
VMSPEC_PUBLIC const char *vmspec_plan_directory (const vmspec_plan *plan);
/* "kvm", "tcg", "kvm:tcg", ..., or "" where the program's first words are
 * fixed by qemu.package. */
VMSPEC_PUBLIC const char *vmspec_plan_accel (const vmspec_plan *plan);
/* Looks for what has to exist before a start and is not made by it; findings
 * are blockers.  0 if nothing is missing, -ENOENT otherwise. */
VMSPEC_PUBLIC int vmspec_plan_check_files (const vmspec_plan *plan,
                                           vmspec_diag *diag);

enum vmspec_step_kind {
  VMSPEC_STEP_KIND_UNSET = 0,
  VMSPEC_STEP_KIND_DIRECTORY,
  VMSPEC_STEP_KIND_COPY,     /* of the file source */
  VMSPEC_STEP_KIND_IMAGE,
  VMSPEC_STEP_KIND_OVERLAY,  /* of the image source */
  VMSPEC_STEP_KIND_EROFS     /* of the directory source */
};

/* One thing that is made before QEMU starts, unless it exists. */
struct vmspec_step {
  uint32_t struct_size;
  uint32_t kind;             /* enum vmspec_step_kind */
  const char *name;          /* "run-directory", "disk", "store", "exchange",
                                "certificates", "efi-variables", "tpm", "vlans",
                                "empty-disk.0", "drive.0" */
  const char *option;        /* path of the option that asks for it */
  const char *file;          /* what is made: absolute */
  const char *source;        /* or NULL */
  const char *const *commands; /* for sh(1), what does about the same: those
                                  of the NixOS start script.  Ends with NULL */
  uint32_t lasts;            /* switch: it is there for the next run, too */
  uint32_t reserved;
};

/* The steps in their order.  NULL past the end.  Lives as long as the plan. */
VMSPEC_PUBLIC const struct vmspec_step *
vmspec_plan_step (const vmspec_plan *plan, size_t index);
/* Takes the steps that @names lists (ends with NULL; a NULL list: all).  What
 * exists is left as it is.  Several processes may do this at once.  @work may
 * be NULL; where sync is not said, files that last are synced and those of a
 * fresh run directory are not.  A start does this by itself; done before, it
 * leaves a fresh run directory to that start, or to the caller to remove.
 * Blockers keep nothing from being made.
 * -EINVAL: there is no step of that name; others: see findings. */
VMSPEC_PUBLIC int vmspec_plan_prepare (vmspec_plan *plan,
                                       const char *const *names,
                                       const struct vmspec_work *work,
                                       vmspec_diag *diag);

/* ---- the guest --------------------------------------------------------- *
 *
 * The other half of a description: what the guest has to be configured with, to
 * make use of the machine.  Data for those that build guests, and the same as
 * text; what a guest with systemd can be told by the host is in vmspec_guest.
 */

/* Something that the guest's kernel has to have. */
struct vmspec_kernel_need {
  uint32_t struct_size;
  uint32_t builtin;          /* switch: a module will not do */
  const char *symbol;        /* of its configuration, without CONFIG_: "9P_FS";
                                or NULL */
  const char *module;        /* "9p", or NULL */
  uint32_t initrd;           /* enum vmspec_initrd */
  uint32_t nixos_symbol;     /* switch: NixOS's module names the symbol */
  uint32_t nixos_module;     /* switch: and the module; NixOS has others anyway */
  uint32_t reserved;
  const char *option;        /* path of the option that asks for it */
};

/* What makes the store writable. */
struct vmspec_guest_overlay {
  uint32_t struct_size;
  uint32_t reserved;
  const char *mount_point;
  const char *lower, *upper, *work; /* directories; the latter two are made */
};

struct vmspec_guest_file {
  uint32_t struct_size;
  uint32_t form;             /* enum vmspec_guest_form */
  const char *name;          /* where the guest has it: "/etc/fstab", or what to
                                call it */
  const char *content;
  uint32_t executable;       /* switch */
  uint32_t initrd;           /* switch: it belongs into the initial RAM disk */
};

/* Switches that are not said leave it to the guest. */
struct vmspec_guest_settings {
  uint32_t struct_size;
  uint32_t nixos;            /* switch: the guest is a NixOS system */
  const struct vmspec_file_system *const *file_systems; /* parents first */
  const struct vmspec_guest_overlay *overlay; /* of the store, or NULL */
  const char *const *kernel_params; /* of a direct boot, without credentials and
                                       $QEMU_KERNEL_PARAMS */
  const char *const *consoles;      /* values of console=, the preferred last */
  const struct vmspec_kernel_need *const *kernel_needs;
  const char *initrd_commands; /* for sh(1) in the initial RAM disk, when all is
                                  mounted below $targetRoot, a path without
                                  blanks; calls the caller's function fail where
                                  it cannot go on */
  const char *const *tmpfiles; /* lines of tmpfiles.d(5), in place of the above
                                  where the initial RAM disk runs systemd */
  const char *loader_device;   /* where GRUB goes: a device, or "nodev" */
  const char *graphics_mode;   /* of the boot loader: "1024x768" */
  uint32_t resolution_x, resolution_y; /* of the X server */
  uint32_t color_depth;        /* 0: the X server's own */
  uint32_t guest_agent;        /* switch */
  uint32_t swap, luks;         /* switches: off means that none is used */
  uint32_t initrd_secrets;     /* switch */
  uint32_t ca_certificates;    /* switch: the guest installs its own */
  uint32_t time_sync;          /* switch: the machine's clock is the host's */
  uint32_t wireless;           /* switch */
  uint32_t predictable_names;  /* switch: of network interfaces */
  uint32_t dhcp_arp;           /* switch: look for the address's other users */
  uint32_t graphics;           /* switch: the machine has a display */
  uint32_t command_line_max;   /* bytes of parameters that the kernel takes */
  const char *video_driver;    /* of the X server */
  const char *monitor;         /* lines of its section Monitor */
  const char *primary_address; /* in /etc/hosts, or "" */
  const struct vmspec_guest_file *const *files; /* in the form asked for */
};

/* With a @form other than UNSET, the same as text is in files, and what cannot be
 * said in that form is a warning.  Freed by vmspec_guest_settings_free; needs the
 * plan no more.  -EINVAL: there is no such form. */
VMSPEC_PUBLIC int
vmspec_plan_guest (const vmspec_plan *plan,
                   uint32_t form /* enum vmspec_guest_form */,
                   vmspec_diag *diag,
                   struct vmspec_guest_settings **ret_settings);
VMSPEC_PUBLIC void
vmspec_guest_settings_free (struct vmspec_guest_settings *settings);

/* Whether a kernel can run the guest.  @file is its configuration: .config,
 * config-VERSION, plain or compressed by gzip, as /proc/config.gz is.  Each
 * symbol that is missing is an error in @diag.
 * 0: it can; -ENOEXEC: something is missing; -EINVAL: the file is no kernel
 * configuration, or more than 16 MiB of one; or the error of open(2). */
VMSPEC_PUBLIC int
vmspec_check_kernel_config (const struct vmspec_guest_settings *settings,
                            const char *file, vmspec_diag *diag);
/* The same by a directory of modules, /lib/modules/VERSION, whose modules.builtin
 * and modules.dep are read: -EINVAL if it has none.  What is no driver cannot be
 * seen there. */
VMSPEC_PUBLIC int
vmspec_check_kernel_modules (const struct vmspec_guest_settings *settings,
                             const char *directory, vmspec_diag *diag);

/* ---- helpers ----------------------------------------------------------- */

/* A program that the NixOS start script runs beside QEMU, or when it ends. */
struct vmspec_helper {
  uint32_t struct_size;
  uint32_t at_exit;          /* switch: run when QEMU has ended */
  const char *name;          /* "swtpm", "socat" */
  const char *const *argv;   /* as the script runs it; ends with NULL */
};

/* Those of the plan, in their order.  NULL past the end.  Lives as long as the
 * plan.  vmspec_vm_start runs the first kind by a vector of its own, which does
 * the same and leaves nothing behind, and needs nothing at the exit. */
VMSPEC_PUBLIC const struct vmspec_helper *
vmspec_plan_helper (const vmspec_plan *plan, size_t index);

/* ---- running machines -------------------------------------------------- *
 *
 * A machine is QEMU, the helpers that it needs, and a small process that keeps
 * them: vmspec-keeper.  They have one fate.  When QEMU ends, by itself or not,
 * when a helper ends before it, when the handle is freed, or when the calling
 * process ends in whatever way, the others end as well, and what was made for
 * this run alone is removed; within two seconds.
 *
 * The calling process may have threads, may handle SIGCHLD or ignore it, and may
 * wait for any child: the status of QEMU does not get lost by that.  A process
 * that becomes a daemon does so before it starts machines.
 */

/* A descriptor of the caller that QEMU gets, with a number of the caller's
 * choice: options such as -chardev fd=5 name it. */
struct vmspec_descriptor {
  uint32_t struct_size;
  uint32_t number;           /* in QEMU: 3 to 999 */
  uint32_t fd;               /* in the caller */
  uint32_t reserved;
};

struct vmspec_start {
  uint32_t struct_size;
  uint32_t force;            /* switch: start in spite of blockers */
  const struct vmspec_work *work; /* how what is missing is made */
  uint32_t qmp;              /* switch: a private QMP socket */
  uint32_t guest_agent;      /* switch: a channel to the guest's agent */
  uint32_t ready_timeout;    /* ms to wait until QEMU answers */
  uint32_t own_group;        /* switch: a process group of its own, which a
                                terminal's signals do not reach */
  uint32_t keep_directory;   /* switch: leave a fresh run directory */
  uint32_t input, output, error;          /* enum vmspec_stdio */
  uint32_t input_fd, output_fd, error_fd; /* of VMSPEC_STDIO_DESCRIPTOR */
  uint32_t reserved;
  const struct vmspec_descriptor *const *descriptors;
  const char *keeper;        /* the program vmspec-keeper, absolute */
  const char *const *temporaries; /* absolute paths of the caller's: removed in
                                reverse order when the machine has ended, even
                                if the caller was killed before.  Files that a
                                process holds a lock on (flock(2)) stay, and
                                directories that are not empty */
};

typedef struct vmspec_vm vmspec_vm;

/* Takes all steps of the plan, and starts QEMU with its helpers.  Returns when
 * QEMU is known to run, which is when it answers, or to have ended; without a
 * QMP socket, when it was executed.  @start may be NULL.
 *
 * QEMU's arguments are those of the plan, and with a QMP socket or a guest agent
 * "-readconfig /proc/self/fd/N" at their end.  A QEMU that fails at once is a
 * machine that has ended: vmspec_vm_wait tells its status, and the findings tell
 * why.  One that says nothing within ready_timeout, or nonsense, is started
 * with a warning, and can be waited for and killed but not asked.
 *
 * -ENOEXEC: refused because of a blocker; -ENOENT: something is missing;
 * -ECANCELED: by the progress function, which only ends the waiting, with a
 * warning, once QEMU was executed; -EBUSY: another machine has the TPM's
 * state; -EBADF: a descriptor is not open; others: see findings.  Nothing is left running then. */
VMSPEC_PUBLIC int vmspec_vm_start (const vmspec_plan *plan,
                                   const struct vmspec_start *start,
                                   vmspec_diag *diag, vmspec_vm **ret_vm);
/* Waits until the machine has ended and everything is removed: @timeout_ms
 * milliseconds, for ever if negative.  @ret_status is QEMU's, as from
 * waitpid(2); may be NULL.
 * -ETIME: still running.  -ECHILD: it has ended, but its status is lost, since
 * somebody killed vmspec-keeper. */
VMSPEC_PUBLIC int vmspec_vm_wait (vmspec_vm *vm, int timeout_ms,
                                  int *ret_status);
/* QEMU's, which is no child of the caller. */
VMSPEC_PUBLIC int vmspec_vm_pid (const vmspec_vm *vm);
/* Readable when QEMU has ended; close-on-exec; belongs to the handle.  -1 before
 * Linux 5.3. */
VMSPEC_PUBLIC int vmspec_vm_pidfd (const vmspec_vm *vm);
/* -ESRCH: it has ended. */
VMSPEC_PUBLIC int vmspec_vm_kill (vmspec_vm *vm, int signal);
/* Ends the machine within @grace_ms milliseconds: by its power button, of which
 * a guest that is not paused has six tenths of the time to take notice; by QMP's
 * quit, SIGTERM, and at last SIGKILL, each a tenth after the other.  What cannot
 * be done is not waited for.  A negative time is ten
 * seconds; 0 kills at once.  As vmspec_vm_wait otherwise. */
VMSPEC_PUBLIC int vmspec_vm_stop (vmspec_vm *vm, int grace_ms,
                                  int *ret_status);
/* Kills a machine that still runs, and removes what the start made. */
VMSPEC_PUBLIC void vmspec_vm_free (vmspec_vm *vm);

/* The last 64 KiB of what QEMU wrote to standard error (which also went where
 * that leads).  Ends with a NUL that is not counted; lives until the next call
 * for this machine.  NULL without memory. */
VMSPEC_PUBLIC const char *vmspec_vm_last_words (vmspec_vm *vm,
                                                size_t *ret_size);
/* Says why a machine that has ended did so, where it was no success: by QEMU's
 * last words, or since a helper ended first.  0 if there is nothing to say, or
 * it still runs; -EIO with findings, which name the option. */
VMSPEC_PUBLIC int vmspec_vm_explain (vmspec_vm *vm, vmspec_diag *diag);
/* "kvm", "tcg", "hvf", as QEMU says it, or as the plan does without QMP; "" if
 * neither knows.  Lives as long as @vm. */
VMSPEC_PUBLIC const char *vmspec_vm_accel (const vmspec_vm *vm);
/* The host's port that leads to network.forward_ports[@index]; where
 * any_host_port is on, the one that QEMU has taken.
 * -ENOENT: there is no such rule; others as vmspec_vm_qmp. */
VMSPEC_PUBLIC int vmspec_vm_host_port (vmspec_vm *vm, size_t index,
                                       vmspec_diag *diag, uint32_t *ret_port);

/* ---- control ----------------------------------------------------------- *
 *
 * Of machines with a QMP socket.  Functions here wait for their answer, at most
 * @timeout_ms milliseconds (ten seconds if negative), and return
 *
 * -ENOTCONN: there is no socket, or it is closed since QEMU has ended;
 * -ETIME: no answer in time; it is thrown away when it comes;
 * -EREMOTEIO: QEMU, or the agent, refused the command, see the finding;
 * -EPROTO: what came is no answer; the socket is closed;
 * -EINVAL: an argument is no JSON.
 */

VMSPEC_PUBLIC int vmspec_vm_control (vmspec_vm *vm,
                                     uint32_t action /* enum vmspec_action */,
                                     int timeout_ms, vmspec_diag *diag);
/* "running", "paused", "shutdown", ...: QMP's RunState.  Lives until the next
 * call for this machine. */
VMSPEC_PUBLIC int vmspec_vm_status (vmspec_vm *vm, int timeout_ms,
                                    vmspec_diag *diag,
                                    const char **ret_status);
/* Any QMP command.  @arguments is a JSON object as text, or NULL.  *ret_answer
 * is the answer as JSON, in which whole numbers beyond 63 bits come as reals; may
 * be NULL; lives until the next call for this machine. */
VMSPEC_PUBLIC int vmspec_vm_qmp (vmspec_vm *vm, const char *command,
                                 const char *arguments, int timeout_ms,
                                 vmspec_diag *diag, const char **ret_answer);

struct vmspec_event {
  uint32_t struct_size;
  uint32_t microseconds;
  uint64_t seconds;          /* since 1970, as QEMU gives it */
  const char *name;          /* "SHUTDOWN" */
  const char *data;          /* JSON object */
  uint64_t lost;             /* events before this one, which came while more
                                than 1000, or 1 MiB of them, waited */
};

/* Readable when an event may have come, or QEMU has closed the socket: call
 * vmspec_vm_event then, until it returns -EAGAIN, and once before the first
 * poll and after other calls, as they may have read events.  Belongs to the
 * handle; -1 without QMP. */
VMSPEC_PUBLIC int vmspec_vm_event_fd (const vmspec_vm *vm);
/* The next event, of those that have come: does not wait.  Lives until the next
 * call for this machine.  -EAGAIN: there is none now; -ENOTCONN: and there will
 * be none. */
VMSPEC_PUBLIC int vmspec_vm_event (vmspec_vm *vm,
                                   const struct vmspec_event **ret_event);

/* Any command of the guest agent (qemu-ga), with arguments as above.  The channel
 * is brought in step before (guest-sync-delimited).  guest-shutdown and its like
 * have no answer: *ret_answer is then "{}". */
VMSPEC_PUBLIC int vmspec_vm_agent (vmspec_vm *vm, const char *command,
                                   const char *arguments, int timeout_ms,
                                   vmspec_diag *diag, const char **ret_answer);

struct vmspec_exec_result {
  uint32_t struct_size;
  uint32_t truncated;        /* switch: the agent did not keep all output */
  uint32_t exit_code;
  uint32_t signal;           /* that ended it, and there is no exit code; or 0 */
  const char *output, *error;            /* bytes; a NUL comes after them */
  uint64_t output_size, error_size;
};

/* Runs a program in the guest by its agent, and waits for its end.  @argv ends
 * with NULL.  The result lives until the next call for this machine. */
VMSPEC_PUBLIC int vmspec_vm_exec (vmspec_vm *vm, const char *const *argv,
                                  int timeout_ms, vmspec_diag *diag,
                                  const struct vmspec_exec_result **ret_result);

/* ---- leftovers --------------------------------------------------------- */

/* Removes what killed machines have left in a directory such as /tmp: fresh run
 * directories that no process holds the lock of.  A start does this for the
 * directory that it uses.  0 with their number, or -errno. */
VMSPEC_PUBLIC int vmspec_clean (const char *directory, size_t *ret_removed);

/* "0.1.0" */
VMSPEC_PUBLIC const char *vmspec_version (void);

#ifdef __cplusplus
}
#endif
#endif
