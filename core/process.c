/* SPDX-License-Identifier: MIT */
/* Processes; see process.h. Their destruction is in reap.c. */
#include "core/process.h"
#include "core/container.h"
#include "core/endpoint.h"
#include "core/log.h"
#include "core/sched.h"

pfn_t init_process;
pfn_t dead_first;

bool process_fits(pfn_t p, uint64_t n) { return container_fits(frame_owner[p], n); }

pfn_t process_create(pfn_t c)
{
    if (alloc_free_frames() < PROCESS_FRAMES)
        return 0;
    pfn_t p = frame_create(FRAME_PROCESS);
    process_at[P(p)].root = table_create_root();
    pfn_t page = frame_create(FRAME_ENDPOINTS);
    process_at[P(p)].endpoint_page = page;
    table_parent[page] = p;
    handle_add_page(p, frame_create(FRAME_HANDLES));
    process_at[P(p)].endpoint_free = ENDPOINTS_MAX;
    process_at[P(p)].next_number = 1;
    process_at[P(p)].mapping_birth = frame_birth();
    container_at[C(c)].children++;
    owner_add(c, p);
    process_charge(p, PROCESS_FRAMES);
    return p;
}

uint32_t process_handle_need(pfn_t p)
{
    if (process_at[P(p)].handle_free != 0)
        return 0;
    if (process_at[P(p)].handle_pages == HANDLE_PAGES)
        return HANDLES_FULL;
    return 1;
}

void process_handles_grow(pfn_t p)
{
    handle_add_page(p, frame_create(FRAME_HANDLES));
    process_charge(p, 1);
}

uint32_t process_handle_open(pfn_t p, struct handle h)
{
    if (process_at[P(p)].handle_free == 0)
        process_handles_grow(p);
    return handle_install(p, h);
}

/* The first process ended, and with it the system: says so, and asks the machine to stop. */
/*@ assigns ghost_machine; */
static void system_end(uint8_t state, uint64_t code)
{
    if (state == PROCESS_FAULTED) {
        log_text("init ended by a fault; the system stops\n");
        code = 125;
    }
    arch_port_out((uint16_t)EXIT_PORT, 4, (uint32_t)(code % 128));
}

/* p, which has just ended, is to be closed. */
/*@ requires process: is_process(p) && dead_first != p && (dead_first == 0 || is_process(dead_first));
    assigns dead_first, process_at[0 .. FRAMES_MAX - 1];
    ensures first: dead_first == p && process_at[p].dead_prev == 0;
    ensures next: process_at[p].dead_next == \old(dead_first);
    ensures back: \old(dead_first) != 0 && \old(dead_first) != p ==> process_at[\old(dead_first)].dead_prev == p;
    ensures dying: \forall integer q; is_frame(q) ==> process_at[q].dying == \old(process_at[q].dying);
    KERNEL_KEPT(0) */
static void dead_add(pfn_t p)
{
    process_at[P(p)].dead_next = dead_first;
    process_at[P(p)].dead_prev = 0;
    if (dead_first != 0)
        process_at[P(dead_first)].dead_prev = p;
    dead_first = p;
}

void process_closed(pfn_t p)
{
    pfn_t next = process_at[P(p)].dead_next;
    pfn_t prev = process_at[P(p)].dead_prev;
    if (next != 0)
        process_at[P(next)].dead_prev = prev;
    if (prev != 0)
        process_at[P(prev)].dead_next = next;
    if (dead_first == p)
        dead_first = next;
    process_at[P(p)].dead_next = 0;
    process_at[P(p)].dead_prev = 0;
}

void process_end(pfn_t p, uint8_t state, uint64_t code)
{
    if (process_at[P(p)].dying != 0)
        return;
    process_at[P(p)].dying = 1;
    process_at[P(p)].state = state;
    process_at[P(p)].code = code;
    dead_add(p);
    if (p == init_process)
        system_end(state, code);
    cpu_t cpu;
    /*@ loop invariant 0 <= cpu <= CPUS_MAX;
        loop variant CPUS_MAX - cpu; */
    for (cpu = 0; cpu < CPUS_MAX; cpu++) {
        pfn_t t = cpu_at[cpu].current;
        if (t != 0 && frame_owner[t] == p)
            sched_park(t);
    }
    endpoint_t e = process_at[P(p)].death_endpoint;
    if (e != 0 && endpoint_is_live(e, process_at[P(p)].death_generation))
        endpoint_signal(e, process_at[P(p)].death_bits);
}
