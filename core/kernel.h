/* SPDX-License-Identifier: MIT */
/*
 * The kernel's global invariant, as one predicate: every system call requires it and ensures it, and requires nothing
 * about its arguments. core/invariant.c holds the C twins of its parts.
 */
#ifndef CORE_KERNEL_H
#define CORE_KERNEL_H

#include "core/alloc.h"
#include "core/arch.h"
#include "core/deadline.h"
#include "core/frame.h"
#include "core/handle.h"
#include "core/owner.h"
#include "core/queue.h"
#include "core/table.h"

/* A CPU: what it runs and what could run on it. */
struct cpu {
    pfn_t current;    /* thread it runs; 0: idle */
    endpoint_t run;   /* its run queue of priority 0, the others follow; 0: CPU not started */
    uint64_t ready;   /* bit p: run queue p is not empty */
    uint64_t tick_at; /* time of the next timer tick; meaningful while current != 0 */
};
extern struct cpu cpu_at[CPUS_MAX];

/* The first process, whose end is the end of the system; 0 before it is there. */
extern pfn_t init_process;

/* The first of the ended processes whose threads, handles and endpoints are not all closed yet; 0: there is none. */
extern pfn_t dead_first;

#define STATUS_BLOCKED                                                                             \
    ERR_LAST /* a handler's answer: the thread waits or is gone, its status comes later */

/* ---- CPUs and their run queues ---- */

/*@ predicate cpu_started{L}(integer c) = 0 <= c < CPUS_MAX && cpu_at[c].run != 0;

    // What a CPU runs is a running thread of a process that has not ended.
    predicate cpus_wf{L} = \forall integer c; 0 <= c < CPUS_MAX && cpu_at[c].current != 0 ==>
        is_thread(cpu_at[c].current) && thread_at[cpu_at[c].current].state == THREAD_RUNNING &&
        thread_at[cpu_at[c].current].cpu == c;
    // Each started CPU has run queues of its own.
    predicate run_ok{L}(integer c) = SLOTS <= cpu_at[c].run < FRAMES_MAX * SLOTS && cpu_at[c].run % SLOTS == 0 &&
        frame_kind[cpu_at[c].run / SLOTS] == FRAME_RUNQUEUE;
    predicate runs_wf{L} = \forall integer c; cpu_started(c) ==> run_ok(c);
    predicate runs_apart{L} = \forall integer c, d; cpu_started(c) && cpu_started(d) && c != d ==>
        cpu_at[c].run + PRIORITIES <= cpu_at[d].run || cpu_at[d].run + PRIORITIES <= cpu_at[c].run;
    // A ready bit says that its run queue is not empty.
    predicate has_bit(integer word, integer p) = (word & (1 << p)) != 0;
    predicate ready_wf{L} = \forall integer c, p; cpu_started(c) && 0 <= p < PRIORITIES ==>
        (has_bit(cpu_at[c].ready, p) <==> endpoint_at[cpu_at[c].run + p].first != 0);
*/

/* ---- threads and the queues they are in ---- */

/*@ // A thread that waits in an endpoint's queue agrees with the mode of the endpoint.
    predicate waits_ok{L}(integer e, integer mode) = SLOTS <= e < FRAMES_MAX * SLOTS &&
        frame_kind[e / SLOTS] == FRAME_ENDPOINTS && endpoint_at[e].generation != 0 &&
        (endpoint_at[e].mode == mode || endpoint_at[e].mode == MODE_DEAD);
    predicate thread_place_ok{L}(integer t) =
        (thread_at[t].state == THREAD_READY ==>
            queue_of[t] == cpu_at[thread_at[t].cpu].run + thread_at[t].priority) &&
        (thread_at[t].state == THREAD_SENDING ==> waits_ok(queue_of[t], MODE_SEND)) &&
        (thread_at[t].state == THREAD_RECEIVING ==> waits_ok(queue_of[t], MODE_RECEIVE)) &&
        (thread_at[t].state == THREAD_RUNNING ==> cpu_at[thread_at[t].cpu].current == t) &&
        (thread_at[t].state == THREAD_RUNNING || thread_at[t].state == THREAD_CALLING ||
            thread_at[t].state == THREAD_FAULTED || thread_at[t].state == THREAD_SUSPENDED ==> queue_of[t] == 0);
    // All threads but x (0: all) are where their state says.
    predicate places_but{L}(integer x) = \forall integer t; is_thread(t) && t != x ==> thread_place_ok(t);
    predicate threads_wf{L} = \forall integer t; is_thread(t) ==>
        thread_at[t].state < THREAD_STATES && thread_at[t].priority < PRIORITIES &&
        cpu_started(thread_at[t].cpu) && is_process(frame_owner[t]) && thread_at[t].reply_to < FRAMES_MAX &&
        (thread_at[t].reply_id != 0 ==> thread_at[t].reply_to != 0);
    // Who waits for an answer has a call number, nobody else has, and only who waits has a deadline.
    predicate waits_but{L}(integer x) = \forall integer t; is_thread(t) && t != x ==>
        (thread_at[t].call_id != 0 <==>
            thread_at[t].state == THREAD_CALLING || thread_at[t].state == THREAD_FAULTED) &&
        (thread_at[t].heap_index != 0 ==>
            THREAD_SENDING <= thread_at[t].state && thread_at[t].state <= THREAD_FAULTED);

    // An endpoint's mode says whether, and for what, threads wait in it; a slot that is none has none.
    predicate endpoints_wf{L} = \forall integer e;
        0 < e < FRAMES_MAX * SLOTS && frame_kind[e / SLOTS] == FRAME_ENDPOINTS ==>
        endpoint_at[e].mode != MODE_RUN && endpoint_at[e].mode <= MODE_DEAD &&
        (endpoint_at[e].mode != MODE_DEAD ==> (endpoint_at[e].mode == MODE_IDLE <==> endpoint_at[e].first == 0)) &&
        (endpoint_at[e].generation == 0 ==> endpoint_at[e].first == 0);
*/

/* ---- processes, containers, handles, mappings ---- */

/*@ predicate endpoint_id(integer e) = e == 0 || SLOTS <= e < FRAMES_MAX * SLOTS;
    predicate processes_wf{L} = \forall integer p; is_process(p) ==>
        is_container(frame_owner[p]) && is_root(process_at[p].root) &&
        endpoint_id(process_at[p].death_endpoint) && endpoint_id(process_at[p].fault_endpoint);
    predicate quota_wf{L} = \forall integer c; is_container(c) ==>
        container_at[c].used + container_at[c].carved <= container_at[c].total;
    predicate handle_pages_wf{L} = \forall integer p; is_process(p) ==> handle_pages_ok(p);
    predicate handle_objects_wf{L} = \forall integer h; is_slot(h) ==> handle_object_ok(h);
    // A leaf entry that is no device memory maps a user page.
    predicate leaf_ok{L}(integer t, integer k) = is_leaf(t, k) && entry_of(t, k) / PTE_DEVICE % 2 == 0 ==>
        is_user(entry_pfn(entry_of(t, k)));
    predicate mappings_wf{L} = \forall integer t, k; is_table(t) && 0 <= k < limit_of(t) ==> leaf_ok(t, k);
*/

/*@ // Frame 0, which names nothing, is no object.
    predicate nobody_wf{L} = frame_kind[0] <= FRAME_RESERVED;
*/

/*@ // All of it but what is said of thread x alone (0: of all threads), which is on its way from a place to another.
    predicate kernel_wf_but{L}(integer x) =
        frames_wf && alloc_wf && owners_wf && queues_wf && tables_wf && deadlines_wf &&
        cpus_wf && runs_wf && runs_apart && ready_wf && threads_wf && places_but(x) && waits_but(x) && endpoints_wf &&
        processes_wf && quota_wf && handle_pages_wf && handle_objects_wf && mappings_wf;
    predicate kernel_wf{L} = kernel_wf_but(0);
*/

/* For contracts: each part of kernel_wf as a goal of its own. */
/* clang-format off */
#define KERNEL_WF(x) \
    ensures frames_wf: frames_wf; ensures alloc_wf: alloc_wf; \
    ensures owners_wf: owners_wf; ensures queues_wf: queues_wf; \
    ensures tables_wf: tables_wf; ensures deadlines_wf: deadlines_wf; ensures cpus_wf: cpus_wf; \
    ensures runs_wf: runs_wf; ensures runs_apart: runs_apart; ensures ready_wf: ready_wf; \
    ensures threads_wf: threads_wf; ensures places_but: places_but(x); \
    ensures waits_but: waits_but(x); ensures endpoints_wf: endpoints_wf; \
    ensures processes_wf: processes_wf; ensures quota_wf: quota_wf; \
    ensures handle_pages_wf: handle_pages_wf; ensures handle_objects_wf: handle_objects_wf; \
    ensures mappings_wf: mappings_wf;
#define KERNEL_NEED(x) \
    requires frames_wf: frames_wf; requires alloc_wf: alloc_wf; \
    requires owners_wf: owners_wf; requires queues_wf: queues_wf; \
    requires tables_wf: tables_wf; requires deadlines_wf: deadlines_wf; requires cpus_wf: cpus_wf; \
    requires runs_wf: runs_wf; requires runs_apart: runs_apart; requires ready_wf: ready_wf; \
    requires threads_wf: threads_wf; requires places_but: places_but(x); \
    requires waits_but: waits_but(x); requires endpoints_wf: endpoints_wf; \
    requires processes_wf: processes_wf; requires quota_wf: quota_wf; \
    requires handle_pages_wf: handle_pages_wf; requires handle_objects_wf: handle_objects_wf; \
    requires mappings_wf: mappings_wf;
/* For code that may run while it does not hold: what held still does. */
#define KERNEL_KEPT(x) \
    ensures frames_wf: \old(frames_wf) ==> frames_wf; \
    ensures alloc_wf: \old(alloc_wf) ==> alloc_wf; \
    ensures owners_wf: \old(owners_wf) ==> owners_wf; \
    ensures queues_wf: \old(queues_wf) ==> queues_wf; \
    ensures tables_wf: \old(tables_wf) ==> tables_wf; \
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf; \
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf; ensures runs_wf: \old(runs_wf) ==> runs_wf; \
    ensures runs_apart: \old(runs_apart) ==> runs_apart; \
    ensures ready_wf: \old(ready_wf) ==> ready_wf; \
    ensures threads_wf: \old(threads_wf) ==> threads_wf; \
    ensures places_but: \old(places_but(x)) ==> places_but(x); \
    ensures waits_but: \old(waits_but(x)) ==> waits_but(x); \
    ensures endpoints_wf: \old(endpoints_wf) ==> endpoints_wf; \
    ensures processes_wf: \old(processes_wf) ==> processes_wf; \
    ensures quota_wf: \old(quota_wf) ==> quota_wf; \
    ensures handle_pages_wf: \old(handle_pages_wf) ==> handle_pages_wf; \
    ensures handle_objects_wf: \old(handle_objects_wf) ==> handle_objects_wf; \
    ensures mappings_wf: \old(mappings_wf) ==> mappings_wf;
/* The same, of what is said of threads' own fields. */
#define THREAD_KEPT(x) \
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf; ensures cpus_wf: \old(cpus_wf) ==> cpus_wf; \
    ensures threads_wf: \old(threads_wf) ==> threads_wf; \
    ensures places_but: \old(places_but(x)) ==> places_but(x); \
    ensures waits_but: \old(waits_but(x)) ==> waits_but(x);
/* Within a loop. */
#define KERNEL_LOOP(x) \
    loop invariant frames_wf: frames_wf; loop invariant alloc_wf: alloc_wf; \
    loop invariant owners_wf: owners_wf; \
    loop invariant queues_wf: queues_wf; loop invariant tables_wf: tables_wf; \
    loop invariant deadlines_wf: deadlines_wf; loop invariant cpus_wf: cpus_wf; \
    loop invariant runs_wf: runs_wf; loop invariant runs_apart: runs_apart; \
    loop invariant ready_wf: ready_wf; loop invariant threads_wf: threads_wf; \
    loop invariant places_but: places_but(x); loop invariant waits_but: waits_but(x); \
    loop invariant endpoints_wf: endpoints_wf; loop invariant processes_wf: processes_wf; \
    loop invariant quota_wf: quota_wf; loop invariant handle_pages_wf: handle_pages_wf; \
    loop invariant handle_objects_wf: handle_objects_wf; loop invariant mappings_wf: mappings_wf;
/* All the state a system call may change, for contracts that do not say it more finely yet. */
#define KERNEL_STATE \
    thread_at[0 .. FRAMES_MAX - 1], process_at[0 .. FRAMES_MAX - 1], container_at[0 .. FRAMES_MAX - 1], \
        endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], handle_at[0 .. FRAMES_MAX * SLOTS - 1], \
        table_at[0 .. FRAMES_MAX - 1], page_at[0 .. FRAMES_MAX - 1], frame_kind[0 .. FRAMES_MAX - 1], \
        frame_generation[0 .. FRAMES_MAX - 1], frame_next_birth, frame_maps[0 .. FRAMES_MAX - 1], \
        frame_owner[0 .. FRAMES_MAX - 1], own_next[0 .. FRAMES_MAX - 1], own_prev[0 .. FRAMES_MAX - 1], \
        own_first[0 .. FRAMES_MAX - 1], own_last[0 .. FRAMES_MAX - 1], owner_key[0 .. FRAMES_MAX - 1], owner_clock, \
        queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], \
        queue_key[0 .. FRAMES_MAX - 1], queue_clock, ALLOC_STATE, alloc_regions, \
        table_parent[0 .. FRAMES_MAX - 1], table_slot[0 .. FRAMES_MAX - 1], table_used[0 .. FRAMES_MAX - 1], \
        table_level[0 .. FRAMES_MAX - 1], deadline_heap[0 .. FRAMES_MAX - 1], deadline_count, \
        cpu_at[0 .. CPUS_MAX - 1], init_process, dead_first, ghost_machine
/* clang-format on */

#endif
