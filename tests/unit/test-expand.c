/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <unistd.h>
#include <wordexp.h>

#include "expand.h"

static struct arena arena;

static void
tear_down (void)
{
  vms_arena_free (&arena);
}

static const char *const environment[] = {
  "HOME=/home/me", "V=value", "W=two words", "E=", "S= lead and trail ",
  "Q=a\"b'c\\d", "V2=second", "T=tab\tand\nline", "azAZ09_=all", "_=1", "Z=2",
  "z=3", NULL,
};

/* ---- what is expected, case by case -------------------------------------- */

static const char *
path_of (const char *piece)
{
  struct text text = { .arena = &arena };
  const char *problem = vms_expand_path (&text, piece, environment);

  ck_assert_msg (!problem, "'%s': %s", piece, problem);
  return vms_text_end (&text);
}

static void
path_refused (const char *piece)
{
  struct text text = { .arena = &arena };
  const char *problem = vms_expand_path (&text, piece, environment);

  ck_assert_msg (problem != NULL, "'%s' was accepted", piece);
}

START_TEST (a_path_is_one_piece_whatever_is_in_it)
{
  ck_assert_str_eq (path_of (""), "");
  ck_assert_str_eq (path_of ("/a b\tc"), "/a b\tc");
  ck_assert_str_eq (path_of ("  a  "), "  a  ");
  ck_assert_str_eq (path_of ("$W/x"), "two words/x");
  ck_assert_str_eq (path_of ("$S"), " lead and trail ");
  ck_assert_str_eq (path_of ("a,b=c"), "a,b=c");
}
END_TEST

START_TEST (patterns_stand_for_themselves)
{
  ck_assert_str_eq (path_of ("*"), "*");
  ck_assert_str_eq (path_of ("/tmp/?[a-z]*"), "/tmp/?[a-z]*");
}
END_TEST

START_TEST (variables_are_expanded_with_and_without_braces)
{
  ck_assert_str_eq (path_of ("$V"), "value");
  ck_assert_str_eq (path_of ("${V}x"), "valuex");
  ck_assert_str_eq (path_of ("$Vx"), "");
  ck_assert_str_eq (path_of ("$V2"), "second");
  ck_assert_str_eq (path_of ("$V-2"), "value-2");
  ck_assert_str_eq (path_of ("$V$V"), "valuevalue");
  ck_assert_str_eq (path_of ("$E"), "");
  ck_assert_str_eq (path_of ("$UNSET"), "");
  ck_assert_str_eq (path_of ("a$"), "a$");
  ck_assert_str_eq (path_of ("a$/"), "a$/");
}
END_TEST

START_TEST (a_word_takes_the_place_of_what_is_not_said)
{
  ck_assert_str_eq (path_of ("${V:-w}"), "value");
  ck_assert_str_eq (path_of ("${E:-w}"), "w");
  ck_assert_str_eq (path_of ("${E-w}"), "");
  ck_assert_str_eq (path_of ("${UNSET-w}"), "w");
  ck_assert_str_eq (path_of ("${UNSET:-}"), "");
  ck_assert_str_eq (path_of ("${UNSET:-$V/x}"), "value/x");
  ck_assert_str_eq (path_of ("${UNSET:-${E:-${V}}}"), "value");
  ck_assert_str_eq (path_of ("${UNSET:-'}'}"), "}");
  ck_assert_str_eq (path_of ("${V:+w}"), "w");
  ck_assert_str_eq (path_of ("${E:+w}"), "");
  ck_assert_str_eq (path_of ("${E+w}"), "w");
  ck_assert_str_eq (path_of ("${UNSET+w}"), "");
}
END_TEST

START_TEST (quotes_and_backslashes_are_taken_away)
{
  ck_assert_str_eq (path_of ("'$V'"), "$V");
  ck_assert_str_eq (path_of ("\"$V\""), "value");
  ck_assert_str_eq (path_of ("\"a'b\""), "a'b");
  ck_assert_str_eq (path_of ("'a\"b\\'"), "a\"b\\");
  ck_assert_str_eq (path_of ("\\$V\\ x\\\\"), "$V x\\");
  ck_assert_str_eq (path_of ("\"\\$\\a\\\"\\\\\""), "$\\a\"\\");
  ck_assert_str_eq (path_of ("a\\\nb"), "ab");
  ck_assert_str_eq (path_of ("$Q"), "a\"b'c\\d");
  ck_assert_str_eq (path_of ("'('\\;\"|\""), "(;|");
}
END_TEST

START_TEST (a_tilde_at_the_start_is_home)
{
  ck_assert_str_eq (path_of ("~"), "/home/me");
  ck_assert_str_eq (path_of ("~/x"), "/home/me/x");
  ck_assert_str_eq (path_of ("a~"), "a~");
  ck_assert_str_eq (path_of ("$UNSET~"), "~");
  ck_assert_str_eq (path_of ("a${UNSET:-~/x}"), "a/home/me/x");
  ck_assert_str_eq (path_of ("'~'/x"), "~/x");
  ck_assert_str_eq (path_of ("\\~/x"), "~/x");
  ck_assert_str_eq (path_of ("\"~\""), "~");
  /* Other people's homes are in no list of variables. */
  ck_assert_str_eq (path_of ("~root"), "~root");
}
END_TEST

START_TEST (nothing_is_run_and_what_is_not_known_is_refused)
{
  static const char *const refused[] = {
    "`date`", "$(date)", "\"$(date)\"", "$((1+1))", "${#V}", "${V%e}",
    "${V#v}", "${UNSET:?no}", "${V:=x}", "${V:1}", "${V/a/b}", "${!V}", "${}",
    "${1}", "$1", "$@", "$?", "$$", "a;b", "a|b", "a&b", "a>b", "a<b", "(a)",
    "{a,b}", "'a", "\"a", "${V", "${V:-", "${UNSET:-'}", "\"${V\"",
  };

  for (size_t i = 0; i < COUNT (refused); i++)
    path_refused (refused[i]);
}
END_TEST

START_TEST (names_have_letters_digits_and_underscores)
{
  ck_assert_str_eq (path_of ("$azAZ09_"), "all");
  ck_assert_str_eq (path_of ("${azAZ09_}"), "all");
  ck_assert_str_eq (path_of ("$_-$Z-$z-${_}${Z}${z}"), "1-2-3-123");
  ck_assert_str_eq (path_of ("$z/$z:$z@$z[$z^"), "3/3:3@3[3^");
  ck_assert_str_eq (path_of ("\"$z{$Z}\""), "3{2}");
  ck_assert_str_eq (path_of ("${UNSET:-$}"), "$");
  ck_assert_str_eq (path_of ("\"$\""), "$");
}
END_TEST

/* Each problem has its text. */
START_TEST (it_is_said_what_is_wrong)
{
  static const char name[]
    = "'${' must be followed by the name of a variable";
  static const char form[]
    = "of the forms ${NAME...} only ${NAME}, ${NAME:-word} and ${NAME:+word} are "
      "known, with or without the colon";
  static const char parameter[]
    = "parameters of a shell, such as $1 or $?, do not exist here";
  static const char sign[]
    = "the characters | & ; < > ( ) { } must be quoted";
  static const char *const cases[][2] = {
    { "${V", "a '${' has no '}'" }, { "${V:-'}", "a '${' has no '}'" },
    { "${V:-\"}", "a '${' has no '}'" }, { "${V:-\\}", "a '${' has no '}'" },
    { "${V:-${V}", "a '${' has no '}'" }, { "${}", name }, { "${0}", name },
    { "${9a}", name }, { "${/}", name }, { "${:-a}", name }, { "${-}", name },
    { "${V%e}", form }, { "${V:}", form }, { "${V:=a}", form },
    { "${V,}", form }, { "${V.}", form }, { "${V*}", form },
    { "$(date)", "commands and arithmetic are not run" },
    { "\"$(date)\"", "commands and arithmetic are not run" },
    { "$0", parameter }, { "$1", parameter }, { "$5", parameter },
    { "$9", parameter }, { "$@", parameter }, { "$*", parameter },
    { "$#", parameter }, { "$?", parameter }, { "$$", parameter },
    { "$!", parameter }, { "$-", parameter }, { "\"$-\"", parameter },
    { "a'", "a single quote is not closed" },
    { "\"", "a double quote is not closed" },
    { "\"\\\"", "a double quote is not closed" },
    { "\"${V:-\"", "a double quote is not closed" },
    { "\"a`b\"", "commands are not run" }, { "|", sign }, { "&", sign },
    { ";", sign }, { "<", sign }, { ">", sign }, { "(", sign }, { ")", sign },
    { "{", sign }, { "}", sign },
  };

  for (size_t i = 0; i < COUNT (cases); i++) {
    struct text text = { .arena = &arena };
    struct vector words = { .arena = &arena };

    ck_assert_pstr_eq (vms_expand_path (&text, cases[i][0], environment),
                       cases[i][1]);
    ck_assert_pstr_eq (vms_expand_words (&words, cases[i][0], environment),
                       cases[i][1]);
  }
}
END_TEST

/* @depth variables within each other. */
static const char *
nested (unsigned depth)
{
  struct text text = { .arena = &arena };

  for (unsigned i = 0; i < depth; i++)
    vms_text_add (&text, "${UNSET:-");
  vms_text_add (&text, "x");
  for (unsigned i = 0; i < depth; i++)
    vms_text_add (&text, "}");
  return vms_text_end (&text);
}

START_TEST (thirty_one_variables_may_stand_within_each_other)
{
  struct text text = { .arena = &arena };

  ck_assert_str_eq (path_of (nested (31)), "x");
  ck_assert_str_eq (vms_expand_path (&text, nested (32), environment),
                    "variables are nested too deeply");
  text = (struct text) { .arena = &arena };
  /* And any number behind each other. */
  for (unsigned i = 0; i < 100; i++)
    vms_text_add (&text, "${UNSET:-x}");
  ck_assert_uint_eq (strlen (path_of (vms_text_end (&text))), 100);
}
END_TEST

START_TEST (deep_nesting_is_refused_and_does_not_overflow)
{
  static char deep[400000];
  char *end = deep;

  for (int i = 0; i < 50000; i++)
    end = stpcpy (end, "${X:-");
  for (int i = 0; i < 50000; i++)
    end = stpcpy (end, "}");
  path_refused (deep);
}
END_TEST

static const char *
words_of (const char *piece)
{
  struct vector words = { .arena = &arena };
  struct text all = { .arena = &arena };
  const char *problem = vms_expand_words (&words, piece, environment);

  ck_assert_msg (!problem, "'%s': %s", piece, problem);
  for (size_t i = 0; i < words.count; i++) {
    vms_text_add (&all, "<");
    vms_text_add (&all, words.items[i]);
    vms_text_add (&all, ">");
  }
  return vms_text_end (&all);
}

START_TEST (words_are_split_at_unquoted_blanks)
{
  ck_assert_str_eq (words_of (""), "");
  ck_assert_str_eq (words_of ("  \t\n"), "");
  ck_assert_str_eq (words_of (" a  b\tc\nd "), "<a><b><c><d>");
  ck_assert_str_eq (words_of ("'a b' \"c d\" e\\ f"), "<a b><c d><e f>");
  ck_assert_str_eq (words_of ("'' \"\""), "<><>");
  ck_assert_str_eq (words_of ("$W"), "<two><words>");
  ck_assert_str_eq (words_of ("\"$W\""), "<two words>");
  ck_assert_str_eq (words_of ("x$W$V"), "<xtwo><wordsvalue>");
  ck_assert_str_eq (words_of ("x$S."), "<x><lead><and><trail><.>");
  ck_assert_str_eq (words_of ("$E"), "");
  ck_assert_str_eq (words_of ("\"$E\""), "<>");
  ck_assert_str_eq (words_of ("~ ~/x\ta~"), "</home/me></home/me/x><a~>");
  ck_assert_str_eq (words_of ("$T"), "<tab><and><line>");
  ck_assert_str_eq (words_of ("-device foo,path=\"$W\",x=1"),
                    "<-device><foo,path=two words,x=1>");
}
END_TEST

START_TEST (only_blanks_split_a_plain_value)
{
  struct vector words = { .arena = &arena };

  vms_split_words (&words, "  -m 1\t\"a b\"\n$V ");
  ck_assert_uint_eq (words.count, 5);
  ck_assert_str_eq (words.items[0], "-m");
  ck_assert_str_eq (words.items[2], "\"a");
  ck_assert_str_eq (words.items[3], "b\"");
  ck_assert_str_eq (words.items[4], "$V");
}
END_TEST

START_TEST (the_first_of_a_name_counts)
{
  static const char *const twice[] = { "AB=0", "A=1", "A=2", "B=", "C", NULL };

  ck_assert_str_eq (vms_environment_get (twice, "A"), "1");
  ck_assert_str_eq (vms_environment_get (twice, "B"), "");
  ck_assert_ptr_null (vms_environment_said (twice, "B"));
  ck_assert_ptr_null (vms_environment_get (twice, "C"));
  ck_assert_ptr_null (vms_environment_get (twice, "D"));
  ck_assert_ptr_null (vms_environment_get (NULL, "A"));
}
END_TEST

/* ---- against others ------------------------------------------------------ *
 *
 * wordexp(3) of the system, and sh(1), which is what the start script ran its
 * options through.  We differ on purpose: patterns are not looked up, and what
 * would need a command, arithmetic, or another form of ${...} than ":-" and
 * ":+" is refused.  The former are not among the tokens; of the latter kind is
 * what is compared only if both accept it.
 */

static void
set_environment (void)
{
  const char *path = getenv ("PATH");
  char *kept = strdup (path ? path : "/usr/bin:/bin");

  ck_assert_int_eq (clearenv (), 0);
  setenv ("PATH", kept, 1);
  free (kept);
  for (const char *const *v = environment; *v; v++) {
    char name[20];
    size_t size = strcspn (*v, "=");

    memcpy (name, *v, size);
    name[size] = '\0';
    ck_assert_int_eq (setenv (name, *v + size + 1, 1), 0);
  }
}

struct tokens {
  const char *const *list;
  size_t n;
};

static void
random_piece (struct random *r, const struct tokens *tokens, char *piece)
{
  size_t n = 1 + random_below (r, 9);

  *piece = '\0';
  while (n--)
    piece = stpcpy (piece, tokens->list[random_below (r, tokens->n)]);
  /* At its end a backslash stands for itself, and for sh joins lines. */
  if (piece[-1] == '\\')
    stpcpy (piece, "a");
}

static void
add_words (struct text *all, const char *const *words, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    vms_text_add (all, "<");
    vms_text_add (all, words[i]);
    vms_text_add (all, ">");
  }
}

static const char *
show (const void *words, size_t n)
{
  struct text all = { .arena = &arena };

  add_words (&all, words, n);
  return vms_text_end (&all);
}

/* Not what glibc gets wrong (2.36: a blank at a value's start, a "~" next to a
 * variable, braces in braces, quotes next to what is empty). */
static const char *const wordexp_tokens[] = {
  "a", "b", "/", "V", " ", "\t", "'x $V'", "\"y $W\\\"\"", "\\", "$V", "$W",
  "$Q", "${V}", "${W}", "${V:-a}", "${E:-b}", "${UNSET-c}", "${V:+d}", "${E:+e}",
  "=",
  ",", "-", ".", ":", "%", "@", "+", "#", "!", "^", "]",
};

START_TEST (words_are_those_of_wordexp)
{
  const struct tokens tokens = { wordexp_tokens, COUNT (wordexp_tokens) };
  unsigned rounds = unit_rounds (20000), both = 0;

  set_environment ();
  for (unsigned i = 0; i < rounds; i++) {
    struct random r = { i };
    struct vector words = { .arena = &arena };
    char piece[200];
    wordexp_t theirs;
    const char *problem;
    int refused;

    random_piece (&r, &tokens, piece);
    problem = vms_expand_words (&words, piece, environment);
    refused = wordexp (piece, &theirs, WRDE_NOCMD);
    ck_assert_msg (!problem == !refused, "%u: '%s': %s", i, piece,
                   problem ? problem : "refused by wordexp");
    if (!refused) {
      both++;
      ck_assert_msg (!strcmp (show (words.items, words.count),
                              show (theirs.we_wordv, theirs.we_wordc)),
                     "%u: '%s': ours %s, wordexp's %s", i, piece,
                     show (words.items, words.count),
                     show (theirs.we_wordv, theirs.we_wordc));
      wordfree (&theirs);
    }
    vms_arena_free (&arena);
  }
  ck_assert_uint_gt (both, rounds / 4);
}
END_TEST

static const char *const shell_tokens[] = {
  "a", "b", "/", " ", "\t", "'", "'", "\"", "\"", "\\", "\\\\", "$V", "$W",
  "$E", "$S", "$Q", "$T", "$UNSET", "${V}", "${W}", "${V:-", "${E:-", "${E-",
  "${UNSET:-", "${V:+", "${W+", "}", "}", "~", "~", "=", ",", "-", ".", ":",
  "%", "@", "+", "$,",
};

/* Where a shell goes by more than the rules: a "~" within braces, and quotes
 * within braces within quotes. */
static int
is_clear (const char *piece)
{
  const char *brace = strstr (piece, "${");

  return !brace
         || (!strchr (piece, '~')
             && !(strchr (piece, '"') && strstr (brace + 2, "${")));
}

/* Runs a script and returns what it wrote, with the NULs in it. */
static const char *
shell (const struct text *script, size_t *ret_size)
{
  struct text output = { .arena = &arena };
  char name[] = "/tmp/vmspec-test.XXXXXX", command[100], block[4096];
  int fd = mkstemp (name);
  FILE *pipe;
  size_t n;

  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, script->bytes, script->size),
                    (ssize_t) script->size);
  close (fd);
  snprintf (command, sizeof command, "sh -f %s", name);
  pipe = popen (command, "r");
  ck_assert_ptr_nonnull (pipe);
  while ((n = fread (block, 1, sizeof block, pipe)))
    vms_text_add_bytes (&output, block, n);
  ck_assert_int_eq (pclose (pipe), 0);
  unlink (name);
  *ret_size = output.size;
  return vms_text_end (&output);
}

/* Names the piece that differs, whose result ends with a NUL in both. */
static void
compare (struct text *script, struct text *expected, const char *theirs,
         size_t size)
{
  const char *piece = vms_text_end (script), *ours = vms_text_end (expected);

  for (size_t o = 0, t = 0; o < expected->size && t < size;) {
    ck_assert_msg (!strcmp (ours + o, theirs + t), "%.*s: ours %s, sh's %s",
                   (int) strcspn (piece, "\n"), piece, ours + o, theirs + t);
    o += strlen (ours + o) + 1;
    t += strlen (theirs + t) + 1;
    piece = strstr (strstr (piece, "\\0'"), "\n") + 1;
  }
  ck_assert_uint_eq (size, expected->size);
}

START_TEST (words_are_those_of_a_shell)
{
  const struct tokens tokens = { shell_tokens, COUNT (shell_tokens) };
  unsigned rounds = unit_rounds (20000), accepted = 0;
  struct text script = { .arena = &arena }, expected = { .arena = &arena };
  const char *theirs;
  size_t size;

  set_environment ();
  for (unsigned i = 0; i < rounds; i++) {
    struct random r = { i };
    struct vector words = { .arena = &arena };
    char piece[200];

    random_piece (&r, &tokens, piece);
    if (!is_clear (piece) || vms_expand_words (&words, piece, environment))
      continue;
    accepted++;
    vms_text_add (&script, "for x in ");
    vms_text_add (&script, piece);
    vms_text_add (&script, "\ndo printf '<%s>' \"$x\"; done; printf '\\0'\n");
    add_words (&expected, (const void *) words.items, words.count);
    vms_text_add_bytes (&expected, "", 1);
  }
  ck_assert_uint_gt (accepted, rounds / 5);
  theirs = shell (&script, &size);
  compare (&script, &expected, theirs, size);
}
END_TEST

START_TEST (a_path_is_what_a_shell_makes_of_it_without_splitting)
{
  const struct tokens tokens = { shell_tokens, COUNT (shell_tokens) };
  struct text script = { .arena = &arena }, expected = { .arena = &arena };
  unsigned rounds = unit_rounds (10000);
  const char *theirs;
  size_t size;

  set_environment ();
  for (unsigned i = 0; i < rounds; i++) {
    struct random r = { i };
    struct text path = { .arena = &arena };
    char piece[200];

    random_piece (&r, &tokens, piece);
    /* A blank would be the end of an assignment, in which a "~" may be behind a
     * colon or end at one; for us these are characters. */
    if (strpbrk (piece, " \t") || strstr (piece, ":~")
        || strstr (piece, "~:") || !is_clear (piece)
        || vms_expand_path (&path, piece, environment))
      continue;
    vms_text_add (&script, "x=");
    vms_text_add (&script, piece);
    vms_text_add (&script, "\nprintf '%s\\0' \"$x\"\n");
    vms_text_add (&expected, vms_text_end (&path));
    vms_text_add_bytes (&expected, "", 1);
  }
  theirs = shell (&script, &size);
  compare (&script, &expected, theirs, size);
}
END_TEST

int
main (void)
{
  TCase *t = unit_case ("expand");

  tcase_add_checked_fixture (t, NULL, tear_down);
  tcase_add_test (t, a_path_is_one_piece_whatever_is_in_it);
  tcase_add_test (t, patterns_stand_for_themselves);
  tcase_add_test (t, variables_are_expanded_with_and_without_braces);
  tcase_add_test (t, a_word_takes_the_place_of_what_is_not_said);
  tcase_add_test (t, quotes_and_backslashes_are_taken_away);
  tcase_add_test (t, a_tilde_at_the_start_is_home);
  tcase_add_test (t, nothing_is_run_and_what_is_not_known_is_refused);
  tcase_add_test (t, deep_nesting_is_refused_and_does_not_overflow);
  tcase_add_test (t, names_have_letters_digits_and_underscores);
  tcase_add_test (t, it_is_said_what_is_wrong);
  tcase_add_test (t, thirty_one_variables_may_stand_within_each_other);
  tcase_add_test (t, words_are_split_at_unquoted_blanks);
  tcase_add_test (t, only_blanks_split_a_plain_value);
  tcase_add_test (t, the_first_of_a_name_counts);
  tcase_add_test (t, words_are_those_of_wordexp);
  tcase_add_test (t, words_are_those_of_a_shell);
  tcase_add_test (t, a_path_is_what_a_shell_makes_of_it_without_splitting);
  return unit_run ("expand", t);
}
