/* SPDX-License-Identifier: MIT */
/*
 * Makes and destroys subtrees of containers, processes, threads, endpoints and mappings, with
 * threads left in every state a thread can wait in, and checks after each round that every page of
 * quota and every handle is back.
 *
 * stress [ROUNDS]
 */
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/spawn.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 100
#define SUBTREE_PAGES 64u   /* for one process and its container */
#define CODE_VA 0x10000000u /* where the code of the threads lies in their process */
#define STACK_VA 0x20000000u
#define PRIORITY 25u /* above this program's own: a new thread runs at once until it waits */

/* What a thread of a subtree does; the order is that in which they are made. */
enum deed {
    DEED_SEND,
    DEED_CALL,
    DEED_FAULT,
    DEED_RECEIVE,
    DEED_TIMED, /* receives with a deadline far away */
    DEED_READY, /* is never let run */
    DEED_SUSPENDED,
    DEED_EXIT,
    DEEDS
};

/* The state each is to be left in. */
static const struct {
    uint8_t number; /* its system call */
    uint8_t state;  /* enum atm_thread_state; THREAD_STATES: it is gone */
} deeds[DEEDS] = {
    [DEED_SEND] = {SYS_send, THREAD_SENDING},
    [DEED_CALL] = {SYS_call, THREAD_CALLING},
    [DEED_FAULT] = {0, THREAD_FAULTED},
    [DEED_RECEIVE] = {SYS_receive, THREAD_RECEIVING},
    [DEED_TIMED] = {SYS_receive, THREAD_RECEIVING},
    [DEED_READY] = {SYS_yield, THREAD_READY},
    [DEED_SUSPENDED] = {SYS_yield, THREAD_SUSPENDED},
    [DEED_EXIT] = {SYS_thread_exit, THREAD_STATES},
};

#define LEVELS 3 /* containers inside one another */
#define CALLS 2  /* a level: the call and the fault that are taken and not answered */

/* What this program holds of one subtree. */
struct subtree {
    uint64_t container[LEVELS];
    uint64_t process[LEVELS];
    uint64_t reply[LEVELS * CALLS];
    size_t replies;
};

static uint64_t container; /* this program's */
static const char *failed; /* the step that went wrong; NULL: none */

static uint64_t must(const char *step, struct atm_result r)
{
    if (r.status < 0 && failed == NULL) {
        failed = step;
        printf("stress: %s: %s\n", step, atm_error_text(r.status));
    }
    return r.status < 0 ? 0 : r.r[0];
}

static uint64_t used_pages(void)
{
    struct atm_result r = atm_container_info(container);
    return r.r[1] + r.r[2];
}

/* Handles that are open. */
static uint64_t open_handles(void)
{
    uint64_t open = 0;
    for (uint64_t n = 1; n < HANDLES_MAX; n++)
        open += atm_handle_info(n).status == 0;
    return open;
}

/* Machine code that makes one system call for ever; the handle comes with the thread, in rdi. */
static void code_write(unsigned char *at, enum deed deed)
{
    unsigned char code[] = {
        0xbe, 0,    0, 0, 0,                /* mov esi, tag */
        0x48, 0xbb, 0, 0, 0, 0, 0, 0, 0, 1, /* mov rbx, deadline */
        0xb8, 0,    0, 0, 0,                /* mov eax, number */
        0x0f, 0x05,                         /* syscall */
        0xeb, 0xe8,                         /* jmp to the beginning */
    };
    code[2] = deed == DEED_TIMED ? TAG_DEADLINE >> 8 : 0;
    code[16] = deeds[deed].number;
    if (deed == DEED_FAULT)
        code[0] = 0x0f, code[1] = 0x0b; /* ud2 */
    memcpy(at, code, sizeof code);
}

/* Code and a stack for the threads of a process. */
static void process_memory(uint64_t process, uint64_t window)
{
    must("map", atm_map(process, STACK_VA, 1, PAGE_READ | PAGE_WRITE));
    must("map", atm_map(0, window, 1, PAGE_READ | PAGE_WRITE | PAGE_MAX_EXECUTE));
    if (failed != NULL)
        return;
    for (int d = 0; d < DEEDS; d++)
        code_write((unsigned char *)(uintptr_t)window + d * 64, (enum deed)d);
    must("share", atm_share(0, window, process, CODE_VA, 1, PAGE_READ | PAGE_EXECUTE));
    must("unmap", atm_unmap(0, window, 1, 0));
}

/* Takes the first message, the call and the fault, and keeps the right to answer them. */
static void calls_take(struct subtree *tree, uint64_t endpoint)
{
    for (int i = 0; i < 1 + CALLS && failed == NULL; i++) {
        struct atm_result r = atm_receive(endpoint, TAG_NONBLOCK);
        must("receive", r);
        if ((r.r[1] & TAG_CALL) != 0 && tree->replies < LEVELS * CALLS)
            tree->reply[tree->replies++] = must("reply_save", atm_reply_save());
    }
}

static void state_check(enum deed deed, uint64_t thread)
{
    struct atm_result r = atm_thread_info(thread);
    uint64_t state = r.status == -ERR_DEAD ? THREAD_STATES : r.r[0];
    if (failed != NULL || state == deeds[deed].state)
        return;
    failed = "thread_info";
    printf("stress: a thread is %s, not %s (system call %u)\n", atm_thread_state_name(state),
           atm_thread_state_name(deeds[deed].state), deeds[deed].number);
}

/* A thread for each deed. Those above this program's priority run until they wait. */
static void threads_make(struct subtree *tree, uint64_t process, uint64_t send, uint64_t receive)
{
    uint64_t thread[DEEDS];
    uint64_t its_send = must("handle_copy", atm_handle_copy(process, send, RIGHTS_ALL, 0));
    uint64_t its_receive = must("handle_copy", atm_handle_copy(process, receive, RIGHTS_ALL, 0));
    for (uint64_t d = 0; d < DEEDS; d++) {
        uint64_t handle = d == DEED_RECEIVE || d == DEED_TIMED ? its_receive : its_send;
        uint64_t low = d == DEED_READY || d == DEED_SUSPENDED;
        thread[d] =
            must("thread_create", atm_thread_create(process, CODE_VA + d * 64, STACK_VA + PAGE_SIZE,
                                                    handle, SETUP(low ? 1 : PRIORITY, 0), 0));
        if (d == DEED_SUSPENDED)
            must("suspend", atm_suspend(thread[d]));
    }
    calls_take(tree, send);
    for (uint64_t d = 0; d < DEEDS; d++) {
        state_check((enum deed)d, thread[d]);
        atm_handle_close(thread[d]);
    }
}

/* A process with threads in all states, which wait in its endpoints. */
static void process_fill(struct subtree *tree, uint64_t process, uint64_t window)
{
    uint64_t send = must("endpoint_create", atm_endpoint_create(process));
    uint64_t receive = must("endpoint_create", atm_endpoint_create(process));
    must("fault_handler", atm_fault_handler(process, send));
    process_memory(process, window);
    threads_make(tree, process, send, receive);
    atm_handle_close(send);
    atm_handle_close(receive);
}

/* Containers inside one another, each with a process. */
static void subtree_make(struct subtree *tree, uint64_t window)
{
    uint64_t parent = container, name[2];
    name_pack("stress", name);
    for (uint64_t level = 0; level < LEVELS && failed == NULL; level++) {
        uint64_t pages = SUBTREE_PAGES * (LEVELS - level);
        parent = must("container_create",
                      atm_container_create(parent, pages, 1, PRIORITY, name[0], name[1]));
        tree->container[level] = parent;
        tree->process[level] =
            must("process_create", atm_process_create(parent, 0, 0, name[0], name[1]));
        if (failed == NULL)
            process_fill(tree, tree->process[level], window);
    }
}

static void round_run(uint64_t window)
{
    struct subtree tree = {0};
    subtree_make(&tree, window);
    if (tree.container[0] != 0 && object_destroy(tree.container[0]) != 0 && failed == NULL)
        failed = "destroy";
    for (int level = 0; level < LEVELS; level++) {
        atm_handle_close(tree.container[level]);
        atm_handle_close(tree.process[level]);
    }
    for (size_t i = 0; i < tree.replies; i++)
        atm_handle_close(tree.reply[i]);
}

int main(int argc, char **argv)
{
    uint64_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS;
    uint64_t window = window_open();
    container = startup_handle("container");
    round_run(window); /* what the first one leaves (tables, handle pages) stays */
    uint64_t pages = used_pages(), handles = open_handles();
    for (uint64_t n = 0; n < rounds && failed == NULL; n++) {
        round_run(window);
        uint64_t now = used_pages();
        if (failed == NULL && now != pages) {
            printf("stress: after round %lu %lu pages are in use, not %lu\n", n + 1, now, pages);
            failed = "pages";
        }
    }
    if (failed == NULL && open_handles() != handles) {
        printf("stress: %lu handles are open, not %lu\n", open_handles(), handles);
        failed = "handles";
    }
    if (failed != NULL)
        return 1;
    printf("stress: %lu rounds, every page and handle is back\n", rounds);
    return 0;
}
