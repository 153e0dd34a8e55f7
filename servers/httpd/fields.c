/* SPDX-License-Identifier: MIT */
/*
 * Values of fields: dates, entity tags, ranges.
 */
#include "request.h"
#include <stdio.h>
#include <string.h>

#define DAY 86400u

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

struct date {
    uint64_t year, month, day, hour, minute, second; /* month from 0, day from 1 */
};

static int is_leap(uint64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static uint64_t month_days(uint64_t year, uint64_t month)
{
    static const unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year) ? 1u : 0u);
}

/* Days from 1970 to the first of a year >= 1970. */
static uint64_t year_start(uint64_t year)
{
    uint64_t y = year - 1;
    return (year - 1970) * 365 + (y / 4 - 492) - (y / 100 - 19) + (y / 400 - 4);
}

static int date_seconds(const struct date *d, uint64_t *seconds)
{
    if (d->year < 1970 || d->year > 9999 || d->month > 11 || d->day < 1 ||
        d->day > month_days(d->year, d->month) || d->hour > 23 || d->minute > 59 || d->second > 60)
        return 0;
    uint64_t days = year_start(d->year) + d->day - 1;
    for (uint64_t m = 0; m < d->month; m++)
        days += month_days(d->year, m);
    *seconds = days * DAY + d->hour * 3600 + d->minute * 60 + d->second;
    return 1;
}

void http_date_write(uint64_t seconds, char to[HTTP_DATE_BYTES])
{
    static const uint64_t last = 253402300799u; /* of the year 9999 */
    if (seconds > last)
        seconds = last;
    uint64_t days = seconds / DAY, rest = seconds % DAY, year = 1970 + days / 366, month = 0;
    while (year_start(year + 1) <= days)
        year++;
    uint64_t day = days - year_start(year);
    while (day >= month_days(year, month))
        day -= month_days(year, month++);
    snprintf(to, HTTP_DATE_BYTES, "%s, %02lu %s %04lu %02lu:%02lu:%02lu GMT", day_names[days % 7],
             day + 1, month_names[month], year, rest / 3600, rest / 60 % 60, rest % 60);
}

/* Takes digits, at least one and no more than most. */
static int digits_take(struct http_text *t, size_t most, uint64_t *number)
{
    size_t n = 0;
    while (n < most && n < t->bytes && t->at[n] >= '0' && t->at[n] <= '9')
        n++;
    int good = http_number_read((struct http_text){t->at, n}, number);
    t->at += n;
    t->bytes -= n;
    return good;
}

static int byte_take(struct http_text *t, const char *set)
{
    if (t->bytes == 0 || t->at[0] == 0 || strchr(set, t->at[0]) == NULL)
        return 0;
    t->at++;
    t->bytes--;
    return 1;
}

static int month_take(struct http_text *t, uint64_t *month)
{
    for (*month = 0; t->bytes >= 3 && *month < 12; ++*month)
        if (memcmp(t->at, month_names[*month], 3) == 0) {
            t->at += 3;
            t->bytes -= 3;
            return 1;
        }
    return 0;
}

static int time_take(struct http_text *t, struct date *d)
{
    return digits_take(t, 2, &d->hour) && byte_take(t, ":") && digits_take(t, 2, &d->minute) &&
           byte_take(t, ":") && digits_take(t, 2, &d->second);
}

/* "06 Nov 1994 08:49:37 GMT" or "06-Nov-94 08:49:37 GMT" */
static int date_take(struct http_text *t, struct date *d)
{
    if (!digits_take(t, 2, &d->day) || !byte_take(t, " -") || !month_take(t, &d->month) ||
        !byte_take(t, " -"))
        return 0;
    size_t before = t->bytes;
    if (!digits_take(t, 4, &d->year))
        return 0;
    if (before - t->bytes == 2)
        d->year += d->year < 70 ? 2000 : 1900;
    return byte_take(t, " ") && time_take(t, d) && t->bytes == 4 && memcmp(t->at, " GMT", 4) == 0;
}

/* "Nov  6 08:49:37 1994" */
static int asctime_take(struct http_text *t, struct date *d)
{
    if (!month_take(t, &d->month) || !byte_take(t, " "))
        return 0;
    (void)byte_take(t, " ");
    return digits_take(t, 2, &d->day) && byte_take(t, " ") && time_take(t, d) &&
           byte_take(t, " ") && digits_take(t, 4, &d->year) && t->bytes == 0;
}

int http_date_read(struct http_text t, uint64_t *seconds)
{
    struct date d = {0};
    while (t.bytes > 0 && t.at[0] != ',' && t.at[0] != ' ') { /* the day of the week says nothing */
        t.at++;
        t.bytes--;
    }
    if (byte_take(&t, ","))
        return byte_take(&t, " ") && date_take(&t, &d) && date_seconds(&d, seconds);
    return byte_take(&t, " ") && asctime_take(&t, &d) && date_seconds(&d, seconds);
}

int http_tag_listed(struct http_text list, const char *tag, int weak)
{
    struct http_text member;
    size_t bytes = strlen(tag);
    while (http_list_next(&list, &member)) {
        if (member.bytes == 1 && member.at[0] == '*')
            return 1;
        if (weak && member.bytes > 2 && memcmp(member.at, "W/", 2) == 0) {
            member.at += 2;
            member.bytes -= 2;
        }
        if (member.bytes == bytes && memcmp(member.at, tag, bytes) == 0)
            return 1;
    }
    return 0;
}

enum http_range http_range_read(struct http_text range, uint64_t size, uint64_t *first,
                                uint64_t *bytes)
{
    uint64_t last = UINT64_MAX;
    if (range.at == NULL || range.bytes < 6 ||
        !http_text_is((struct http_text){range.at, 6}, "bytes="))
        return HTTP_RANGE_NONE;
    struct http_text t = {range.at + 6, range.bytes - 6};
    const char *dash = memchr(t.at, '-', t.bytes);
    if (dash == NULL || memchr(t.at, ',', t.bytes) != NULL) /* several: all of it is right, too */
        return HTTP_RANGE_NONE;
    struct http_text from = {t.at, (size_t)(dash - t.at)};
    struct http_text to = {dash + 1, t.bytes - from.bytes - 1};
    if (to.bytes > 0 && !http_number_read(to, &last))
        return HTTP_RANGE_NONE;
    if (from.bytes == 0) { /* the last so many */
        if (to.bytes == 0)
            return HTTP_RANGE_NONE;
        *bytes = last < size ? last : size;
        *first = size - *bytes;
        return *bytes > 0 ? HTTP_RANGE_PART : HTTP_RANGE_IMPOSSIBLE;
    }
    if (!http_number_read(from, first) || last < *first)
        return HTTP_RANGE_NONE;
    if (*first >= size)
        return HTTP_RANGE_IMPOSSIBLE;
    *bytes = (last < size - 1 ? last : size - 1) - *first + 1;
    return HTTP_RANGE_PART;
}
