/* SPDX-License-Identifier: MIT */
/* The ownership lists (core/owner.h). */
#include "core/owner.h"
#include "tests/unit/memory.h"

#define OWNER 5u
#define OTHER 6u

static int setup(void **state)
{
    (void)state;
    memory_start(1024, 0);
    for (pfn_t p = 1; p < 100; p++) {
        frame_owner[p] = 0;
        own_next[p] = own_prev[p] = own_first[p] = own_last[p] = 0;
    }
    return 0;
}

static void test_owner_add_three_eldest_first(void **state)
{
    (void)state;
    for (pfn_t p = 10; p < 13; p++)
        owner_add(OWNER, p);
    check_equal(own_first[OWNER], 10);
    check_equal(own_last[OWNER], 12);
    check_equal(own_next[10], 11);
    check_equal(own_prev[12], 11);
    check_equal(frame_owner[11], OWNER);
}

static void test_owner_remove_middle_joins_neighbours(void **state)
{
    (void)state;
    for (pfn_t p = 10; p < 13; p++)
        owner_add(OWNER, p);
    owner_remove(11);
    check_equal(own_next[10], 12);
    check_equal(own_prev[12], 10);
    check_equal(frame_owner[11], 0);
}

static void test_owner_remove_only_leaves_empty(void **state)
{
    (void)state;
    owner_add(OWNER, 10);
    owner_add(OTHER, 11);
    owner_remove(10);
    check_equal(own_first[OWNER], 0);
    check_equal(own_last[OWNER], 0);
    check_equal(own_first[OTHER], 11);
}

static void test_owner_add_again_moves_to_the_end(void **state)
{
    (void)state;
    owner_add(OWNER, 10);
    owner_add(OWNER, 11);
    owner_remove(10);
    owner_add(OWNER, 10);
    check_equal(own_first[OWNER], 11);
    check_equal(own_last[OWNER], 10);
    check_equal(own_next[10], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_owner_add_three_eldest_first, setup),
        cmocka_unit_test_setup(test_owner_remove_middle_joins_neighbours, setup),
        cmocka_unit_test_setup(test_owner_remove_only_leaves_empty, setup),
        cmocka_unit_test_setup(test_owner_add_again_moves_to_the_end, setup),
    };
    return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
