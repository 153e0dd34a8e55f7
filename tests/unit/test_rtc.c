/* SPDX-License-Identifier: MIT */
/*
 * The machine's clock: the reader (lib/rtc.c) on registers of every kind, right and wrong, and on the hosted machine's
 * model of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "arch/hosted/rtc.h"
#include "lib/rtc.h"

#define SECOND 1000000000u
#define GETS_MOST 1000000u

static uint8_t registers[128];
static unsigned gets;

static uint8_t get(enum rtc_register which)
{
    assert_true(++gets < GETS_MOST);
    return registers[which];
}

/* Registers as a clock of kind b would show them. */
static void show(time_t seconds, uint8_t b)
{
    static const enum rtc_register where[] = {RTC_SECOND, RTC_MINUTE,  RTC_DAY, RTC_MONTH,
                                              RTC_YEAR,   RTC_CENTURY, RTC_HOUR};
    struct tm t;
    gmtime_r(&seconds, &t);
    int hour = (b & RTC_B_24) != 0 ? t.tm_hour : (t.tm_hour + 11) % 12 + 1;
    const int value[] = {
        t.tm_sec, t.tm_min, t.tm_mday, t.tm_mon + 1, t.tm_year % 100, t.tm_year / 100 + 19, hour};
    memset(registers, 0, sizeof registers);
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++)
        registers[where[i]] =
            (uint8_t)((b & RTC_B_BINARY) != 0 ? value[i] : value[i] / 10 * 16 + value[i] % 10);
    if ((b & RTC_B_24) == 0 && t.tm_hour >= 12)
        registers[RTC_HOUR] |= RTC_PM;
    registers[RTC_B] = b;
    gets = 0;
}

static void reads(time_t seconds)
{
    uint64_t found = 0;
    const char *wrong = rtc_read(get, &found);
    assert_null(wrong);
    assert_int_equal(found, seconds);
}

static void refused(const char *why)
{
    uint64_t found = 77;
    gets = 0;
    assert_string_equal(rtc_read(get, &found), why);
    assert_int_equal(found, 77);
}

static void test_rtc_every_kind_of_clock(void **state)
{
    (void)state;
    srand(1);
    for (uint8_t kind = 0; kind < 4; kind++) {
        uint8_t b = (uint8_t)(kind * 2); /* 24 hours or 12, binary or not */
        for (int n = 0; n < 20000; n++) {
            time_t seconds =
                1 + (time_t)(((uint64_t)rand() << 31 | (uint64_t)rand()) % 7258118399); /* to 2199 */
            show(seconds, b);
            reads(seconds);
        }
        for (time_t hour = 0; hour < 24; hour++) {
            show(1772236800 + hour * 3600 + 59 * 60 + 59, b);
            reads(1772236800 + hour * 3600 + 59 * 60 + 59);
        }
    }
}

static void test_rtc_days_that_are_special(void **state)
{
    (void)state;
    static const time_t days[] = {1,          951782400,  951868799,  1709164800, 2147483647,
                                  2147483648, 4107542399, 4107542400, 4294967296};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        show(days[i], RTC_B_24);
        reads(days[i]);
    }
}

static void test_rtc_without_a_century(void **state)
{
    (void)state;
    static const uint8_t none[] = {0, 0x18, 0x22, 0x99, 0xff, 0xa0};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        show(1772323190, RTC_B_24); /* 2026 */
        registers[RTC_CENTURY] = none[i];
        reads(1772323190);
        show(784111777, RTC_B_24); /* 1994 */
        registers[RTC_CENTURY] = none[i];
        reads(784111777);
    }
}

static void wrong(enum rtc_register which, uint8_t value, const char *why)
{
    show(1772323190, RTC_B_24); /* 2026-02-28 23:59:50 */
    registers[which] = value;
    refused(why);
}

static void test_rtc_what_is_no_date_is_refused(void **state)
{
    (void)state;
    wrong(RTC_SECOND, 0x60, "it shows no time of day");
    wrong(RTC_SECOND, 0x5a, "it shows no time of day");
    wrong(RTC_MINUTE, 0xa0, "it shows no time of day");
    wrong(RTC_HOUR, 0x24, "it shows no time of day");
    wrong(RTC_MONTH, 0, "it shows no date");
    wrong(RTC_MONTH, 0x13, "it shows no date");
    wrong(RTC_YEAR, 0xa1, "it shows no date");
    wrong(RTC_DAY, 0, "it shows a day that there is not");
    wrong(RTC_DAY, 0x29, "it shows a day that there is not");
    wrong(RTC_DAY, 0xff, "it shows a day that there is not");
    wrong(RTC_CENTURY, 0x19, "it shows a date before 1970");
    show(1772323190, 0);
    registers[RTC_HOUR] = 0x13;
    refused("it shows no time of day");
    registers[RTC_HOUR] = RTC_PM;
    refused("it shows no time of day");
    show(4107542399, RTC_B_24); /* 2100-02-28 */
    registers[RTC_DAY] = 0x29;
    refused("it shows a day that there is not");
}

static void test_rtc_none_is_noticed_at_once(void **state)
{
    (void)state;
    memset(registers, 0xff, sizeof registers);
    refused("there is none");
    assert_true(gets < 10);
}

static void test_rtc_always_updating_is_given_up(void **state)
{
    (void)state;
    show(1772323190, RTC_B_24);
    registers[RTC_A] = RTC_A_UPDATING;
    refused("it never stops changing");
}

static void test_rtc_any_registers_end_in_a_date_or_a_reason(void **state)
{
    (void)state;
    srand(2);
    for (int n = 0; n < 200000; n++) {
        uint64_t seconds = 0;
        for (size_t i = 0; i < sizeof registers; i++)
            registers[i] = (uint8_t)(rand() % (n % 2 == 0 ? 256 : 0x40));
        registers[RTC_A] = 0;
        gets = 0;
        assert_true(rtc_read(get, &seconds) != NULL || (seconds > 0 && seconds < 7258118400));
    }
}

static uint8_t get_random(enum rtc_register which)
{
    (void)which;
    assert_true(++gets < GETS_MOST);
    return (uint8_t)(rand() & 0x7f);
}

static void test_rtc_that_never_says_the_same_is_given_up(void **state)
{
    (void)state;
    uint64_t seconds;
    srand(3);
    gets = 0;
    assert_string_equal(rtc_read(get_random, &seconds), "it says something else each time");
}

/* ---- the model; each access takes some time ---- */

static uint64_t now, step;

static uint8_t get_model(enum rtc_register which)
{
    assert_true(++gets < GETS_MOST);
    now += step;
    rtc_out(0, (uint8_t)(which | 0x80)); /* bit 7 is not of the number */
    now += step;
    return rtc_in(1, now);
}

static void test_rtc_model_is_read_right_at_any_moment(void **state)
{
    (void)state;
    static const uint64_t steps[] = {1, 300, 5000, 10000};
    rtc_start(1772323190, 123456789);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++)
        for (uint64_t begin = 0; begin < 20ull * SECOND; begin += 7777777) {
            uint64_t seconds = 0;
            now = begin;
            step = steps[s];
            gets = 0;
            assert_null(rtc_read(get_model, &seconds));
            assert_true(seconds >= 1772323190 + (123456789 + begin) / SECOND);
            assert_true(seconds <= 1772323190 + (123456789 + now) / SECOND);
        }
}

static void test_rtc_model_says_before_it_changes(void **state)
{
    (void)state;
    rtc_start(1772323190, 0);
    rtc_out(0, RTC_A);
    assert_int_equal(rtc_in(1, 0) & RTC_A_UPDATING, 0);
    assert_int_equal(rtc_in(1, SECOND - 1) & RTC_A_UPDATING, RTC_A_UPDATING);
    assert_int_equal(rtc_in(1, SECOND) & RTC_A_UPDATING, 0);
    assert_int_equal(rtc_in(0, 0), 0xff);
}

static void test_rtc_model_dates_of_the_option(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-02-28",
                                      "2026-02-30T00:00:00",
                                      "2026-2-28T00:00:00",
                                      "2026-13-01T00:00:00",
                                      "1969-12-31T23:59:59",
                                      "2200-01-01T00:00:00",
                                      "2026-02-28T24:00:00",
                                      "2026-02-28T23:59:60",
                                      "2026-02-28T23:59:50Z",
                                      " 2026-02-28T23:59:50",
                                      "now"};
    int64_t seconds = 0;
    assert_true(rtc_date_read("2026-02-28T23:59:50", &seconds));
    assert_int_equal(seconds, 1772323190);
    assert_true(rtc_date_read("2000-02-29T00:00:00", &seconds));
    assert_int_equal(seconds, 951782400);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rtc_date_read(bad[i], &seconds));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtc_every_kind_of_clock),
        cmocka_unit_test(test_rtc_days_that_are_special),
        cmocka_unit_test(test_rtc_without_a_century),
        cmocka_unit_test(test_rtc_what_is_no_date_is_refused),
        cmocka_unit_test(test_rtc_none_is_noticed_at_once),
        cmocka_unit_test(test_rtc_always_updating_is_given_up),
        cmocka_unit_test(test_rtc_any_registers_end_in_a_date_or_a_reason),
        cmocka_unit_test(test_rtc_that_never_says_the_same_is_given_up),
        cmocka_unit_test(test_rtc_model_is_read_right_at_any_moment),
        cmocka_unit_test(test_rtc_model_says_before_it_changes),
        cmocka_unit_test(test_rtc_model_dates_of_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
