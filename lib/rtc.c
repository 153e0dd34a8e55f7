/* SPDX-License-Identifier: MIT */
/*
 * The machine's clock as seconds since 1970. The registers are read until they say the same twice, as they change under the
 * reader; whatever they hold is legal here, and what is no date is said to be none.
 */
#include "lib/rtc.h"
#include <string.h>
#include <time.h>

#define UPDATES_MOST 20000u /* looks at register A; an update takes 2 ms, a look more than 1 us */
#define READS_MOST 10u

static const enum rtc_register fields[] = {RTC_SECOND, RTC_MINUTE,  RTC_HOUR, RTC_DAY,
                                           RTC_MONTH,  RTC_CENTURY, RTC_YEAR, RTC_B};
#define FIELDS (sizeof fields / sizeof fields[0])
enum { SECOND, MINUTE, HOUR, DAY, MONTH, CENTURY, YEAR, B };

/* The registers at a time when they do not change: 1, or 0 when that never comes. */
static int registers_get(uint8_t (*get)(enum rtc_register which), uint8_t to[FIELDS])
{
    unsigned looks = 0;
    while ((get(RTC_A) & RTC_A_UPDATING) != 0)
        if (++looks == UPDATES_MOST)
            return 0;
    for (size_t i = 0; i < FIELDS; i++)
        to[i] = get(fields[i]);
    return 1;
}

/* The number a register holds; 255: none. */
static uint8_t number(uint8_t byte, uint8_t b)
{
    if ((b & RTC_B_BINARY) != 0)
        return byte;
    return (byte & 15) > 9 || byte >> 4 > 9 ? 255 : (uint8_t)((byte >> 4) * 10 + (byte & 15));
}

static uint8_t hour_of(uint8_t byte, uint8_t b)
{
    if ((b & RTC_B_24) != 0)
        return number(byte, b);
    uint8_t hour = number(byte & (uint8_t)~RTC_PM, b);
    if (hour < 1 || hour > 12)
        return 255;
    return (uint8_t)(hour % 12 + ((byte & RTC_PM) != 0 ? 12 : 0));
}

/* A century there may be counts; else, years from 70 on are of the last one. */
static int year_of(uint8_t year, uint8_t century)
{
    if (century >= 19 && century <= 21)
        return century * 100 + year;
    return year + (year < 70 ? 2000 : 1900);
}

static const char *decode(const uint8_t r[FIELDS], uint64_t *seconds)
{
    uint8_t b = r[B], year = number(r[YEAR], b);
    struct tm date = {.tm_sec = number(r[SECOND], b),
                      .tm_min = number(r[MINUTE], b),
                      .tm_hour = hour_of(r[HOUR], b),
                      .tm_mday = number(r[DAY], b),
                      .tm_mon = number(r[MONTH], b) - 1,
                      .tm_year = year_of(year, number(r[CENTURY], b)) - 1900};
    if (date.tm_sec > 59 || date.tm_min > 59 || date.tm_hour > 23)
        return "it shows no time of day";
    if (year > 99 || date.tm_mon < 0 || date.tm_mon > 11)
        return "it shows no date";
    struct tm real = date;
    time_t time = timegm(&real);
    if (real.tm_mday != date.tm_mday)
        return "it shows a day that there is not"; /* 30 February; or day 0 */
    if (time <= 0)
        return "it shows a date before 1970";
    *seconds = (uint64_t)time;
    return NULL;
}

const char *rtc_read(uint8_t (*get)(enum rtc_register which), uint64_t *seconds)
{
    uint8_t first[FIELDS], second[FIELDS];
    if (get(RTC_A) == 0xff && get(RTC_B) == 0xff)
        return "there is none";
    if (!registers_get(get, second))
        return "it never stops changing";
    for (unsigned reads = 0; reads < READS_MOST; reads++) {
        memcpy(first, second, sizeof first);
        if (!registers_get(get, second))
            return "it never stops changing";
        if (memcmp(first, second, sizeof first) == 0)
            return decode(first, seconds);
    }
    return "it says something else each time";
}
