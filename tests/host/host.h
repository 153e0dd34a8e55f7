/* SPDX-License-Identifier: MIT */
/*
 * In front of each source of a server that is compiled for the build machine: stands in for lib/sys.h
 * (system calls of a kernel that is not there), and gives what the host's C library lacks.
 */
#ifndef TESTS_HOST_HOST_H
#define TESTS_HOST_HOST_H

#define LIB_SYS_H
#include "atmos/abi.h"
#include <stddef.h>
#include <time.h>

struct atm_result {
    int64_t status;
    uint64_t r[6];
};

static inline struct atm_result atm_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct atm_result){0, {(uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec}};
}

size_t strlcpy(char *to, const char *from, size_t bytes);

#endif
