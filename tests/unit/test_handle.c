/* SPDX-License-Identifier: MIT */
/* Handle tables (core/handle.h): numbers, reuse, growth, liveness. */
#include "core/alloc.h"
#include "core/handle.h"
#include "tests/unit/memory.h"

static pfn_t process;

static int setup(void **state)
{
    (void)state;
    memory_start(2048, 0);
    process = frame_create(FRAME_PROCESS);
    handle_add_page(process, frame_create(FRAME_HANDLES));
    return 0;
}

static struct handle to(pfn_t object, uint8_t kind)
{
    return (struct handle){
        .generation = frame_generation[object], .object = object, .kind = kind, .rights = RIGHTS_ALL};
}

static void test_handle_install_first_is_one(void **state)
{
    (void)state;
    check_equal(handle_install(process, to(process, KIND_PROCESS)), 1);
    check_equal(handle_install(process, to(process, KIND_PROCESS)), 2);
    assert_true(handle_slot(process, 1) != 0);
}

static void test_handle_slot_bad_numbers_none(void **state)
{
    (void)state;
    handle_install(process, to(process, KIND_PROCESS));
    check_equal(handle_slot(process, 0), 0);
    check_equal(handle_slot(process, 2), 0);
    check_equal(handle_slot(process, SLOTS), 0); /* in a page it has not */
    check_equal(handle_slot(process, HANDLES_MAX), 0);
    check_equal(handle_slot(process, (uint64_t)1 << 32 | 1), 0);
    check_equal(handle_slot(process, UINT64_MAX), 0);
}

static void test_handle_remove_number_is_used_again(void **state)
{
    (void)state;
    handle_install(process, to(process, KIND_PROCESS));
    uint32_t second = handle_install(process, to(process, KIND_PROCESS));
    handle_install(process, to(process, KIND_PROCESS));
    handle_remove(process, second);
    check_equal(handle_slot(process, second), 0);
    check_equal(handle_install(process, to(process, KIND_PROCESS)), second);
}

static void test_handle_add_page_all_numbers_once(void **state)
{
    (void)state;
    static uint8_t seen[HANDLES_MAX];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 1; i < HANDLES_MAX; i++) {
        if (process_at[P(process)].handle_free == 0)
            handle_add_page(process, frame_create(FRAME_HANDLES));
        uint32_t number = handle_install(process, to(process, KIND_PROCESS));
        assert_true(number > 0 && number < HANDLES_MAX && !seen[number]);
        seen[number] = 1;
    }
    check_equal(process_at[P(process)].handle_free, 0);
    for (uint32_t i = 1; i < HANDLES_MAX; i++)
        handle_remove(process, i);
    check_equal(process_at[P(process)].handle_free, HANDLES_MAX - 1);
}

static void test_handle_live_ends_with_its_object(void **state)
{
    (void)state;
    pfn_t other = frame_create(FRAME_PROCESS);
    slot_t slot = handle_slot(process, handle_install(process, to(other, KIND_PROCESS)));
    assert_true(handle_live(slot));
    frame_destroy(other);
    assert_false(handle_live(slot));
    /* The same frame, an object again: still not the one that was named. */
    check_equal(frame_create(FRAME_PROCESS), other);
    assert_false(handle_live(slot));
}

static void test_handle_live_reply_ends_with_the_call(void **state)
{
    (void)state;
    pfn_t thread = frame_create(FRAME_THREAD);
    thread_at[T(thread)].call_id = 99;
    struct handle h = {.generation = 99, .object = thread, .kind = KIND_REPLY, .rights = RIGHTS_ALL};
    slot_t slot = handle_slot(process, handle_install(process, h));
    assert_true(handle_live(slot));
    thread_at[T(thread)].call_id = 0;
    assert_false(handle_live(slot));
    thread_at[T(thread)].call_id = 100;
    assert_false(handle_live(slot));
}

static void test_handle_live_endpoint_ends_with_its_slot(void **state)
{
    (void)state;
    pfn_t page = frame_create(FRAME_ENDPOINTS);
    endpoint_t e = page * SLOTS + 3;
    endpoint_at[E(e)].generation = 1234;
    struct handle h = {.generation = 1234, .object = e, .kind = KIND_ENDPOINT, .rights = RIGHTS_ALL};
    slot_t slot = handle_slot(process, handle_install(process, h));
    assert_true(handle_live(slot));
    endpoint_at[E(e)].generation = 0;
    assert_false(handle_live(slot));
    endpoint_at[E(e)].generation = 1234;
    frame_destroy(page);
    assert_false(handle_live(slot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_handle_install_first_is_one, setup),
        cmocka_unit_test_setup(test_handle_slot_bad_numbers_none, setup),
        cmocka_unit_test_setup(test_handle_remove_number_is_used_again, setup),
        cmocka_unit_test_setup(test_handle_add_page_all_numbers_once, setup),
        cmocka_unit_test_setup(test_handle_live_ends_with_its_object, setup),
        cmocka_unit_test_setup(test_handle_live_reply_ends_with_the_call, setup),
        cmocka_unit_test_setup(test_handle_live_endpoint_ends_with_its_slot, setup),
    };
    return cmocka_run_group_tests_name("handle", tests, NULL, NULL);
}
