/* SPDX-License-Identifier: MIT */
/* Containers, processes, threads, endpoints and handles: creation, information, limits, quota, handles' rules. */
#include "core/sched.h"
#include "tests/unit/harness.h"

static struct actor a;

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    return bad;
}
#define object_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

static uint64_t container(uint64_t parent, uint64_t pages)
{
    expect(OK, sys(init_thread, SYS_container_create, parent, pages, 1, BOX_CEILING, 0, 0));
    return result(init_thread, 0);
}

/* ---- containers ---- */

static void test_container_create_carves_its_total(void **state)
{
    (void)state;
    uint64_t carved = container_at[C(box_frame)].carved, used = container_at[C(box_frame)].used;
    uint64_t c = container(box, 100);
    check_equal(container_at[C(box_frame)].carved, carved + 100);
    check_equal(container_at[C(box_frame)].used, used + 1);
    expect(OK, sys(init_thread, SYS_container_info, c));
    check_equal(result(init_thread, 0), 100);
    check_equal(result(init_thread, 1), 0);
    check_equal(result(init_thread, 2), 0);
    check_equal(result(init_thread, 3), 1);
    check_equal(result(init_thread, 4), BOX_CEILING);
    check_equal(result(init_thread, 5), 2);
    destroy_all(c);
    check_equal(container_at[C(box_frame)].carved, carved);
    check_equal(container_at[C(box_frame)].used, used);
}

static void test_container_create_beyond_quota_gives_quota(void **state)
{
    (void)state;
    expect(ERR_QUOTA, sys(init_thread, SYS_container_create, box, BOX_PAGES, 1, 1, 0, 0));
    expect(ERR_QUOTA, sys(init_thread, SYS_container_create, box, UINT64_MAX, 1, 1, 0, 0));
    expect(ERR_QUOTA, sys(init_thread, SYS_container_create, box, (uint64_t)1 << 32, 1, 1, 0, 0));
}

static void test_container_create_cpus_outside_the_set_give_cpu(void **state)
{
    (void)state;
    expect(ERR_CPU, sys(init_thread, SYS_container_create, box, 10, 2, 1, 0, 0));
    expect(ERR_CPU, sys(init_thread, SYS_container_create, box, 10, 0, 1, 0, 0));
    expect(ERR_CPU, sys(init_thread, SYS_container_create, box, 10, UINT64_MAX, 1, 0, 0));
}

static void test_container_create_ceiling_above_parents_gives_priority(void **state)
{
    (void)state;
    expect(ERR_PRIORITY, sys(init_thread, SYS_container_create, box, 10, 1, BOX_CEILING + 1, 0, 0));
    expect(ERR_PRIORITY, sys(init_thread, SYS_container_create, box, 10, 1, 256, 0, 0));
}

static void test_container_nesting_is_bounded_by_quota_alone(void **state)
{
    (void)state;
    uint64_t c = box;
    for (uint64_t depth = 0; depth < 200; depth++) {
        expect(OK,
               sys(init_thread, SYS_container_create, c, 1000 - depth * 2, 1, BOX_CEILING, 0, 0));
        c = result(init_thread, 0);
    }
    expect(OK, sys(init_thread, SYS_container_info, c));
    check_equal(result(init_thread, 5), 201);
}

static void test_container_used_and_carved_never_exceed_total(void **state)
{
    (void)state;
    uint64_t c = container(box, 30);
    struct actor b = actor_new(c);
    pfn_t frame = object_of(init_process, c);
    uint64_t left = 30 - container_at[C(frame)].used;
    expect(ERR_QUOTA, sys(init_thread, SYS_container_create, c, left, 1, 1, 0, 0));
    expect(OK, sys(init_thread, SYS_container_create, c, left - 1, 1, 1, 0, 0));
    expect(ERR_QUOTA, sys(init_thread, SYS_map, b.process_handle, 0x10000000, 1, PAGE_READ));
    expect(ERR_QUOTA, sys(init_thread, SYS_process_create, c, 0, 0, 0, 0));
    expect(ERR_QUOTA, sys(init_thread, SYS_thread_create, b.process_handle, 0x10000, 0, 0, 0, 0));
}

static void test_destroy_root_container_gives_rights(void **state)
{
    (void)state;
    expect(ERR_RIGHTS, sys(init_thread, SYS_destroy, BOOT_CONTAINER));
}

static void test_create_in_a_dying_container_gives_dying(void **state)
{
    (void)state;
    uint64_t c = container(box, 1000);
    struct actor b = actor_new(c);
    (void)b;
    expect(ERR_AGAIN, sys(init_thread, SYS_destroy, c)); /* begun, not done */
    expect(ERR_DYING, sys(init_thread, SYS_container_create, c, 1, 1, 1, 0, 0));
    expect(ERR_DYING, sys(init_thread, SYS_process_create, c, 0, 0, 0, 0));
    destroy_all(c);
    expect(ERR_DEAD, sys(init_thread, SYS_container_info, c));
}

/* ---- processes ---- */

static void test_process_create_info_and_name(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_process_create, box, 0, 0, 0x1122334455667788, 0x99));
    uint64_t p = result(init_thread, 0);
    expect(OK, sys(init_thread, SYS_process_info, p));
    check_equal(result(init_thread, 0), PROCESS_ALIVE);
    check_equal(result(init_thread, 5), 4);
    expect(OK, sys(init_thread, SYS_object_name, p));
    check_equal(result(init_thread, 0), 0x1122334455667788);
    check_equal(result(init_thread, 1), 0x99);
    expect(OK, sys(init_thread, SYS_object_name, box));
    check_equal(result(init_thread, 0), 0x786f62);
}

static void test_process_exit_tells_status_and_signals(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    expect(OK, sys(init_thread, SYS_process_create, box, e, 0x10, 0, 0));
    struct actor b = {.process_handle = result(init_thread, 0)};
    b.process = object_of(init_process, b.process_handle);
    b.thread = actor_thread(b, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(GONE, sys(b.thread, SYS_process_exit, 42));
    expect(OK, sys(init_thread, SYS_process_info, b.process_handle));
    check_equal(result(init_thread, 0), PROCESS_EXITED);
    check_equal(result(init_thread, 1), 42);
    expect(OK, sys(init_thread, SYS_receive, e, TAG_NONBLOCK));
    check_equal(result(init_thread, 1), TAG_EVENT);
    check_equal(result(init_thread, 2), 0x10);
}

static void test_thread_exit_last_ends_the_process_with_zero(void **state)
{
    (void)state;
    pfn_t second = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(GONE, sys(a.thread, SYS_thread_exit));
    check_equal(process_at[P(a.process)].state, PROCESS_ALIVE);
    expect(GONE, sys(second, SYS_thread_exit));
    check_equal(process_at[P(a.process)].state, PROCESS_EXITED);
    check_equal(process_at[P(a.process)].code, 0);
}

static void test_process_exit_other_threads_do_not_run_again(void **state)
{
    (void)state;
    pfn_t second = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    expect(STOPPED, sys(a.thread, SYS_process_exit, 1));
    for (uint32_t i = 0; i < 10; i++)
        assert_true(tick(TICK_NS) != second);
}

static void test_destroy_process_signals_killed(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    expect(OK, sys(init_thread, SYS_process_create, box, e, 4, 0, 0));
    uint64_t p = result(init_thread, 0);
    destroy_all(p);
    expect(OK, sys(init_thread, SYS_receive, e, TAG_NONBLOCK));
    check_equal(result(init_thread, 2), 4);
    expect(ERR_DEAD, sys(init_thread, SYS_process_info, p));
}

static void test_processes_are_bounded_by_quota_alone(void **state)
{
    (void)state;
    uint64_t c = container(box, 2000);
    check_unchanged_every = 0;
    check_invariants_every = 16;
    uint32_t count = 0;
    int got;
    while ((got = sys(init_thread, SYS_process_create, c, 0, 0, 0, 0)) == OK) {
        count++;
        expect(OK, sys(init_thread, SYS_handle_close, result(init_thread, 0)));
    }
    expect(ERR_QUOTA, got);
    check_equal(count, 500); /* four pages each */
}

/* ---- threads ---- */

static void test_thread_create_registers_and_numbers(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_thread_create, a.process_handle, 0x1234000, 0x5678000, 99,
                   SETUP(3, 0) | SETUP_SUSPENDED, 0));
    uint64_t h = result(init_thread, 0);
    pfn_t n = object_of(init_process, h);
    check_equal(thread_at[T(n)].reg[REG_RIP], 0x1234000);
    check_equal(thread_at[T(n)].reg[REG_RSP], 0x5678000);
    check_equal(thread_at[T(n)].reg[REG_RDI], 99);
    expect(OK, sys(init_thread, SYS_thread_info, h));
    check_equal(result(init_thread, 0), THREAD_SUSPENDED);
    check_equal(result(init_thread, 1), 3);
    check_equal(result(init_thread, 2), 0);
    check_equal(result(init_thread, 4), 2);
    expect(OK, sys(init_thread, SYS_resume, h));
    check_equal(thread_at[T(n)].state, THREAD_READY);
}

static void test_thread_create_bad_arguments(void **state)
{
    (void)state;
    uint64_t p = a.process_handle;
    expect(ERR_PRIORITY,
           sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, SETUP(BOX_CEILING + 1, 0), 0));
    expect(ERR_CPU, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, SETUP(1, 1), 0));
    expect(ERR_CPU, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, SETUP(1, 255), 0));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, 0x20000, 0));
    expect(ERR_ARGUMENT,
           sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, (uint64_t)1 << 63, 0));
    expect(ERR_ALIGN, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, 1, 0x500010));
    expect(ERR_RANGE, sys(init_thread, SYS_thread_create, p, 0x10000, 0, 0, 1, USER_TOP));
    expect(ERR_RANGE, sys(init_thread, SYS_thread_create, p, UINT64_MAX, 0, 0, 1, 0));
    expect(ERR_RANGE, sys(init_thread, SYS_thread_create, p, 0x800000000000, 0, 0, 1, 0));
    expect(ERR_RANGE, sys(init_thread, SYS_thread_create, p, 0x10000, 0xFFFF800000000000, 0, 1, 0));
}

static void test_suspend_ready_thread_does_not_run_until_resumed(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_suspend, a.thread_handle));
    check_equal(thread_at[T(a.thread)].state, THREAD_SUSPENDED);
    for (uint32_t i = 0; i < 5; i++)
        check_equal(tick(TICK_NS), init_thread);
    expect(OK, sys(init_thread, SYS_resume, a.thread_handle));
    check_equal(cpu_at[0].current, a.thread);
    expect(ERR_STATE, sys(init_thread, SYS_resume, a.thread_handle));
}

static void test_suspend_waiting_thread_goes_on_waiting_then_stops(void **state)
{
    (void)state;
    uint64_t e = endpoint_new();
    uint64_t mine = actor_give(a, e, RIGHTS_ALL, 0);
    expect(BLOCKED, sys(a.thread, SYS_receive, mine, 0));
    expect(OK, sys(init_thread, SYS_suspend, a.thread_handle));
    check_equal(thread_at[T(a.thread)].state, THREAD_RECEIVING);
    expect(OK, sys(init_thread, SYS_send, e, TAG(1, 1, 0), 5));
    check_equal(thread_at[T(a.thread)].state, THREAD_SUSPENDED);
    expect(OK, sys(init_thread, SYS_resume, a.thread_handle));
    expect(OK, outcome(a.thread));
    check_equal(result(a.thread, 2), 5);
}

static void test_suspend_self_stops_with_status_zero(void **state)
{
    (void)state;
    uint64_t self = actor_give(a, a.thread_handle, RIGHTS_ALL, 0);
    expect(STOPPED, sys(a.thread, SYS_suspend, self));
    check_equal(thread_at[T(a.thread)].reg[REG_RAX], 0);
    expect(OK, sys(init_thread, SYS_resume, a.thread_handle));
}

static void test_destroy_self_thread_is_gone(void **state)
{
    (void)state;
    uint64_t self = actor_give(a, a.thread_handle, RIGHTS_ALL, 0);
    expect(GONE, sys(a.thread, SYS_destroy, self));
    expect(ERR_DEAD, sys(init_thread, SYS_thread_info, a.thread_handle));
}

static void test_destroy_own_process_ends_it(void **state)
{
    (void)state;
    uint64_t self = actor_give(a, a.process_handle, RIGHTS_ALL, 0);
    int got = sys(a.thread, SYS_destroy, self);
    assert_true(got == GONE || got == STOPPED);
    check_equal(process_at[P(a.process)].state, PROCESS_KILLED);
}

static void test_regs_read_and_write_round_trip(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t h = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_suspend, h));
    expect(OK, sys(a.thread, SYS_regs_read, h, ACTOR_DATA));
    check_equal(peek(a.process, ACTOR_DATA + 8 * REG_RIP), ACTOR_CODE);
    poke(a.process, ACTOR_DATA + 8 * REG_RIP, 0x12345000);
    poke(a.process, ACTOR_DATA + 8 * REG_RBX, 77);
    expect(OK, sys(a.thread, SYS_regs_write, h, ACTOR_DATA));
    check_equal(thread_at[T(b.thread)].reg[REG_RIP], 0x12345000);
    check_equal(thread_at[T(b.thread)].reg[REG_RBX], 77);
}

static void test_regs_write_dangerous_values_are_made_safe(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t h = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_suspend, h));
    for (uint32_t i = 0; i < REG_COUNT; i++)
        poke(a.process, ACTOR_DATA + 8 * i, UINT64_MAX);
    expect(OK, sys(a.thread, SYS_regs_write, h, ACTOR_DATA));
    uint64_t flags = thread_at[T(b.thread)].reg[REG_RFLAGS];
    check_equal(flags & 0x3000, 0);    /* IOPL */
    check_equal(flags & 0x200, 0x200); /* interrupts on */
    check_equal(flags & 0x24000, 0);   /* NT, VM */
    assert_true(thread_at[T(b.thread)].reg[REG_RIP] < (uint64_t)1 << 47);
    assert_true(thread_at[T(b.thread)].reg[REG_FS_BASE] < (uint64_t)1 << 47);
}

static void test_regs_bad_addresses(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t h = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_suspend, h));
    expect(ERR_ALIGN, sys(a.thread, SYS_regs_read, h, ACTOR_DATA + 1));
    expect(ERR_RANGE, sys(a.thread, SYS_regs_read, h, ACTOR_DATA + 4096 - 8));
    expect(ERR_RANGE, sys(a.thread, SYS_regs_read, h, USER_TOP));
    expect(ERR_RANGE, sys(a.thread, SYS_regs_read, h, 0));
    expect(ERR_UNMAPPED, sys(a.thread, SYS_regs_read, h, 0x20000000));
    expect(OK, sys(a.thread, SYS_protect, 0, ACTOR_DATA, 1, PAGE_READ));
    expect(ERR_PERM, sys(a.thread, SYS_regs_read, h, ACTOR_DATA));
    expect(OK, sys(a.thread, SYS_regs_write, h, ACTOR_DATA));
}

static void test_regs_of_running_thread_give_state(void **state)
{
    (void)state;
    uint64_t self = actor_give(a, a.thread_handle, RIGHTS_ALL, 0);
    expect(ERR_STATE, sys(a.thread, SYS_regs_read, self, ACTOR_DATA));
    expect(ERR_STATE, sys(a.thread, SYS_regs_write, self, ACTOR_DATA));
    struct actor b = actor_new(box);
    uint64_t ready = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(ERR_STATE, sys(a.thread, SYS_regs_write, ready, ACTOR_DATA));
    expect(OK, sys(a.thread, SYS_regs_read, ready, ACTOR_DATA));
}

static void test_fs_base_beyond_user_memory_gives_range(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_fs_base, 0x1234));
    check_equal(thread_at[T(a.thread)].reg[REG_FS_BASE], 0x1234);
    expect(ERR_RANGE, sys(a.thread, SYS_fs_base, USER_TOP));
    expect(ERR_RANGE, sys(a.thread, SYS_fs_base, UINT64_MAX));
    check_equal(thread_at[T(a.thread)].reg[REG_FS_BASE], 0x1234);
}

static void test_priority_above_ceiling_gives_priority(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_priority, a.thread_handle, BOX_CEILING));
    expect(ERR_PRIORITY, sys(init_thread, SYS_priority, a.thread_handle, BOX_CEILING + 1));
    expect(ERR_PRIORITY, sys(init_thread, SYS_priority, a.thread_handle, UINT64_MAX));
}

static void test_affinity_cpu_outside_the_set_gives_cpu(void **state)
{
    (void)state;
    expect(OK, sys(init_thread, SYS_affinity, a.thread_handle, 0));
    expect(ERR_CPU, sys(init_thread, SYS_affinity, a.thread_handle, 1));
    expect(ERR_CPU, sys(init_thread, SYS_affinity, a.thread_handle, 64));
    expect(ERR_CPU, sys(init_thread, SYS_affinity, a.thread_handle, UINT64_MAX));
}

/* ---- endpoints ---- */

static void test_endpoint_create_until_full(void **state)
{
    (void)state;
    check_unchanged_every = 16;
    for (uint32_t i = 0; i < ENDPOINTS_MAX; i++)
        expect(OK, sys(a.thread, SYS_endpoint_create, 0));
    expect(ERR_FULL, sys(a.thread, SYS_endpoint_create, 0));
    uint64_t last = result(a.thread, 0);
    (void)last;
    expect(OK, sys(a.thread, SYS_destroy, 1));
    expect(OK, sys(a.thread, SYS_endpoint_create, 0));
}

static void test_endpoint_create_for_a_child_outlives_nothing(void **state)
{
    (void)state;
    struct actor b = actor_new(box);
    uint64_t child = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_endpoint_create, child));
    uint64_t e = result(a.thread, 0);
    expect(OK, sys(a.thread, SYS_handle_info, e));
    check_equal(result(a.thread, 0), KIND_ENDPOINT);
    check_equal(result(a.thread, 1), RIGHTS_ALL);
    destroy_all(b.process_handle);
    expect(ERR_DEAD, sys(a.thread, SYS_signal, e, 1));
    expect(OK, sys(a.thread, SYS_handle_info, e));
    check_equal(result(a.thread, 0), KIND_NONE);
}

static void test_endpoint_slot_used_again_old_handle_stays_dead(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_endpoint_create, 0));
    uint64_t old = result(a.thread, 0);
    endpoint_t slot = object_of(a.process, old);
    expect(OK, sys(a.thread, SYS_destroy, old));
    expect(OK, sys(a.thread, SYS_endpoint_create, 0));
    check_equal(object_of(a.process, result(a.thread, 0)), slot);
    expect(ERR_DEAD, sys(a.thread, SYS_signal, old, 1));
}

/* ---- handles ---- */

static void test_handle_copy_rights_only_shrink(void **state)
{
    (void)state;
    uint64_t h = actor_give(a, box, RIGHT_READ | RIGHT_COPY | RIGHT_WRITE, 0);
    expect(OK, sys(a.thread, SYS_handle_copy, 0, h, RIGHTS_ALL, 0));
    uint64_t copy = result(a.thread, 0);
    expect(OK, sys(a.thread, SYS_handle_info, copy));
    check_equal(result(a.thread, 1), RIGHT_READ | RIGHT_COPY | RIGHT_WRITE);
    expect(OK, sys(a.thread, SYS_handle_copy, 0, copy, RIGHT_READ, 0));
    uint64_t poor = result(a.thread, 0);
    expect(ERR_RIGHTS, sys(a.thread, SYS_handle_copy, 0, poor, RIGHT_READ, 0));
    expect(ERR_RIGHTS, sys(a.thread, SYS_process_create, poor, 0, 0, 0, 0));
}

static void test_handle_copy_badge_once_and_on_endpoints_only(void **state)
{
    (void)state;
    uint64_t e = actor_give(a, endpoint_new(), RIGHTS_ALL, 0);
    uint64_t c = actor_give(a, box, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_handle_copy, 0, e, RIGHTS_ALL, 5));
    uint64_t badged = result(a.thread, 0);
    expect(ERR_ARGUMENT, sys(a.thread, SYS_handle_copy, 0, badged, RIGHTS_ALL, 6));
    expect(OK, sys(a.thread, SYS_handle_copy, 0, badged, RIGHTS_ALL, 0));
    expect(OK, sys(a.thread, SYS_handle_info, result(a.thread, 0)));
    check_equal(result(a.thread, 2), 5);
    expect(ERR_ARGUMENT, sys(a.thread, SYS_handle_copy, 0, c, RIGHTS_ALL, 1));
    expect(ERR_ARGUMENT, sys(a.thread, SYS_handle_copy, 0, c, 256, 0));
}

static void test_handle_copy_until_full(void **state)
{
    (void)state;
    uint64_t c = actor_give(a, box, RIGHTS_ALL, 0);
    uint64_t charged = process_at[P(a.process)].charged;
    check_unchanged_every = 64;
    check_invariants_every = 16;
    int got;
    while ((got = sys(a.thread, SYS_handle_copy, 0, c, RIGHT_READ, 0)) == OK)
        continue;
    expect(ERR_FULL, got);
    check_equal(handles_open(a.process), HANDLES_MAX - 1);
    check_equal(process_at[P(a.process)].charged, charged + HANDLE_PAGES - 1);
    expect(OK, sys(a.thread, SYS_handle_close, 500));
    expect(OK, sys(a.thread, SYS_handle_copy, 0, c, RIGHT_READ, 0));
    check_equal(result(a.thread, 0), 500);
}

static void test_handle_close_closed_gives_handle(void **state)
{
    (void)state;
    uint64_t c = actor_give(a, box, RIGHTS_ALL, 0);
    expect(OK, sys(a.thread, SYS_handle_close, c));
    expect(ERR_HANDLE, sys(a.thread, SYS_handle_close, c));
    expect(ERR_HANDLE, sys(a.thread, SYS_handle_close, 0));
    expect(ERR_HANDLE, sys(a.thread, SYS_handle_close, UINT64_MAX));
}

static void test_handle_of_dead_object_can_be_closed(void **state)
{
    (void)state;
    uint64_t c = container(box, 10);
    uint64_t mine = actor_give(a, c, RIGHTS_ALL, 0);
    destroy_all(c);
    expect(ERR_DEAD, sys(a.thread, SYS_container_info, mine));
    expect(OK, sys(a.thread, SYS_handle_info, mine));
    check_equal(result(a.thread, 0), KIND_NONE);
    expect(OK, sys(a.thread, SYS_handle_close, mine));
}

/* ---- children and names ---- */

static void test_child_next_walks_in_order_of_birth(void **state)
{
    (void)state;
    uint64_t c = container(box, 100);
    expect(OK, sys(init_thread, SYS_child_next, box, 0));
    uint64_t first = result(init_thread, 0);
    check_equal(result(init_thread, 1), KIND_PROCESS);
    check_equal(object_of(init_process, first), a.process);
    expect(OK, sys(init_thread, SYS_child_next, box, first));
    uint64_t second = result(init_thread, 0);
    check_equal(result(init_thread, 1), KIND_CONTAINER);
    check_equal(object_of(init_process, second), object_of(init_process, c));
    expect(ERR_UNMAPPED, sys(init_thread, SYS_child_next, box, second));
    expect(OK, sys(init_thread, SYS_child_next, first, 0));
    check_equal(result(init_thread, 1), KIND_THREAD);
    expect(ERR_UNMAPPED, sys(init_thread, SYS_child_next, first, result(init_thread, 0)));
}

static void test_child_next_of_another_parent_gives_argument(void **state)
{
    (void)state;
    uint64_t c = container(box, 100);
    expect(ERR_ARGUMENT, sys(init_thread, SYS_child_next, c, a.process_handle));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_child_next, box, BOOT_IRQS));
    expect(ERR_ARGUMENT, sys(init_thread, SYS_child_next, box, BOOT_CONTAINER));
    expect(ERR_KIND, sys(init_thread, SYS_child_next, a.thread_handle, 0));
}

static void test_child_next_gives_no_more_rights_than_the_parent(void **state)
{
    (void)state;
    uint64_t mine = actor_give(a, box, RIGHT_READ, 0);
    expect(OK, sys(a.thread, SYS_child_next, mine, 0));
    expect(OK, sys(a.thread, SYS_handle_info, result(a.thread, 0)));
    check_equal(result(a.thread, 1) & ~(uint64_t)RIGHT_READ, 0);
}

static void test_object_name_of_thread_gives_kind(void **state)
{
    (void)state;
    expect(ERR_KIND, sys(init_thread, SYS_object_name, a.thread_handle));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        object_test(test_container_create_carves_its_total),
        object_test(test_container_create_beyond_quota_gives_quota),
        object_test(test_container_create_cpus_outside_the_set_give_cpu),
        object_test(test_container_create_ceiling_above_parents_gives_priority),
        object_test(test_container_nesting_is_bounded_by_quota_alone),
        object_test(test_container_used_and_carved_never_exceed_total),
        object_test(test_destroy_root_container_gives_rights),
        object_test(test_create_in_a_dying_container_gives_dying),
        object_test(test_process_create_info_and_name),
        object_test(test_process_exit_tells_status_and_signals),
        object_test(test_thread_exit_last_ends_the_process_with_zero),
        object_test(test_process_exit_other_threads_do_not_run_again),
        object_test(test_destroy_process_signals_killed),
        object_test(test_processes_are_bounded_by_quota_alone),
        object_test(test_thread_create_registers_and_numbers),
        object_test(test_thread_create_bad_arguments),
        object_test(test_suspend_ready_thread_does_not_run_until_resumed),
        object_test(test_suspend_waiting_thread_goes_on_waiting_then_stops),
        object_test(test_suspend_self_stops_with_status_zero),
        object_test(test_destroy_self_thread_is_gone),
        object_test(test_destroy_own_process_ends_it),
        object_test(test_regs_read_and_write_round_trip),
        object_test(test_regs_write_dangerous_values_are_made_safe),
        object_test(test_regs_bad_addresses),
        object_test(test_regs_of_running_thread_give_state),
        object_test(test_fs_base_beyond_user_memory_gives_range),
        object_test(test_priority_above_ceiling_gives_priority),
        object_test(test_affinity_cpu_outside_the_set_gives_cpu),
        object_test(test_endpoint_create_until_full),
        object_test(test_endpoint_create_for_a_child_outlives_nothing),
        object_test(test_endpoint_slot_used_again_old_handle_stays_dead),
        object_test(test_handle_copy_rights_only_shrink),
        object_test(test_handle_copy_badge_once_and_on_endpoints_only),
        object_test(test_handle_copy_until_full),
        object_test(test_handle_close_closed_gives_handle),
        object_test(test_handle_of_dead_object_can_be_closed),
        object_test(test_child_next_walks_in_order_of_birth),
        object_test(test_child_next_of_another_parent_gives_argument),
        object_test(test_child_next_gives_no_more_rights_than_the_parent),
        object_test(test_object_name_of_thread_gives_kind),
    };
    return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
