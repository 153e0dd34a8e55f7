/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's operations cost. Prints "name value" lines; bench/ makes a table of them.
 * Figures include the stub and the loop around it.
 */
#include "bench.h"
#include "lib/error.h"
#include "lib/vfs.h"
#include "lib/memory.h"
#include "lib/spawn.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY 20u

uint64_t bench_container;
static struct vfs_image image; /* of this program */

void bench_print(const char *name, uint64_t spent, uint64_t rounds)
{
    printf("%s %lu\n", name, (spent + rounds / 2) / rounds);
}

uint64_t bench_must(const char *what, int64_t status, uint64_t result)
{
    if (status < 0) {
        printf("bench: %s: %s\n", what, atm_error_text(status));
        exit(1);
    }
    return result;
}

#define MUST(name, call) must_call(name, call)
static uint64_t must_call(const char *name, struct atm_result r)
{
    return bench_must(name, r.status, r.r[0]);
}

/* Prints what each round of a statement costs. */
#define MEASURE(name, rounds, statement)                                                           \
    do {                                                                                           \
        uint64_t begin_ticks = ticks();                                                            \
        for (uint64_t round = 0; round < (rounds); round++) {                                      \
            statement;                                                                             \
        }                                                                                          \
        bench_print(name, ticks() - begin_ticks, rounds);                                          \
    } while (0)

static uint64_t partner_start(const char *mode, uint64_t endpoint, uint64_t back)
{
    const char *words[] = {"bench", mode, NULL};
    const struct spawn_handle handles[] = {{"serve", endpoint, RIGHTS_ALL, 0},
                                           {"back", back, RIGHTS_ALL, 0}};
    struct spawn s = {.name = "partner",
                      .image = image.data,
                      .bytes = image.bytes,
                      .container = bench_container,
                      .priority = PRIORITY,
                      .arguments = words,
                      .handles = handles,
                      .handle_count = back == 0 ? 1 : 2};
    struct spawned out = spawn_program(&s);
    bench_must(out.step, out.status, 0);
    atm_handle_close(out.thread);
    return out.process;
}

uint64_t bench_partner(const char *mode, uint64_t endpoint)
{
    return partner_start(mode, endpoint, 0);
}

void bench_partner_end(uint64_t process)
{
    object_destroy(process);
    atm_handle_close(process);
}

static void bench_simple(void)
{
    uint64_t endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    MEASURE("nop", ROUNDS, atm_nop());
    MEASURE("yield", ROUNDS, atm_yield());
    MEASURE("poll", ROUNDS, atm_receive(endpoint, TAG_NONBLOCK));
    MEASURE("signal", ROUNDS, atm_signal(endpoint, 1));
    MUST("destroy", atm_destroy(endpoint));
    atm_handle_close(endpoint);
}

static void bench_calls(void)
{
    uint64_t endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    uint64_t partner = bench_partner("echo", endpoint);
    MUST("call", atm_call(endpoint, 0, 0, 0, 0, 0));
    MEASURE("call_reply_2as", ROUNDS, atm_call(endpoint, 0, 0, 0, 0, 0));
    MEASURE("call_reply_4words", ROUNDS, atm_call(endpoint, TAG(0, 4, 0), 1, 2, 3, 4));
    MEASURE("call_reply_10words", ROUNDS, atm_call(endpoint, TAG(0, 10, 0), 1, 2, 3, 4));
    MUST("call", atm_call(endpoint, TAG(0, 10, 0), 1, 2, 3, 4));
    bench_partner_end(partner);
    MUST("destroy", atm_destroy(endpoint));
    atm_handle_close(endpoint);
}

static void bench_calls_within(void)
{
    static unsigned char stack[2 * PAGE_SIZE] __attribute__((aligned(16)));
    uint64_t endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    uint64_t top = (uintptr_t)(stack + sizeof stack - 8);
    uint64_t thread = MUST("thread_create", atm_thread_create(0, (uintptr_t)&partner_echo, top,
                                                              endpoint, SETUP(PRIORITY, 0), 0));
    MUST("call", atm_call(endpoint, 0, 0, 0, 0, 0));
    MEASURE("call_reply_1as", ROUNDS, atm_call(endpoint, 0, 0, 0, 0, 0));
    object_destroy(thread);
    atm_handle_close(thread);
    MUST("destroy", atm_destroy(endpoint));
    atm_handle_close(endpoint);
}

/* Two processes that hand the processor to and fro: by yield, and by event bits. */
static void bench_ping_pong(void)
{
    uint64_t ping = MUST("endpoint_create", atm_endpoint_create(0));
    uint64_t pong = MUST("endpoint_create", atm_endpoint_create(0));
    uint64_t partner = bench_partner("yield", ping);
    MUST("receive", atm_receive(ping, 0));
    MEASURE("yield_pingpong", ROUNDS, atm_yield());
    bench_partner_end(partner);
    partner = partner_start("signal", ping, pong);
    MUST("signal", atm_signal(ping, 1));
    MUST("receive", atm_receive(pong, 0));
    MEASURE("signal_pingpong", ROUNDS, atm_signal(ping, 1); atm_receive(pong, 0));
    bench_partner_end(partner);
    MUST("destroy", atm_destroy(ping));
    MUST("destroy", atm_destroy(pong));
    atm_handle_close(ping);
    atm_handle_close(pong);
}

static void bench_memory(void)
{
    const uint64_t rw = PAGE_READ | PAGE_WRITE;
    uint64_t spent = 0;
    MUST("map", atm_map(0, PLACE_VA - PAGE_SIZE, 1, rw));
    MUST("map", atm_map(0, PLACE_VA + 0x100000, 1, rw)); /* keeps the page table */
    MUST("map", atm_map(0, SOURCE_VA, 1, rw));
    MEASURE("map_unmap_fresh", ROUNDS, atm_map(0, PLACE_VA, 1, rw); atm_unmap(0, PLACE_VA, 1, 0));
    MEASURE("share_unmap", ROUNDS, atm_share(0, SOURCE_VA, 0, PLACE_VA, 1, PAGE_READ);
            atm_unmap(0, PLACE_VA, 1, 0));
    for (uint64_t round = 0; round < ROUNDS_FEW; round++) {
        uint64_t begin = ticks();
        struct atm_result r = atm_map(0, PLACE_VA, MAP_PIECE, rw);
        spent += ticks() - begin;
        bench_must("map", r.status, 0);
        memory_unmap(0, PLACE_VA, r.r[0], 0);
    }
    bench_print("bulk_map_page", spent, (uint64_t)ROUNDS_FEW * MAP_PIECE);
}

static void bench_objects(void)
{
    uint64_t endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    MEASURE("handle_copy_close", ROUNDS,
            atm_handle_close(atm_handle_copy(0, endpoint, RIGHTS_ALL, 0).r[0]));
    MEASURE("endpoint_create_destroy", ROUNDS_FEW, uint64_t e = atm_endpoint_create(0).r[0];
            atm_destroy(e); atm_handle_close(e));
    MEASURE("thread_create_destroy", ROUNDS_FEW,
            uint64_t t = atm_thread_create(0, PLACE_VA, 0, 0, SETUP_SUSPENDED, 0).r[0];
            object_destroy(t); atm_handle_close(t));
    MEASURE("process_create_destroy", ROUNDS_FEW,
            uint64_t p = atm_process_create(bench_container, 0, 0, 0, 0).r[0];
            object_destroy(p); atm_handle_close(p));
    MUST("process_create", atm_process_create(bench_container, 0, 0, 0, 0));
    MUST("destroy", atm_destroy(endpoint));
    atm_handle_close(endpoint);
}

static void bench_fault(void)
{
    uint64_t endpoint = MUST("endpoint_create", atm_endpoint_create(0));
    uint64_t partner = bench_partner("fault", endpoint);
    MUST("receive", atm_receive(endpoint, 0));
    MUST("fault_handler", atm_fault_handler(partner, endpoint));
    struct atm_result r = atm_reply_receive(endpoint, 0, 0, 0, 0, 0);
    bench_must("receive a fault", r.status, 0);
    if ((r.r[1] & TAG_FAULT) == 0) {
        printf("bench: a message that is not a fault came\n");
        exit(1);
    }
    MEASURE("fault_roundtrip", ROUNDS,
            atm_reply_receive(endpoint, TAG(FAULT_RESUME, 0, 0), 0, 0, 0, 0));
    bench_partner_end(partner);
    MUST("destroy", atm_destroy(endpoint));
    atm_handle_close(endpoint);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        partner_run(argv[1]);
    bench_container = startup_handle("container");
    int64_t status = vfs_load("/bin/bench", &image);
    if (status != 0) {
        printf("bench: /bin/bench: %s\n", errno_text(status));
        return 1;
    }
    bench_simple();
    bench_calls();
    bench_calls_within();
    bench_ping_pong();
    bench_memory();
    bench_objects();
    bench_fault();
    bench_longest();
    return 0;
}
