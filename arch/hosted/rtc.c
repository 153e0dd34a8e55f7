/* SPDX-License-Identifier: MIT */
/*
 * Before a second is over the clock says for 244 us that it is about to change, as the real one does; then it changes at
 * once.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "arch/hosted/rtc.h"

#define SECOND 1000000000u
#define UPDATE 244000u /* ns */
#define YEAR_LAST 2199

enum {
    REG_SECOND,
    REG_MINUTE = 2,
    REG_HOUR = 4,
    REG_WEEKDAY = 6,
    REG_DAY,
    REG_MONTH,
    REG_YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
    REG_CENTURY = 0x32
};
#define A_UPDATING 0x80u
#define A_32_KHZ 0x26u
#define B_24_HOURS 2u
#define D_POWER 0x80u
#define INDEX 0x7fu /* bit 7 masks NMIs, of which there are none */

static struct {
    bool there;
    int64_t seconds; /* when the machine began */
    uint64_t nanoseconds;
    uint8_t index;
} rtc;

void rtc_start(int64_t seconds, uint64_t nanoseconds)
{
    rtc.there = true;
    rtc.seconds = seconds;
    rtc.nanoseconds = nanoseconds;
}

bool rtc_date_read(const char *text, int64_t *seconds)
{
    char again[RTC_DATE_BYTES];
    struct tm date;
    const char *end;

    memset(&date, 0, sizeof date);
    end = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);
    if (end == NULL || *end != 0 || date.tm_year < 70 || date.tm_year > YEAR_LAST - 1900) {
        return false;
    }
    *seconds = timegm(&date);
    rtc_date_write(*seconds, again);
    return *seconds > 0 && strcmp(text, again) == 0; /* not so: 30 February, or digits left out */
}

void rtc_date_write(int64_t seconds, char to[RTC_DATE_BYTES])
{
    struct tm date;

    (void)gmtime_r(&seconds, &date);
    (void)strftime(to, RTC_DATE_BYTES, "%Y-%m-%dT%H:%M:%S", &date);
}

static uint8_t digits(int number) { return (uint8_t)(number / 10 * 16 + number % 10); }

static uint8_t register_read(uint8_t which, const struct tm *date, bool updating)
{
    switch (which) {
    case REG_SECOND:
        return digits(date->tm_sec);
    case REG_MINUTE:
        return digits(date->tm_min);
    case REG_HOUR:
        return digits(date->tm_hour);
    case REG_WEEKDAY:
        return (uint8_t)(date->tm_wday + 1);
    case REG_DAY:
        return digits(date->tm_mday);
    case REG_MONTH:
        return digits(date->tm_mon + 1);
    case REG_YEAR:
        return digits(date->tm_year % 100);
    case REG_CENTURY:
        return digits(date->tm_year / 100 + 19);
    case REG_A:
        return A_32_KHZ | (updating ? A_UPDATING : 0);
    case REG_B:
        return B_24_HOURS;
    case REG_D:
        return D_POWER;
    default:
        return 0;
    }
}

uint8_t rtc_in(uint16_t port, uint64_t now)
{
    uint64_t since = rtc.nanoseconds + now;
    int64_t seconds = rtc.seconds + (int64_t)(since / SECOND);
    struct tm date;

    if (!rtc.there || port != 1) {
        return UINT8_MAX;
    }
    (void)gmtime_r(&seconds, &date);
    return register_read(rtc.index, &date, since % SECOND >= SECOND - UPDATE);
}

void rtc_out(uint16_t port, uint8_t value)
{
    if (port == 0) {
        rtc.index = value & INDEX;
    }
}
