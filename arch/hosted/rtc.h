/* SPDX-License-Identifier: MIT */
/*
 * The machine's clock at ports 0x70 and 0x71, read-only: an MC146818 with a century, in UTC, two decimal digits a number
 * and 24 hours a day. It shows the date the machine began with and the time that went by since.
 */
#ifndef HOSTED_RTC_H
#define HOSTED_RTC_H

#include <stdbool.h>
#include <stdint.h>

#define RTC_PORT 0x70u
#define RTC_PORTS 2u
#define RTC_DATE_DEFAULT 1767225600 /* 2026-01-01 00:00:00 */
#define RTC_DATE_BYTES 20u          /* of "2026-01-01T00:00:00" with its ending 0 */

/* The machine begins at this date, seconds since 1970 and nanoseconds. Without a call there is no clock. */
void rtc_start(int64_t seconds, uint64_t nanoseconds);

/* Reads a date as it is written above; false: it is none from 1970 to 2199. */
bool rtc_date_read(const char *text, int64_t *seconds);
void rtc_date_write(int64_t seconds, char to[RTC_DATE_BYTES]);

/* A port, 0 or 1; now: nanoseconds the machine has run for. */
uint8_t rtc_in(uint16_t port, uint64_t now);
void rtc_out(uint16_t port, uint8_t value);

#endif
