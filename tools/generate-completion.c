/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What completes vmspec-run's arguments in shells.  All three do the same: what
 * stands behind an option follows from the word that --help has for it, and
 * settings come from lists of words, "KEY=VALUE|VALUE" or "KEY=:file".
 */
#include "generate.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"

#define KEY_SIZE 128

/* ---- lists of settings -------------------------------------------------- */

static void
print_members (FILE *out, const char *owner)
{
  const char *between = "";

  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o))
    if (is_scalar (o)) {
      fprintf (out, "%s%s=", between, o->name);
      between = "|";
    }
}

static void
print_setting (FILE *out, const struct vmspec_option *o, const char *prefix)
{
  int list = o->kind == VMSPEC_KIND_LIST || o->kind == VMSPEC_KIND_STRINGS;

  fprintf (out, "%s%s%s=", prefix, o->name, list ? "[]" : "");
  if (o->kind == VMSPEC_KIND_LIST)
    print_members (out, o->element);
  else if (o->kind == VMSPEC_KIND_PATH)
    fputs (":file", out);
  else if (o->values)
    print_values (out, o);
  putc ('\n', out);
}

static void
print_settings (FILE *out, const char *owner, const char *prefix)
{
  for (const struct vmspec_option *o = first_row (owner); o; o = next_row (o))
    if (o->kind == VMSPEC_KIND_GROUP) {
      char group[KEY_SIZE];

      snprintf (group, sizeof group, "%s%s.", prefix, o->name);
      print_settings (out, o->element, group);
    } else if (is_scalar (o) || o->kind == VMSPEC_KIND_STRINGS
               || o->kind == VMSPEC_KIND_LIST)
      print_setting (out, o, prefix);
}

static const struct {
  const char *name, *owner;
} lists[] = { { "description", "vmspec" },
              { "image", "vmspec_image" },
              { "system_image", "vmspec_system_image" } };

/* The lists as variables, each quoted between @before and @after. */
static void
print_lists (FILE *out, const char *before, const char *equals,
             const char *after)
{
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    fprintf (out, "\n%s_vmspec_run_%s%s'\n", before, lists[i].name, equals);
    print_settings (out, lists[i].owner, "");
    fprintf (out, "'%s\n", after);
  }
}

/* ---- options ------------------------------------------------------------ */

static void
print_forms (FILE *out, char between)
{
  const struct vmspec_option *o = first_row ("vmspec_guest_file");

  while (strcmp (o->name, "form"))
    o = next_row (o);
  for (size_t i = 1; o->values[i]; i++)
    fprintf (out, "%s%.1s", o->values[i], o->values[i + 1] ? &between : "");
}

/* How each shell completes what --help has this word for. */
static const struct kind {
  const char *argument, *bash, *zsh, *fish;
} kinds[] = {
  { "KEY=VALUE", "_vmspec_run_settings \"$_vmspec_run_description\"",
    " _vmspec_run_settings $_vmspec_run_description",
    "-xa '(__vmspec_run_settings $_vmspec_run_description)'" },
  { "NAME", "_vmspec_run_machines \"$1\"", "_vmspec_run_machines",
    "-xa '(__vmspec_run_machines)'" },
  { "FORM", NULL, NULL, NULL },
  { "FILE", "_filedir", "_files", "-rF" },
  { "DIR", "_filedir -d", "_files -/",
    "-xa '(__fish_complete_directories)'" },
  { "TIME", ":", " ", "-x" },
  { "STEP", ":", " ", "-x" },
};

static const struct kind *
kind_of (const struct option_row *row)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp (kinds[i].argument, row->argument))
      return &kinds[i];
  fprintf (stderr, "generate: nothing completes what --%s takes\n", row->name);
  exit (EXIT_FAILURE);
}

static int
takes_many (const struct option_row *row)
{
  return row->action == ACTION_SET || row->action == ACTION_STEP;
}

/* In one line, and within single quotes. */
static void
print_help (FILE *out, const char *text, const char *quote)
{
  for (; *text; text++)
    if (*text == '\'')
      fputs (quote, out);
    else if (*text != '\n' && (*text != ' ' || text[1] != ' '))
      putc (*text, out);
}

static void
print_head (FILE *out, const char *first)
{
  fprintf (out, "%s# SPDX-License-Identifier: LGPL-2.1-or-later\n"
           "# Completes the arguments of vmspec-run.  Made of its options: "
           "\"make regenerate\".\n", first);
}

/* ---- bash --------------------------------------------------------------- */

static const char bash_functions[] =
  "\n"
  "# Readline takes what is behind the last \"=\" for the word.\n"
  "_vmspec_run_settings ()\n"
  "{\n"
  "    local word key=${cur%%=*} keys=\n"
  "    while read -r word; do\n"
  "        keys+=\" ${word%%=*}${word:+=}\"\n"
  "        [[ $cur == \"$key=\"* && ${word%%=*} == \"$key\" ]] || continue\n"
  "        cur=${cur#*=} word=${word#*=}\n"
  "        if [[ $word == :file ]]; then\n"
  "            _filedir\n"
  "        else\n"
  "            mapfile -t COMPREPLY < <(compgen -W \"${word//|/ }\" -- \"$cur\")\n"
  "            [[ $word != *= ]] || compopt -o nospace\n"
  "        fi\n"
  "        return\n"
  "    done <<< \"$1\"\n"
  "    [[ $cur != *=* ]] || return\n"
  "    mapfile -t COMPREPLY < <(compgen -W \"$keys\" -- \"$cur\")\n"
  "    compopt -o nospace\n"
  "}\n"
  "\n"
  "_vmspec_run_machines ()\n"
  "{\n"
  "    local IFS=$'\\n'\n"
  "    mapfile -t COMPREPLY < <(compgen -W \"$(\"$1\" --list 2> /dev/null |\n"
  "        sed -n 's/  *[^ ]*  *[0-9][0-9]*  [^ ].*$//p')\" -- \"$cur\")\n"
  "    compopt -o filenames\n"
  "}\n"
  "\n"
  "_vmspec_run ()\n"
  "{\n"
  "    # shellcheck disable=SC2034\n"
  "    local cur prev words cword split\n"
  "    _init_completion -s || return\n"
  "    case $prev in\n";

static const char bash_end[] =
  "    esac\n"
  "    # shellcheck disable=SC2154\n"
  "    if $split; then\n"
  "        return\n"
  "    elif [[ $cur == -* ]]; then\n"
  "        mapfile -t COMPREPLY < <(compgen -W \"$_vmspec_run_options\" -- \"$cur\")\n"
  "    elif [[ \" ${words[*]} \" == *' --make-image '* && $prev != --make-image ]]; then\n"
  "        _vmspec_run_settings \"$_vmspec_run_image\"\n"
  "    elif [[ \" ${words[*]} \" == *' --make-system-image '* && $prev != --make-system-image ]]; then\n"
  "        _vmspec_run_settings \"$_vmspec_run_system_image\"\n"
  "    elif [[ \" ${words[*]} \" == *-image* ]]; then\n"
  "        _filedir\n"
  "    else\n"
  "        _filedir xml\n"
  "    fi\n"
  "} &&\n"
  "    complete -F _vmspec_run vmspec-run\n";

static void
print_bash_options (FILE *out)
{
  fputs ("\n_vmspec_run_options='\n", out);
  for (const struct option_row *row = option_rows; row->name; row++) {
    if (row->letter)
      fprintf (out, "-%c\n", row->letter);
    fprintf (out, "--%s\n", row->name);
  }
  fputs ("'\n", out);
}

void
generate_bash (FILE *out)
{
  print_head (out, "# shellcheck shell=bash\n");
  print_lists (out, "", "=", "");
  print_bash_options (out);
  fputs (bash_functions, out);
  for (const struct option_row *row = option_rows; row->name; row++) {
    if (!row->argument)
      continue;
    fprintf (out, "        --%s)\n            ", row->name);
    if (kind_of (row)->bash)
      fputs (kind_of (row)->bash, out);
    else {
      fputs ("mapfile -t COMPREPLY < <(compgen -W '", out);
      print_forms (out, ' ');
      fputs ("' -- \"$cur\")", out);
    }
    fputs ("\n            return\n            ;;\n", out);
  }
  fputs (bash_end, out);
}

/* ---- zsh ---------------------------------------------------------------- */

static const char zsh_functions[] =
  "\n"
  "_vmspec_run_settings () {\n"
  "  local word key=${PREFIX%%=*}\n"
  "  local -a keys\n"
  "  for word in ${(f)1}; do\n"
  "    keys+=(${word%%=*}=)\n"
  "    [[ $PREFIX == *=* && ${word%%=*} == $key ]] || continue\n"
  "    compset -P 1 '*='\n"
  "    word=${word#*=}\n"
  "    if [[ $word == :file ]]; then\n"
  "      _files\n"
  "    elif [[ $word == *= ]]; then\n"
  "      compadd -S '' -- ${(s:|:)word}\n"
  "    else\n"
  "      compadd -- ${(s:|:)word}\n"
  "    fi\n"
  "    return\n"
  "  done\n"
  "  compadd -S '' -- $keys\n"
  "}\n"
  "\n"
  "_vmspec_run_machines () {\n"
  "  compadd -- ${(f)\"$(_call_program machines $words[1] --list 2> /dev/null |\n"
  "    sed -n 's/  *[^ ]*  *[0-9][0-9]*  [^ ].*$//p')\"}\n"
  "}\n"
  "\n"
  "_vmspec_run_arguments () {\n"
  "  case \" $words \" in\n"
  "    (*' --make-image '*)\n"
  "      _vmspec_run_settings $_vmspec_run_image ;;\n"
  "    (*' --make-system-image '*)\n"
  "      _vmspec_run_settings $_vmspec_run_system_image ;;\n"
  "  esac\n"
  "}\n"
  "\n"
  "_vmspec_run_file () {\n"
  "  if [[ \" $words \" == *' --'*-image* ]]; then\n"
  "    _files\n"
  "  else\n"
  "    _files -g '*.xml(-.)'\n"
  "  fi\n"
  "}\n"
  "\n"
  "_arguments -S \\\n";

static void
print_zsh_option (FILE *out, const struct option_row *row)
{
  if (row->letter)
    fprintf (out, "  '(-%c --%s)'{-%c,--%s}'", row->letter, row->name,
             row->letter, row->name);
  else
    fprintf (out, "  '%s--%s%s", takes_many (row) ? "*" : "", row->name,
             row->argument ? "=" : "");
  putc ('[', out);
  print_help (out, row->help, "'\\''");
  putc (']', out);
  if (row->argument) {
    fprintf (out, ":%s:", row->argument);
    if (kind_of (row)->zsh)
      fputs (kind_of (row)->zsh, out);
    else {
      putc ('(', out);
      print_forms (out, ' ');
      putc (')', out);
    }
  }
  fputs ("' \\\n", out);
}

void
generate_zsh (FILE *out)
{
  print_head (out, "#compdef vmspec-run\n");
  print_lists (out, "local ", "=", "");
  fputs (zsh_functions, out);
  for (const struct option_row *row = option_rows; row->name; row++)
    print_zsh_option (out, row);
  fputs ("  '1:FILE:_vmspec_run_file' '*:KEY=VALUE:_vmspec_run_arguments'\n",
         out);
}

/* ---- fish --------------------------------------------------------------- */

static const char fish_functions[] =
  "\n"
  "function __vmspec_run_settings\n"
  "    set -l token (commandline -ct | string replace -r '^--set=' '')\n"
  "    set -l key (string split -m 1 = -- $token)[1]\n"
  "    for word in (string split -n \\n -- $argv)\n"
  "        set -l parts (string split -m 1 = -- $word)\n"
  "        if not string match -q '*=*' -- $token\n"
  "            echo $parts[1]=\n"
  "        else if test \"$parts[1]\" = \"$key\"\n"
  "            if test \"$parts[2]\" = :file\n"
  "                printf \"$key=%s\\n\" (__fish_complete_path (string split -m 1 = -- $token)[2])\n"
  "            else\n"
  "                printf \"$key=%s\\n\" (string split -n '|' -- $parts[2])\n"
  "            end\n"
  "        end\n"
  "    end\n"
  "end\n"
  "\n"
  "function __vmspec_run_machines\n"
  "    set -l program (commandline -opc)[1]\n"
  "    $program --list 2> /dev/null | sed -n 's/  *[^ ]*  *[0-9][0-9]*  [^ ].*$//p'\n"
  "end\n"
  "\n"
  "function __vmspec_run_has\n"
  "    contains -- $argv (commandline -opc)\n"
  "end\n"
  "\n"
  "complete -c vmspec-run -f\n"
  "complete -c vmspec-run -n 'not __vmspec_run_has --image-info --make-image --make-system-image' -ka '(__fish_complete_suffix .xml)'\n"
  "complete -c vmspec-run -n '__vmspec_run_has --image-info' -F\n"
  "complete -c vmspec-run -n '__vmspec_run_has --make-image' -Fa '(__vmspec_run_settings $_vmspec_run_image)'\n"
  "complete -c vmspec-run -n '__vmspec_run_has --make-system-image' -Fa '(__vmspec_run_settings $_vmspec_run_system_image)'\n";

void
generate_fish (FILE *out)
{
  print_head (out, "");
  print_lists (out, "set -g ", " ", "");
  fputs (fish_functions, out);
  for (const struct option_row *row = option_rows; row->name; row++) {
    fputs ("complete -c vmspec-run", out);
    if (row->letter)
      fprintf (out, " -s %c", row->letter);
    fprintf (out, " -l %s -d '", row->name);
    print_help (out, row->help, "\\'");
    putc ('\'', out);
    if (row->argument && kind_of (row)->fish)
      fprintf (out, " %s", kind_of (row)->fish);
    else if (row->argument) {
      fputs (" -xa '", out);
      print_forms (out, ' ');
      putc ('\'', out);
    }
    putc ('\n', out);
  }
}
