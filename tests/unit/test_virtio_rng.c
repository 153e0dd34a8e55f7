/* SPDX-License-Identifier: MIT */
/* The virtio-rng model: all of a request's memory is filled, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "arch/hosted/virtio_rng.h"
#include "tests/unit/virtio_guest.h"

static void fill(void *to, size_t bytes) { memset(to, 0xcc, bytes); }

static int setup(void **state)
{
    (void)state;
    guest_clear();
    assert_true(rng_add(fill));
    assert_true(guest_find());
    assert_int_equal(guest_start(0, 1), 15);
    return 0;
}

static void test_request_is_filled(void **state)
{
    (void)state;
    const struct guest_piece piece[] = {
        {GUEST_DATA + 8, 10, false}, {GUEST_DATA + 64, 3, true}, {GUEST_DATA + 128, 100, true}};
    uint32_t head, bytes;
    guest_offer(0, 2, piece, 3);
    assert_true(guest_used(0, &head, &bytes));
    assert_int_equal(bytes, 103);
    assert_int_equal(guest_ram[GUEST_DATA + 8], 0);
    assert_int_equal(guest_ram[GUEST_DATA + 66], 0xcc);
    assert_int_equal(guest_ram[GUEST_DATA + 67], 0);
    assert_int_equal(guest_ram[GUEST_DATA + 128], 0xcc);
    assert_int_equal(guest_ram[GUEST_DATA + 227], 0xcc);
    assert_int_equal(guest_ram[GUEST_DATA + 228], 0);
    assert_int_equal(guest_seen.messages, 1);
}

static void test_request_without_memory_to_fill_comes_back(void **state)
{
    (void)state;
    uint32_t head, bytes;
    guest_offer(0, 0, &(struct guest_piece){GUEST_DATA, 10, false}, 1);
    assert_true(guest_used(0, &head, &bytes));
    assert_int_equal(bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_request_is_filled, setup),
        cmocka_unit_test_setup(test_request_without_memory_to_fill_comes_back, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
