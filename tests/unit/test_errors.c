/* SPDX-License-Identifier: MIT */
/*
 * Every error. The first tests each produce one error of errors.def and are named after it; test_errors_... at the
 * end checks that none of the list is missing. Then every call with handles of every wrong kind, stale ones, closed ones
 * and ones without rights: what it lists, it gives.
 */
#include "core/handle.h"
#include "core/table.h"
#include "tests/unit/harness.h"

static struct actor a;
static uint64_t endpoint, init_endpoint; /* one endpoint: a's handle, init's */

static uint64_t seen[SYS_COUNT + 1]; /* bit e: call n gave error e, in any of these tests */
static uint64_t produced;            /* bit e: a test named after error e passed */

static int setup(void **state)
{
    int bad = machine_setup(state);
    a = actor_new(box);
    init_endpoint = endpoint_new();
    endpoint = actor_give(a, init_endpoint, RIGHTS_ALL, 0);
    return bad;
}
#define error_test(f) cmocka_unit_test_setup_teardown(f, setup, machine_teardown)

/* The call gives exactly this error; noted for the last tests. */
#define gives(error, thread, ...)                                                                  \
    gives_at(ERR_##error, sys(thread, __VA_ARGS__), (uint64_t[]){__VA_ARGS__}[0], __LINE__)

static void gives_at(int expected, int got, uint64_t number, int line)
{
    expect_at(got, expected, __FILE__, line);
    seen[number < SYS_COUNT ? number : SYS_COUNT] |= (uint64_t)1 << got;
    produced |= (uint64_t)1 << got;
}

static void test_error_CALL(void **state)
{
    (void)state;
    gives(CALL, a.thread, SYS_COUNT);
    gives(CALL, a.thread, UINT64_MAX);
    gives(CALL, a.thread, (uint64_t)1 << 32);
}

static void test_error_HANDLE(void **state)
{
    (void)state;
    gives(HANDLE, a.thread, SYS_handle_close, 500);
}

static void test_error_DEAD(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_destroy, endpoint));
    gives(DEAD, a.thread, SYS_signal, endpoint, 1);
}

static void test_error_KIND(void **state)
{
    (void)state;
    gives(KIND, a.thread, SYS_container_info, endpoint);
}

static void test_error_RIGHTS(void **state)
{
    (void)state;
    uint64_t poor = actor_give(a, box, RIGHT_READ, 0);
    gives(RIGHTS, a.thread, SYS_process_create, poor, 0, 0, 0, 0);
}

static void test_error_ARGUMENT(void **state)
{
    (void)state;
    gives(ARGUMENT, a.thread, SYS_map, 0, 0x10000000, 0, PAGE_READ);
}

static void test_error_ALIGN(void **state)
{
    (void)state;
    gives(ALIGN, a.thread, SYS_map, 0, 0x10000001, 1, PAGE_READ);
}

static void test_error_RANGE(void **state)
{
    (void)state;
    gives(RANGE, a.thread, SYS_map, 0, USER_TOP, 1, PAGE_READ);
}

static void test_error_PERM(void **state)
{
    (void)state;
    gives(PERM, a.thread, SYS_map, 0, 0x10000000, 1, PAGE_READ | PAGE_WRITE | PAGE_EXECUTE);
}

static void test_error_EXISTS(void **state)
{
    (void)state;
    gives(EXISTS, a.thread, SYS_map, 0, ACTOR_DATA, 1, PAGE_READ);
}

static void test_error_UNMAPPED(void **state)
{
    (void)state;
    gives(UNMAPPED, a.thread, SYS_unmap, 0, 0x10000000, 1, 0);
}

static void test_error_SIZE(void **state)
{
    (void)state;
    expect(OK, sys(a.thread, SYS_map, 0, 0x10000000, 1, PAGE_READ));
    gives(SIZE, a.thread, SYS_unmap, 0, 0x10000000, 1, PAGE_SIZE_2M);
}

static void test_error_QUOTA(void **state)
{
    (void)state;
    gives(QUOTA, init_thread, SYS_container_create, box, BOX_PAGES + 1, 1, 1, 0, 0);
}

static void test_error_MEMORY(void **state)
{
    (void)state;
    /* A machine of 32 MiB: break every 2 MiB region by keeping one page of it, as another container's. */
    uint64_t va = 0x10000000;
    check_unchanged_every = 0;
    check_invariants_every = 64;
    int got = OK;
    for (; got == OK; va += MAP_PIECE * 4096)
        got = sys(a.thread, SYS_map, 0, va, MAP_PIECE, PAGE_READ);
    expect(ERR_QUOTA, got);
    uint64_t end = va;
    for (va = 0x10000000; va < end; va += 4096) {
        if (!is_mapped(a.process, va))
            continue;
        pfn_t t = table_find(process_at[P(a.process)].root, va);
        uint64_t frame = entry_frame(table_at[PT(t)].entry[table_index(va, 1)]);
        if (frame % PAGES_2M != 100)
            expect(OK, sys(a.thread, SYS_unmap, 0, va, 1, 0));
    }
    /* init takes the whole regions that are left; then the box, with quota left when the machine has none */
    uint64_t super = SPAN_1G;
    for (got = OK; got == OK || got == ERR_AGAIN; super += got == OK ? SPAN_2M : 0)
        got = sys(init_thread, SYS_map, 0, super, 1, PAGE_READ | PAGE_SIZE_2M);
    uint64_t more = SPAN_1G;
    for (got = OK; got == OK || got == ERR_AGAIN; more += got == OK ? SPAN_2M : 0)
        got = sys(a.thread, SYS_map, 0, more, 1, PAGE_READ | PAGE_SIZE_2M);
    gives_at(ERR_MEMORY, got, SYS_map, __LINE__);
    while (super > SPAN_1G) {
        super -= SPAN_2M;
        expect(OK, sys(init_thread, SYS_unmap, 0, super, 1, PAGE_SIZE_2M));
    }
}

static void test_error_FULL(void **state)
{
    (void)state;
    check_unchanged_every = 16;
    for (uint32_t i = 0; i < ENDPOINTS_MAX; i++)
        expect(OK, sys(a.thread, SYS_endpoint_create, 0));
    gives(FULL, a.thread, SYS_endpoint_create, 0);
}

static void test_error_BUSY(void **state)
{
    (void)state;
    uint64_t one = endpoint_new(), other = endpoint_new();
    expect(OK, sys(init_thread, SYS_irq_claim, BOOT_IRQS, 9, one, 1));
    gives(BUSY, init_thread, SYS_irq_claim, BOOT_IRQS, 9, other, 1);
}

static void test_error_AGAIN(void **state)
{
    (void)state;
    gives(AGAIN, init_thread, SYS_destroy, a.process_handle);
}

static void test_error_WOULD_BLOCK(void **state)
{
    (void)state;
    gives(WOULD_BLOCK, a.thread, SYS_receive, endpoint, TAG_NONBLOCK);
}

static void test_error_TIMEOUT(void **state)
{
    (void)state;
    deadline(a.thread, 10);
    expect(BLOCKED, sys(a.thread, SYS_receive, endpoint, TAG_DEADLINE));
    tick(10);
    gives_at(ERR_TIMEOUT, outcome(a.thread), SYS_receive, __LINE__);
}

static void test_error_STATE(void **state)
{
    (void)state;
    gives(STATE, init_thread, SYS_resume, a.thread_handle);
}

static void test_error_PEER(void **state)
{
    (void)state;
    expect(BLOCKED, sys(a.thread, SYS_call, endpoint, TAG(1, 0, 0)));
    destroy_all(init_endpoint);
    gives_at(ERR_PEER, outcome(a.thread), SYS_call, __LINE__);
}

static void test_error_NO_CALL(void **state)
{
    (void)state;
    gives(NO_CALL, a.thread, SYS_reply, 0, TAG(1, 0, 0));
}

static void test_error_MESSAGE(void **state)
{
    (void)state;
    gives(MESSAGE, a.thread, SYS_send, endpoint, TAG(1, 65, 0));
}

static void test_error_TRANSFER(void **state)
{
    (void)state;
    pfn_t receiver = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), NULL);
    receive_window(a, 0, 0);
    expect(BLOCKED, sys(receiver, SYS_receive, endpoint, 0));
    item_set(a, 0, (struct atm_item){ITEM_PAGE, ACTOR_DATA, PAGE_READ, 0});
    gives(TRANSFER, a.thread, SYS_send, endpoint, TAG(1, 0, 1));
}

static void test_error_DYING(void **state)
{
    (void)state;
    expect(GONE, sys(a.thread, SYS_process_exit, 0));
    gives(DYING, init_thread, SYS_map, a.process_handle, 0x10000000, 1, PAGE_READ);
}

static void test_error_PRIORITY(void **state)
{
    (void)state;
    gives(PRIORITY, init_thread, SYS_priority, a.thread_handle, BOX_CEILING + 1);
}

static void test_error_CPU(void **state)
{
    (void)state;
    gives(CPU, init_thread, SYS_affinity, a.thread_handle, 1);
}

/* ---- handles, in every call ---- */

static uint64_t good[KIND_LAST]; /* a's handle of each kind, all rights */

/* One handle of each kind for the actor. */
static void handles_of_all_kinds(void)
{
    static const uint64_t boot[KIND_LAST] = {
        [KIND_IRQS] = BOOT_IRQS, [KIND_PORTS] = BOOT_PORTS, [KIND_MEMORY] = BOOT_MEMORY};
    struct actor b = actor_new(box);
    good[KIND_CONTAINER] = actor_give(a, box, RIGHTS_ALL, 0);
    good[KIND_PROCESS] = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    good[KIND_THREAD] = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    good[KIND_ENDPOINT] = endpoint;
    for (uint32_t kind = KIND_IRQS; kind < KIND_LAST; kind++)
        good[kind] = actor_give(a, boot[kind], RIGHTS_ALL, 0);
    pfn_t caller = actor_thread(b, SETUP(ACTOR_PRIORITY, 0), NULL);
    uint64_t theirs = actor_give(b, init_endpoint, RIGHTS_ALL, 0);
    expect(BLOCKED, sys(caller, SYS_call, theirs, TAG(1, 0, 0)));
    expect(OK, sys(a.thread, SYS_receive, endpoint, 0));
    expect(OK, sys(a.thread, SYS_reply_save));
    good[KIND_REPLY] = result(a.thread, 0);
}

/* Kinds of handle a call's argument takes, by the argument's name; KIND_NONE: any. */
static uint32_t kind_wanted(uint64_t n, uint32_t i)
{
    static const struct {
        const char *name;
        uint32_t kind;
    } names[] = {{"container:", KIND_CONTAINER}, {"process:", KIND_PROCESS},
                 {"from:", KIND_PROCESS},        {"to:", KIND_PROCESS},
                 {"thread:", KIND_THREAD},       {"endpoint:", KIND_ENDPOINT},
                 {"irqs:", KIND_IRQS},           {"ports:", KIND_PORTS},
                 {"memory:", KIND_MEMORY},       {"reply:", KIND_REPLY}};
    const char *type = call_arg_type(n, i), *start = type;
    while (start > calls[n].args && start[-1] != ' ')
        start--;
    if (n == SYS_container_create && i == 0)
        return KIND_CONTAINER;
    for (uint32_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strncmp(start, names[k].name, strlen(names[k].name)) == 0)
            return names[k].kind;
    return KIND_NONE;
}

static bool is_handle(uint64_t n, uint32_t i)
{
    return word_is(call_arg_type(n, i), "handle") || word_is(call_arg_type(n, i), "own");
}

/* Arguments that are right but for what a test spoils: good handles, plausible numbers. */
static void plausible(uint64_t n, uint64_t arg[7])
{
    arg[0] = n;
    for (uint32_t i = 0; i < 6; i++) {
        const char *type = call_arg_type(n, i);
        uint64_t value = 1;
        if (is_handle(n, i))
            value = good[kind_wanted(n, i) == KIND_NONE ? KIND_CONTAINER : kind_wanted(n, i)];
        else if (word_is(type, "va"))
            value = 0x10000000 + 0x100000 * i;
        else if (word_is(type, "tag"))
            value = n == SYS_receive ? TAG_NONBLOCK : TAG(1, 0, 0) | TAG_NONBLOCK;
        else if (word_is(type, "flags") || word_is(type, "rights"))
            value = PAGE_READ;
        arg[1 + i] = i < calls[n].nargs ? value : 0;
    }
    if (n == SYS_device_map) {
        arg[4] = 0xFE000;
    }
    if (n == SYS_port_out)
        arg[3] = 1 | 1 << 8;
    if (n == SYS_handle_copy) {
        arg[2] = good[KIND_ENDPOINT];
        arg[4] = 0;
    }
    if (n == SYS_device_narrow)
        arg[1] = good[KIND_PORTS];
}

/* Tries a call with one handle argument replaced, and holds it to the error if it lists it. */
static void spoiled(uint64_t n, uint32_t i, uint64_t handle, int error)
{
    uint64_t arg[7];
    plausible(n, arg);
    arg[1 + i] = handle;
    int got = sys_array(a.thread, arg);
    if (got != error)
        fail_msg("%s, argument %u: expected %s, got %s", calls[n].name, i,
                 error_name((uint64_t)error), got >= 0 ? error_name((uint64_t)got) : "no answer");
    seen[n] |= (uint64_t)1 << got;
}

static void test_error_every_call_closed_handle_gives_HANDLE(void **state)
{
    (void)state;
    static const uint64_t closed[] = {999, HANDLES_MAX, HANDLES_MAX + 1, (uint64_t)1 << 32,
                                      UINT64_MAX};
    handles_of_all_kinds();
    for (uint64_t n = 0; n < SYS_COUNT; n++)
        for (uint32_t i = 0; i < calls[n].nargs; i++)
            for (uint32_t k = 0; is_handle(n, i) && k < sizeof closed / sizeof closed[0]; k++)
                spoiled(n, i, closed[k], ERR_HANDLE);
}

static void test_error_every_call_wrong_kind_gives_KIND(void **state)
{
    (void)state;
    handles_of_all_kinds();
    for (uint64_t n = 0; n < SYS_COUNT; n++)
        for (uint32_t i = 0; i < calls[n].nargs; i++)
            for (uint32_t kind = 1; is_handle(n, i) && kind < KIND_LAST; kind++)
                if (kind_wanted(n, i) != KIND_NONE && kind != kind_wanted(n, i))
                    spoiled(n, i, good[kind], ERR_KIND);
    /* those that take several kinds */
    spoiled(SYS_destroy, 0, good[KIND_PORTS], ERR_KIND);
    spoiled(SYS_child_next, 0, good[KIND_THREAD], ERR_KIND);
    spoiled(SYS_object_name, 0, good[KIND_ENDPOINT], ERR_KIND);
    spoiled(SYS_device_narrow, 0, good[KIND_CONTAINER], ERR_KIND);
}

static void test_error_every_call_dead_handle_gives_DEAD(void **state)
{
    (void)state;
    handles_of_all_kinds();
    uint64_t dead[KIND_LAST] = {0};
    expect(OK, sys(init_thread, SYS_container_create, box, 100, 1, BOX_CEILING, 0, 0));
    uint64_t doomed = result(init_thread, 0);
    struct actor b = actor_new(doomed);
    uint64_t e = actor_give(b, init_endpoint, RIGHTS_ALL, 0);
    dead[KIND_CONTAINER] = actor_give(a, doomed, RIGHTS_ALL, 0);
    dead[KIND_PROCESS] = actor_give(a, b.process_handle, RIGHTS_ALL, 0);
    dead[KIND_THREAD] = actor_give(a, b.thread_handle, RIGHTS_ALL, 0);
    expect(OK, sys(b.thread, SYS_endpoint_create, 0));
    expect(OK, sys(init_thread, SYS_endpoint_create, b.process_handle));
    dead[KIND_ENDPOINT] = actor_give(a, result(init_thread, 0), RIGHTS_ALL, 0);
    expect(BLOCKED, sys(b.thread, SYS_call, e, TAG(1, 0, 0)));
    expect(OK, sys(a.thread, SYS_receive, endpoint, 0));
    expect(OK, sys(a.thread, SYS_reply_save));
    dead[KIND_REPLY] = result(a.thread, 0);
    destroy_all(doomed);
    for (uint64_t n = 0; n < SYS_COUNT; n++) {
        if (!call_lists(n, ERR_DEAD))
            continue;
        for (uint32_t i = 0; i < calls[n].nargs; i++) {
            uint32_t kind = kind_wanted(n, i);
            if (is_handle(n, i) && (kind == KIND_NONE ? n == SYS_destroy : dead[kind] != 0))
                spoiled(n, i, dead[kind == KIND_NONE ? KIND_CONTAINER : kind], ERR_DEAD);
        }
    }
    /* calls on kinds that never die meet a dead handle of another kind */
    spoiled(SYS_irq_ack, 0, dead[KIND_THREAD], ERR_DEAD);
    spoiled(SYS_irq_message, 0, dead[KIND_THREAD], ERR_DEAD);
    spoiled(SYS_dma_address, 0, dead[KIND_THREAD], ERR_DEAD);
    spoiled(SYS_port_in, 0, dead[KIND_THREAD], ERR_DEAD);
    spoiled(SYS_port_out, 0, dead[KIND_THREAD], ERR_DEAD);
    spoiled(SYS_child_next, 0, dead[KIND_PROCESS], ERR_DEAD);
    spoiled(SYS_object_name, 0, dead[KIND_PROCESS], ERR_DEAD);
}

static void test_error_every_call_handle_without_rights_gives_RIGHTS(void **state)
{
    (void)state;
    handles_of_all_kinds();
    uint64_t poor[KIND_LAST] = {0};
    for (uint32_t kind = 1; kind < KIND_LAST; kind++) {
        if (kind == KIND_REPLY)
            continue;
        expect(OK, sys(a.thread, SYS_handle_copy, 0, good[kind], 0, 0));
        poor[kind] = result(a.thread, 0);
    }
    for (uint64_t n = 0; n < SYS_COUNT; n++)
        for (uint32_t i = 0; i < calls[n].nargs && call_lists(n, ERR_RIGHTS); i++) {
            uint32_t kind = kind_wanted(n, i);
            if (!is_handle(n, i) || kind == KIND_REPLY || (n == SYS_child_next && i == 1))
                continue;
            if (n == SYS_device_narrow)
                kind = KIND_PORTS;
            spoiled(n, i, poor[kind == KIND_NONE ? KIND_CONTAINER : kind], ERR_RIGHTS);
        }
}

static void test_error_reply_item_without_copy_right_gives_RIGHTS(void **state)
{
    (void)state;
    handles_of_all_kinds();
    uint64_t poor = actor_give(a, box, RIGHT_READ, 0);
    item_set(a, 0, (struct atm_item){ITEM_HANDLE, poor, RIGHT_READ, 0});
    gives(RIGHTS, a.thread, SYS_reply, good[KIND_REPLY], TAG(1, 0, 1));
}

/* ---- nothing is missing ---- */

static void test_errors_every_name_has_been_produced(void **state)
{
    (void)state;
    for (uint64_t e = 1; e < ERR_LAST; e++)
        if ((produced >> e) % 2 == 0)
            fail_msg("no test here produced %s", error_name(e));
}

static void test_errors_every_call_with_handles_gave_its_handle_errors(void **state)
{
    (void)state;
    static const int kinds[] = {ERR_HANDLE, ERR_DEAD, ERR_KIND, ERR_RIGHTS};
    for (uint64_t n = 0; n < SYS_COUNT; n++)
        for (uint32_t k = 0; k < 4; k++)
            if (call_lists(n, (uint64_t)kinds[k]) && (seen[n] >> kinds[k]) % 2 == 0)
                fail_msg("%s lists %s, which no test here produced", calls[n].name,
                         error_name((uint64_t)kinds[k]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ERROR(number, name, text) error_test(test_error_##name),
#include "atmos/errors.def"
#undef ERROR
        error_test(test_error_every_call_closed_handle_gives_HANDLE),
        error_test(test_error_every_call_wrong_kind_gives_KIND),
        error_test(test_error_every_call_dead_handle_gives_DEAD),
        error_test(test_error_every_call_handle_without_rights_gives_RIGHTS),
        error_test(test_error_reply_item_without_copy_right_gives_RIGHTS),
        cmocka_unit_test(test_errors_every_name_has_been_produced),
        cmocka_unit_test(test_errors_every_call_with_handles_gave_its_handle_errors),
    };
    return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
