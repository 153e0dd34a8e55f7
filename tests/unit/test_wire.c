/* SPDX-License-Identifier: MIT */
/* The virtual cable: order, delay, loss and overtaking as asked for, repeatable, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/hosted/wire.h"

#define MS 1000000u
#define FRAMES 2000u

static const struct wire_faults none;

static void put(struct wire *w, uint32_t number, uint64_t now)
{
    uint8_t frame[60] = {0};

    memcpy(frame, &number, sizeof number);
    (void)wire_put(w, frame, sizeof frame, now);
}

static uint32_t take(struct wire *w, uint64_t now)
{
    const struct wire_frame *f = wire_look(w, now);
    uint32_t number;

    assert_non_null(f);
    assert_int_equal(f->bytes, 60);
    memcpy(&number, f->data, sizeof number);
    wire_drop(w);
    return number;
}

static void test_plain_keeps_order_and_content(void **state)
{
    struct wire w;

    (void)state;
    wire_init(&w, &none, 1);
    assert_true(wire_is_plain(&w));
    assert_int_equal(wire_next(&w), WIRE_NEVER);
    for (uint32_t i = 0; i < FRAMES; i++) {
        put(&w, i, 5);
    }
    assert_false(wire_is_plain(&w)); /* one must not pass those that wait */
    assert_int_equal(wire_next(&w), 5);
    for (uint32_t i = 0; i < FRAMES; i++) {
        assert_int_equal(take(&w, 5), i);
    }
    assert_null(wire_look(&w, UINT64_MAX));
    wire_drop(&w); /* of nothing: nothing */
    assert_true(wire_is_plain(&w));
}

static void test_delay_is_kept(void **state)
{
    const struct wire_faults faults = {.delay = 20 * MS};
    struct wire w;

    (void)state;
    wire_init(&w, &faults, 1);
    assert_false(wire_is_plain(&w));
    put(&w, 1, 100);
    assert_null(wire_look(&w, 100 + 20 * MS - 1));
    assert_int_equal(wire_next(&w), 100 + 20 * MS);
    assert_int_equal(take(&w, 100 + 20 * MS), 1);
}

/* How many of FRAMES arrive, and how many of them after one that was sent later. */
static uint32_t arrive(const struct wire_faults *faults, uint64_t seed, uint32_t *late,
                       uint64_t *sum)
{
    struct wire w;
    uint32_t count = 0, highest = 0;

    wire_init(&w, faults, seed);
    *late = 0;
    *sum = 0;
    for (uint32_t i = 1; i <= FRAMES; i++) {
        put(&w, i, i * 100000ull);
    }
    for (; w.count > 0; count++) {
        uint32_t number = take(&w, UINT64_MAX);

        *late += number < highest;
        highest = number > highest ? number : highest;
        *sum = *sum * 31 + number;
    }
    assert_int_equal(count + w.lost, FRAMES);
    assert_int_equal(w.full, 0);
    return count;
}

static void test_loss_is_about_as_asked(void **state)
{
    const struct wire_faults faults = {.loss = WIRE_MILLION / 10}, all = {.loss = WIRE_MILLION};
    uint32_t late;
    uint64_t sum;

    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        uint32_t lost = FRAMES - arrive(&faults, seed, &late, &sum);

        assert_in_range(lost, FRAMES / 20, FRAMES / 5);
        assert_int_equal(late, 0);
        assert_int_equal(arrive(&all, seed, &late, &sum), 0);
    }
}

static void test_reorder_loses_nothing_and_overtakes(void **state)
{
    const struct wire_faults faults = {.reorder = WIRE_MILLION / 10};
    uint32_t late;
    uint64_t sum;

    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        assert_int_equal(arrive(&faults, seed, &late, &sum), FRAMES);
        assert_in_range(late, FRAMES / 20, FRAMES / 2);
    }
}

static void test_same_seed_same_faults(void **state)
{
    const struct wire_faults faults = {.loss = 50000, .reorder = 50000, .delay = MS};
    uint64_t sum[3];
    uint32_t late;

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        (void)arrive(&faults, i == 2 ? 8 : 7, &late, &sum[i]);
    }
    assert_int_equal(sum[0], sum[1]);
    assert_int_not_equal(sum[0], sum[2]);
}

static void test_full_loses_and_clear_empties(void **state)
{
    struct wire w;

    (void)state;
    wire_init(&w, &none, 1);
    for (uint32_t i = 0; i < WIRE_FRAMES_MAX + 3; i++) {
        put(&w, i, 0);
    }
    assert_int_equal(w.count, WIRE_FRAMES_MAX);
    assert_int_equal(w.full, 3);
    wire_clear(&w);
    assert_int_equal(w.count, 0);
    assert_int_equal(wire_next(&w), WIRE_NEVER);
}

static void test_too_long_is_lost(void **state)
{
    static const uint8_t frame[WIRE_BYTES_MAX + 1];
    struct wire w;

    (void)state;
    wire_init(&w, &none, 1);
    assert_false(wire_put(&w, frame, sizeof frame, 0));
    assert_true(wire_put(&w, frame, WIRE_BYTES_MAX, 0));
    wire_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_keeps_order_and_content),
        cmocka_unit_test(test_delay_is_kept),
        cmocka_unit_test(test_loss_is_about_as_asked),
        cmocka_unit_test(test_reorder_loses_nothing_and_overtakes),
        cmocka_unit_test(test_same_seed_same_faults),
        cmocka_unit_test(test_full_loses_and_clear_empties),
        cmocka_unit_test(test_too_long_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
