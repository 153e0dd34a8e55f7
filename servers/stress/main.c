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
#define SUBTREE_PAGES 200u
#define CODE_VA 0x10000000u /* where the code of the threads lies in their process */
#define STACK_VA 0x20000000u
#define MESSAGE_VA 0x30000000u
#define PRIORITY 25u /* above this program's own: a new thread runs at once until it waits */

/* What a thread of a subtree does; each is copied to a page of its own, so it must stand alone. */
enum deed { DEED_SEND, DEED_RECEIVE, DEED_CALL, DEED_SPIN, DEED_FAULT, DEED_EXIT, DEEDS };

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

/* Machine code: eax = call number, then syscall, for ever; the argument registers come with the
   thread. */
static void code_write(unsigned char *at, enum deed deed)
{
    static const uint8_t numbers[DEEDS] = {SYS_send,  SYS_receive, SYS_call,
                                           SYS_yield, 0,           SYS_thread_exit};
    unsigned char code[] = {0x31, 0xf6,                   /* xor esi, esi: tag */
                            0xb8, numbers[deed], 0, 0, 0, /* mov eax, number */
                            0x0f, 0x05,                   /* syscall */
                            0xeb, 0xf5};                  /* jmp to the beginning */
    if (deed == DEED_FAULT)
        code[0] = 0x0f, code[1] = 0x0b; /* ud2 */
    memcpy(at, code, sizeof code);
}

/* A process with a thread for each deed. Its endpoint is made here and given to it. */
static void process_fill(uint64_t process, uint64_t window)
{
    uint64_t own_send = must("endpoint_create", atm_endpoint_create(process));
    uint64_t receive = must("endpoint_create", atm_endpoint_create(process));
    uint64_t its_send = must("handle_copy", atm_handle_copy(process, own_send, RIGHTS_ALL, 0));
    uint64_t its_receive = must("handle_copy", atm_handle_copy(process, receive, RIGHTS_ALL, 0));
    must("map", atm_map(process, STACK_VA, 1, PAGE_READ | PAGE_WRITE));
    must("map", atm_map(0, window, 1, PAGE_READ | PAGE_WRITE | PAGE_MAX_EXECUTE));
    for (int d = 0; d < DEEDS; d++)
        code_write((unsigned char *)(uintptr_t)window + d * 64, (enum deed)d);
    must("share", atm_share(0, window, process, CODE_VA, 1, PAGE_READ | PAGE_EXECUTE));
    must("unmap", atm_unmap(0, window, 1, 0));
    /* A process that faults ends: its faults go to an endpoint nobody receives on, so the thread
       waits. */
    must("fault_handler", atm_fault_handler(process, own_send));
    for (uint64_t d = 0; d < DEEDS; d++) {
        uint64_t argument = d == DEED_RECEIVE ? its_receive : its_send;
        uint64_t priority = d == DEED_SPIN ? 1 : PRIORITY;
        uint64_t thread =
            must("thread_create", atm_thread_create(process, CODE_VA + d * 64, STACK_VA + PAGE_SIZE,
                                                    argument, SETUP(priority, 0), 0));
        if (d == DEED_SPIN)
            must("suspend", atm_suspend(thread));
        must("handle_close", atm_handle_close(thread));
    }
    atm_yield();
    must("handle_close", atm_handle_close(own_send));
    must("handle_close", atm_handle_close(receive));
}

/* Containers three deep, each with a process. */
static void subtree_make(uint64_t window, uint64_t handles[6])
{
    uint64_t parent = container, pages = SUBTREE_PAGES;
    for (int depth = 0; depth < 3 && failed == NULL; depth++) {
        uint64_t name[2];
        name_pack("stress", name);
        parent = must("container_create",
                      atm_container_create(parent, pages, 1, PRIORITY, name[0], name[1]));
        uint64_t process =
            must("process_create", atm_process_create(parent, 0, 0, name[0], name[1]));
        handles[2 * depth] = parent;
        handles[2 * depth + 1] = process;
        if (failed == NULL)
            process_fill(process, window);
        pages -= 60;
    }
}

static void round_run(uint64_t window)
{
    uint64_t handles[6] = {0};
    subtree_make(window, handles);
    if (handles[0] != 0 && object_destroy(handles[0]) != 0 && failed == NULL)
        failed = "destroy";
    for (int i = 0; i < 6; i++)
        if (handles[i] != 0)
            atm_handle_close(handles[i]);
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
