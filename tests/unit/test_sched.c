/* SPDX-License-Identifier: MIT */
/* Scheduling: priorities, round robin, slices, preemption, direct switch, idle; deadlines and the clock. */
#include "core/deadline.h"
#include "core/sched.h"
#include "tests/unit/harness.h"

static struct actor a;

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    return bad;
}
#define sched_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

static pfn_t add(uint64_t priority) { return actor_thread(a, SETUP(priority, 0), NULL); }

static void test_sched_higher_priority_preempts_at_once(void **state)
{
    (void)state;
    check_equal(cpu_at[0].current, a.thread); /* above init */
    make_current(a.thread);
    pfn_t high = add(ACTOR_PRIORITY + 1);
    check_equal(cpu_at[0].current, high);
    check_equal(thread_at[T(a.thread)].state, THREAD_READY);
}

static void test_sched_lower_priority_waits(void **state)
{
    (void)state;
    pfn_t low = add(ACTOR_PRIORITY - 1);
    make_current(a.thread);
    for (uint32_t i = 0; i < 20; i++)
        check_equal(tick(TICK_NS), a.thread);
    check_equal(thread_at[T(low)].ticks, 0);
}

static void test_sched_equal_priority_round_robin_by_slices(void **state)
{
    (void)state;
    pfn_t b = add(ACTOR_PRIORITY), c = add(ACTOR_PRIORITY);
    make_current(a.thread);
    uint32_t ran[3] = {0};
    for (uint32_t i = 0; i < 60 * SLICE_TICKS; i++) {
        pfn_t now = tick(TICK_NS);
        assert_true(now == a.thread || now == b || now == c);
        ran[now == a.thread ? 0 : now == b ? 1 : 2]++;
    }
    for (uint32_t i = 0; i < 3; i++)
        check_equal(ran[i], 20 * SLICE_TICKS);
}

static void test_sched_slice_lasts_its_ticks(void **state)
{
    (void)state;
    pfn_t b = add(ACTOR_PRIORITY);
    expect(OK, sys(a.thread, SYS_yield)); /* b runs with a full slice */
    check_equal(cpu_at[0].current, b);
    for (uint32_t i = 1; i < SLICE_TICKS; i++)
        check_equal(tick(TICK_NS), b);
    check_equal(tick(TICK_NS), a.thread);
}

static void test_timer_before_the_tick_changes_nothing(void **state)
{
    (void)state;
    add(ACTOR_PRIORITY);
    make_current(a.thread);
    tick(TICK_NS);
    pfn_t now = cpu_at[0].current;
    uint64_t ticks = thread_at[T(now)].ticks;
    for (uint32_t i = 0; i < 10; i++)
        check_equal(tick(1), now);
    check_equal(thread_at[T(now)].ticks, ticks);
}

static void test_yield_goes_behind_equals(void **state)
{
    (void)state;
    pfn_t order[3];
    add(ACTOR_PRIORITY);
    add(ACTOR_PRIORITY);
    for (uint32_t i = 0; i < 3; i++) {
        order[i] = cpu_at[0].current;
        expect(OK, sys(order[i], SYS_yield));
    }
    assert_true(order[0] != order[1] && order[1] != order[2] && order[0] != order[2]);
    for (uint32_t i = 0; i < 9; i++) {
        check_equal(cpu_at[0].current, order[i % 3]);
        expect(OK, sys(order[i % 3], SYS_yield));
    }
}

static void test_yield_alone_goes_on(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_yield));
    check_equal(cpu_at[0].current, a.thread);
}

static void test_priority_raised_while_ready_preempts(void **state)
{
    (void)state;
    uint64_t h;
    pfn_t low = actor_thread(a, SETUP(2, 0), &h);
    uint64_t mine = actor_give(a, h, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_priority, mine, 30));
    check_equal(cpu_at[0].current, low);
}

static void test_priority_lowered_while_running_gives_way(void **state)
{
    (void)state;
    pfn_t other = add(ACTOR_PRIORITY - 1);
    uint64_t self = actor_give(a, a.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_priority, self, 2));
    check_equal(cpu_at[0].current, other);
}

static void test_sched_all_priorities_in_order(void **state)
{
    (void)state;
    pfn_t thread[BOX_CEILING + 1];
    make_current(init_thread);
    for (uint64_t p = 2; p <= BOX_CEILING; p++)
        thread[p] = add(p);
    for (uint64_t p = BOX_CEILING; p > ACTOR_PRIORITY; p--) {
        check_equal(cpu_at[0].current, thread[p]);
        expect(GONE, sys(thread[p], SYS_thread_exit));
    }
}

static void test_sched_idle_then_interrupt_wakes(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    uint64_t mine = actor_give(a, e, RIGHTS_ALL, 0);
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 3, e, 8));
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, 0));
    /* init waits too: nobody is ready */
    uint64_t quiet = endpoint_new();
    uint64_t wake = actor_give(a, quiet, RIGHTS_ALL, 0);
    expect(BLOCKED, sys(init_thread, SYS_receive, quiet, 0));
    check_equal(cpu_at[0].current, 0);
    check_equal(hosted_direct.timer, UINT64_MAX);
    check_equal(interrupt(3), a.thread);
    expect(OK, sys(a.thread, SYS_signal, wake, 1));
}

static void test_sched_idle_timer_is_the_earliest_deadline(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    uint64_t mine = actor_give(a, e, RIGHTS_ALL, 0);
    pfn_t b = add(ACTOR_PRIORITY);
    deadline(a.thread, 900000000);
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, TAG_DEADLINE));
    deadline(b, 500000000);
    expect(BLOCKED, sys(b, SYS_receive, mine, TAG_DEADLINE));
    deadline(init_thread, 700000000);
    expect(BLOCKED, sys(init_thread, SYS_receive, e, TAG_DEADLINE));
    check_equal(cpu_at[0].current, 0);
    check_equal(hosted_direct.timer, 500000000);
    check_equal(tick(500000000), b);
    expect(ERR_TIMEOUT, outcome(b));
    check_equal(tick(200000000), b);
    expect(ERR_TIMEOUT, outcome(init_thread));
    tick(200000000);
    expect(ERR_TIMEOUT, outcome(a.thread));
}

static void test_deadlines_many_expire_in_order_in_pieces(void **state)
{
    (void)state;
    enum { N = 30 };
    pfn_t thread[N];
    uint64_t mine = actor_give(a, endpoint_new(), RIGHTS_ALL, 0);
    random_seed(4);
    for (uint32_t i = 0; i < N; i++) {
        thread[i] = add(ACTOR_PRIORITY);
        deadline(thread[i], 1000 + random_below(50));
        expect(BLOCKED, sys(thread[i], SYS_receive, mine, TAG_DEADLINE));
    }
    check_equal(deadline_count, N);
    uint32_t entries = 0;
    for (hosted_direct.clock = 2000; deadline_count > 0; entries++) {
        uint64_t last = deadline_count;
        tick(0);
        assert_true(deadline_count < last);
        assert_true(last - deadline_count <= EXPIRE_PIECE);
        if (deadline_count > 0)
            assert_true(hosted_direct.timer <= hosted_direct.clock);
    }
    assert_true(entries >= N / EXPIRE_PIECE);
    for (uint32_t i = 0; i < N; i++)
        expect(ERR_TIMEOUT, outcome(thread[i]));
}

static void test_clock_is_the_machines(void **state)
{
    (void)state;
    hosted_direct.clock = 123456789;
    expect(OK, sys(a.thread, SYS_clock));
    check_equal(result(a.thread, 0), 123456789);
}

static void test_call_and_reply_switch_directly(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    struct actor server = actor_new(box);
    uint64_t out = actor_give(a, e, RIGHTS_ALL, 0), in = actor_give(server, e, RIGHTS_ALL, 0);
    pfn_t third = add(ACTOR_PRIORITY); /* of the same priority, ready all the time */
    expect(BLOCKED, sys(server.thread, SYS_receive, in, 0));
    for (uint32_t i = 0; i < 5; i++) {
        expect(BLOCKED, sys(a.thread, SYS_call, out, TAG(1, 0, 0)));
        check_equal(cpu_at[0].current, server.thread);
        expect(BLOCKED, sys(server.thread, SYS_reply_receive, in, TAG(1, 0, 0)));
        check_equal(cpu_at[0].current, a.thread);
    }
    check_equal(thread_at[T(third)].state, THREAD_READY);
}

static void test_call_to_lower_priority_lets_higher_run_first(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    uint64_t out = actor_give(a, e, RIGHTS_ALL, 0);
    pfn_t server = add(5), middle = add(7);
    expect(BLOCKED, sys(server, SYS_receive, out, 0));
    expect(BLOCKED, sys(a.thread, SYS_call, out, TAG(1, 0, 0)));
    check_equal(cpu_at[0].current, middle);
    check_equal(thread_at[T(server)].state, THREAD_READY);
}

/* An ended process leaves many ready threads: setting them aside takes several entries, and the CPU must come back. */
static void test_sched_many_threads_of_ended_process_are_set_aside(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    for (uint32_t i = 0; i < 100; i++)
        add(ACTOR_PRIORITY);
    expect(OK, sys(init_thread, SYS_priority, b.thread_handle, 2)); /* behind all of them */
    expect(STOPPED, sys(a.thread, SYS_process_exit, 0));
    for (uint32_t i = 0; i < 20 && cpu_at[0].current == 0; i++) {
        /* Idle with somebody ready: the machine must have been asked to come back at once. */
        assert_true(hosted_direct.timer <= hosted_direct.clock);
        tick(0);
    }
    check_equal(cpu_at[0].current, b.thread);
}

static void test_thread_info_counts_ticks_and_calls(void **state)
{
    (void)state;
    make_current(a.thread);
    for (uint32_t i = 0; i < 5; i++)
        tick(TICK_NS);
    for (uint32_t i = 0; i < 3; i++)
        expect(OK, sys(a.thread, SYS_nop));
    expect(OK, sys(init_thread, SYS_thread_info, a.thread_handle));
    assert_in_range(result(init_thread, 3), 4, 5);
    check_equal(result(init_thread, 5), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        sched_test(test_sched_higher_priority_preempts_at_once),
        sched_test(test_sched_lower_priority_waits),
        sched_test(test_sched_equal_priority_round_robin_by_slices),
        sched_test(test_sched_slice_lasts_its_ticks),
        sched_test(test_timer_before_the_tick_changes_nothing),
        sched_test(test_yield_goes_behind_equals),
        sched_test(test_yield_alone_goes_on),
        sched_test(test_priority_raised_while_ready_preempts),
        sched_test(test_priority_lowered_while_running_gives_way),
        sched_test(test_sched_all_priorities_in_order),
        sched_test(test_sched_idle_then_interrupt_wakes),
        sched_test(test_sched_idle_timer_is_the_earliest_deadline),
        sched_test(test_deadlines_many_expire_in_order_in_pieces),
        sched_test(test_clock_is_the_machines),
        sched_test(test_call_and_reply_switch_directly),
        sched_test(test_call_to_lower_priority_lets_higher_run_first),
        sched_test(test_sched_many_threads_of_ended_process_are_set_aside),
        sched_test(test_thread_info_counts_ticks_and_calls),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
