/* SPDX-License-Identifier: MIT */
/* The memory calls: map, unmap, protect, share, query; ranges, sizes, permissions, charges. */
#include "core/table.h"
#include "tests/unit/harness.h"

#define VA 0x10000000u
#define SUPER 0x40000000u
#define RW (PAGE_READ | PAGE_WRITE)

static struct actor a;
static pfn_t t;

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    t = a.thread;
    return bad;
}
#define map_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

static uint64_t used(void) { return container_at[C(box_frame)].used; }

/* Maps with a size until it is done or an error other than AGAIN comes. */
static int map_all(pfn_t by, uint64_t process, uint64_t va, uint64_t pages, uint64_t flags)
{
    int got = ERR_AGAIN;
    for (uint32_t i = 0; i < 10000 && got == ERR_AGAIN; i++)
        got = sys(by, SYS_map, process, va, pages, flags);
    return got;
}

/* ---- map ---- */

static void test_map_one_page_is_zero_and_charged(void **state)
{
    (void)state;
    uint64_t before = used();
    uint32_t tables = table_missing(process_at[P(a.process)].root, VA, 1);
    expect(OK, sys(t, SYS_map, 0, VA, 1, RW));
    check_equal(result(t, 0), 1);
    for (uint32_t i = 0; i < 512; i++)
        check_equal(peek(a.process, VA + 8 * i), 0);
    check_equal(used(), before + 1 + tables);
}

static void test_map_second_page_charges_exactly_one(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_map, 0, VA, 1, RW));
    uint64_t before = used();
    expect(OK, sys(t, SYS_map, 0, VA + 4096, 1, RW));
    check_equal(used(), before + 1);
    expect(OK, sys(t, SYS_unmap, 0, VA + 4096, 1, 0));
    check_equal(used(), before);
}

static void test_map_many_does_a_piece(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_map, 0, VA, 100, RW));
    check_equal(result(t, 0), MAP_PIECE);
    assert_true(is_mapped(a.process, VA + 4096 * (MAP_PIECE - 1)));
    assert_false(is_mapped(a.process, VA + 4096 * MAP_PIECE));
}

static void test_map_stops_before_a_taken_page(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_map, 0, VA + 3 * 4096, 1, RW));
    expect(OK, sys(t, SYS_map, 0, VA, 8, RW));
    check_equal(result(t, 0), 3);
    expect(ERR_EXISTS, sys(t, SYS_map, 0, VA + 3 * 4096, 5, RW));
}

static void test_map_bad_ranges_give_range(void **state)
{
    (void)state;
    static const struct {
        uint64_t va, pages; /* as many pages as no address space has are an ARGUMENT, not a RANGE */
    } bad[] = {
        {0, 1},
        {0x1000, 1},
        {USER_TOP, 1},
        {USER_TOP - 4096, 2},
        {VA, UINT64_MAX},
        {VA, UINT64_MAX / 4096 + 1},
        {0x800000000000, 1},
        {0xFFFF800000000000, 1},
        {UINT64_MAX - 4095, 1},
        {VA, (uint64_t)1 << 52},
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i].pages > USER_TOP / PAGE_SIZE ? ERR_ARGUMENT : ERR_RANGE,
               sys(t, SYS_map, 0, bad[i].va, bad[i].pages, RW));
}

static void test_map_no_pages_gives_argument(void **state)
{
    (void)state;
    expect(ERR_ARGUMENT, sys(t, SYS_map, 0, VA, 0, RW));
}

static void test_map_unaligned_gives_align(void **state)
{
    (void)state;
    expect(ERR_ALIGN, sys(t, SYS_map, 0, VA + 8, 1, RW));
    expect(ERR_ALIGN, sys(t, SYS_map, 0, SUPER + 4096, 1, RW | PAGE_SIZE_2M));
    expect(ERR_ALIGN, sys(t, SYS_map, 0, SUPER + SPAN_2M, 1, RW | PAGE_SIZE_1G));
}

static void test_map_write_execute_gives_perm(void **state)
{
    (void)state;
    expect(ERR_PERM, sys(t, SYS_map, 0, VA, 1, PAGE_READ | PAGE_WRITE | PAGE_EXECUTE));
}

static void test_map_unknown_flags_give_argument(void **state)
{
    (void)state;
    static const uint64_t bad[] = {PAGE_READ | 8,           PAGE_READ | 48,
                                   PAGE_READ | 64,          PAGE_READ | 2048,
                                   PAGE_READ | PAGE_DEVICE, PAGE_READ | (uint64_t)1 << 40};
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(ERR_ARGUMENT, sys(t, SYS_map, 0, VA, 1, bad[i]));
}

static void test_map_beyond_quota_gives_quota(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_container_create, box, 16, 1, BOX_CEILING, 0, 0));
    struct actor poor = actor_new(result(init_thread, 0));
    pfn_t c = frame_owner[poor.process];
    int got = OK;
    for (uint64_t va = VA; got == OK; va += 4096)
        got = sys(poor.thread, SYS_map, 0, va, 1, RW);
    expect(ERR_QUOTA, got);
    assert_true(container_at[C(c)].used <= 16);
}

static void test_map_superpage_gives_again_then_is_zero(void **state)
{
    (void)state;
    uint64_t before = used();
    expect(ERR_AGAIN, sys(t, SYS_map, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    expect(OK, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    assert_true(used() >= before + PAGES_2M);
    for (uint64_t va = SUPER; va < SUPER + SPAN_2M; va += 4096)
        check_equal(page_at[entry_frame(table_at[PT(table_find(process_at[P(a.process)].root, va))]
                                            .entry[table_index(va, 2)]) +
                            (va - SUPER) / 4096]
                        .word[1],
                    0);
    expect(OK, sys(t, SYS_query, 0, SUPER + 12345));
    check_equal(result(t, 0) & 48, PAGE_SIZE_2M);
    check_equal(result(t, 1), SUPER);
    expect(OK, sys(t, SYS_unmap, 0, SUPER, 1, PAGE_SIZE_2M));
    check_equal(used(), before);
}

static void test_map_superpage_given_up_midway_is_returned(void **state)
{
    (void)state;
    expect(ERR_AGAIN, sys(t, SYS_map, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    destroy_all(a.process_handle); /* the teardown's counts tell whether the block came back */
}

static void test_map_superpage_then_small_page_instead(void **state)
{
    (void)state;
    expect(ERR_AGAIN, sys(t, SYS_map, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    expect(OK, sys(t, SYS_map, 0, VA, 1, RW));
    expect(OK, map_all(t, 0, SUPER + SPAN_2M, 1, RW | PAGE_SIZE_2M));
}

static void test_map_1g_without_memory_gives_memory_or_quota(void **state)
{
    (void)state;
    int got = map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_1G);
    assert_true(got == ERR_QUOTA || got == ERR_MEMORY);
}

static void test_map_small_page_under_superpage_gives_exists(void **state)
{
    (void)state;
    expect(OK, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    expect(ERR_EXISTS, sys(t, SYS_map, 0, SUPER + 4096, 1, RW));
    expect(ERR_EXISTS, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
}

static void test_map_superpage_over_small_page_gives_exists(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_map, 0, SUPER + 4096, 1, RW));
    expect(ERR_EXISTS, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
}

static void test_map_into_other_process_by_handle(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t to = actor_give(a, b.process_handle, RIGHT_WRITE, 0);
    expect(OK, sys(t, SYS_map, to, VA, 1, RW));
    assert_true(is_mapped(b.process, VA));
    assert_false(is_mapped(a.process, VA));
}

static void test_map_into_ended_process_gives_dying(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t to = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    expect(GONE, sys(b.thread, SYS_process_exit, 0));
    expect(ERR_DYING, sys(t, SYS_map, to, VA, 1, RW));
    expect(ERR_DYING, sys(t, SYS_protect, to, ACTOR_DATA, 1, PAGE_READ));
    expect(ERR_DYING, sys(t, SYS_share, 0, ACTOR_DATA, to, VA, 1, PAGE_READ));
    expect(ERR_DYING, sys(t, SYS_unmap, to, ACTOR_DATA, 1, 0));
}

/* ---- unmap ---- */

static void test_unmap_invalidates_translations(void **state)
{
    (void)state;
    uint64_t count = hosted_direct.tlb_count;
    expect(OK, sys(t, SYS_unmap, 0, ACTOR_DATA, 1, 0));
    assert_false(is_mapped(a.process, ACTOR_DATA));
    assert_true(hosted_direct.tlb_count > count);
    check_equal(hosted_direct.tlb_root, process_at[P(a.process)].root);
}

static void test_unmap_nothing_there_gives_unmapped(void **state)
{
    (void)state;
    expect(ERR_UNMAPPED, sys(t, SYS_unmap, 0, VA, 1, 0));
}

static void test_unmap_wrong_size_gives_size(void **state)
{
    (void)state;
    expect(OK, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    expect(ERR_SIZE, sys(t, SYS_unmap, 0, SUPER, 1, PAGE_SIZE_4K));
    expect(ERR_SIZE, sys(t, SYS_protect, 0, SUPER, 1, PAGE_READ));
    expect(OK, sys(t, SYS_map, 0, VA, 1, RW));
    expect(ERR_SIZE, sys(t, SYS_unmap, 0, VA, 1, PAGE_SIZE_2M));
}

static void test_unmap_stops_at_a_hole(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_map, 0, VA, 4, RW));
    expect(OK, sys(t, SYS_unmap, 0, VA + 2 * 4096, 1, 0));
    expect(OK, sys(t, SYS_unmap, 0, VA, 4, 0));
    check_equal(result(t, 0), 2);
    assert_true(is_mapped(a.process, VA + 3 * 4096));
}

static void test_unmap_last_page_frees_its_tables(void **state)
{
    (void)state;
    uint64_t far = 0x600000000000;
    uint64_t before = used();
    uint64_t frames = kernel_free_frames();
    expect(OK, sys(t, SYS_map, 0, far, 1, RW));
    check_equal(used(), before + 4); /* the page and three tables */
    expect(OK, sys(t, SYS_unmap, 0, far, 1, 0));
    check_equal(used(), before);
    check_equal(kernel_free_frames(), frames);
}

/* ---- protect ---- */

static void test_protect_read_only_and_back(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_protect, 0, ACTOR_DATA, 1, PAGE_READ));
    expect(OK, sys(t, SYS_query, 0, ACTOR_DATA));
    check_equal(result(t, 0) & RW, PAGE_READ);
    expect(OK, sys(t, SYS_protect, 0, ACTOR_DATA, 1, RW));
    expect(OK, sys(t, SYS_query, 0, ACTOR_DATA));
    check_equal(result(t, 0) & RW, RW);
}

static void test_protect_write_to_execute_keeps_w_xor_x(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_protect, 0, ACTOR_DATA, 1, PAGE_READ | PAGE_EXECUTE));
    expect(ERR_PERM, sys(t, SYS_protect, 0, ACTOR_DATA, 1, RW | PAGE_EXECUTE));
    expect(OK, sys(t, SYS_query, 0, ACTOR_DATA));
    check_equal(result(t, 0) & 7, PAGE_READ | PAGE_EXECUTE);
}

static void test_protect_unmapped_gives_unmapped(void **state)
{
    (void)state;
    expect(ERR_UNMAPPED, sys(t, SYS_protect, 0, VA, 1, PAGE_READ));
}

static void test_protect_beyond_given_gives_perm(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_share, 0, ACTOR_DATA, 0, VA, 1, PAGE_READ));
    expect(ERR_PERM, sys(t, SYS_protect, 0, VA, 1, RW));
    expect(OK, sys(t, SYS_protect, 0, ACTOR_DATA, 1, RW));
}

static void test_protect_invalidates_translations(void **state)
{
    (void)state;
    uint64_t count = hosted_direct.tlb_count;
    expect(OK, sys(t, SYS_protect, 0, ACTOR_DATA, 1, PAGE_READ));
    assert_true(hosted_direct.tlb_count > count);
}

/* ---- share ---- */

static void test_share_two_processes_see_one_page(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t to = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    poke(a.process, ACTOR_DATA, 42);
    expect(OK, sys(t, SYS_share, 0, ACTOR_DATA, to, VA, 1, RW));
    check_equal(result(t, 0), 1);
    check_equal(peek(b.process, VA), 42);
    expect(OK, sys(t, SYS_query, 0, ACTOR_DATA));
    check_equal(result(t, 2), 2);
    expect(OK, sys(t, SYS_unmap, 0, ACTOR_DATA, 1, 0));
    check_equal(peek(b.process, VA), 42);
}

static void test_share_each_container_pays_its_mapping(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_container_create, box, 100, 1, BOX_CEILING, 0, 0));
    struct actor b = actor_new(result(init_thread, 0));
    pfn_t c = frame_owner[b.process];
    uint64_t to = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    uint64_t mine = used(), other = container_at[C(c)].used;
    expect(OK, sys(t, SYS_share, 0, ACTOR_DATA, to, ACTOR_DATA + 4096, 1, PAGE_READ));
    check_equal(used(), mine);
    check_equal(container_at[C(c)].used, other + 1);
}

static void test_share_more_than_it_has_gives_perm(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_share, 0, ACTOR_DATA, 0, VA, 1, PAGE_READ));
    expect(ERR_PERM, sys(t, SYS_share, 0, VA, 0, VA + 4096, 1, RW));
    expect(ERR_PERM, sys(t, SYS_share, 0, ACTOR_DATA, 0, VA + 4096, 1, RW | PAGE_EXECUTE));
}

static void test_share_errors_of_both_sides(void **state)
{
    (void)state;
    expect(ERR_UNMAPPED, sys(t, SYS_share, 0, VA, 0, VA + 4096, 1, PAGE_READ));
    expect(ERR_EXISTS, sys(t, SYS_share, 0, ACTOR_DATA, 0, ACTOR_MESSAGE, 1, PAGE_READ));
    expect(ERR_RANGE, sys(t, SYS_share, 0, ACTOR_DATA, 0, USER_TOP, 1, PAGE_READ));
    expect(ERR_RANGE, sys(t, SYS_share, 0, UINT64_MAX - 4095, 0, VA, 1, PAGE_READ));
    expect(ERR_ALIGN, sys(t, SYS_share, 0, ACTOR_DATA + 1, 0, VA, 1, PAGE_READ));
    expect(ERR_ALIGN, sys(t, SYS_share, 0, ACTOR_DATA, 0, VA + 1, 1, PAGE_READ));
    expect(OK, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    expect(ERR_SIZE, sys(t, SYS_share, 0, SUPER, 0, VA, 1, PAGE_READ));
}

static void test_share_superpage_counts_its_size(void **state)
{
    (void)state;
    expect(OK, map_all(t, 0, SUPER, 1, RW | PAGE_SIZE_2M));
    uint64_t before = used();
    expect(OK, sys(t, SYS_share, 0, SUPER, 0, SUPER + SPAN_2M, 1, PAGE_READ | PAGE_SIZE_2M));
    check_equal(used(), before + PAGES_2M);
}

static void test_share_stale_page_after_owner_dies_stays(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t from = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    poke(b.process, ACTOR_DATA, 99);
    expect(OK, sys(t, SYS_share, from, ACTOR_DATA, 0, VA, 1, PAGE_READ));
    destroy_all(b.process_handle);
    check_equal(peek(a.process, VA), 99);
    expect(OK, sys(t, SYS_query, 0, VA));
    check_equal(result(t, 2), 1);
}

/* ---- query ---- */

static void test_query_inside_a_page_gives_its_base(void **state)
{
    (void)state;
    expect(OK, sys(t, SYS_query, 0, ACTOR_DATA + 123));
    check_equal(result(t, 0) & (7 | 48), RW);
    check_equal(result(t, 1), ACTOR_DATA);
    check_equal(result(t, 2), 1);
}

static void test_query_errors(void **state)
{
    (void)state;
    expect(ERR_UNMAPPED, sys(t, SYS_query, 0, VA));
    expect(ERR_RANGE, sys(t, SYS_query, 0, USER_TOP));
    expect(ERR_RANGE, sys(t, SYS_query, 0, 0));
    expect(ERR_RANGE, sys(t, SYS_query, 0, UINT64_MAX));
    expect(ERR_HANDLE, sys(t, SYS_query, 999, VA));
}

/* A user page that is freed is wiped before another process gets it. */
static void test_map_reused_frame_holds_no_old_data(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 512; i++)
        poke(a.process, ACTOR_DATA + 8 * i, 0xDEADBEEF);
    expect(OK, sys(t, SYS_unmap, 0, ACTOR_DATA, 1, 0));
    for (uint32_t n = 0; n < 32; n++) {
        expect(OK, sys(t, SYS_map, 0, VA + n * 4096, 1, RW));
        for (uint32_t i = 0; i < 512; i++)
            check_equal(peek(a.process, VA + n * 4096 + 8 * i), 0);
    }
}

/* Random calls on two processes; a model says what is mapped where, and charges must agree at the end. */
static void test_memory_random_sequence_equals_model(void **state)
{
    (void)state;
    enum { PAGES = 64 };
    static uint64_t model[2][PAGES]; /* 0 unmapped, else the value written to the page */
    struct actor b = actor_new(box);
    struct actor who[2] = {a, b};
    uint64_t to = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    uint64_t process[2] = {0, to};
    uint64_t start = used(), serial = 1;
    memset(model, 0, sizeof model);
    check_unchanged_every = 8;
    check_invariants_every = 8;
    random_seed(5);
    for (uint32_t round = 0; round < 6000; round++) {
        uint64_t w = random_below(2), i = random_below(PAGES), va = VA + i * 4096;
        switch (random_below(3)) {
        case 0:
            expect(model[w][i] ? ERR_EXISTS : OK, sys(t, SYS_map, process[w], va, 1, RW));
            if (model[w][i] == 0)
                poke(who[w].process, va, model[w][i] = serial++);
            break;
        case 1:
            expect(model[w][i] ? OK : ERR_UNMAPPED, sys(t, SYS_unmap, process[w], va, 1, 0));
            model[w][i] = 0;
            break;
        default: {
            uint64_t o = random_below(2), k = random_below(PAGES);
            int want = model[w][i] == 0 ? ERR_UNMAPPED : model[o][k] != 0 ? ERR_EXISTS : OK;
            int got = sys(t, SYS_share, process[w], va, process[o], VA + k * 4096, 1, RW);
            if (model[w][i] == 0 && model[o][k] != 0)
                assert_true(got == ERR_UNMAPPED || got == ERR_EXISTS);
            else
                expect(want, got);
            if (got == OK)
                model[o][k] = model[w][i];
        }
        }
        w = random_below(2), i = random_below(PAGES);
        if (model[w][i] != 0)
            check_equal(peek(who[w].process, VA + i * 4096), model[w][i]);
        else
            assert_false(is_mapped(who[w].process, VA + i * 4096));
    }
    for (uint64_t w = 0; w < 2; w++)
        for (uint64_t i = 0; i < PAGES; i++)
            if (model[w][i] != 0)
                expect(OK, sys(t, SYS_unmap, process[w], VA + i * 4096, 1, 0));
    check_equal(used(), start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        map_test(test_map_one_page_is_zero_and_charged),
        map_test(test_map_second_page_charges_exactly_one),
        map_test(test_map_many_does_a_piece),
        map_test(test_map_stops_before_a_taken_page),
        map_test(test_map_bad_ranges_give_range),
        map_test(test_map_no_pages_gives_argument),
        map_test(test_map_unaligned_gives_align),
        map_test(test_map_write_execute_gives_perm),
        map_test(test_map_unknown_flags_give_argument),
        map_test(test_map_beyond_quota_gives_quota),
        map_test(test_map_superpage_gives_again_then_is_zero),
        map_test(test_map_superpage_given_up_midway_is_returned),
        map_test(test_map_superpage_then_small_page_instead),
        map_test(test_map_1g_without_memory_gives_memory_or_quota),
        map_test(test_map_small_page_under_superpage_gives_exists),
        map_test(test_map_superpage_over_small_page_gives_exists),
        map_test(test_map_into_other_process_by_handle),
        map_test(test_map_into_ended_process_gives_dying),
        map_test(test_unmap_invalidates_translations),
        map_test(test_unmap_nothing_there_gives_unmapped),
        map_test(test_unmap_wrong_size_gives_size),
        map_test(test_unmap_stops_at_a_hole),
        map_test(test_unmap_last_page_frees_its_tables),
        map_test(test_protect_read_only_and_back),
        map_test(test_protect_write_to_execute_keeps_w_xor_x),
        map_test(test_protect_unmapped_gives_unmapped),
        map_test(test_protect_beyond_given_gives_perm),
        map_test(test_protect_invalidates_translations),
        map_test(test_share_two_processes_see_one_page),
        map_test(test_share_each_container_pays_its_mapping),
        map_test(test_share_more_than_it_has_gives_perm),
        map_test(test_share_errors_of_both_sides),
        map_test(test_share_superpage_counts_its_size),
        map_test(test_share_stale_page_after_owner_dies_stays),
        map_test(test_query_inside_a_page_gives_its_base),
        map_test(test_query_errors),
        map_test(test_map_reused_frame_holds_no_old_data),
        map_test(test_memory_random_sequence_equals_model),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
