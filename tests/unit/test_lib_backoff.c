/* SPDX-License-Identifier: MIT */
/* Init's waits before restarts (servers/init/backoff.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "servers/init/backoff.h"

#define SECOND 1000000000u

static struct backoff b;
static uint64_t now;

/* One life of so many ns; how many seconds it is then left alone. */
static uint64_t life(uint64_t ns)
{
    backoff_start(&b, now);
    now += ns;
    uint64_t wait = backoff_end(&b, now);
    now += wait;
    assert_int_equal(wait % SECOND, 0);
    return wait / SECOND;
}

static void begin(void)
{
    b = (struct backoff){0};
    now = SECOND;
}

static void test_backoff_first_ends_wait_for_nothing(void **state)
{
    (void)state;
    begin();
    for (unsigned n = 0; n < BACKOFF_FREE; n++)
        assert_int_equal(life(0), 0);
}

static void test_backoff_further_ends_wait_twice_as_long_up_to_the_bound(void **state)
{
    (void)state;
    static const uint64_t waits[] = {1, 2, 4, 8, 16, 32, 32, 32};
    begin();
    for (unsigned n = 0; n < BACKOFF_FREE; n++)
        (void)life(SECOND);
    for (unsigned n = 0; n < sizeof waits / sizeof waits[0]; n++)
        assert_int_equal(life(SECOND), waits[n]);
    b.ends = UINT64_MAX - 1;
    assert_int_equal(life(0), BACKOFF_MOST_NS / SECOND);
}

static void test_backoff_long_life_begins_anew(void **state)
{
    (void)state;
    begin();
    for (unsigned n = 0; n < BACKOFF_FREE + 3; n++)
        (void)life(BACKOFF_STEADY_NS - 1);
    assert_int_equal(b.ends, BACKOFF_FREE + 3);
    assert_int_equal(life(BACKOFF_STEADY_NS), 0);
    assert_int_equal(b.ends, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_first_ends_wait_for_nothing),
        cmocka_unit_test(test_backoff_further_ends_wait_twice_as_long_up_to_the_bound),
        cmocka_unit_test(test_backoff_long_life_begins_anew),
    };
    return cmocka_run_group_tests_name("lib_backoff", tests, NULL, NULL);
}
