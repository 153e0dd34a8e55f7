/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of waiting threads: a binary min-heap of threads over deadline_heap[1 .. deadline_count], so that insertion
 * and removal take at most HEAP_STEPS steps. thread_at[t].heap_index is t's place. Callers: ipc, thread, sched.
 */
#ifndef CORE_DEADLINE_H
#define CORE_DEADLINE_H

#include "core/arch.h"

#define HEAP_STEPS 24u /* 2^24 frames */

extern uint32_t deadline_count;

/*@ predicate heap_place{L}(integer i) = is_thread(deadline_heap[i]) && thread_at[deadline_heap[i]].heap_index == i;
    predicate heap_order{L}(integer i) = i / 2 >= 1 ==>
        thread_at[deadline_heap[i / 2]].deadline <= thread_at[deadline_heap[i]].deadline;
    predicate deadlines_wf{L} = deadline_count < FRAMES_MAX &&
        (\forall integer i; 1 <= i <= deadline_count ==> heap_place(i) && heap_order(i)) &&
        (\forall integer t; is_thread(t) && thread_at[t].heap_index != 0 ==>
            thread_at[t].heap_index <= deadline_count && deadline_heap[thread_at[t].heap_index] == t);
*/

/* Thread t, in no heap, is to be woken at time. */
/*@ requires is_thread(t) && thread_at[t].heap_index == 0 && deadlines_wf && deadline_count < FRAMES_MAX - 1;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index,
            thread_at[t].deadline;
    ensures deadlines_wf && thread_at[t].heap_index != 0 && thread_at[t].deadline == time;
    ensures deadline_count == \old(deadline_count) + 1; */
void deadline_insert(pfn_t t, uint64_t time);

/* Takes t out if it is in. */
/*@ requires is_thread(t) && deadlines_wf;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1].heap_index;
    ensures deadlines_wf && thread_at[t].heap_index == 0; */
void deadline_remove(pfn_t t);

/* The thread with the earliest deadline; 0: none has one. */
/*@ requires deadlines_wf;
    assigns \nothing;
    ensures \result == 0 <==> deadline_count == 0;
    ensures \result != 0 ==> is_thread(\result) && \result == deadline_heap[1]; */
pfn_t deadline_first(void);

#endif
