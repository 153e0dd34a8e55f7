/* SPDX-License-Identifier: MIT */
/* Dates: lib/time.c against the host's, over all years there are and at the edges of months. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct tm *lib_gmtime_r(const time_t *seconds, struct tm *to);
time_t lib_timegm(struct tm *date);

#define DAY 86400
#define FIRST (-62135596800) /* 0001-01-01 */
#define LAST 253402300799    /* 9999-12-31 23:59:59 */

static void same_as_host(time_t seconds)
{
    struct tm host = {0}, ours = {0};
    assert_ptr_equal(gmtime_r(&seconds, &host), &host);
    assert_ptr_equal(lib_gmtime_r(&seconds, &ours), &ours);
    assert_memory_equal(&ours, &host, offsetof(struct tm, tm_isdst));
    assert_int_equal(lib_timegm(&ours), seconds);
}

static void test_gmtime_every_day_of_four_centuries_as_the_host(void **state)
{
    (void)state;
    for (time_t day = 0; day < 146097; day++) {
        same_as_host(day * DAY);
        same_as_host(day * DAY + DAY - 1);
    }
}

static void test_gmtime_any_second_as_the_host(void **state)
{
    (void)state;
    srand(1);
    for (int n = 0; n < 200000; n++)
        same_as_host(FIRST + (time_t)(((uint64_t)rand() << 31 | (uint64_t)rand()) % (LAST - FIRST)));
    same_as_host(FIRST);
    same_as_host(LAST);
    same_as_host(-1);
}

static void date_is(time_t seconds, int year, int month, int day)
{
    struct tm date;
    assert_non_null(lib_gmtime_r(&seconds, &date));
    assert_int_equal(date.tm_year + 1900, year);
    assert_int_equal(date.tm_mon + 1, month);
    assert_int_equal(date.tm_mday, day);
}

static void test_gmtime_known_days(void **state)
{
    (void)state;
    date_is(951782400, 2000, 2, 29);
    date_is(2147483647, 2038, 1, 19);
    date_is(2147483648, 2038, 1, 19);
    date_is(4107542399, 2100, 2, 28);
    date_is(4107542400, 2100, 3, 1);
    date_is(4294967296, 2106, 2, 7);
}

static void test_gmtime_beyond_four_digits_of_years_is_refused(void **state)
{
    (void)state;
    const time_t beyond[] = {LAST + 1, FIRST - 1, INT64_MAX, INT64_MIN};
    struct tm date;
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++)
        assert_null(lib_gmtime_r(&beyond[i], &date));
}

static void test_timegm_days_out_of_range_are_carried(void **state)
{
    (void)state;
    struct tm date = {.tm_year = 126, .tm_mon = 1, .tm_mday = 30};
    assert_int_equal(lib_timegm(&date), 1772409600); /* 2 March 2026 */
    date = (struct tm){.tm_year = 126, .tm_mon = 1, .tm_mday = 0};
    assert_int_equal(lib_timegm(&date), 1769817600); /* 31 January */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gmtime_every_day_of_four_centuries_as_the_host),
        cmocka_unit_test(test_gmtime_any_second_as_the_host),
        cmocka_unit_test(test_gmtime_known_days),
        cmocka_unit_test(test_gmtime_beyond_four_digits_of_years_is_refused),
        cmocka_unit_test(test_timegm_days_out_of_range_are_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
