# SPDX-License-Identifier: LGPL-2.1-or-later

# _VMS_HARDENING_TRY(VARIABLE, WORD, [WORD-BESIDE])
# Adds WORD to VARIABLE if the compiler and the linker take it beside what is
# there, and beside another word, without a complaint.
AC_DEFUN([_VMS_HARDENING_TRY], [
  AC_MSG_CHECKING([whether $CC takes $2])
  vms_save_CFLAGS=$CFLAGS
  CFLAGS="$$1 $3 $2 $CFLAGS -Werror"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]],
      [[char text[100]; return snprintf (text, sizeof text, "%p", (void *) text) < 0;]])],
    [$1="$$1 $2"; AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])])
  CFLAGS=$vms_save_CFLAGS
])

# VMS_HARDENING
# What makes errors harder to exploit, as far as the compiler and the linker have
# it: HARDENING_CFLAGS, and HARDENING_LDFLAGS for what is linked, with
# PIE_LDFLAGS for programs.  They go before what the user says, who so has the
# last word.  HARDENING is "yes", "no", or "unoptimized" where fortified functions
# cannot be had.
AC_DEFUN([VMS_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening],
      [do without the flags that make errors harder to exploit])],
    [], [enable_hardening=yes])
  HARDENING=$enable_hardening HARDENING_CFLAGS= HARDENING_LDFLAGS= PIE_LDFLAGS=

  AS_IF([test "$enable_hardening" != no], [
    for vms_word in -fstack-protector-strong -fstack-clash-protection \
      -fcf-protection -mbranch-protection=standard -ftrivial-auto-var-init=zero \
      -Wformat -Wformat-security -Werror=format-security; do
      _VMS_HARDENING_TRY([HARDENING_CFLAGS], [$vms_word])
    done
    for vms_word in -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed; do
      _VMS_HARDENING_TRY([HARDENING_LDFLAGS], [$vms_word])
    done
    _VMS_HARDENING_TRY([PIE_LDFLAGS], [-pie], [-fPIE])
    AS_IF([test -n "$PIE_LDFLAGS"], [HARDENING_CFLAGS="$HARDENING_CFLAGS -fPIE"])

    # The user, or the compiler by itself, may have chosen already; and glibc
    # complains where it cannot do what it is asked for.
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#ifndef __OPTIMIZE__
# error unoptimized
#endif
]])], [], [HARDENING=unoptimized])
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
#if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
# error nothing to choose
#endif
]])], [
      _VMS_HARDENING_TRY([HARDENING_CFLAGS], [-D_FORTIFY_SOURCE=3])
      case $HARDENING_CFLAGS in
        *-D_FORTIFY_SOURCE*) ;;
        *) _VMS_HARDENING_TRY([HARDENING_CFLAGS], [-D_FORTIFY_SOURCE=2]) ;;
      esac
    ])
  ])
  AC_SUBST([HARDENING])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
  AC_SUBST([PIE_LDFLAGS])
])
