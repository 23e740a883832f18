/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings, and the paths of options that they are about. */
#ifndef VMSPEC_DIAG_H
#define VMSPEC_DIAG_H

#include <stdarg.h>
#include <vmspec/vmspec.h>

#include "mem.h"

struct vmspec_diag {
  struct arena self;  /* holds the handle */
  struct arena arena; /* and this the findings */
  struct vector findings;
  size_t errors, blockers;
};

/* Where an option stands: "network", "forward_ports"[2], "proto".  Made on the
 * stack on the way down, and written out only if there is a finding. */
struct path {
  const struct path *parent;
  const char *name;
  size_t index;
  int has_index;
};

const char *vms_path_text (struct arena *arena, const struct path *path);

/* Where in an XML file; may be NULL. */
struct place {
  const char *file;
  uint64_t line;
};

/* @diag may be NULL. */
void vms_diag_add (vmspec_diag *diag, enum vmspec_severity severity,
                   const char *id, const struct path *path,
                   const struct place *place, const char *format, ...)
  __attribute__ ((format (printf, 6, 7)));
void vms_diag_vadd (vmspec_diag *diag, enum vmspec_severity severity,
                    const char *id, const struct path *path,
                    const struct place *place, const char *format, va_list args)
  __attribute__ ((format (printf, 6, 0)));

/* A diagnosis for a function's own use, whose findings go to the caller's. */
int vms_diag_error (const vmspec_diag *diag);
void vms_diag_append (vmspec_diag *to, const vmspec_diag *from);
/* Without what is there already. */
void vms_diag_append_new (vmspec_diag *to, const vmspec_diag *from);

#endif
