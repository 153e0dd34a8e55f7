/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: sequences of system calls of several threads, timer ticks, interrupts, faults, and changes of message
 * pages, decoded from the input by the argument types of syscalls.def, from the state of scene.h. Errors must be among
 * those a call lists. Looking at all invariants costs more than a few calls, so a hash of the input says when: at the
 * end of one run in four, after every step in one of 32, and in another one of 32 failing calls are held to having
 * changed nothing. Each mutant of an input that reaches a broken state has its own chance to show it.
 *
 *   build/fuzz/syscalls --decode FILE    prints the steps of an input as it runs them
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/hosted.h"
#include "arch/hosted/snapshot.h"
#include "core/dispatch.h"
#include "core/invariant.h"
#include "core/kernel.h"
#include "fuzz/scene.h"
#include "tests/unit/calls.h"
#include "tests/unit/state.h"

#define STEPS_MAX 64u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, read byte by byte; zeros after its end. */
static const uint8_t *input;
static size_t input_left;
static bool decode;

static uint8_t take(void)
{
    if (input_left == 0)
        return 0;
    input_left--;
    return *input++;
}

static uint64_t take64(void)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | take();
    return value;
}

/* ---- values by type ---- */

#define PICK(table) ((table)[take() % (sizeof(table) / sizeof((table)[0]))])

static uint64_t value_any(void)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   2,
                                   3,
                                   4,
                                   7,
                                   8,
                                   16,
                                   63,
                                   64,
                                   255,
                                   256,
                                   4095,
                                   4096,
                                   65535,
                                   65536,
                                   USER_BASE,
                                   USER_TOP,
                                   (uint64_t)1 << 32,
                                   (uint64_t)1 << 47,
                                   (uint64_t)1 << 63,
                                   UINT64_MAX};
    uint8_t how = take();
    return how < 200 ? odd[how % (sizeof odd / sizeof odd[0])] : how < 240 ? take() : take64();
}

static uint64_t value_handle(void)
{
    uint8_t b = take();
    return b < 240 ? b % 24u : b < 252 ? b : value_any();
}

static uint64_t value_va(void)
{
    static const uint64_t base[] = {SCENE_DATA,
                                    SCENE_DATA + 4096,
                                    SCENE_MESSAGE,
                                    SCENE_FREE,
                                    SCENE_FREE + 0x200000,
                                    SCENE_SUPER,
                                    SCENE_SUPER + 0x200000,
                                    0,
                                    USER_BASE,
                                    USER_TOP,
                                    USER_TOP - 4096,
                                    SCENE_CODE,
                                    INITRD_VA,
                                    BOOT_INFO_VA,
                                    0xffff800000000000,
                                    UINT64_MAX - 4095};
    uint8_t b = take();
    uint64_t offset = b / 16 < 10    ? 0
                      : b / 16 < 14  ? (uint64_t)(b / 16 - 9) * 4096
                      : b / 16 == 14 ? 8
                                     : 4094;
    return base[b % 16] + offset;
}

static uint64_t value_count(void)
{
    static const uint64_t counts[] = {1,  2,  3, 4,   8,    16,      17,        31,
                                      32, 33, 0, 512, 1024, 1000000, UINT64_MAX};
    uint8_t b = take();
    return b < 224 ? PICK(counts) : value_any();
}

static uint64_t value_flags(void)
{
    static const uint64_t flags[] = {1, 3, 5, 17, 19, 21, 33, 35, 257, 515, 773, 7, 0, 2, 49, 1025};
    uint8_t b = take();
    return b < 240 ? flags[b % 16] : value_any();
}

static uint64_t value_tag(void)
{
    uint8_t b = take();
    uint64_t words = b % 8 < 5 ? b % 8 : b % 8 == 5 ? 6 : b % 8 == 6 ? 64 : 65;
    uint64_t tag = TAG(b % 3, words, b / 8 % 8 < 5 ? b / 8 % 8 : 0);
    if (b / 64 == 1)
        tag |= TAG_NONBLOCK;
    if (b / 64 == 2)
        tag |= TAG_DEADLINE;
    return b == 255 ? value_any() : tag;
}

static uint64_t value_by_type(const char *type)
{
    static const struct {
        const char *name;
        uint64_t (*value)(void);
    } types[] = {{"handle", value_handle}, {"own", value_handle},  {"va", value_va},
                 {"count", value_count},   {"flags", value_flags}, {"tag", value_tag}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (word_is(type, types[i].name))
            return types[i].value();
    if (word_is(type, "rights"))
        return take();
    if (word_is(type, "prio") || word_is(type, "cpu"))
        return take() % 72u;
    if (word_is(type, "line"))
        return take() % (IRQ_MESSAGE_FIRST + IRQ_MESSAGES + 8u);
    return value_any();
}

/* ---- checks ---- */

static _Noreturn void fail(const char *what, const char *detail)
{
    fprintf(stderr, "fuzz: %s: %s\n", what, detail);
    abort();
}

static void check_invariants(void)
{
    const char *broken = invariants_broken();
    if (broken != NULL) {
        fprintf(stderr, "fuzz: frame %u\n", invariant_culprit);
        fail("invariant broken", broken);
    }
}

static bool may_have_changed(uint64_t number, uint64_t error)
{
    if (error == ERR_AGAIN || error == ERR_TIMEOUT || error == ERR_PEER)
        return true;
    return error == ERR_WOULD_BLOCK && (number == SYS_receive || number == SYS_reply_receive);
}

/* The call's status, if it is there: listed, and nothing changed if it is an error. */
static void check_answer(pfn_t t, uint64_t number, uint64_t before)
{
    uint8_t state = thread_at[T(t)].state;
    if (state != THREAD_RUNNING && state != THREAD_READY)
        return;
    uint64_t error = (uint64_t)0 - thread_at[T(t)].reg[REG_RAX];
    const char *name = number < SYS_COUNT ? calls[number].name : "no call";
    if (decode)
        printf(" = %s\n", error_name(error));
    if (error == 0)
        return;
    if (!call_lists(number, error))
        fail(name, error_name(error));
    if (before != 0 && !may_have_changed(number, error) && before != state_hash(t))
        fail("a failing call changed something", name);
}

/* ---- the short way of IPC against the long one ---- */

static bool long_way; /* system calls do not try the short one */

/* kernel_syscall without the short way. */
static void syscall_long(void)
{
    pfn_t t = cpu_at[0].current;
    status_t status = syscall_handle(t, thread_at[T(t)].reg[REG_RAX]);
    if (syscall_stays(0, t))
        thread_at[T(t)].reg[REG_RAX] = (uint64_t)0 - (uint64_t)status;
    else
        (void)syscall_leave(0, t, status);
}

/* All there is to see, and who runs. */
static uint64_t whole_hash(void) { return state_hash(0) * 31 + cpu_at[0].current; }

/* ---- steps ---- */

/* Which thread: one of the scene's, the running one, or any other there is. */
static pfn_t thread_pick(void)
{
    uint8_t b = take();
    if (b < 160)
        return scene_thread[b % SCENE_THREADS];
    if (b < 200)
        return cpu_at[0].current;
    pfn_t p = b * 8u;
    for (uint32_t n = 0; n < SCENE_FRAMES; n++, p = (p + 1) % SCENE_FRAMES)
        if (p != 0 && frame_kind[p] == FRAME_THREAD)
            return p;
    return 0;
}

static void step_syscall(uint8_t op, bool hash)
{
    pfn_t t = thread_pick();
    uint64_t number = op % (SYS_COUNT + 2u);
    uint64_t arg[6] = {0};
    if (number >= SYS_COUNT)
        number = value_any() | 64;
    for (uint32_t i = 0; number < SYS_COUNT && i < calls[number].nargs; i++)
        arg[i] = value_by_type(call_arg_type(number, i));
    if (t == 0 || !scene_run(t))
        return;
    if (decode)
        printf("thread %u: %s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ", %#" PRIx64
               ", %#" PRIx64 ")",
               t, number < SYS_COUNT ? calls[number].name : "?", arg[0], arg[1], arg[2], arg[3],
               arg[4], arg[5]);
    scene_registers(t, number, arg);
    uint64_t generation = frame_generation[t];
    /* While an ended process is being closed every entry does a piece of that, whatever the call. */
    uint64_t before = hash && dead_first == 0 ? state_hash(t) : 0;
    if (long_way)
        syscall_long();
    else
        (void)kernel_syscall(0);
    if (frame_kind[t] == FRAME_THREAD && frame_generation[t] == generation)
        check_answer(t, number, before);
    if (decode)
        printf("\n");
}

static void step_fault(void)
{
    pfn_t t = thread_pick();
    uint32_t kind = 1 + take() % (FAULT_LAST - 1);
    uint64_t va = value_va();
    if (t == 0 || !scene_run(t))
        return;
    if (decode)
        printf("thread %u: fault %u at %#" PRIx64 "\n", t, kind, va);
    (void)kernel_fault(0, kind, va);
}

static void step_timer(void)
{
    static const uint64_t spans[] = {0, 1, 999, 1000, 4000000, 5000000, 100000000};
    uint64_t span = PICK(spans);
    if (decode)
        printf("timer after %" PRIu64 " ns\n", span);
    hosted_clock_advance(span);
    (void)kernel_timer(0);
}

static void step_interrupt(void)
{
    uint32_t line = take() % (IRQ_MESSAGE_FIRST + IRQ_MESSAGES + 8u);
    if (decode)
        printf("interrupt %u\n", line);
    (void)kernel_interrupt(0, line);
}

/* An item, or the receive window, of a message page. */
static void step_message(void)
{
    uint8_t b = take();
    pfn_t process = scene_process[b % SCENE_PROCESSES];
    uint64_t place = SCENE_MESSAGE + 8 * MESSAGE_WORDS_MAX;
    if (frame_kind[process] != FRAME_PROCESS)
        return;
    if (b / 16 % 4 == 3) {
        place += MESSAGE_ITEMS_MAX * sizeof(struct atm_item);
        scene_poke(process, place, value_va());
        scene_poke(process, place + 8, take() % 6);
        return;
    }
    place += b / 4 % MESSAGE_ITEMS_MAX * sizeof(struct atm_item);
    uint64_t kind = b / 16 % 4;
    scene_poke(process, place, kind);
    scene_poke(process, place + 8, kind == ITEM_PAGE ? value_va() : value_handle());
    scene_poke(process, place + 16, kind == ITEM_PAGE ? value_flags() : take());
    scene_poke(process, place + 24, b >= 128 ? take() : b / 64);
    if (decode)
        printf("message page of process %u: item kind %" PRIu64 "\n", process, kind);
}

static void step(bool hash)
{
    uint8_t op = take();
    if (op < 188)
        step_syscall(op, hash);
    else if (op < 204)
        step_timer();
    else if (op < 212)
        step_interrupt();
    else if (op < 224)
        step_fault();
    else
        step_message();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    for (int i = 1; i < *argc; i++)
        decode = decode || strcmp((*argv)[i], "--decode") == 0;
    if (decode)
        setvbuf(stdout, NULL, _IONBF, 0);
    scene_make();
    check_invariants();
    hosted_snapshot();
    return 0;
}

static uint32_t input_hash(const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (uint32_t)((hash ^ data[i]) * (uint64_t)16777619u);
    return hash ^ hash >> 15;
}

/* Both ways must come to the same; when an input is decoded, step by step. Ended processes are closed between steps: the
   long way does a piece of that, the short one leaves it to the next entry. */
static void compare_ways(const uint8_t *data, size_t size)
{
    static uint64_t after[STEPS_MAX]; /* the long way */
    for (int way = 0; way < 2; way++) {
        input = data;
        input_left = size;
        long_way = way == 0;
        for (uint32_t n = 0; n < STEPS_MAX && input_left > 0; n++) {
            step(false);
            while (dead_first != 0)
                (void)kernel_leave(0);
            if (!decode && input_left > 0 && n + 1 < STEPS_MAX)
                continue;
            uint64_t hash = whole_hash();
            if (way == 1 && hash != after[n])
                fail("the short way came to something else than the long one", "");
            after[n] = hash;
        }
        (void)hosted_reset();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t how = input_hash(data, size) % 32;
    if (how == 2 || decode)
        compare_ways(data, size);
    input = data;
    input_left = size;
    for (uint32_t n = 0; n < STEPS_MAX && input_left > 0; n++) {
        step(how == 1 || decode);
        if (how == 0 || decode)
            check_invariants();
    }
    if (how < 8 || decode)
        check_invariants();
    (void)hosted_reset();
    return 0;
}
