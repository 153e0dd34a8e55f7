/* SPDX-License-Identifier: MIT */
/*
 * Errors that a call lists and that the other tests have no reason to meet: full handle tables, quota for the next page of
 * handles, ended processes, payload errors of each way to send. tests/run checks that no listed error is missing.
 */
#include "core/process.h"
#include "core/table.h"
#include "tests/unit/harness.h"

#define VA 0x10000000u
#define DEVICE_PAGE 0xFE000u

static struct actor a, b;
static uint64_t init_end, a_end, b_end; /* one endpoint: handles of init, a, b */

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    b = actor_new(box);
    init_end = endpoint_new();
    a_end = actor_give(a, init_end, RIGHTS_ALL, 0);
    b_end = actor_give(b, init_end, RIGHTS_ALL, 0);
    return bad;
}
#define listed_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

/* Fills the handle table; with pages, only what there is without a further page. */
static void fill_handles(struct actor x, bool pages)
{
    check_unchanged_every = 0;
    check_invariants_every = 64;
    while (pages ? handles_open(x.process) < HANDLES_MAX - 1
                 : process_at[P(x.process)].handle_free > 0)
        actor_give(x, box, RIGHTS_ALL, 0);
    check_unchanged_every = 1;
    check_invariants_every = 1;
}

static void call_of_a_taken_by_b(void)
{
    expect(BLOCKED, sys(a.thread, SYS_call, a_end, TAG(1, 0, 0)));
    expect(OK, sys(b.thread, SYS_receive, b_end, 0));
}

static void test_handle_table_full_every_creator_gives_full(void **state)
{
    (void)state;
    uint64_t own = actor_give(b, b.process_handle, RIGHTS_ALL, 0);
    uint64_t container = actor_give(b, box, RIGHTS_ALL, 0);
    uint64_t ports = actor_give(b, BOOT_PORTS, RIGHTS_ALL, 0);
    call_of_a_taken_by_b();
    fill_handles(b, true);
    expect(ERR_FULL, sys(b.thread, SYS_child_next, own, 0));
    expect(ERR_FULL, sys(b.thread, SYS_container_create, container, 1, 1, 1, 0, 0));
    expect(ERR_FULL, sys(b.thread, SYS_process_create, container, 0, 0, 0, 0));
    expect(ERR_FULL, sys(b.thread, SYS_thread_create, 0, 0x10000, 0, 0, 0, 0));
    expect(ERR_FULL, sys(b.thread, SYS_device_narrow, ports, 1, 1));
    expect(ERR_FULL, sys(b.thread, SYS_endpoint_create, 0));
    expect(ERR_FULL, sys(b.thread, SYS_reply_save));
    expect(ERR_FULL, sys(b.thread, SYS_handle_copy, 0, container, 0, 0));
}

static void test_quota_for_the_next_handle_page_gives_quota(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_container_create, box, 40, 1, BOX_CEILING, 0, 0));
    struct actor poor = actor_new(result(init_thread, 0));
    pfn_t c = frame_owner[poor.process];
    uint64_t end = actor_give(poor, init_end, RIGHTS_ALL, 0);
    uint64_t own = actor_give(poor, poor.process_handle, RIGHTS_ALL, 0);
    uint64_t ports = actor_give(poor, BOOT_PORTS, RIGHTS_ALL, 0);
    expect(BLOCKED, sys(a.thread, SYS_call, a_end, TAG(1, 0, 0)));
    expect(OK, sys(poor.thread, SYS_receive, end, 0));
    fill_handles(poor, false);
    for (uint64_t va = VA; container_at[C(c)].used < 40; va += 4096)
        expect(OK, sys(poor.thread, SYS_map, 0, va, 1, PAGE_READ));
    expect(ERR_QUOTA, sys(poor.thread, SYS_child_next, own, 0));
    expect(ERR_QUOTA, sys(poor.thread, SYS_device_narrow, ports, 1, 1));
    expect(ERR_QUOTA, sys(poor.thread, SYS_endpoint_create, 0));
    expect(ERR_QUOTA, sys(poor.thread, SYS_handle_copy, 0, own, 0, 0));
    expect(ERR_QUOTA, sys(poor.thread, SYS_reply_save));
    expect(ERR_QUOTA,
           sys(poor.thread, SYS_share, 0, ACTOR_DATA, 0, ACTOR_DATA + 4096, 1, PAGE_READ));
    expect(ERR_QUOTA, sys(init_thread, SYS_device_map, BOOT_MEMORY, poor.process_handle,
                          0x600000000000, DEVICE_PAGE, 1, PAGE_READ));
}

static void test_ended_process_every_adder_gives_dying(void **state)
{
    (void)state;
    expect(GONE, sys(b.thread, SYS_process_exit, 0));
    uint64_t p = b.process_handle;
    expect(ERR_DYING, sys(init_thread, SYS_endpoint_create, p));
    expect(ERR_DYING, sys(init_thread, SYS_fault_handler, p, init_end));
    expect(ERR_DYING, sys(init_thread, SYS_handle_copy, p, box, RIGHT_READ, 0));
    expect(ERR_DYING, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, 0, 0));
    expect(ERR_DYING,
           sys(init_thread, SYS_device_map, BOOT_MEMORY, p, VA, DEVICE_PAGE, 1, PAGE_READ));
}

static void test_device_map_addresses_are_checked(void **state)
{
    (void)state;
    uint64_t p = a.process_handle;
    expect(ERR_ALIGN,
           sys(init_thread, SYS_device_map, BOOT_MEMORY, p, VA + 1, DEVICE_PAGE, 1, PAGE_READ));
    expect(ERR_RANGE,
           sys(init_thread, SYS_device_map, BOOT_MEMORY, p, USER_TOP, DEVICE_PAGE, 1, PAGE_READ));
    expect(ERR_EXISTS,
           sys(init_thread, SYS_device_map, BOOT_MEMORY, p, ACTOR_DATA, DEVICE_PAGE, 1, PAGE_READ));
    expect(ERR_PERM, sys(init_thread, SYS_device_map, BOOT_MEMORY, p, VA, DEVICE_PAGE, 1,
                         PAGE_READ | PAGE_WRITE | PAGE_EXECUTE));
}

static void test_regs_write_addresses_are_checked(void **state)
{
    (void)state;
    uint64_t h = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(init_thread, SYS_suspend, b.thread_handle));
    expect(ERR_ALIGN, sys(a.thread, SYS_regs_write, h, ACTOR_DATA + 1));
    expect(ERR_RANGE, sys(a.thread, SYS_regs_write, h, USER_TOP));
    expect(ERR_UNMAPPED, sys(a.thread, SYS_regs_write, h, VA));
}

/* ---- payload errors, by each way to send ---- */

/* The page item of x that gives an error, with the receiver's window as it must be. */
static void bad_page(struct actor x, struct actor to, int error)
{
    uint64_t va = ACTOR_DATA, flags = PAGE_READ;
    receive_window(to, error == ERR_TRANSFER ? 0 : ACTOR_RECEIVE, 1);
    if (error == ERR_UNMAPPED)
        va = 0x20000000;
    if (error == ERR_PERM)
        flags = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE;
    if (error == ERR_SIZE)
        va = SPAN_1G;
    item_set(x, 0, (struct atm_item){ITEM_PAGE, va, flags, 0});
}

static const int page_errors[] = {ERR_UNMAPPED, ERR_PERM, ERR_SIZE, ERR_TRANSFER};

static void superpage(struct actor x)
{
    int got = ERR_AGAIN;
    while (got == ERR_AGAIN)
        got = sys(x.thread, SYS_map, 0, SPAN_1G, 1, PAGE_READ | PAGE_SIZE_2M);
    expect(OK, got);
}

static void test_call_payload_errors_leave_both_as_they_were(void **state)
{
    (void)state;
    superpage(a);
    expect(BLOCKED, sys(b.thread, SYS_receive, b_end, 0));
    for (uint32_t i = 0; i < 4; i++) {
        bad_page(a, b, page_errors[i]);
        expect(page_errors[i], sys(a.thread, SYS_call, a_end, TAG(1, 0, 1)));
        expect(BLOCKED, outcome(b.thread));
    }
}

static void test_reply_payload_errors_leave_the_call_open(void **state)
{
    (void)state;
    superpage(b);
    call_of_a_taken_by_b();
    for (uint32_t i = 0; i < 4; i++) {
        bad_page(b, a, page_errors[i]);
        expect(page_errors[i], sys(b.thread, SYS_reply, 0, TAG(1, 0, 1)));
        expect(page_errors[i], sys(b.thread, SYS_reply_receive, b_end, TAG(1, 0, 1)));
        expect(BLOCKED, outcome(a.thread));
    }
    expect(ERR_MESSAGE, sys(b.thread, SYS_reply, 0, TAG(1, 65, 0)));
    expect(ERR_MESSAGE, sys(b.thread, SYS_reply_receive, b_end, TAG(1, 65, 0)));
    expect(OK, sys(b.thread, SYS_reply, 0, TAG(1, 0, 0)));
    expect(OK, outcome(a.thread));
}

static void test_reply_receive_caller_gone_gives_peer(void **state)
{
    (void)state;
    call_of_a_taken_by_b();
    destroy_all(a.thread_handle);
    expect(ERR_PEER, sys(b.thread, SYS_reply_receive, b_end, TAG(1, 0, 0)));
}

static void test_reply_receive_deadline_answers_then_times_out(void **state)
{
    (void)state;
    call_of_a_taken_by_b();
    deadline(b.thread, 100);
    expect(BLOCKED, sys(b.thread, SYS_reply_receive, b_end, TAG(1, 0, 0) | TAG_DEADLINE));
    expect(OK, outcome(a.thread));
    tick(100);
    expect(ERR_TIMEOUT, outcome(b.thread));
}

static void test_reply_receive_message_that_cannot_move_gives_again(void **state)
{
    (void)state;
    pfn_t second = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    call_of_a_taken_by_b();
    item_set(a, 0, (struct atm_item){ITEM_HANDLE, 999, RIGHT_READ, 0});
    expect(BLOCKED, sys(second, SYS_send, a_end, TAG(1, 0, 1)));
    expect(ERR_AGAIN, sys(b.thread, SYS_reply_receive, b_end, TAG(1, 0, 0)));
    expect(OK, outcome(a.thread));
    expect(ERR_HANDLE, outcome(second));
}

/* More receivers of a process that has just ended than one send sets aside: it says AGAIN, and then works. */
static void test_send_many_ended_receivers_gives_again_then_goes_on(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 2; round++) {
        struct actor dead = actor_new(box);
        uint64_t end = actor_give(dead, init_end, RIGHTS_ALL, 0);
        check_unchanged_every = 0;
        for (uint32_t i = 0; i < 3 * DRAIN_PIECE; i++)
            expect(BLOCKED,
                   sys(actor_thread(dead, SETUP(ACTOR_PRIORITY, 0), NULL), SYS_receive, end, 0));
        expect(STOPPED, sys(dead.thread, SYS_process_exit, 0));
        uint64_t number = round == 0 ? SYS_send : SYS_call;
        expect(ERR_AGAIN, sys(a.thread, number, a_end, TAG(1, 0, 0)));
        int got = ERR_AGAIN;
        for (uint32_t i = 0; i < 10 && got == ERR_AGAIN; i++)
            got = sys(a.thread, number, a_end, TAG(1, 0, 0) | TAG_NONBLOCK);
        expect(ERR_WOULD_BLOCK, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        listed_test(test_handle_table_full_every_creator_gives_full),
        listed_test(test_quota_for_the_next_handle_page_gives_quota),
        listed_test(test_ended_process_every_adder_gives_dying),
        listed_test(test_device_map_addresses_are_checked),
        listed_test(test_regs_write_addresses_are_checked),
        listed_test(test_call_payload_errors_leave_both_as_they_were),
        listed_test(test_reply_payload_errors_leave_the_call_open),
        listed_test(test_reply_receive_caller_gone_gives_peer),
        listed_test(test_reply_receive_deadline_answers_then_times_out),
        listed_test(test_reply_receive_message_that_cannot_move_gives_again),
        listed_test(test_send_many_ended_receivers_gives_again_then_goes_on),
    };
    return cmocka_run_group_tests_name("listed", tests, NULL, NULL);
}
