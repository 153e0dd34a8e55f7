/* SPDX-License-Identifier: MIT */
/*
 * What time it is: the kernel's clock, and what init read of the machine's at the start, which every
 * program finds in its startup page.
 */
#include "lib/startup.h"
#include "lib/sys.h"
#include <stddef.h>
#include <time.h>

#define SECOND 1000000000u

int clock_gettime(int clock, struct timespec *to)
{
    uint64_t from = clock == CLOCK_REALTIME ? startup_epoch() : 0;
    if ((clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) ||
        (clock == CLOCK_REALTIME && from == 0))
        return -1;
    uint64_t ns = from + atm_clock().r[0];
    *to = (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)};
    return 0;
}

time_t time(time_t *to)
{
    struct timespec now;
    time_t seconds = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : -1;
    if (to != NULL)
        *to = seconds;
    return seconds;
}
