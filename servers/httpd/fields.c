/* SPDX-License-Identifier: MIT */
/*
 * Values of fields: dates, entity tags, ranges.
 */
#include "request.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char day_names[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct date {
    uint64_t year, month, day, hour, minute, second; /* month from 0, day from 1 */
};

static int date_seconds(const struct date *d, uint64_t *seconds)
{
    struct tm date = {.tm_min = (int)d->minute,
                      .tm_hour = (int)d->hour,
                      .tm_mday = (int)d->day,
                      .tm_mon = (int)d->month,
                      .tm_year = (int)d->year - 1900};
    if (d->year < 1970 || d->day > 31 || d->hour > 23 || d->minute > 59 || d->second > 60)
        return 0;
    uint64_t time = (uint64_t)timegm(&date);
    if (date.tm_mday != (int)d->day) /* there is no such day */
        return 0;
    *seconds = time + d->second;
    return 1;
}

void http_date_write(uint64_t seconds, char to[HTTP_DATE_BYTES])
{
    static const time_t last = 253402300799; /* of the year 9999 */
    time_t time = seconds < (uint64_t)last ? (time_t)seconds : last;
    struct tm date = {0};
    (void)gmtime_r(&time, &date);
    snprintf(to, HTTP_DATE_BYTES, "%s, %02d %s %04d %02d:%02d:%02d GMT", day_names[date.tm_wday],
             date.tm_mday, month_names[date.tm_mon], date.tm_year + 1900, date.tm_hour, date.tm_min,
             date.tm_sec);
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
