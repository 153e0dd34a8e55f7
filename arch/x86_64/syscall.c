/* SPDX-License-Identifier: MIT */
/*
 * The entry of all system calls but those of ipc.c. Compiled as part of the core (x86_64.mk), for
 * the one CPU there is.
 */
#include "arch/x86_64/x86.h"
#include "core/kernel.c" /* NOLINT(bugprone-suspicious-include): its inline entry becomes part of this one */

pfn_t x86_syscall(void) { return syscall_long(x86_number()); }
