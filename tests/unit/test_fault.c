/* SPDX-License-Identifier: MIT */
/* Faults as messages: to a handler that repairs, resumes, leaves suspended, dies; and without any handler. */
#include "tests/unit/harness.h"

static struct actor a, handler;
static uint64_t endpoint, handler_end;

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    handler = actor_new(box);
    endpoint = endpoint_new();
    handler_end = actor_give(handler, endpoint, RIGHTS_ALL, 0);
    return bad;
}
#define fault_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

static void handler_set(void)
{
    expect(OK, sys(init_thread, SYS_handle_copy, 0, endpoint, RIGHTS_ALL, 77));
    expect(OK, sys(init_thread, SYS_fault_handler, a.process_handle, result(init_thread, 0)));
}

static void test_fault_without_handler_ends_the_process_and_tells(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    expect(OK, sys(init_thread, SYS_process_create, box, e, 2, 0, 0));
    struct actor b = {.process_handle = result(init_thread, 0)};
    b.process = object_of(init_process, b.process_handle);
    b.thread = actor_thread(b, SETUP(ACTOR_PRIORITY, 0), NULL);
    assert_true(fault(b.thread, FAULT_WRITE, 0xDEAD000) != b.thread);
    expect(OK, sys(init_thread, SYS_receive, e, TAG_NONBLOCK));
    check_equal(result(init_thread, 2), 2);
    expect(OK, sys(init_thread, SYS_process_info, b.process_handle));
    check_equal(result(init_thread, 0), PROCESS_FAULTED);
    check_equal(result(init_thread, 1), FAULT_WRITE);
    check_equal(result(init_thread, 2), 0xDEAD000);
    check_equal(result(init_thread, 3), ACTOR_CODE);
    check_equal(result(init_thread, 4), 1);
}

static void test_fault_handler_is_told_what_where_who(void **state)
{
    (void)state;
    handler_set();
    expect(BLOCKED, sys(handler.thread, SYS_receive, handler_end, 0));
    fault(a.thread, FAULT_READ, 0x123);
    expect(OK, outcome(handler.thread));
    check_equal(result(handler.thread, 0), 77);
    check_equal(result(handler.thread, 1) & (TAG_FAULT | TAG_CALL), TAG_FAULT | TAG_CALL);
    check_equal(result(handler.thread, 2), FAULT_READ);
    check_equal(result(handler.thread, 3), 0x123);
    check_equal(result(handler.thread, 4), ACTOR_CODE);
    check_equal(result(handler.thread, 5), 1);
    check_equal(thread_at[T(a.thread)].state, THREAD_FAULTED);
    check_equal(process_at[P(a.process)].state, PROCESS_ALIVE);
}

static void test_fault_waits_for_a_busy_handler(void **state)
{
    (void)state;
    handler_set();
    fault(a.thread, FAULT_ILLEGAL, 0);
    expect(OK, sys(handler.thread, SYS_receive, handler_end, 0));
    check_equal(result(handler.thread, 2), FAULT_ILLEGAL);
    check_equal(thread_at[T(a.thread)].state, THREAD_FAULTED);
}

static void taken(void)
{
    handler_set();
    fault(a.thread, FAULT_READ, 0x123);
    expect(OK, sys(handler.thread, SYS_receive, handler_end, 0));
}

static void test_fault_resume_keeps_all_registers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < REG_COUNT; i++)
        if (i != REG_RFLAGS)
            thread_at[T(a.thread)].reg[i] = 0x1000 + i;
    taken();
    expect(OK, sys(handler.thread, SYS_reply, 0, TAG(FAULT_RESUME, 0, 0)));
    check_equal(thread_at[T(a.thread)].state, THREAD_READY);
    for (uint32_t i = 0; i < REG_COUNT; i++)
        if (i != REG_RFLAGS)
            check_equal(thread_at[T(a.thread)].reg[i], 0x1000 + i);
}

static void test_fault_handler_changes_registers_then_resumes(void **state)
{
    (void)state;
    taken();
    uint64_t h = actor_give(handler, a.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(handler.thread, SYS_regs_read, h, ACTOR_DATA));
    poke(handler.process, ACTOR_DATA + 8 * REG_RIP, 0x777000);
    expect(OK, sys(handler.thread, SYS_regs_write, h, ACTOR_DATA));
    expect(OK, sys(handler.thread, SYS_reply, 0, TAG(FAULT_RESUME, 0, 0)));
    check_equal(thread_at[T(a.thread)].reg[REG_RIP], 0x777000);
}

static void test_fault_other_answer_leaves_it_suspended(void **state)
{
    (void)state;
    taken();
    expect(OK, sys(handler.thread, SYS_reply, 0, TAG(1, 0, 0)));
    check_equal(thread_at[T(a.thread)].state, THREAD_SUSPENDED);
    expect(OK, sys(init_thread, SYS_resume, a.thread_handle));
    check_equal(thread_at[T(a.thread)].state, THREAD_READY);
}

static void test_fault_handler_gives_up_the_process_ends(void **state)
{
    (void)state;
    taken();
    expect(BLOCKED, sys(handler.thread, SYS_receive, handler_end, 0)); /* without an answer */
    check_equal(process_at[P(a.process)].state, PROCESS_FAULTED);
    check_equal(process_at[P(a.process)].code, FAULT_READ);
}

static void test_fault_handler_gives_up_and_is_told_of_the_end(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    expect(OK, sys(init_thread, SYS_process_create, box, e, 2, 0, 0));
    struct actor b = {.process_handle = result(init_thread, 0)};
    b.process = object_of(init_process, b.process_handle);
    b.thread = actor_thread(b, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(OK, sys(init_thread, SYS_fault_handler, b.process_handle, e));
    fault(b.thread, FAULT_WRITE, 0xDEAD000);
    expect(OK, sys(init_thread, SYS_receive, e, 0));
    expect(OK, sys(init_thread, SYS_receive, e,
                   0)); /* without an answer: the process ends, and tells e */
    check_equal(result(init_thread, 1), TAG_EVENT);
    check_equal(result(init_thread, 2), 2);
    check_equal(process_at[P(b.process)].state, PROCESS_FAULTED);
}

static void test_fault_handler_dies_the_process_ends(void **state)
{
    (void)state;
    taken();
    destroy_all(handler.process_handle);
    check_equal(process_at[P(a.process)].state, PROCESS_FAULTED);
}

static void test_fault_endpoint_dies_waiting_fault_ends_the_process(void **state)
{
    (void)state;
    handler_set();
    fault(a.thread, FAULT_DIVIDE, 0);
    destroy_all(endpoint);
    check_equal(process_at[P(a.process)].state, PROCESS_FAULTED);
    check_equal(process_at[P(a.process)].code, FAULT_DIVIDE);
}

static void test_fault_dead_handler_endpoint_ends_the_process(void **state)
{
    (void)state;
    handler_set();
    destroy_all(endpoint);
    fault(a.thread, FAULT_DIVIDE, 0);
    check_equal(process_at[P(a.process)].state, PROCESS_FAULTED);
}

static void test_fault_saved_as_handle_answered_later(void **state)
{
    (void)state;
    taken();
    expect(OK, sys(handler.thread, SYS_reply_save));
    uint64_t reply = result(handler.thread, 0);
    expect(ERR_WOULD_BLOCK, sys(handler.thread, SYS_receive, handler_end, TAG_NONBLOCK));
    check_equal(thread_at[T(a.thread)].state, THREAD_FAULTED);
    expect(OK, sys(handler.thread, SYS_reply, reply, TAG(FAULT_RESUME, 0, 0)));
    check_equal(thread_at[T(a.thread)].state, THREAD_READY);
}

static void test_fault_handler_removed_goes_back_to_ending(void **state)
{
    (void)state;
    handler_set();
    expect(OK, sys(init_thread, SYS_fault_handler, a.process_handle, 0));
    fault(a.thread, FAULT_BREAKPOINT, 0);
    check_equal(process_at[P(a.process)].state, PROCESS_FAULTED);
    check_equal(process_at[P(a.process)].code, FAULT_BREAKPOINT);
}

static void test_fault_every_kind_is_reported(void **state)
{
    (void)state;
    handler_set();
    for (uint32_t kind = FAULT_NONE + 1; kind < FAULT_LAST; kind++) {
        fault(a.thread, kind, kind * 16);
        expect(OK, sys(handler.thread, SYS_receive, handler_end, 0));
        check_equal(result(handler.thread, 2), kind);
        check_equal(result(handler.thread, 3), kind * 16);
        expect(OK, sys(handler.thread, SYS_reply, 0, TAG(FAULT_RESUME, 0, 0)));
    }
}

static void test_fault_own_handler_thread_repairs_its_process(void **state)
{
    (void)state;
    uint64_t own = actor_give(a, endpoint, RIGHTS_ALL, 0);
    pfn_t helper = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(OK, sys(a.thread, SYS_fault_handler, 0, own));
    expect(BLOCKED, sys(helper, SYS_receive, own, 0));
    fault(a.thread, FAULT_READ, 0x20000000);
    expect(OK, outcome(helper));
    expect(OK, sys(helper, SYS_map, 0, 0x20000000, 1, PAGE_READ));
    expect(OK, sys(helper, SYS_reply, 0, TAG(FAULT_RESUME, 0, 0)));
    check_equal(thread_at[T(a.thread)].state, THREAD_READY);
}

static void test_destroy_faulted_thread_leaves_the_process(void **state)
{
    (void)state;
    taken();
    pfn_t second = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    destroy_all(a.thread_handle);
    check_equal(process_at[P(a.process)].state, PROCESS_ALIVE);
    expect(ERR_NO_CALL, sys(handler.thread, SYS_reply, 0, TAG(FAULT_RESUME, 0, 0)));
    expect(OK, sys(second, SYS_nop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fault_test(test_fault_without_handler_ends_the_process_and_tells),
        fault_test(test_fault_handler_is_told_what_where_who),
        fault_test(test_fault_waits_for_a_busy_handler),
        fault_test(test_fault_resume_keeps_all_registers),
        fault_test(test_fault_handler_changes_registers_then_resumes),
        fault_test(test_fault_other_answer_leaves_it_suspended),
        fault_test(test_fault_handler_gives_up_the_process_ends),
        fault_test(test_fault_handler_gives_up_and_is_told_of_the_end),
        fault_test(test_fault_handler_dies_the_process_ends),
        fault_test(test_fault_endpoint_dies_waiting_fault_ends_the_process),
        fault_test(test_fault_dead_handler_endpoint_ends_the_process),
        fault_test(test_fault_saved_as_handle_answered_later),
        fault_test(test_fault_handler_removed_goes_back_to_ending),
        fault_test(test_fault_every_kind_is_reported),
        fault_test(test_fault_own_handler_thread_repairs_its_process),
        fault_test(test_destroy_faulted_thread_leaves_the_process),
    };
    return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
