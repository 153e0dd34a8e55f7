/* SPDX-License-Identifier: MIT */
/* Stands in for what lib/start.c found of the machine's clock: the host's. Test only. */
#include "lib/startup.h"
#include <time.h>

static uint64_t host_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t startup_epoch(void) { return host_ns(CLOCK_REALTIME) - host_ns(CLOCK_MONOTONIC); }
