/* SPDX-License-Identifier: MIT */
/*
 * Rows: making objects and destroying them, and handles.
 */
#include "bench.h"
#include "lib/sys.h"

#define FEW 2000u

static void endpoint_make(void)
{
    bench_endpoint = MUST("endpoint_create", atm_endpoint_create(0));
}
static void endpoint_end(void) { bench_destroy(bench_endpoint); }

static void handle_copy_close(uint64_t rounds)
{
    const uint64_t e = bench_endpoint;
    LOOP(rounds, atm_handle_close(atm_handle_copy(0, e, RIGHTS_ALL, 0).r[0]));
    MUST("handle_close",
         atm_handle_close(MUST("handle_copy", atm_handle_copy(0, e, RIGHTS_ALL, 0))));
}

/* Destroys what was just made, as bench_destroy without its checks. */
static inline void destroy(uint64_t handle)
{
    while (atm_destroy(handle).status == -ERR_AGAIN)
        ;
    atm_handle_close(handle);
}

static void endpoint(uint64_t rounds)
{
    LOOP(rounds, destroy(atm_endpoint_create(0).r[0]));
    bench_destroy(MUST("endpoint_create", atm_endpoint_create(0)));
}

static void thread(uint64_t rounds)
{
    LOOP(rounds, destroy(atm_thread_create(0, PLACE_VA, 0, 0, SETUP_SUSPENDED, 0).r[0]));
    bench_destroy(MUST("thread_create", atm_thread_create(0, PLACE_VA, 0, 0, SETUP_SUSPENDED, 0)));
}

static void process(uint64_t rounds)
{
    const uint64_t c = bench_container;
    LOOP(rounds, destroy(atm_process_create(c, 0, 0, 0, 0).r[0]));
    bench_destroy(MUST("process_create", atm_process_create(c, 0, 0, 0, 0)));
}

/* A program of the size of this one, from its file to its end. */
static void program(uint64_t rounds) { LOOP(rounds, bench_program()); }

const struct bench_row rows_object[] = {
    {.name = "handle_copy_close",
     .rounds = 20000,
     .prepare = endpoint_make,
     .run = handle_copy_close,
     .finish = endpoint_end},
    {.name = "endpoint_create_destroy", .rounds = FEW, .run = endpoint},
    {.name = "thread_create_destroy", .rounds = FEW, .run = thread},
    {.name = "process_create_destroy", .rounds = FEW, .run = process},
    {.name = "program_start_end",
     .rounds = 50,
     .prepare = endpoint_make,
     .run = program,
     .finish = endpoint_end},
    {0}};
