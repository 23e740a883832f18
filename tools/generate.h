/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are made of the option table, and of the tool's options. */
#ifndef VMSPEC_TOOLS_GENERATE_H
#define VMSPEC_TOOLS_GENERATE_H

#include "print.h"

void generate_schema (FILE *out);  /* RELAX NG of the XML form */
void generate_options (FILE *out); /* the options in vmspec.xml(5), in roff */
void generate_nixos (FILE *out);   /* NixOS's options and ours, in Markdown */
void generate_layout (FILE *out);  /* where each member stands */
void generate_rules (FILE *out);   /* what each member may be */

/* Completions of vmspec-run. */
void generate_bash (FILE *out);
void generate_zsh (FILE *out);
void generate_fish (FILE *out);

/* A member's name as an XML attribute. */
void print_xml_name (FILE *out, const char *name);

/* Calls @visit for each struct that a description is made of: the description
 * itself first, a struct before what is in it, none twice. */
void visit_structs (void (*visit) (FILE *out, const char *tag), FILE *out);

#endif
