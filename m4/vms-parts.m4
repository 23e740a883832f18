# SPDX-License-Identifier: LGPL-2.1-or-later

# VMS_PART(NAME, WHAT-FOR, MODULES): a part of the library that needs others.
AC_DEFUN([VMS_PART], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--without-$1], [leave out: $2])], [], [with_$1=yes])
  AS_IF([test "$with_$1" = no], [without="$without $1"
    summary="$summary
  without $1: no $2"],
    [PKG_CHECK_MODULES(m4_toupper([$1]), [$3], [],
      [AC_MSG_ERROR([$3 is needed for $2: ]m4_toupper([$][$1][_PKG_ERRORS])[
Install its development files, or leave that out by --without-$1])])
    PARTS_CFLAGS="$PARTS_CFLAGS $m4_toupper([$1])_CFLAGS"
    PARTS_LIBS="$PARTS_LIBS $m4_toupper([$1])_LIBS"
    PARTS_MODULES="$PARTS_MODULES${PARTS_MODULES:+, }m4_bpatsubst([$3], [ \([a-z]\)], [, \1])"
    summary="$summary
  with $1: $2"])
  AM_CONDITIONAL(m4_toupper([WITH_$1]), [test "$with_$1" != no])])

# VMS_PORTABLE(FUNCTION, CONSEQUENCE): one that not every C library has.  What
# takes its place is in lib/portable.c.
AC_DEFUN([VMS_PORTABLE], [
  AC_CHECK_FUNC([$1], [AC_DEFINE(m4_toupper([HAVE_$1]), [1], [$1])],
    [lacking="$lacking
  no $1: $2"])])

# VMS_COMPLETION(SHELL, PC-FILE, DEFAULT): where a shell looks for what completes
# a program's arguments.  What the shell's package says is moved below our own
# prefix.
AC_DEFUN([VMS_COMPLETION], [
  AC_ARG_WITH([$1completiondir],
    [AS_HELP_STRING([--with-$1completiondir=DIR],
      [completion for $1; "no" for none @<:@DATADIR/$3@:>@])],
    [], [with_$1completiondir=yes])
  AS_IF([test "$with_$1completiondir" = yes],
    [$1completiondir=`$PKG_CONFIG --define-variable=prefix='${prefix}' \
      --define-variable=datadir='${datadir}' --variable=completionsdir \
      m4_default([$2], [none]) 2> /dev/null`
    AS_CASE([$$1completiondir], ['${prefix}'/*|'${datadir}'/*], [],
      [$1completiondir='${datadir}/$3'])],
    [$1completiondir=$with_$1completiondir])
  AM_CONDITIONAL(m4_toupper([$1_COMPLETION]), [test "$$1completiondir" != no])
  AC_SUBST([$1completiondir])])

# VMS_PREFIX_MAP: whether the compiler can leave directories out of what it makes,
# so that this is the same wherever it is made.
AC_DEFUN([VMS_PREFIX_MAP], [
  AC_MSG_CHECKING([whether $CC takes -fdebug-prefix-map and -fmacro-prefix-map])
  vms_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -fdebug-prefix-map=/a=/b -fmacro-prefix-map=/a=/b -Werror"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [vms_prefix_map=yes], [vms_prefix_map=no])
  CFLAGS=$vms_save_CFLAGS
  AC_MSG_RESULT([$vms_prefix_map])
  AM_CONDITIONAL([PREFIX_MAP], [test "$vms_prefix_map" = yes])])

AC_DEFUN([VMS_SUMMARY], [
  AS_IF([test "$have_check" = yes], [], [summary="$summary
  without check: no unit tests"])
  AS_IF([test "$with_tools" = no], [summary="$summary
  without tools: no vmspec-run"])
  AS_IF([test "$with_python" = no], [summary="$summary
  without python: no Python package"])
  AS_IF([test -n "$lacking"], [summary="$summary
The C library lacks$lacking"])
  AS_ECHO(["
vmspec $PACKAGE_VERSION, for $prefix:$summary
"])])
