/* SPDX-License-Identifier: MIT */
/*
 * Dates of the Gregorian calendar. Years are counted from March on inside, so that the leap day is the
 * last of its year.
 */
#include <stddef.h>
#include <time.h>

#define DAY 86400
#define DAYS_400_YEARS 146097
#define DAYS_TO_1970 719468  /* from the first of March of the year 0 */
#define FIRST (-62135596800) /* 0001-01-01 */
#define LAST 253402300799    /* 9999-12-31 23:59:59 */

/* Days from 1970 to the first of a month, from 0, of a year. */
static long month_start(long year, long month)
{
    long y = month < 2 ? year - 1 : year;
    long from_march = month < 2 ? month + 10 : month - 2;
    long era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    return era * DAYS_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 +
           (153 * from_march + 2) / 5 - DAYS_TO_1970;
}

struct tm *gmtime_r(const time_t *seconds, struct tm *to)
{
    if (*seconds < FIRST || *seconds > LAST)
        return NULL;
    long rest = *seconds % DAY < 0 ? *seconds % DAY + DAY : *seconds % DAY;
    long days = (*seconds - rest) / DAY, z = days + DAYS_TO_1970;
    long era = z / DAYS_400_YEARS, of_era = z % DAYS_400_YEARS;
    long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    long of_year = of_era - (365 * year + year / 4 - year / 100);
    long month = (5 * of_year + 2) / 153; /* from March */
    year += era * 400 + (month >= 10);
    *to = (struct tm){.tm_sec = (int)(rest % 60),
                      .tm_min = (int)(rest / 60 % 60),
                      .tm_hour = (int)(rest / 3600),
                      .tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1),
                      .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
                      .tm_year = (int)(year - 1900),
                      .tm_wday = (int)((days % 7 + 11) % 7), /* 1970 began on a Thursday */
                      .tm_yday = (int)(days - month_start(year, 0))};
    return to;
}

time_t timegm(struct tm *date)
{
    long days = month_start(date->tm_year + 1900l, date->tm_mon) + date->tm_mday - 1;
    time_t seconds = days * DAY + date->tm_hour * 3600l + date->tm_min * 60l + date->tm_sec;
    (void)gmtime_r(&seconds, date);
    return seconds;
}
