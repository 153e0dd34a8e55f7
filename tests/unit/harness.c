/* SPDX-License-Identifier: MIT */
/* A small machine driven by real system calls; see harness.h. */
#include "tests/unit/harness.h"

#include "core/alloc.h"
#include "core/boot.h"
#include "core/deadline.h"
#include "core/handle.h"
#include "core/invariant.h"
#include "core/memory.h"
#include "core/sched.h"
#include "tests/unit/elf_image.h"
#include "tests/unit/state.h"

#define DESTROY_STEPS 1000000u
#define INIT_PRIORITY 1u
#define INITRD_FRAMES 16u

pfn_t init_thread;
uint64_t box;
pfn_t box_frame;
uint32_t check_unchanged_every = 1;
uint32_t check_invariants_every = 1;

/* What the teardown must find again. */
static struct {
    uint64_t free_frames;
    uint64_t used;
    uint64_t carved;
    uint64_t handle_pages;
    uint32_t handles;
    uint32_t deadlines;
} before;

/* ---- entering the kernel ---- */

void make_current(pfn_t thread)
{
    pfn_t now = cpu_at[0].current;
    if (now == thread)
        return;
    if (frame_kind[thread] != FRAME_THREAD || thread_at[T(thread)].state != THREAD_READY)
        fail_msg("thread %u is not ready (kind %u, state %u)", thread, frame_kind[thread],
                 frame_kind[thread] == FRAME_THREAD ? thread_at[T(thread)].state : 0);
    if (now != 0) {
        cpu_at[0].current = 0;
        sched_ready(now);
    }
    sched_unready(thread);
    cpu_at[0].current = thread;
    thread_at[T(thread)].state = THREAD_RUNNING;
}

static void check_after_entry(pfn_t next)
{
    static uint32_t entries;
    if (next != cpu_at[0].current)
        fail_msg("the entry returned thread %u, the CPU runs %u", next, cpu_at[0].current);
    if (next != 0) {
        assert_int_equal(frame_kind[next], FRAME_THREAD);
        assert_int_equal(thread_at[T(next)].state, THREAD_RUNNING);
    }
    if (check_invariants_every != 0 && ++entries % check_invariants_every == 0)
        check_invariants();
}

static int status_of(pfn_t thread)
{
    uint64_t status = (uint64_t)0 - thread_at[T(thread)].reg[REG_RAX];
    if (status != 0 && strcmp(error_name(status), "?") == 0)
        fail_msg("status %lld is no error", (long long)status);
    return (int)status;
}

/* ---- which errors the calls have given, for tests/run: each that a call lists must come in some test ---- */

static uint64_t seen[SYS_COUNT];           /* bit e: call n gave error e */
static uint32_t last_call[MACHINE_FRAMES]; /* of each thread, for errors that end a wait */

static void seen_write(void)
{
    const char *path = getenv("ERRORS_SEEN");
    FILE *file = path == NULL ? NULL : fopen(path, "a");
    if (file == NULL)
        return;
    for (uint64_t n = 0; n < SYS_COUNT; n++)
        for (uint64_t e = 1; e < ERR_LAST; e++)
            if (seen[n] >> e & 1)
                fprintf(file, "%s %s\n", calls[n].name, error_name(e));
    fclose(file);
}

static int status_seen(pfn_t thread)
{
    static bool registered;
    int status = status_of(thread);
    if (!registered)
        atexit(seen_write);
    registered = true;
    if (status > 0 && last_call[thread] < SYS_COUNT)
        seen[last_call[thread]] |= (uint64_t)1 << status;
    return status;
}

int outcome(pfn_t thread)
{
    if (frame_kind[thread] != FRAME_THREAD)
        return GONE;
    switch (thread_at[T(thread)].state) {
    case THREAD_RUNNING:
    case THREAD_READY:
        return status_seen(thread);
    case THREAD_SUSPENDED:
        return STOPPED;
    default:
        return BLOCKED;
    }
}

/* These errors come after something was done, and say so in syscalls.def. */
static bool may_have_changed(uint64_t number, int error)
{
    if (error == ERR_AGAIN || error == ERR_TIMEOUT || error == ERR_PEER)
        return true;
    return error == ERR_WOULD_BLOCK && (number == SYS_receive || number == SYS_reply_receive);
}

int sys_array(pfn_t thread, const uint64_t *number_and_args)
{
    static uint32_t calls_made;
    uint64_t number = number_and_args[0];
    make_current(thread);
    uint64_t generation = frame_generation[thread];
    last_call[thread] = number < SYS_COUNT ? (uint32_t)number : SYS_COUNT;
    thread_at[T(thread)].reg[REG_RAX] = number;
    for (uint32_t i = 0; i < 6; i++)
        thread_at[T(thread)].reg[REG_RDI + i] = number_and_args[1 + i];
    /* While an ended process is being closed every entry does a piece of that, whatever the call. */
    bool look =
        dead_first == 0 && check_unchanged_every != 0 && ++calls_made % check_unchanged_every == 0;
    uint64_t hash = look ? state_hash(thread) : 0;
    pfn_t next = kernel_syscall(0);
    check_after_entry(next);
    if (frame_kind[thread] != FRAME_THREAD || frame_generation[thread] != generation)
        return GONE;
    int got = outcome(thread);
    if (got > 0 && !call_lists(number, (uint64_t)got))
        fail_msg("call %s (%llu) gave %s, which it does not list",
                 number < SYS_COUNT ? calls[number].name : "?", (unsigned long long)number,
                 error_name((uint64_t)got));
    if (got > 0 && look && !may_have_changed(number, got) && hash != state_hash(thread))
        fail_msg("call %s (%llu) gave %s and changed something",
                 number < SYS_COUNT ? calls[number].name : "?", (unsigned long long)number,
                 error_name((uint64_t)got));
    return got;
}

uint64_t result(pfn_t thread, uint32_t i) { return thread_at[T(thread)].reg[REG_RDI + i]; }

void deadline(pfn_t thread, uint64_t time) { thread_at[T(thread)].reg[REG_RBX] = time; }

pfn_t fault(pfn_t thread, uint32_t kind, uint64_t address)
{
    make_current(thread);
    pfn_t next = kernel_fault(0, kind, address);
    check_after_entry(next);
    return next;
}

pfn_t tick(uint64_t nanoseconds)
{
    hosted_clock_advance(nanoseconds);
    pfn_t next = kernel_timer(0);
    check_after_entry(next);
    return next;
}

pfn_t interrupt(uint32_t line)
{
    pfn_t next = kernel_interrupt(0, line);
    check_after_entry(next);
    return next;
}

/* ---- the machine ---- */

static struct image elf;
static struct image archive;

static pfn_t initrd_place(void)
{
    elf_make(&elf);
    archive.used = 0;
    cpio_add(&archive, "bin/init", elf.byte, elf.used);
    cpio_end(&archive);
    pfn_t first = MACHINE_FRAMES - INITRD_FRAMES;
    for (size_t i = 0; i < archive.used; i++)
        ((uint8_t *)&page_at[first])[i] = archive.byte[i];
    return first;
}

static void machine_boot(void)
{
    memory_start(MACHINE_FRAMES, INITRD_FRAMES);
    memset(cpu_at, 0, sizeof cpu_at);
    kernel_boot_cpu(0);
    struct boot_image image = {.command = "", .machine = MACHINE_HOSTED};
    image.initrd = initrd_place();
    image.initrd_bytes = archive.used;
    const char *wrong = kernel_boot_init(&image, &init_thread);
    if (wrong != NULL)
        fail_msg("boot: %s", wrong);
    check_invariants();
    cpu_at[0].current == init_thread ? (void)0 : make_current(init_thread);
}

static pfn_t root_container(void) { return object_of(init_process, BOOT_CONTAINER); }

int machine_setup(void **state)
{
    (void)state;
    check_unchanged_every = 1;
    check_invariants_every = 1;
    machine_boot();
    expect(OK, sys(init_thread, SYS_priority, BOOT_THREAD, INIT_PRIORITY));
    before.free_frames = kernel_free_frames();
    before.used = container_at[C(root_container())].used;
    before.carved = container_at[C(root_container())].carved;
    before.handle_pages = process_at[P(init_process)].handle_pages;
    before.handles = handles_open(init_process);
    before.deadlines = deadline_count;
    expect(OK, sys(init_thread, SYS_container_create, BOOT_CONTAINER, BOX_PAGES, 1, BOX_CEILING,
                   0x786f62, 0));
    box = result(init_thread, 0);
    box_frame = object_of(init_process, box);
    return 0;
}

void destroy_all(uint64_t handle)
{
    int got = ERR_AGAIN;
    for (uint32_t step = 0; got == ERR_AGAIN && step < DESTROY_STEPS; step++)
        got = sys(init_thread, SYS_destroy, handle);
    expect(OK, got);
}

int machine_teardown(void **state)
{
    (void)state;
    check_unchanged_every = 0;
    check_invariants_every = 64;
    destroy_all(box);
    for (uint64_t h = BOOT_HANDLES; h < HANDLES_MAX; h++) {
        slot_t slot = handle_slot(init_process, h);
        if (slot == 0)
            continue;
        if (handle_at[H(slot)].kind == KIND_ENDPOINT && handle_live(slot) &&
            handle_at[H(slot)].object / SLOTS == process_at[P(init_process)].endpoint_page)
            destroy_all(h);
        expect(OK, sys(init_thread, SYS_handle_close, h));
    }
    check_invariants();
    uint64_t grown = process_at[P(init_process)].handle_pages - before.handle_pages;
    check_equal(handles_open(init_process), before.handles);
    check_equal(deadline_count, before.deadlines);
    check_equal(container_at[C(root_container())].carved, before.carved);
    check_equal(container_at[C(root_container())].used, before.used + grown);
    check_equal(kernel_free_frames(), before.free_frames - grown);
    return 0;
}

/* ---- actors ---- */

static void actor_page(uint64_t process, uint64_t va)
{
    expect(OK, sys(init_thread, SYS_map, process, va, 1, PAGE_READ | PAGE_WRITE));
}

struct actor actor_new(uint64_t container)
{
    struct actor a;
    expect(OK, sys(init_thread, SYS_process_create, container, 0, 0, 0x726f746361, 0));
    a.process_handle = result(init_thread, 0);
    a.process = object_of(init_process, a.process_handle);
    actor_page(a.process_handle, ACTOR_DATA);
    actor_page(a.process_handle, ACTOR_MESSAGE);
    a.thread = actor_thread(a, SETUP(ACTOR_PRIORITY, 0), &a.thread_handle);
    return a;
}

pfn_t actor_thread(struct actor a, uint64_t setup, uint64_t *handle)
{
    expect(OK, sys(init_thread, SYS_thread_create, a.process_handle, ACTOR_CODE, ACTOR_STACK, 0,
                   setup, ACTOR_MESSAGE));
    if (handle != NULL)
        *handle = result(init_thread, 0);
    return object_of(init_process, result(init_thread, 0));
}

uint64_t actor_give(struct actor a, uint64_t handle, uint64_t rights, uint64_t badge)
{
    expect(OK, sys(init_thread, SYS_handle_copy, a.process_handle, handle, rights, badge));
    return result(init_thread, 0);
}

uint64_t endpoint_new(void)
{
    expect(OK, sys(init_thread, SYS_endpoint_create, 0));
    return result(init_thread, 0);
}

uint32_t object_of(pfn_t process, uint64_t handle)
{
    slot_t slot = handle_slot(process, handle);
    if (slot == 0)
        fail_msg("process %u has no handle %llu", process, (unsigned long long)handle);
    return handle_at[H(slot)].object;
}

uint32_t handles_open(pfn_t process)
{
    return process_at[P(process)].handle_pages * SLOTS - 1 - process_at[P(process)].handle_free;
}

bool is_mapped(pfn_t process, uint64_t va) { return memory_entry(process, va) != 0; }

static uint64_t *user_word(pfn_t process, uint64_t va)
{
    pfn_t frame = user_frame(process_at[P(process)].root, va, 0);
    if (frame == 0)
        fail_msg("process %u has nothing at %#llx", process, (unsigned long long)va);
    return &page_at[frame].word[va / 8 % 512];
}

uint64_t peek(pfn_t process, uint64_t va) { return *user_word(process, va); }

void poke(pfn_t process, uint64_t va, uint64_t value) { *user_word(process, va) = value; }

#define ITEM_VA(i)                                                                                 \
    (ACTOR_MESSAGE + offsetof(struct atm_message, item) + (i) * sizeof(struct atm_item))

void item_set(struct actor a, uint32_t i, struct atm_item item)
{
    poke(a.process, ITEM_VA(i), item.kind);
    poke(a.process, ITEM_VA(i) + 8, item.value);
    poke(a.process, ITEM_VA(i) + 16, item.rights);
    poke(a.process, ITEM_VA(i) + 24, item.badge_flags);
}

struct atm_item item_get(struct actor a, uint32_t i)
{
    return (struct atm_item){
        .kind = peek(a.process, ITEM_VA(i)),
        .value = peek(a.process, ITEM_VA(i) + 8),
        .rights = peek(a.process, ITEM_VA(i) + 16),
        .badge_flags = peek(a.process, ITEM_VA(i) + 24),
    };
}

void receive_window(struct actor a, uint64_t va, uint64_t pages)
{
    poke(a.process, ACTOR_MESSAGE + offsetof(struct atm_message, receive_va), va);
    poke(a.process, ACTOR_MESSAGE + offsetof(struct atm_message, receive_pages), pages);
}

static const char *outcome_name(int outcome)
{
    switch (outcome) {
    case BLOCKED:
        return "BLOCKED";
    case GONE:
        return "GONE";
    case STOPPED:
        return "STOPPED";
    default:
        return error_name((uint64_t)outcome);
    }
}

void expect_at(int got, int expected, const char *file, int line)
{
    if (got != expected) {
        print_error("expected %s, got %s\n", outcome_name(expected), outcome_name(got));
        _fail(file, line);
    }
}
