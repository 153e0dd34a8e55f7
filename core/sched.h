/* SPDX-License-Identifier: MIT */
/*
 * Scheduling: 64 priorities, round robin within one, time slices of SLICE_TICKS timer ticks. The running thread is in no
 * queue; a ready thread is in the run queue of its CPU and priority; bit p of cpu_at[c].ready says that queue is not
 * empty. A handler never switches: it changes states, and sched_next, called once at the end of each kernel entry,
 * says which thread runs.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/kernel.h"

#define TICK_NS 4000000u /* 4 ms */
#define SLICE_TICKS 2u
#define PICK_PIECE 16u /* threads that may not run sched_next sets aside at most, after the first */
#define EXPIRE_PIECE 8u /* deadlines one timer entry handles at most */

/*@ // The run queue that t is in when it is ready.
    logic integer run_queue{L}(integer t) = cpu_at[thread_at[t].cpu].run + thread_at[t].priority;
    predicate may_run{L}(integer t) = thread_at[t].suspended == 0 && process_at[frame_owner[t]].dying == 0;
    // t waits for nothing and is nowhere: a state it is only in for a moment.
    predicate nowhere{L}(integer t) = is_thread(t) && queue_of[t] == 0 && thread_at[t].call_id == 0 &&
        thread_at[t].heap_index == 0;
    // No thread of a priority above that one is ready on CPU c.
    predicate none_above{L}(integer c, integer priority) = cpu_at[c].ready == 0 ||
        \forall integer b; priority < b < PRIORITIES ==> !has_bit(cpu_at[c].ready, b);
    // p may run on CPU c at once, in the place of a thread that stops.
    predicate goes_on{L}(integer c, integer p) =
        may_run(p) && thread_at[p].cpu == c && none_above(c, thread_at[p].priority);
    // t joined its queue after all others in it.
    predicate waits_last{L}(integer t) = \forall integer u; is_frame(u) && u != t && queue_of[u] == queue_of[t] ==>
        queue_key[u] < queue_key[t];
    // t is READY, behind all others of its priority; or SUSPENDED.
    predicate is_ready{L}(integer t) =
        thread_at[t].state == THREAD_READY && queue_of[t] == run_queue(t) && waits_last(t);
    predicate is_parked{L}(integer t) =
        thread_at[t].state == THREAD_SUSPENDED && thread_at[t].suspended == 1 && queue_of[t] == 0;
    // t waits for nothing any more: it is the one if it may run, else the other.
    predicate let_go{K,L}(integer t) = (may_run{K}(t) ==> is_ready{L}(t)) && (!may_run{K}(t) ==> is_parked{L}(t));
*/

/*@ // Of CPU c's READY threads,
    predicate ready_on{L}(integer c, integer t) =
        is_thread(t) && thread_at[t].state == THREAD_READY && thread_at[t].cpu == c;
    // the higher priority runs first, and of one priority who has waited longest:
    predicate precedes{L}(integer t, integer u) = thread_at[u].priority < thread_at[t].priority ||
        thread_at[u].priority == thread_at[t].priority && queue_key[t] < queue_key[u];
    // t precedes them all.
    predicate precedes_all{L}(integer c, integer t) = \forall integer u; ready_on(c, u) && u != t ==> precedes(t, u);
    predicate first_ready{L}(integer c, integer t) = ready_on(c, t) && precedes_all(c, t);
*/

/*@ ghost extern pfn_t aside[PICK_PIECE + 1]; */ /* the threads that sched_pick set aside last, in order */
/*@ ghost extern uint32_t aside_count; */

/*@ predicate is_aside{L}(integer u) = \exists integer i; 0 <= i < aside_count && aside[i] == u;
    // They were ready and might not run, are parked now,
    predicate aside_parked{K,L}(integer c) = \at(aside_count,L) <= PICK_PIECE + 1 &&
        \forall integer i; 0 <= i < \at(aside_count,L) ==> ready_on{K}(c, \at(aside[i],L)) &&
            !may_run{K}(\at(aside[i],L)) && is_parked{L}(\at(aside[i],L));
    // preceded each other in that order, and precede all that are ready still.
    predicate aside_ordered{L} = \forall integer i, j; 0 <= i < j < aside_count ==> precedes(aside[i], aside[j]);
    predicate aside_precede{L}(integer c) = \forall integer i; 0 <= i < aside_count ==> precedes_all(c, aside[i]);
    // No thread is in another place or state but these and x.
    predicate place_same{K,L}(integer u) = \at(thread_at[u].state,K) == \at(thread_at[u].state,L) &&
        \at(thread_at[u].suspended,K) == \at(thread_at[u].suspended,L) && \at(queue_of[u],K) == \at(queue_of[u],L);
    predicate aside_only{K,L}(integer x) = \forall integer u; is_frame(u) && u != x && !is_aside{L}(u) ==>
        place_same{K,L}(u);
    // r runs now, precedes all that are ready still, and was preceded by those set aside.
    predicate picked{L}(integer c, integer r) = cpu_at[c].current == r && thread_at[r].state == THREAD_RUNNING &&
        queue_of[r] == 0 && precedes_all(c, r) && \forall integer i; 0 <= i < aside_count ==> precedes(aside[i], r);
    // Nobody is ready, or more of them may have to be set aside.
    predicate picked_none{L}(integer c) = aside_count == PICK_PIECE + 1 || \forall integer u; !ready_on(c, u);
*/

/* For contracts: what choosing a thread changes, and who is chosen, r (0: nobody). */
/* clang-format off */
#define PICK_STATE(cpu) \
    thread_at[0 .. FRAMES_MAX - 1].state, thread_at[0 .. FRAMES_MAX - 1].suspended, queue_of[0 .. FRAMES_MAX - 1], \
        queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], \
        endpoint_at[cpu_at[cpu].run .. cpu_at[cpu].run + (PRIORITIES - 1)], cpu_at[cpu].current, cpu_at[cpu].ready, \
        aside[0 .. PICK_PIECE], aside_count
#define PICKED(cpu, r) \
    ensures current: r == cpu_at[cpu].current; \
    ensures parked: aside_parked{Pre,Post}(cpu); \
    ensures ordered: aside_ordered; \
    ensures precede: aside_precede(cpu); \
    ensures only: aside_only{Pre,Post}(r); \
    ensures picked: r != 0 ==> picked(cpu, r); \
    ensures could: r != 0 ==> ready_on{Pre}(cpu, r) && may_run{Pre}(r); \
    ensures none: r == 0 ==> picked_none(cpu);
/* clang-format on */

/*@ requires priority < PRIORITIES;
    assigns \nothing;
    ensures \result == (1 << priority); */
INDEX_GUARD uint64_t ready_bit(uint32_t priority)
{
    //@ assert fits: (uint64_t)(1 << priority) == (1 << priority);
    return (uint64_t)1 << priority;
}

/*@ predicate ready_but{L}(integer c, integer p) = \forall integer d, q; cpu_started(d) && 0 <= q < PRIORITIES &&
        !(d == c && q == p) ==> (has_bit(cpu_at[d].ready, q) <==> endpoint_at[cpu_at[d].run + q].first != 0); */

/* The priority's run queue is not empty: remember it. */
/*@ requires cpu < CPUS_MAX && priority < PRIORITIES && endpoint_at[cpu_at[cpu].run + priority].first != 0;
    assigns cpu_at[cpu].ready;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_but(cpu, priority)) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(0); */
static inline void ready_set(cpu_t cpu, uint32_t priority)
{
    cpu_at[CPU(cpu)].ready |= ready_bit(priority);
}

/* 1 if a thread may run: not to stop, in a process that has not ended. */
/*@ requires is_thread(t) && is_process(frame_owner[t]);
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> may_run(t); */
INDEX_GUARD bool thread_may_run(pfn_t t)
{
    return thread_at[T(t)].suspended == 0 && process_at[P(frame_owner[t])].dying == 0;
}

/* Thread t, which waits for nothing, is SUSPENDED or about to be put where state says. */
/*@ requires nowhere(t) && state < THREAD_STATES && suspended <= 1;
    requires current: cpu_at[thread_at[t].cpu].current != t;
    assigns thread_at[t].state, thread_at[t].suspended;
    ensures done: thread_at[t].state == state && thread_at[t].suspended == suspended;
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(t)) ==> places_but(t);
    ensures waits_but: \old(waits_but(t)) ==> waits_but(t);
    ensures waits_wf: \old(waits_but(t)) && (state == THREAD_READY || state == THREAD_SUSPENDED) ==> waits_but(0);
    ensures places_wf: \old(places_but(t)) && state == THREAD_SUSPENDED ==> places_but(0); */
static inline void thread_mark(pfn_t t, uint8_t state, uint8_t suspended)
{
    thread_at[T(t)].state = state;
    thread_at[T(t)].suspended = suspended;
}

/* Thread t, which waits for nothing and may run, becomes ready. */
/*@ requires may: may_run(t);
    requires nowhere: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            queue_key[t], queue_clock, endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(0)
    ensures ready: thread_at[t].state == THREAD_READY && queue_of[t] == run_queue(t);
    ensures last: waits_last(t) && thread_at[t].suspended == 0; */
INDEX_GUARD void sched_enqueue(pfn_t t)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    uint32_t priority = thread_at[T(t)].priority;
    //@ assert started: cpu_started(cpu) && run_ok(cpu) && priority < PRIORITIES;
    //@ assert frame: (cpu_at[cpu].run + priority) / SLOTS == cpu_at[cpu].run / SLOTS;
    thread_mark(t, THREAD_READY, 0);
    queue_push(cpu_at[CPU(cpu)].run + priority, t);
    //@ assert on: is_frame(t) && queue_of[t] != 0 && queue_of[t] == cpu_at[cpu].run + priority;
    //@ assert first: endpoint_at[queue_of[t]].first != 0;
    //@ assert some: endpoint_at[cpu_at[cpu].run + priority].first != 0;
    //@ assert others: ready_but(cpu, priority);
    //@ assert places: places_but(0);
    ready_set(cpu, priority);
}

/* Thread t, which waits for nothing, may run: READY in its run queue, or SUSPENDED if it is to stop or its process has
   ended. */
/*@ requires nowhere: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            queue_key[t], queue_clock, endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last,
            cpu_at[thread_at[t].cpu].current, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(0)
    ensures ready: \old(may_run(t)) ==> is_ready(t) && thread_at[t].suspended == 0;
    ensures parked: !\old(may_run(t)) ==> is_parked(t) && cpu_at[thread_at[t].cpu].ready ==
        \old(cpu_at[thread_at[t].cpu].ready);
    ensures current: cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current); */
void sched_ready(pfn_t t);

/* Takes a READY thread out of its run queue; its state is the caller's to set. */
/*@ requires ready: is_thread(t) && thread_at[t].state == THREAD_READY;
    KERNEL_NEED(0)
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(t)
    ensures waits_wf: waits_but(0);
    ensures out: nowhere(t) && cpu_at[thread_at[t].cpu].current != t; */
void sched_unready(pfn_t t);

/* Thread p, which waits for nothing and is nowhere, is about to be what a CPU runs. */
/*@ requires nowhere: nowhere(p);
    assigns thread_at[p].state;
    ensures state: thread_at[p].state == THREAD_RUNNING;
    THREAD_KEPT(p)
    ensures waits_wf: \old(waits_but(p)) ==> waits_but(0); */
static inline void cpu_mark(pfn_t p) { thread_at[T(p)].state = THREAD_RUNNING; }

/* cpu runs p; who ran there, if anybody, is nowhere now. */
/*@ requires running: nowhere(p) && cpu < CPUS_MAX && thread_at[p].cpu == cpu && thread_at[p].state == THREAD_RUNNING;
    assigns cpu_at[cpu].current;
    ensures current: cpu_at[cpu].current == p;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(p)) ==> places_but(\old(cpu_at[cpu].current)); */
static inline void cpu_take(cpu_t cpu, pfn_t p) { cpu_at[CPU(cpu)].current = p; }

/* t, which runs, stops: its CPU has nothing to do, and t is nowhere now. */
/*@ requires runs: is_thread(t) && thread_at[t].cpu < CPUS_MAX && cpu_at[thread_at[t].cpu].current == t;
    assigns cpu_at[thread_at[t].cpu].current;
    ensures current: cpu_at[thread_at[t].cpu].current == 0;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(t); */
INDEX_GUARD void cpu_stop(pfn_t t) { cpu_at[CPU(thread_at[T(t)].cpu)].current = 0; }

/* Thread p, which waits for nothing and is nowhere, is what cpu runs; who ran there, if anybody, is nowhere now. */
/*@ requires nowhere: nowhere(p) && cpu < CPUS_MAX && thread_at[p].cpu == cpu;
    KERNEL_NEED(p)
    assigns thread_at[p].state, cpu_at[cpu].current;
    KERNEL_WF(\old(cpu_at[cpu].current))
    ensures waits_wf: waits_but(0);
    ensures runs: cpu_at[cpu].current == p && thread_at[p].state == THREAD_RUNNING; */
INDEX_GUARD void cpu_run(cpu_t cpu, pfn_t p)
{
    cpu_mark(p);
    cpu_take(cpu, p);
}

/* Direct switch: cpu's current thread has just blocked, and t waits for nothing: it runs at once if it can run here and
   nothing of higher priority is ready; else it becomes ready, or is parked if it may not run at all. */
/*@ requires nowhere: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    requires idle: cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            queue_key[t], queue_clock, endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last,
            cpu_at[thread_at[t].cpu].current, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(0)
    behavior runs:
        assumes goes_on(cpu, t);
        assigns thread_at[t].state, cpu_at[cpu].current;
        ensures runs: cpu_at[cpu].current == t && thread_at[t].state == THREAD_RUNNING;
        ensures queue: queue_of[t] == 0 && queue_key[t] == \old(queue_key[t]);
    behavior ready:
        assumes may_run(t) && !goes_on(cpu, t);
        ensures ready: is_ready(t);
        ensures idle: cpu_at[cpu].current == 0;
        ensures current: cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current);
    behavior parked:
        assumes !may_run(t);
        ensures parked: is_parked(t);
        ensures idle: cpu_at[cpu].current == 0;
        ensures current: cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current);
    complete behaviors;
    disjoint behaviors;
*/
void sched_hand_over(cpu_t cpu, pfn_t t);

/*@ // When the thread that CPU c runs gives it up: who has waited longest at its priority (0: nobody),
    logic integer turn_next{L}(integer c) = endpoint_at[run_queue(cpu_at[c].current)].first;
    // whether nobody of that priority or above is ready, and whether all that is needed is that the two change places.
    predicate turn_alone{L}(integer c) = none_above(c, thread_at[cpu_at[c].current].priority - 1);
    predicate turn_passes{L}(integer c) = !turn_alone(c) && none_above(c, thread_at[cpu_at[c].current].priority) &&
        may_run(turn_next(c));
    // t, which ran, is ready behind all others of its priority, and x runs;
    predicate turn_taken{L}(integer c, integer t, integer x) = is_ready(t) && cpu_at[c].current == x &&
        thread_at[x].state == THREAD_RUNNING && queue_of[x] == 0;
    // or it is ready or parked, and sched_next is to say who runs.
    predicate turn_open{K,L}(integer c, integer t) = \at(cpu_at[c].current,L) == 0 && let_go{K,L}(t);
*/
/* For contracts: what that changes. */
/* clang-format off */
#define TURN_STATE(cpu) \
    thread_at[cpu_at[cpu].current].slice, thread_at[cpu_at[cpu].current].state, \
        thread_at[cpu_at[cpu].current].suspended, thread_at[turn_next(cpu)].state, queue_of[cpu_at[cpu].current], \
        queue_of[turn_next(cpu)], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], \
        queue_key[cpu_at[cpu].current], queue_clock, endpoint_at[run_queue(cpu_at[cpu].current)].first, \
        endpoint_at[run_queue(cpu_at[cpu].current)].last, cpu_at[cpu].current, cpu_at[cpu].ready
/* clang-format on */

/* The running thread gives up the CPU to others of its priority. */
/*@ requires runs: cpu < CPUS_MAX && cpu_at[cpu].current != 0;
    KERNEL_NEED(0)
    assigns TURN_STATE(cpu);
    KERNEL_WF(0)
    ensures slice: thread_at[\old(cpu_at[cpu].current)].slice == SLICE_TICKS;
    behavior alone:
        assumes turn_alone(cpu);
        assigns thread_at[cpu_at[cpu].current].slice;
    behavior passes:
        assumes turn_passes(cpu);
        assigns thread_at[cpu_at[cpu].current].slice, thread_at[cpu_at[cpu].current].state,
            thread_at[turn_next(cpu)].state, queue_of[cpu_at[cpu].current], queue_of[turn_next(cpu)],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], queue_key[cpu_at[cpu].current],
            queue_clock, endpoint_at[run_queue(cpu_at[cpu].current)].first,
            endpoint_at[run_queue(cpu_at[cpu].current)].last, cpu_at[cpu].current;
        ensures taken: turn_taken(cpu, \old(cpu_at[cpu].current), \old(turn_next(cpu)));
    behavior open:
        assumes !turn_alone(cpu) && !turn_passes(cpu);
        ensures open: turn_open{Pre,Post}(cpu, \old(cpu_at[cpu].current));
        ensures next: place_same{Pre,Post}(\old(turn_next(cpu)));
    complete behaviors;
    disjoint behaviors;
*/
void sched_rotate(cpu_t cpu);

/* Stops thread t, which is running or nowhere: SUSPENDED until resumed. */
/*@ requires nowhere: nowhere(t);
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, cpu_at[thread_at[t].cpu].current;
    KERNEL_WF(0)
    ensures parked: thread_at[t].state == THREAD_SUSPENDED && thread_at[t].suspended == 1;
    ensures current: \old(cpu_at[thread_at[t].cpu].current) != t ==>
        cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current); */
void sched_park(pfn_t t);

/* The priority's run queue became empty, if it did: forget its bit. */
/*@ requires cpu < CPUS_MAX && priority < PRIORITIES && is_queue(cpu_at[cpu].run + priority);
    requires cpu_at[cpu].run < FRAMES_MAX * SLOTS;
    assigns cpu_at[cpu].ready;
    ensures clear: endpoint_at[cpu_at[cpu].run + priority].first == 0 ==> !has_bit(cpu_at[cpu].ready, priority);
    ensures set: endpoint_at[cpu_at[cpu].run + priority].first != 0 ==> cpu_at[cpu].ready == \old(cpu_at[cpu].ready);
    ensures others: \forall integer q; 0 <= q < PRIORITIES && q != priority ==>
        (has_bit(cpu_at[cpu].ready, q) <==> has_bit(\old(cpu_at[cpu].ready), q));
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_but(cpu, priority)) && \old(has_bit(cpu_at[cpu].ready, priority)) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \forall integer x; \old(places_but(x)) ==> places_but(x); */
INDEX_GUARD void ready_update(cpu_t cpu, uint32_t priority)
{
    if (endpoint_at[E(cpu_at[CPU(cpu)].run + priority)].first == 0)
        cpu_at[CPU(cpu)].ready &= ~ready_bit(priority);
}

/* The highest priority of which a thread is ready on cpu, where one is. */
/*@ requires started: cpu_started(cpu) && cpu_at[cpu].ready != 0;
    requires queues: queues_wf && runs_wf && ready_wf && threads_wf && places_but(0);
    assigns \nothing;
    ensures some: \result < PRIORITIES && endpoint_at[cpu_at[cpu].run + \result].first != 0;
    ensures bit: has_bit(cpu_at[cpu].ready, \result);
    ensures highest: \forall integer u; ready_on(cpu, u) ==> thread_at[u].priority <= \result; */
INDEX_GUARD uint32_t run_highest(cpu_t cpu)
{
    uint32_t priority = arch_highest_bit(cpu_at[CPU(cpu)].ready);
    //@ assert bit: has_bit(cpu_at[cpu].ready, priority);
    //@ assert some: endpoint_at[cpu_at[cpu].run + priority].first != 0;
    /*@ assert queues: \forall integer u; ready_on(cpu, u) ==> thread_place_ok(u) && queue_of[u] != 0 &&
            queue_of[u] == cpu_at[cpu].run + thread_at[u].priority; */
    /*@ assert bits: \forall integer u; ready_on(cpu, u) ==> has_bit(cpu_at[cpu].ready, thread_at[u].priority); */
    return priority;
}

/* Who has waited longest in a run queue that is not empty. */
/*@ requires started: cpu_started(cpu) && priority < PRIORITIES && endpoint_at[cpu_at[cpu].run + priority].first != 0;
    requires queues: queues_wf && runs_wf && runs_apart && threads_wf && places_but(0);
    assigns \nothing;
    ensures first: \result == endpoint_at[cpu_at[cpu].run + priority].first;
    ensures ready: ready_on(cpu, \result) && thread_at[\result].priority == priority;
    ensures on: queue_of[\result] == cpu_at[cpu].run + priority; */
INDEX_GUARD pfn_t run_first(cpu_t cpu, uint32_t priority)
{
    //@ assert frame: run_ok(cpu) && (cpu_at[cpu].run + priority) / SLOTS == cpu_at[cpu].run / SLOTS;
    pfn_t t = endpoint_at[E(cpu_at[CPU(cpu)].run + priority)].first;
    //@ assert on: is_thread(t) && queue_of[t] == cpu_at[cpu].run + priority && thread_place_ok(t);
    //@ assert kind: queue_of[t] != 0 && frame_kind[queue_of[t] / SLOTS] == FRAME_RUNQUEUE;
    //@ assert waits: thread_at[t].state != THREAD_SENDING && thread_at[t].state != THREAD_RECEIVING;
    //@ assert ready: thread_at[t].state == THREAD_READY && cpu_started(thread_at[t].cpu);
    //@ assert here: thread_at[t].cpu == cpu;
    return t;
}

/* READY thread t, which has waited longest in its run queue, leaves it; its ready bit may be wrong then. */
/*@ requires on: is_thread(t) && cpu_started(thread_at[t].cpu) && thread_at[t].priority < PRIORITIES &&
        run == run_queue(t) && t == endpoint_at[run].first;
    requires queues: queues_wf && runs_wf && runs_apart;
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[run].first,
            endpoint_at[run].last;
    ensures queues_wf: queues_wf;
    ensures out: queue_of[t] == 0;
    ensures oldest: \forall integer u; is_frame(u) && queue_of[u] == run ==> queue_key[t] < queue_key[u];
    ensures others: queue_others{Pre,Post}(t);
    ensures ready_but: \old(ready_wf) ==> ready_but(thread_at[t].cpu, thread_at[t].priority);
    ensures endpoints_wf: \old(endpoints_wf) ==> endpoints_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(t); */
INDEX_GUARD void run_pop(endpoint_t run, pfn_t t)
{
    //@ assert frame: run_ok(thread_at[t].cpu) && run / SLOTS == cpu_at[thread_at[t].cpu].run / SLOTS;
    queue_pop(run, t);
}

/* Takes the first ready thread of the highest priority, of whom there is one, out of its run queue. */
/*@ requires started: cpu_started(cpu) && cpu_at[cpu].ready != 0;
    KERNEL_NEED(0)
    assigns queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[cpu_at[cpu].run .. cpu_at[cpu].run + (PRIORITIES - 1)], cpu_at[cpu].ready;
    KERNEL_WF(\result)
    ensures waits_wf: waits_but(0);
    ensures first: first_ready(cpu, \result);
    ensures out: nowhere(\result) && cpu_at[cpu].current != \result;
    ensures others: queue_others{Pre,Post}(\result); */
INDEX_GUARD pfn_t sched_first(cpu_t cpu)
{
    uint32_t priority = run_highest(cpu);
    endpoint_t run = cpu_at[CPU(cpu)].run + priority;
    pfn_t t = run_first(cpu, priority);
    /*@ assert queues: \forall integer u; ready_on(cpu, u) ==> thread_place_ok(u) &&
            queue_of[u] == cpu_at[cpu].run + thread_at[u].priority; */
    //@ assert nowhere: thread_place_ok(t) && thread_at[t].call_id == 0 && thread_at[t].heap_index == 0;
    run_pop(run, t);
    //@ assert first: precedes_all(cpu, t);
    ready_update(cpu, priority);
    return t;
}

/* The CPU has nothing to do. */
/*@ requires cpu < CPUS_MAX && cpu_at[cpu].current == 0 && deadlines_wf;
    assigns ghost_machine;
    ensures \result == 0; */
pfn_t sched_idle(cpu_t cpu);

/* sched_pick, where the first thread t may not run: it is set aside, and the next that may becomes current. */
/*@ requires idle: cpu_started(cpu) && cpu_at[cpu].current == 0;
    requires first: first_ready(cpu, t) && !may_run(t) && nowhere(t) && aside_count == 0;
    KERNEL_NEED(t)
    assigns PICK_STATE(cpu), ghost_machine;
    KERNEL_WF(0)
    PICKED(cpu, \result) */
pfn_t sched_pick_on(cpu_t cpu, pfn_t t);

/* The first ready thread of the highest priority that may run becomes current; 0: there is none, or too many before it. */
/*@ requires idle: cpu_started(cpu) && cpu_at[cpu].current == 0;
    KERNEL_NEED(0)
    assigns PICK_STATE(cpu), ghost_machine;
    KERNEL_WF(0)
    PICKED(cpu, \result) */
INDEX_GUARD pfn_t sched_pick(cpu_t cpu)
{
    //@ ghost aside_count = 0;
    //@ assert none: cpu_at[cpu].ready == 0 ==> picked_none(cpu);
    if (cpu_at[CPU(cpu)].ready == 0)
        return sched_idle(cpu);
    pfn_t t = sched_first(cpu);
    if (!thread_may_run(t))
        return sched_pick_on(cpu, t);
    cpu_run(cpu, t);
    return t;
}

/* Whether t, which cpu runs, goes on: nothing of a higher priority is ready. */
/*@ requires cpu < CPUS_MAX && is_thread(t);
    assigns \nothing;
    ensures bool: \result == 0 || \result == 1;
    ensures keeps: \result == 1 <==> none_above(cpu, thread_at[t].priority); */
INDEX_GUARD bool sched_keeps(cpu_t cpu, pfn_t t)
{
    uint64_t ready = cpu_at[CPU(cpu)].ready;
    return ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority;
}

/* The thread that runs when this kernel entry ends: the current one unless a higher priority is ready; 0: none. */
/*@ requires started: cpu_started(cpu);
    KERNEL_NEED(0)
    assigns PICK_STATE(cpu), queue_key[cpu_at[cpu].current], queue_clock, ghost_machine;
    KERNEL_WF(0)
    ensures current: \result == cpu_at[cpu].current;
    ensures runs: \result != 0 ==> is_thread(\result) && thread_at[\result].state == THREAD_RUNNING;
    behavior keeps:
        assumes cpu_at[cpu].current != 0 && none_above(cpu, thread_at[cpu_at[cpu].current].priority);
        assigns \nothing;
        ensures same: \result == \old(cpu_at[cpu].current);
    behavior idle:
        assumes cpu_at[cpu].current == 0;
        PICKED(cpu, \result)
    behavior changes:
        assumes cpu_at[cpu].current != 0 && !none_above(cpu, thread_at[cpu_at[cpu].current].priority);
        ensures few: aside_count <= PICK_PIECE + 1;
        ensures ordered: aside_ordered;
        ensures precede: aside_precede(cpu);
        ensures parked: \forall integer i; 0 <= i < aside_count ==> ready_on{Pre}(cpu, aside[i]) &&
            !may_run{Pre}(aside[i]) && is_parked(aside[i]);
        ensures only: \forall integer u; is_frame(u) && u != \result && u != \old(cpu_at[cpu].current) &&
            !is_aside(u) ==> place_same{Pre,Post}(u);
        ensures unseated: \result != \old(cpu_at[cpu].current) ==> let_go{Pre,Post}(\old(cpu_at[cpu].current));
        ensures picked: \result != 0 ==> picked(cpu, \result);
        ensures could: \result != 0 ==> may_run{Pre}(\result) &&
            (ready_on{Pre}(cpu, \result) || \result == \old(cpu_at[cpu].current));
        ensures none: \result == 0 ==> picked_none(cpu);
    complete behaviors;
    disjoint behaviors;
*/
pfn_t sched_next(cpu_t cpu);

/* A timer tick is due: account for it, end the slice when it is used up. A tick takes 4 ms: there are not 2^64 of them. */
/*@ requires time: cpu < CPUS_MAX && now <= UINT64_MAX - TICK_NS;
    requires ticks: cpu_at[cpu].current != 0 ==> thread_at[cpu_at[cpu].current].ticks < UINT64_MAX;
    KERNEL_NEED(0)
    assigns cpu_at[cpu].tick_at, thread_at[cpu_at[cpu].current].ticks, TURN_STATE(cpu);
    KERNEL_WF(0)
    ensures next: cpu_at[cpu].tick_at == now + TICK_NS;
    ensures ticks: \old(cpu_at[cpu].current) != 0 ==>
        thread_at[\old(cpu_at[cpu].current)].ticks == \old(thread_at[cpu_at[cpu].current].ticks) + 1;
    behavior idle:
        assumes cpu_at[cpu].current == 0;
        assigns cpu_at[cpu].tick_at;
    behavior runs_on:
        assumes cpu_at[cpu].current != 0 && thread_at[cpu_at[cpu].current].slice > 1;
        assigns cpu_at[cpu].tick_at, thread_at[cpu_at[cpu].current].ticks, thread_at[cpu_at[cpu].current].slice;
        ensures slice: thread_at[cpu_at[cpu].current].slice == \old(thread_at[cpu_at[cpu].current].slice) - 1;
    behavior alone:
        assumes cpu_at[cpu].current != 0 && thread_at[cpu_at[cpu].current].slice <= 1 && turn_alone(cpu);
        assigns cpu_at[cpu].tick_at, thread_at[cpu_at[cpu].current].ticks, thread_at[cpu_at[cpu].current].slice;
        ensures slice: thread_at[cpu_at[cpu].current].slice == SLICE_TICKS;
    behavior passes:
        assumes cpu_at[cpu].current != 0 && thread_at[cpu_at[cpu].current].slice <= 1 && turn_passes(cpu);
        ensures slice: thread_at[\old(cpu_at[cpu].current)].slice == SLICE_TICKS;
        ensures taken: turn_taken(cpu, \old(cpu_at[cpu].current), \old(turn_next(cpu)));
    behavior open:
        assumes cpu_at[cpu].current != 0 && thread_at[cpu_at[cpu].current].slice <= 1 && !turn_alone(cpu) &&
            !turn_passes(cpu);
        ensures slice: thread_at[\old(cpu_at[cpu].current)].slice == SLICE_TICKS;
        ensures open: turn_open{Pre,Post}(cpu, \old(cpu_at[cpu].current));
    complete behaviors;
    disjoint behaviors;
*/
void sched_tick(cpu_t cpu, uint64_t now);

/*@ // When CPU c has to enter the kernel for its own sake: at the next tick, or, where nobody runs and there is more to set
    // aside (sched_pick) or to close (process_close_next), at once.
    logic integer tick_time{L}(integer c) = cpu_at[c].current != 0 ? cpu_at[c].tick_at :
        cpu_at[c].ready != 0 || dead_first != 0 ? 0 : UINT64_MAX;
    // The same for a thread that waits with a deadline.
    logic integer due_time{L} = deadline_count == 0 ? UINT64_MAX : due(1);
    logic integer timer_time{L}(integer c) = \min(tick_time(c), due_time);
*/

/* Asks the machine for the next timer entry this CPU needs: the earliest deadline, or the tick of a running thread; at
   once if work is left. */
/*@ requires cpu < CPUS_MAX && deadlines_wf;
    assigns ghost_machine; */
void sched_timer_arm(cpu_t cpu);

#endif
