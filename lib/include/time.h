/* SPDX-License-Identifier: MIT */
/*
 * Dates and the time of day, as in C and POSIX; all of it UTC. lib/time.c calculates, lib/clock.c knows
 * what time it is.
 */
#ifndef LIBC_TIME_H
#define LIBC_TIME_H

typedef long time_t; /* seconds since 1970 */

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

struct tm {
    int tm_sec, tm_min, tm_hour;
    int tm_mday; /* from 1 */
    int tm_mon;  /* from 0 */
    int tm_year; /* since 1900 */
    int tm_wday; /* from Sunday, 0 */
    int tm_yday; /* from 0 */
    int tm_isdst;
};

#define CLOCK_REALTIME 0  /* since 1970 */
#define CLOCK_MONOTONIC 1 /* since boot */

/* The time of day, also in *to unless NULL; -1 on a machine whose clock showed none. */
time_t time(time_t *to);

/* 0; -1: there is no such clock, or the machine's showed no date. */
int clock_gettime(int clock, struct timespec *to);

/* The date of a time, in the years 1 to 9999: to; else NULL. */
struct tm *gmtime_r(const time_t *seconds, struct tm *to);

/* The time of a date, whose fields are set right. They may be out of their range, a month alone must
   not. */
time_t timegm(struct tm *date);

#endif
