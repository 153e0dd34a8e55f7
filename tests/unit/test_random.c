/* SPDX-License-Identifier: MIT */
/*
 * Bad input: any register values are legal in any call. Seeded random calls of several threads that share a container,
 * with invariants and listed errors checked, and failing calls held to having changed nothing. The seed is printed; set
 * SEED to repeat a run, ROUNDS for more or fewer calls.
 */
#include "core/sched.h"
#include "tests/unit/harness.h"

#define ACTORS 3u
#define ROUNDS_DEFAULT 1000000u

static struct actor actor[ACTORS];
static uint64_t rounds;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 0);
}

static int setup(void **state)
{
    int bad = machine_setup(state);
    uint64_t seed = from_environment("SEED", 20), end = endpoint_new();
    rounds = from_environment("ROUNDS", ROUNDS_DEFAULT);
    print_message("# seed %llu, %llu calls\n", (unsigned long long)seed, (unsigned long long)rounds);
    random_seed(seed);
    for (uint32_t i = 0; i < ACTORS; i++) {
        actor[i] = actor_new(box);
        actor_give(actor[i], end, RIGHTS_ALL, i);
        actor_give(actor[i], box, RIGHTS_ALL & ~RIGHT_DESTROY, 0);
        actor_give(actor[i], actor[i].process_handle, RIGHTS_ALL & ~RIGHT_DESTROY, 0);
        actor_give(actor[i], actor[i].thread_handle, RIGHTS_ALL & ~(RIGHT_DESTROY | RIGHT_WRITE), 0);
        actor_give(actor[i], BOOT_IRQS, RIGHTS_ALL, 0);
        actor_give(actor[i], BOOT_PORTS, RIGHTS_ALL, 0);
        actor_give(actor[i], BOOT_MEMORY, RIGHTS_ALL, 0);
    }
    return bad;
}

/* Values at the edges of things, small numbers, and anything. */
static uint64_t wild(void)
{
    static const uint64_t edge[] = {
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        16,
        17,
        32,
        33,
        63,
        64,
        255,
        256,
        4095,
        4096,
        4097,
        HANDLES_MAX - 1,
        HANDLES_MAX,
        USER_BASE,
        USER_BASE - 1,
        USER_BASE - 4096,
        USER_TOP,
        USER_TOP - 1,
        USER_TOP - 4096,
        USER_TOP - 8,
        0x800000000000,
        0xFFFF800000000000,
        0xFFFFFFFF80000000,
        0x7FFFFFFFFFFF,
        0x7FFFFFFFF000,
        0x8000000000000000,
        UINT64_MAX,
        UINT64_MAX - 1,
        UINT64_MAX - 4095,
        UINT32_MAX,
        (uint64_t)1 << 32,
        ACTOR_DATA,
        ACTOR_MESSAGE,
        ACTOR_DATA + 1,
        ACTOR_DATA + 4088,
        ACTOR_RECEIVE,
        0x40000000,
        0x40200000,
        TAG_NONBLOCK,
        TAG(1, 5, 1) | TAG_NONBLOCK,
    };
    uint64_t dice = random_below(16);
    if (dice < 10)
        return edge[random_below(sizeof edge / sizeof edge[0])];
    return dice < 13 ? random_below(24) : random_next();
}

/* Somebody who can run; waits and stops are ended from outside so that the calls go on. */
static pfn_t somebody(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        pfn_t t = actor[random_below(ACTORS)].thread;
        if (frame_kind[t] == FRAME_THREAD && process_at[P(frame_owner[t])].dying == 0 &&
            (thread_at[T(t)].state == THREAD_READY || thread_at[T(t)].state == THREAD_RUNNING))
            return t;
    }
    return 0;
}

/* A fresh actor for one that has ended, waits, or was stopped. */
static void renew(void)
{
    uint32_t i = (uint32_t)random_below(ACTORS);
    uint32_t every = check_invariants_every;
    check_invariants_every = 64;
    destroy_all(actor[i].process_handle);
    expect(OK, sys(init_thread, SYS_handle_close, actor[i].process_handle));
    expect(OK, sys(init_thread, SYS_handle_close, actor[i].thread_handle));
    actor[i] = actor_new(box);
    for (uint64_t h = BOOT_IRQS; h <= BOOT_MEMORY; h++)
        actor_give(actor[i], h, RIGHTS_ALL, 0);
    actor_give(actor[i], box, RIGHT_READ | RIGHT_COPY, 0);
    actor_give(actor[i], actor[i].process_handle, RIGHTS_ALL & ~RIGHT_DESTROY, 0);
    check_invariants_every = every;
}

static void test_syscall_any_registers_keep_the_invariants(void **state)
{
    (void)state;
    check_unchanged_every = 32;
    check_invariants_every = 64;
    uint64_t renewed = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        pfn_t t = somebody();
        if (t == 0) {
            renew();
            renewed++;
            continue;
        }
        uint64_t number = random_below(8) == 0 ? wild() : random_below(SYS_COUNT);
        deadline(t, wild());
        (void)sys(t, number, wild(), wild(), wild(), wild(), wild(), wild());
        if (i % 64 == 0)
            tick(random_below(2 * TICK_NS));
        if (i % 256 == 0)
            interrupt((uint32_t)wild());
    }
    print_message("# %llu actors were renewed\n", (unsigned long long)renewed);
}

static void test_fault_any_address_keeps_the_invariants(void **state)
{
    (void)state;
    check_invariants_every = 8;
    for (uint32_t i = 0; i < 300; i++) {
        pfn_t t = somebody();
        if (t == 0) {
            renew();
            continue;
        }
        for (uint32_t r = 0; r < REG_COUNT; r++)
            thread_at[T(t)].reg[r] = wild();
        fault(t, FAULT_NONE + 1 + (uint32_t)random_below(FAULT_LAST - 1), wild());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_syscall_any_registers_keep_the_invariants, setup,
                                        machine_teardown),
        cmocka_unit_test_setup_teardown(test_fault_any_address_keeps_the_invariants, setup,
                                        machine_teardown),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
