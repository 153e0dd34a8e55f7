/* SPDX-License-Identifier: MIT */
/*
 * Destruction: subtrees with threads in every state, in bounded pieces, and rounds of creating and destroying that
 * return to the very same counts. machine_teardown holds each test to that as well.
 */
#include "core/boot.h"
#include "core/sched.h"
#include "tests/unit/harness.h"

#define destroy_test(f) cmocka_unit_test_setup_teardown(f, machine_setup, machine_teardown)
#define ROUNDS 10000u

static uint64_t container(uint64_t parent, uint64_t pages)
{
    expect(OK, sys(init_thread, SYS_container_create, parent, pages, 1, BOX_CEILING, 0, 0));
    return result(init_thread, 0);
}

/* In a container of its own: a thread in every state there is, partners inside and outside of it. */
struct zoo {
    uint64_t container;
    struct actor inside, outside;
    uint64_t endpoint; /* init's */
};

static struct zoo zoo_new(uint64_t outside_container)
{
    struct zoo z;
    z.container = container(box, 400);
    z.inside = actor_new(z.container);
    z.outside = actor_new(outside_container);
    z.endpoint = endpoint_new();
    uint64_t quiet = endpoint_new();
    uint64_t in = actor_give(z.inside, z.endpoint, RIGHTS_ALL, 1);
    uint64_t in_quiet = actor_give(z.inside, quiet, RIGHTS_ALL, 1);
    uint64_t out = actor_give(z.outside, z.endpoint, RIGHTS_ALL, 2);
    uint64_t s = SETUP(ACTOR_PRIORITY, 0);
    /* CALLING, its answer owed by outside; FAULTED, saved by outside */
    pfn_t calling = actor_thread(z.inside, s, NULL);
    expect(BLOCKED, sys(calling, SYS_call, in, TAG(1, 0, 0)));
    expect(OK, sys(z.outside.thread, SYS_receive, out, 0));
    expect(OK, sys(z.outside.thread, SYS_reply_save));
    expect(OK, sys(init_thread, SYS_fault_handler, z.inside.process_handle, z.endpoint));
    pfn_t faulted = actor_thread(z.inside, s, NULL);
    fault(faulted, FAULT_READ, 8);
    expect(OK, sys(z.outside.thread, SYS_receive, out, 0));
    /* a call of outside that inside has taken, and one it has saved */
    pfn_t caller = actor_thread(z.outside, s, NULL), saved = actor_thread(z.outside, s, NULL);
    expect(BLOCKED, sys(caller, SYS_call, out, TAG(1, 0, 0)));
    expect(OK, sys(z.inside.thread, SYS_receive, in, 0));
    expect(OK, sys(z.inside.thread, SYS_reply_save));
    expect(BLOCKED, sys(saved, SYS_call, out, TAG(1, 0, 0)));
    expect(OK, sys(z.inside.thread, SYS_receive, in, 0));
    /* SENDING, with a deadline; a second fault, waiting; RECEIVING with a deadline; SUSPENDED; READY */
    pfn_t sending = actor_thread(z.inside, s, NULL);
    deadline(sending, 1000000000);
    expect(BLOCKED, sys(sending, SYS_send, in, TAG(1, 0, 0) | TAG_DEADLINE));
    pfn_t waiting = actor_thread(z.inside, s, NULL);
    fault(waiting, FAULT_WRITE, 8);
    pfn_t receiving = actor_thread(z.inside, s, NULL);
    deadline(receiving, 2000000000);
    expect(BLOCKED, sys(receiving, SYS_receive, in_quiet, TAG_DEADLINE));
    actor_thread(z.inside, s | SETUP_SUSPENDED, NULL);
    actor_thread(z.inside, s, NULL);
    /* endpoints of its own that others wait on */
    expect(OK, sys(z.inside.thread, SYS_endpoint_create, 0));
    expect(OK, sys(init_thread, SYS_child_next, z.container, 0));
    pfn_t waiter = actor_thread(z.inside, s, NULL);
    expect(BLOCKED, sys(waiter, SYS_receive, result(z.inside.thread, 0), 0));
    return z;
}

static void test_destroy_container_threads_in_every_state(void **state)
{
    (void)state;
    struct zoo z = zoo_new(box);
    destroy_all(z.container);
    expect(ERR_DEAD, sys(init_thread, SYS_container_info, z.container));
    /* both callers outside heard that nobody will answer */
    uint32_t peer = 0;
    for (pfn_t t = own_first[z.outside.process]; t != 0; t = own_next[t])
        if (t != z.outside.thread && outcome(t) == ERR_PEER)
            peer++;
    check_equal(peer, 2);
}

static void test_destroy_partner_container_threads_in_every_state(void **state)
{
    (void)state;
    uint64_t other = container(box, 200);
    struct zoo z = zoo_new(other);
    destroy_all(other);
    /* the faulted thread's handler is gone: its process has ended */
    check_equal(process_at[P(z.inside.process)].state, PROCESS_FAULTED);
    destroy_all(z.container);
}

static void test_destroy_endpoint_threads_in_every_state(void **state)
{
    (void)state;
    struct zoo z = zoo_new(box);
    destroy_all(z.endpoint);
    destroy_all(z.container);
}

static void test_destroy_deep_and_wide_tree(void **state)
{
    (void)state;
    uint64_t top = container(box, 3000), c = top;
    check_unchanged_every = 0;
    check_invariants_every = 16;
    for (uint32_t depth = 0; depth < 60; depth++) {
        struct actor x = actor_new(c);
        (void)x;
        actor_new(c);
        c = container(c, 2900 - 45 * depth);
    }
    uint32_t steps = 1;
    int got;
    while ((got = sys(init_thread, SYS_destroy, top)) == ERR_AGAIN)
        steps++;
    expect(OK, got);
    assert_true(steps > 60); /* in pieces */
}

static void test_destroy_process_with_much_memory_comes_in_pieces(void **state)
{
    (void)state;
    struct actor a = actor_new(box);
    check_unchanged_every = 0;
    check_invariants_every = 16;
    for (uint64_t va = 0x10000000; va < 0x10000000 + 2000 * 4096ull; va += MAP_PIECE * 4096)
        expect(OK, sys(a.thread, SYS_map, 0, va, MAP_PIECE, PAGE_READ | PAGE_WRITE));
    uint64_t frames = kernel_free_frames();
    expect(ERR_AGAIN, sys(init_thread, SYS_destroy, a.process_handle));
    assert_true(kernel_free_frames() - frames < 200);
    destroy_all(a.process_handle);
    assert_true(kernel_free_frames() - frames >= 2000);
}

static void test_destroy_endpoint_with_many_waiters_comes_in_pieces(void **state)
{
    (void)state;
    enum { WAITERS = 150 };
    static pfn_t waiter[WAITERS];
    struct actor a = actor_new(box);
    uint64_t e = endpoint_new(), mine = actor_give(a, e, RIGHTS_ALL, 0);
    check_invariants_every = 16;
    check_unchanged_every = 0;
    for (uint32_t i = 0; i < WAITERS; i++) {
        waiter[i] = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
        expect(BLOCKED, sys(waiter[i], SYS_receive, mine, 0));
    }
    expect(ERR_AGAIN, sys(init_thread, SYS_destroy, e));
    expect(ERR_DEAD, sys(a.thread, SYS_send, mine, TAG(1, 0, 0))); /* begun: nobody joins any more */
    destroy_all(e);
    for (uint32_t i = 0; i < WAITERS; i++)
        expect(ERR_PEER, outcome(waiter[i]));
}

static void test_destroy_while_processes_inside_go_on_creating_ends(void **state)
{
    (void)state;
    /* Two levels of containers; a process of the outer one creates in the inner ones as long as it runs. */
    uint64_t outer = container(box, 600);
    struct actor p = actor_new(outer);
    uint64_t mine = actor_give(p, outer, RIGHTS_ALL, 0);
    uint64_t inner = 0;
    for (uint32_t i = 0; i < 4; i++) {
        expect(OK, sys(p.thread, SYS_container_create, i == 0 ? mine : inner, 400 - 50 * i, 1,
                       BOX_CEILING, 0, 0));
        inner = result(p.thread, 0);
    }
    int got = ERR_AGAIN;
    uint32_t steps = 0;
    for (; got == ERR_AGAIN && steps < 20000; steps++) {
        got = sys(init_thread, SYS_destroy, outer);
        for (uint32_t i = 0;
             i < 8 && frame_kind[p.thread] == FRAME_THREAD && cpu_at[0].current == p.thread; i++)
            if (sys(p.thread, SYS_container_create, inner, 3, 1, BOX_CEILING, 0, 0) == OK)
                inner = result(p.thread, 0);
    }
    expect(OK, got);
}

static void test_destroy_child_while_parent_is_being_destroyed(void **state)
{
    (void)state;
    uint64_t outer = container(box, 1000), inner = container(outer, 500),
             leaf = container(inner, 100);
    actor_new(leaf);
    actor_new(inner);
    expect(ERR_AGAIN, sys(init_thread, SYS_destroy, outer));
    expect(ERR_AGAIN, sys(init_thread, SYS_destroy, outer));
    int got = sys(init_thread, SYS_destroy, leaf);
    while (got == ERR_AGAIN)
        got = sys(init_thread, SYS_destroy, leaf);
    got = sys(init_thread, SYS_destroy, inner);
    while (got == ERR_AGAIN)
        got = sys(init_thread, SYS_destroy, inner);
    destroy_all(outer);
}

/* 10,000 rounds: a container with a process, a thread, memory and an endpoint, come and gone. */
static void test_destroy_ten_thousand_rounds_return_to_the_same_counts(void **state)
{
    (void)state;
    check_unchanged_every = 0;
    check_invariants_every = 500;
    uint64_t frames = kernel_free_frames();
    uint64_t used = container_at[C(box_frame)].used, carved = container_at[C(box_frame)].carved;
    uint32_t handles = handles_open(init_process);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t c = container(box, 60);
        struct actor a = actor_new(c);
        expect(OK, sys(a.thread, SYS_endpoint_create, 0));
        uint64_t e = result(a.thread, 0);
        uint64_t other_handle;
        pfn_t other = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), &other_handle);
        switch (round % 8) { /* in turn in each state there is */
        case 0:
            expect(BLOCKED, sys(a.thread, SYS_receive, e, 0));
            break;
        case 1:
            expect(BLOCKED, sys(a.thread, SYS_call, e, TAG(1, 0, 0)));
            break;
        case 2:
            fault(a.thread, FAULT_READ, round);
            break;
        case 3:
            deadline(a.thread, UINT64_MAX - 1);
            expect(BLOCKED, sys(a.thread, SYS_send, e, TAG(1, 0, 0) | TAG_DEADLINE));
            break;
        case 4:
            expect(OK, sys(init_thread, SYS_suspend, a.thread_handle));
            break;
        case 5:
            expect(BLOCKED, sys(a.thread, SYS_call, e, TAG(1, 0, 0)));
            expect(OK, sys(other, SYS_receive, e, 0));
            check_equal(thread_at[T(a.thread)].state, THREAD_CALLING);
            break;
        case 6:
            expect(OK, sys(a.thread, SYS_fault_handler, 0, e));
            fault(a.thread, FAULT_WRITE, round);
            expect(OK, sys(other, SYS_receive, e, 0));
            check_equal(thread_at[T(a.thread)].state, THREAD_FAULTED);
            break;
        default:
            break; /* ready */
        }
        destroy_all(c);
        expect(OK, sys(init_thread, SYS_handle_close, other_handle));
        expect(OK, sys(init_thread, SYS_handle_close, c));
        expect(OK, sys(init_thread, SYS_handle_close, a.process_handle));
        expect(OK, sys(init_thread, SYS_handle_close, a.thread_handle));
        check_equal(kernel_free_frames(), frames);
        check_equal(container_at[C(box_frame)].used, used);
        check_equal(container_at[C(box_frame)].carved, carved);
        check_equal(handles_open(init_process), handles);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        destroy_test(test_destroy_container_threads_in_every_state),
        destroy_test(test_destroy_partner_container_threads_in_every_state),
        destroy_test(test_destroy_endpoint_threads_in_every_state),
        destroy_test(test_destroy_deep_and_wide_tree),
        destroy_test(test_destroy_process_with_much_memory_comes_in_pieces),
        destroy_test(test_destroy_endpoint_with_many_waiters_comes_in_pieces),
        destroy_test(test_destroy_while_processes_inside_go_on_creating_ends),
        destroy_test(test_destroy_child_while_parent_is_being_destroyed),
        destroy_test(test_destroy_ten_thousand_rounds_return_to_the_same_counts),
    };
    return cmocka_run_group_tests_name("destroy", tests, NULL, NULL);
}
