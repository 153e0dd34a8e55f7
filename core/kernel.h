/* SPDX-License-Identifier: MIT */
/*
 * The kernel's global invariant, as one predicate: every system call requires it and ensures it, and requires nothing
 * about its arguments. core/invariant.c holds the C twins of its parts.
 */
#ifndef CORE_KERNEL_H
#define CORE_KERNEL_H

#include "core/alloc.h"
#include "core/arch.h"
#include "core/frame.h"
#include "core/handle.h"
#include "core/owner.h"
#include "core/queue.h"
#include "core/table.h"

/* A CPU: what it runs and what could run on it. */
struct cpu {
    pfn_t current;       /* thread it runs; 0: idle */
    endpoint_t run;      /* its run queue of priority 0, the others follow; 0: CPU not started */
    uint64_t ready;      /* bit p: run queue p is not empty */
    uint64_t tick_at;    /* time of the next timer tick; meaningful while current != 0 */
};
extern struct cpu cpu_at[CPUS_MAX];

/* The first process, whose end is the end of the system; 0 before it is there. */
extern pfn_t init_process;

#define STATUS_BLOCKED ERR_LAST /* a handler's answer: the thread waits or is gone, its status comes later */

/*@ predicate cpus_wf{L} = \forall integer c; 0 <= c < CPUS_MAX ==>
        (cpu_at[c].current != 0 ==> is_thread(cpu_at[c].current) &&
             thread_at[cpu_at[c].current].state == THREAD_RUNNING && queue_of[cpu_at[c].current] == 0);
    predicate threads_wf{L} = \forall integer t; is_thread(t) ==>
        thread_at[t].state < THREAD_STATES && thread_at[t].priority < PRIORITIES &&
        thread_at[t].cpu < CPUS_MAX && is_process(frame_owner[t]);
    predicate processes_wf{L} = \forall integer p; is_process(p) ==>
        is_container(frame_owner[p]) && is_table(process_at[p].root) && table_level[process_at[p].root] == 4;
    predicate quota_wf{L} = \forall integer c; is_container(c) ==>
        container_at[c].used + container_at[c].carved <= container_at[c].total;
    predicate kernel_wf{L} = cpus_wf && threads_wf && processes_wf && quota_wf && queues_wf && owners_wf &&
        alloc_wf && tables_wf && handles_wf;
*/

#endif
