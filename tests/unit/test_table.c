/* SPDX-License-Identifier: MIT */
/* Page tables (core/table.h): make, set, find, clear, prune, sizes, and a random sequence against a list. */
#include "core/table.h"
#include "tests/unit/memory.h"

static pfn_t root;
static uint64_t free_before;

static int setup(void **state)
{
    (void)state;
    memory_start(8192, 0);
    free_before = alloc_free_frames();
    root = table_create_root();
    return root == 0;
}

static uint64_t lookup(uint64_t va)
{
    pfn_t t = table_find(root, va);
    return table_at[PT(t)].entry[table_index(va, table_level[t])];
}

static void set(uint64_t va, uint64_t frame, uint32_t flags)
{
    uint32_t level = 1 + flags / 16 % 4;
    pfn_t t = table_make(root, va, level);
    assert_true(t != 0);
    check_equal(table_level[t], level);
    table_set(t, table_index(va, level), entry_make(frame, flags));
}

static void clear(uint64_t va)
{
    pfn_t t = table_find(root, va);
    table_clear(t, table_index(va, table_level[t]));
    table_prune(t);
}

static void test_entry_make_flags_round_trip(void **state)
{
    (void)state;
    static const uint32_t flags[] = {
        PAGE_READ,
        PAGE_READ | PAGE_WRITE | PAGE_MAX_WRITE,
        PAGE_READ | PAGE_EXECUTE | PAGE_MAX_EXECUTE | PAGE_MAX_WRITE,
        PAGE_READ | PAGE_SIZE_2M | PAGE_WRITE,
        PAGE_READ | PAGE_SIZE_1G | PAGE_DEVICE,
    };
    for (uint32_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        uint64_t e = entry_make(0xABCDE, flags[i]);
        check_equal(entry_flags(e), flags[i]);
        check_equal(entry_frame(e), 0xABCDE);
        check_equal(e & PTE_PRESENT, PTE_PRESENT);
        check_equal(e & PTE_USER, PTE_USER);
        check_equal((e & PTE_NX) != 0, (flags[i] & PAGE_EXECUTE) == 0);
    }
}

static void test_table_find_empty_is_root(void **state)
{
    (void)state;
    check_equal(table_find(root, 0x400000), root);
    check_equal(lookup(0x400000), 0);
    check_equal(table_missing(root, 0x400000, 1), 3);
    check_equal(table_missing(root, 0x400000, 2), 2);
    check_equal(table_missing(root, 0x400000, 3), 1);
}

static void test_table_set_maps_this_address_only(void **state)
{
    (void)state;
    set(0x400000, 77, PAGE_READ);
    check_equal(entry_frame(lookup(0x400000)), 77);
    check_equal(entry_frame(lookup(0x400FFF)), 77);
    check_equal(lookup(0x401000), 0);
    check_equal(lookup(0x3FF000), 0);
    check_equal(lookup(0x400000 + SPAN_512G), 0);
    check_equal(table_missing(root, 0x401000, 1), 0);
}

static void test_table_set_superpages_cover_their_span(void **state)
{
    (void)state;
    set(SPAN_2M * 3, 512, PAGE_READ | PAGE_SIZE_2M);
    set(SPAN_1G * 5ull, 262144, PAGE_READ | PAGE_SIZE_1G);
    check_equal(entry_frame(lookup(SPAN_2M * 4 - 1)), 512);
    check_equal(lookup(SPAN_2M * 4), 0);
    check_equal(entry_frame(lookup(SPAN_1G * 6ull - 1)), 262144);
    check_equal(table_level[table_find(root, SPAN_1G * 5ull)], 3);
    check_equal(table_level[table_find(root, SPAN_2M * 3)], 2);
}

static void test_table_make_under_superpage_fails(void **state)
{
    (void)state;
    set(SPAN_2M, 512, PAGE_READ | PAGE_SIZE_2M);
    check_equal(table_make(root, SPAN_2M + 4096, 1), 0);
    set(SPAN_1G, 262144, PAGE_READ | PAGE_SIZE_1G);
    check_equal(table_make(root, SPAN_1G + 4096, 1), 0);
    check_equal(table_make(root, SPAN_1G + 4096, 2), 0);
}

static void test_table_prune_frees_empty_tables_only(void **state)
{
    (void)state;
    uint64_t before = alloc_free_frames();
    set(0x400000, 77, PAGE_READ);
    set(0x400000 + SPAN_2M, 78, PAGE_READ);
    check_equal(alloc_free_frames(), before - 4);
    clear(0x400000);
    check_equal(alloc_free_frames(), before - 3);
    check_equal(entry_frame(lookup(0x400000 + SPAN_2M)), 78);
    clear(0x400000 + SPAN_2M);
    check_equal(alloc_free_frames(), before);
    table_destroy_root(root);
    check_equal(alloc_free_frames(), free_before);
}

static void test_table_change_keeps_the_frame(void **state)
{
    (void)state;
    set(0x400000, 77, PAGE_READ | PAGE_WRITE);
    pfn_t t = table_find(root, 0x400000);
    table_change(t, table_index(0x400000, 1), entry_make(77, PAGE_READ));
    check_equal(lookup(0x400000) & PTE_WRITE, 0);
    check_equal(table_used[t], 1);
}

static void test_table_next_finds_present_entries(void **state)
{
    (void)state;
    set(0x5000, 77, PAGE_READ);
    set(0x1FF000, 78, PAGE_READ);
    pfn_t t = table_find(root, 0x5000);
    check_equal(table_next(t, 0), 5);
    check_equal(table_next(t, 6), 511);
    check_equal(table_next(t, 512), 512);
    check_equal(table_next(root, 1), TABLE_USER_ENTRIES);
}

static void test_table_make_no_memory_prunes_back(void **state)
{
    (void)state;
    while (alloc_free_frames() > 2)
        (void)block_alloc(BLOCK_4K);
    check_equal(table_make(root, 0x400000, 1), 0);
    table_prune(table_find(root, 0x400000));
    check_equal(alloc_free_frames(), 2);
    check_equal(table_used[root], 0);
    check_equal(lookup(0x400000), 0);
}

static void test_table_random_sequence_equals_model(void **state)
{
    (void)state;
    enum { ADDRESSES = 600 };
    static uint64_t va[ADDRESSES];
    static uint64_t frame[ADDRESSES]; /* 0: not mapped */
    uint64_t before = alloc_free_frames();
    random_seed(3);
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        /* Clustered and far apart, each once. */
        va[i] = (i % 4) * SPAN_512G * 20ull + (i / 4 % 5) * (uint64_t)SPAN_1G +
                (i / 20 % 3) * (uint64_t)SPAN_2M + i * 0x1000ull + USER_BASE;
        frame[i] = 0;
    }
    for (uint32_t round = 0; round < 30000; round++) {
        uint32_t i = (uint32_t)random_below(ADDRESSES);
        if (frame[i] == 0) {
            frame[i] = 1 + random_below(1000);
            set(va[i], frame[i], PAGE_READ);
        } else {
            frame[i] = 0;
            clear(va[i]);
        }
        uint32_t k = (uint32_t)random_below(ADDRESSES);
        check_equal(frame[k] == 0 ? 0 : entry_frame(lookup(va[k])), frame[k]);
    }
    for (uint32_t i = 0; i < ADDRESSES; i++) {
        check_equal(lookup(va[i]) == 0 ? 0 : entry_frame(lookup(va[i])), frame[i]);
        if (frame[i] != 0)
            clear(va[i]);
    }
    check_equal(alloc_free_frames(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_entry_make_flags_round_trip, setup),
        cmocka_unit_test_setup(test_table_find_empty_is_root, setup),
        cmocka_unit_test_setup(test_table_set_maps_this_address_only, setup),
        cmocka_unit_test_setup(test_table_set_superpages_cover_their_span, setup),
        cmocka_unit_test_setup(test_table_make_under_superpage_fails, setup),
        cmocka_unit_test_setup(test_table_prune_frees_empty_tables_only, setup),
        cmocka_unit_test_setup(test_table_change_keeps_the_frame, setup),
        cmocka_unit_test_setup(test_table_next_finds_present_entries, setup),
        cmocka_unit_test_setup(test_table_make_no_memory_prunes_back, setup),
        cmocka_unit_test_setup(test_table_random_sequence_equals_model, setup),
    };
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
