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

/*@ // All of a thread but deadline and heap_index is the same in two states.
    predicate thread_same{K,L}(integer u) =
        \at(thread_at[u].reg,K) == \at(thread_at[u].reg,L) &&
        \at(thread_at[u].call_id,K) == \at(thread_at[u].call_id,L) &&
        \at(thread_at[u].reply_id,K) == \at(thread_at[u].reply_id,L) &&
        \at(thread_at[u].badge,K) == \at(thread_at[u].badge,L) &&
        \at(thread_at[u].message_va,K) == \at(thread_at[u].message_va,L) &&
        \at(thread_at[u].number,K) == \at(thread_at[u].number,L) &&
        \at(thread_at[u].ticks,K) == \at(thread_at[u].ticks,L) &&
        \at(thread_at[u].syscalls,K) == \at(thread_at[u].syscalls,L) &&
        \at(thread_at[u].fault_kind,K) == \at(thread_at[u].fault_kind,L) &&
        \at(thread_at[u].fault_address,K) == \at(thread_at[u].fault_address,L) &&
        \at(thread_at[u].reply_to,K) == \at(thread_at[u].reply_to,L) &&
        \at(thread_at[u].state,K) == \at(thread_at[u].state,L) &&
        \at(thread_at[u].priority,K) == \at(thread_at[u].priority,L) &&
        \at(thread_at[u].cpu,K) == \at(thread_at[u].cpu,L) &&
        \at(thread_at[u].suspended,K) == \at(thread_at[u].suspended,L) &&
        \at(thread_at[u].slice,K) == \at(thread_at[u].slice,L) &&
        \at(thread_at[u].calls,K) == \at(thread_at[u].calls,L) &&
        \at(thread_at[u].grants,K) == \at(thread_at[u].grants,L) &&
        \at(thread_at[u].fpu_used,K) == \at(thread_at[u].fpu_used,L) &&
        \at(thread_at[u].fpu,K) == \at(thread_at[u].fpu,L);
    predicate thread_due_same{K,L}(integer u) = \at(thread_at[u].deadline,K) == \at(thread_at[u].deadline,L);

    logic integer due{L}(integer i) = thread_at[deadline_heap[i]].deadline; // of the thread at a place

    // Of the heap with one place free (0: none) and thread x outside (0: none):
    // each place but the free one holds a thread that knows it,
    predicate heap_filled{L}(integer free) = \forall integer i; 1 <= i <= deadline_count && i != free ==>
        is_thread(deadline_heap[i]) && thread_at[deadline_heap[i]].heap_index == i;
    // and each thread with a place is there;
    predicate heap_inverse{L}(integer free, integer x) = \forall integer t; is_thread(t) && t != x &&
        thread_at[t].heap_index != 0 ==> thread_at[t].heap_index <= deadline_count &&
        thread_at[t].heap_index != free && deadline_heap[thread_at[t].heap_index] == t;
    // parents are not due later than their children,
    predicate heap_ordered{L}(integer free) = \forall integer i; 2 <= i <= deadline_count && i != free &&
        i / 2 != free ==> due(i / 2) <= due(i);
    // nor is the parent of the free place later than that place's children.
    predicate heap_bridged{L}(integer free) = \forall integer i; 2 <= i <= deadline_count && i / 2 == free &&
        free / 2 >= 1 ==> due(free / 2) <= due(i);

    predicate deadlines_wf{L} = deadline_count < FRAMES_MAX && heap_filled(0) && heap_inverse(0, 0) &&
        heap_ordered(0);
    // No thread changed in anything but its place in the heap;
    predicate heap_rest{K,L} = \forall integer u; thread_same{K,L}(u) && thread_due_same{K,L}(u);
    // nobody but t joined or left.
    predicate heap_others{K,L}(integer t) = \forall integer u; is_frame(u) && u != t ==>
        (\at(thread_at[u].heap_index,K) != 0 <==> \at(thread_at[u].heap_index,L) != 0);
*/

/* Thread t, in no heap, is to be woken at time. */
/*@ requires is_thread(t) && thread_at[t].heap_index == 0 && deadlines_wf && deadline_count < FRAMES_MAX - 1;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures filled: heap_filled(0);
    ensures inverse: heap_inverse(0, 0);
    ensures ordered: heap_ordered(0);
    ensures count: deadline_count == \old(deadline_count) + 1 && deadline_count < FRAMES_MAX;
    ensures in: thread_at[t].heap_index != 0 && thread_at[t].deadline == time;
    ensures rest: \forall integer u; thread_same{Pre,Post}(u) && (u != t ==> thread_due_same{Pre,Post}(u));
    ensures others: heap_others{Pre,Post}(t); */
void deadline_insert(pfn_t t, uint64_t time);

/* Takes t out if it is in. */
/*@ requires is_thread(t) && deadlines_wf;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures filled: heap_filled(0);
    ensures inverse: heap_inverse(0, 0);
    ensures ordered: heap_ordered(0);
    ensures count: deadline_count <= \old(deadline_count);
    ensures out: thread_at[t].heap_index == 0;
    ensures rest: heap_rest{Pre,Post};
    ensures others: heap_others{Pre,Post}(t); */
void deadline_remove(pfn_t t);

/* The same, for code that most often has none to take out. */
/*@ requires is_thread(t) && deadlines_wf;
    assigns deadline_count, deadline_heap[0 .. FRAMES_MAX - 1], thread_at[0 .. FRAMES_MAX - 1];
    ensures filled: heap_filled(0);
    ensures inverse: heap_inverse(0, 0);
    ensures ordered: heap_ordered(0);
    ensures count: deadline_count <= \old(deadline_count);
    ensures out: thread_at[t].heap_index == 0;
    ensures rest: heap_rest{Pre,Post};
    ensures others: heap_others{Pre,Post}(t); */
INDEX_GUARD void deadline_drop(pfn_t t)
{
    if (thread_at[T(t)].heap_index != 0)
        deadline_remove(t);
}

/* The thread with the earliest deadline; 0: none has one. */
/*@ requires deadlines_wf;
    assigns \nothing;
    ensures \result == 0 <==> deadline_count == 0;
    ensures \result != 0 ==> is_thread(\result) && \result == deadline_heap[1]; */
pfn_t deadline_first(void);

#endif
