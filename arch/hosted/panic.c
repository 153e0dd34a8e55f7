/* SPDX-License-Identifier: MIT */
/*
 * The end of a kernel with a bug in it: says what was wrong with which values, and where, and aborts, so that gdb,
 * CMocka and libFuzzer all notice. addr2line names source lines when it is installed; without it the names of
 * functions come from the dynamic symbol table (link with -rdynamic).
 */
#include <execinfo.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/hosted/hosted.h"

#define STACK_DEPTH 48

void (*hosted_panic_hook)(void);

/* The program itself comes first: its load address, 0 when it is not position independent. */
static int take_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1;
}

/* Names and lines by addr2line: false when it cannot be run. */
static bool backtrace_lines(void *const *stack, int depth)
{
    char command[4096];
    char self[1024];
    uintptr_t base = 0;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    size_t used;

    if (length <= 0) {
        return false;
    }
    self[length] = 0;
    dl_iterate_phdr(take_base, &base);
    used = (size_t)snprintf(command, sizeof command, "addr2line -Cfpie '%s' >&2 2>/dev/null", self);
    for (int i = 0; i < depth && used < sizeof command - 32; i++) {
        /* one byte back: into the call, not behind it */
        used += (size_t)snprintf(command + used, sizeof command - used, " %#" PRIxPTR,
                                 (uintptr_t)stack[i] - base - 1);
    }
    return system(command) == 0;
}

void hosted_backtrace(void)
{
    void *stack[STACK_DEPTH];
    int depth = backtrace(stack, STACK_DEPTH);

    fflush(NULL);
    if (!backtrace_lines(stack, depth)) {
        backtrace_symbols_fd(stack, depth, STDERR_FILENO);
    }
}

_Noreturn void arch_panic(const char *what, uint64_t a, uint64_t b)
{
    if (hosted_panic_hook != NULL) {
        hosted_panic_hook();
    }
    fprintf(stderr, "\nkernel panic: %s (%#" PRIx64 ", %#" PRIx64 ")\n", what, a, b);
    hosted_backtrace();
    abort();
}
