/* SPDX-License-Identifier: MIT */
/* The allocator (core/alloc.h): three sizes, split and merge, a random sequence against a model of bits. */
#include "core/alloc.h"
#include "core/boot.h"
#include "tests/unit/memory.h"

#define FRAMES                                                                                     \
    (3u *                                                                                          \
     PAGES_1G) /* 3 GiB of frame numbers; contents are touched only where a frame becomes an object */
#define GIGA_FREE (2u * PAGES_1G)

static int setup(void **state)
{
    (void)state;
    memory_start(FRAMES, 0);
    return 0;
}

static void test_block_alloc_4k_gives_each_frame_once(void **state)
{
    (void)state;
    uint64_t before = alloc_free_frames();
    for (uint32_t i = 0; i < 2000; i++) {
        pfn_t p = block_alloc(BLOCK_4K);
        assert_true(p > 0 && p < FRAMES);
        check_equal(frame_kind[p], FRAME_FREE);
        frame_kind[p] = FRAME_RESERVED; /* to see it if it comes twice */
    }
    check_equal(alloc_free_frames(), before - 2000);
}

static void test_block_alloc_2m_is_aligned_and_whole(void **state)
{
    (void)state;
    uint64_t before = alloc_free_frames();
    pfn_t p = block_alloc(BLOCK_2M);
    assert_true(p != 0);
    check_equal(p % PAGES_2M, 0);
    check_equal(alloc_free_frames(), before - PAGES_2M);
    block_free(p, BLOCK_2M);
    check_equal(alloc_free_frames(), before);
}

static void test_block_alloc_1g_twice_then_none(void **state)
{
    (void)state;
    /* Frame 0 is never free, so the first giga is not whole. */
    pfn_t a = block_alloc(BLOCK_1G);
    pfn_t b = block_alloc(BLOCK_1G);
    assert_true(a != 0 && b != 0 && a != b);
    check_equal(a % PAGES_1G, 0);
    check_equal(b % PAGES_1G, 0);
    check_equal(block_alloc(BLOCK_1G), 0);
    block_free(a, BLOCK_1G);
    check_equal(block_alloc(BLOCK_1G), a);
}

static void test_block_free_4k_all_merges_to_2m_and_1g(void **state)
{
    (void)state;
    /* Take everything as 4 KiB frames: no larger block is left. Give all back: both gigas are whole again. */
    uint64_t before = alloc_free_frames();
    pfn_t first = 0;
    uint64_t taken = 0;
    for (pfn_t p; (p = block_alloc(BLOCK_4K)) != 0; taken++) {
        own_next[p] = first; /* the test's own list of them */
        first = p;
    }
    check_equal(taken, before);
    check_equal(alloc_free_frames(), 0);
    check_equal(block_alloc(BLOCK_2M), 0);
    check_equal(block_alloc(BLOCK_1G), 0);
    while (first != 0) {
        pfn_t p = first;
        first = own_next[p];
        block_free(p, BLOCK_4K);
    }
    check_equal(alloc_free_frames(), before);
    pfn_t a = block_alloc(BLOCK_1G);
    pfn_t b = block_alloc(BLOCK_1G);
    assert_true(a != 0 && b != 0);
    assert_true(block_alloc(BLOCK_2M) != 0); /* from the first giga */
}

static void test_block_alloc_4k_prefers_broken_regions(void **state)
{
    (void)state;
    /* Small frames come from one region before another is broken, so large blocks stay whole. */
    pfn_t p = block_alloc(BLOCK_4K);
    for (uint32_t i = 0; i < 200; i++)
        check_equal(block_alloc(BLOCK_4K) / PAGES_2M, p / PAGES_2M);
}

static void test_frame_create_clears_and_numbers(void **state)
{
    (void)state;
    pfn_t p = frame_create(FRAME_USER);
    page_at[U(p)].word[7] = 42;
    uint64_t generation = frame_generation[p];
    frame_destroy(p);
    check_equal(frame_kind[p], FRAME_FREE);
    check_equal(frame_generation[p], 0);
    pfn_t q = frame_create(FRAME_PROCESS);
    check_equal(q, p); /* the frame freed last is used first */
    assert_true(frame_generation[q] > generation);
    frame_destroy(q);
    q = frame_create(FRAME_USER);
    for (uint32_t i = 0; i < 512; i++)
        check_equal(page_at[U(q)].word[i], 0);
}

static void test_page_unmap_last_frees_the_page(void **state)
{
    (void)state;
    uint64_t before = alloc_free_frames();
    pfn_t p = frame_create(FRAME_USER);
    page_map(p);
    page_map(p);
    check_equal(page_unmap(p, BLOCK_4K), 0);
    check_equal(frame_kind[p], FRAME_USER);
    check_equal(page_unmap(p, BLOCK_4K), 1);
    check_equal(frame_kind[p], FRAME_FREE);
    check_equal(alloc_free_frames(), before);
}

/* The model: which frames of the first 64 regions and of two gigas are taken. */
static uint8_t taken[FRAMES];

static void model_mark(pfn_t p, uint32_t pages, uint8_t value)
{
    for (pfn_t i = p; i < p + pages; i++) {
        assert_true(i < FRAMES && taken[i] != value);
        taken[i] = value;
    }
}

static void test_block_random_sequence_equals_model(void **state)
{
    (void)state;
    enum { HELD = 3000 };
    static struct {
        pfn_t p;
        uint8_t size;
    } held[HELD];
    static const uint32_t pages[BLOCK_SIZES] = {1, PAGES_2M, PAGES_1G};
    uint32_t count = 0;
    uint64_t left = alloc_free_frames();
    memset(taken, 0, sizeof taken);
    random_seed(11);
    for (uint32_t round = 0; round < 40000; round++) {
        uint64_t dice = random_below(100);
        if (count < HELD && dice < 55) {
            uint8_t size = dice == 0 ? BLOCK_1G : dice < 12 ? BLOCK_2M : BLOCK_4K;
            pfn_t p = block_alloc(size);
            if (p == 0)
                continue;
            check_equal(p % pages[size], 0);
            model_mark(p, pages[size], 1);
            left -= pages[size];
            held[count].p = p;
            held[count++].size = size;
        } else if (count > 0) {
            uint32_t i = (uint32_t)random_below(count);
            block_free(held[i].p, held[i].size);
            model_mark(held[i].p, pages[held[i].size], 0);
            left += pages[held[i].size];
            held[i] = held[--count];
        }
        check_equal(alloc_free_frames(), left);
        if (round % 1000 == 0)
            check_invariants();
    }
    while (count > 0) {
        count--;
        block_free(held[count].p, held[count].size);
    }
    check_invariants();
    assert_true(block_alloc(BLOCK_1G) != 0 && block_alloc(BLOCK_1G) != 0);
    check_equal(alloc_free_frames(), FRAMES - 1 - GIGA_FREE);
}

static void test_boot_ram_odd_ranges_give_exactly_these(void **state)
{
    (void)state;
    kernel_boot_begin(4096);
    check_equal(alloc_free_frames(), 0);
    check_equal(block_alloc(BLOCK_4K), 0);
    kernel_boot_ram(0, 3);     /* frame 0 is ignored */
    kernel_boot_ram(700, 900); /* ends and begins within regions */
    check_equal(alloc_free_frames(), 902);
    pfn_t p = block_alloc(BLOCK_2M);
    check_equal(p, 1024);
    check_equal(block_alloc(BLOCK_2M), 0);
    for (uint32_t i = 0; i < 902 - 512; i++) {
        pfn_t q = block_alloc(BLOCK_4K);
        assert_true((q >= 1 && q < 3) || (q >= 700 && q < 1024) || (q >= 1536 && q < 1600));
    }
    check_equal(block_alloc(BLOCK_4K), 0);
}

static void test_boot_ram_given_twice_counts_once(void **state)
{
    (void)state;
    kernel_boot_begin(4096);
    kernel_boot_ram(700, 900);
    kernel_boot_ram(512, 4096); /* more than there is, and the region at 1024 again */
    check_equal(alloc_free_frames(), 4096 - 512);
    for (pfn_t i = 1; i < 8; i++)
        check_equal(block_alloc(BLOCK_2M) % 512, 0);
    check_equal(block_alloc(BLOCK_4K), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_block_alloc_4k_gives_each_frame_once, setup),
        cmocka_unit_test_setup(test_block_alloc_2m_is_aligned_and_whole, setup),
        cmocka_unit_test_setup(test_block_alloc_1g_twice_then_none, setup),
        cmocka_unit_test_setup(test_block_free_4k_all_merges_to_2m_and_1g, setup),
        cmocka_unit_test_setup(test_block_alloc_4k_prefers_broken_regions, setup),
        cmocka_unit_test_setup(test_frame_create_clears_and_numbers, setup),
        cmocka_unit_test_setup(test_page_unmap_last_frees_the_page, setup),
        cmocka_unit_test_setup(test_block_random_sequence_equals_model, setup),
        cmocka_unit_test_setup(test_boot_ram_odd_ranges_give_exactly_these, setup),
        cmocka_unit_test_setup(test_boot_ram_given_twice_counts_once, setup),
    };
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
