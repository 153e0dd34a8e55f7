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
#define PICK_PIECE 16u  /* threads of ended processes sched_next sets aside at most */
#define EXPIRE_PIECE 8u /* deadlines one timer entry handles at most */

/*@ // The run queue that t is in when it is ready.
    logic integer run_queue{L}(integer t) = cpu_at[thread_at[t].cpu].run + thread_at[t].priority;
    predicate may_run{L}(integer t) = thread_at[t].suspended == 0 && process_at[frame_owner[t]].dying == 0;
    // t waits for nothing and is nowhere: a state it is only in for a moment.
    predicate nowhere{L}(integer t) = is_thread(t) && queue_of[t] == 0 && thread_at[t].call_id == 0 &&
        thread_at[t].heap_index == 0;
    // No thread of a priority above that one is ready on CPU c.
    predicate none_above{L}(integer c, integer priority) = cpu_at[c].ready == 0 ||
        \forall integer b; priority < b < PRIORITIES ==> (cpu_at[c].ready >> b) % 2 == 0;
    // p may run on CPU c at once, in the place of a thread that stops.
    predicate goes_on{L}(integer c, integer p) =
        may_run(p) && thread_at[p].cpu == c && none_above(c, thread_at[p].priority);
*/

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
    ensures ready: thread_at[t].state == THREAD_READY && queue_of[t] == run_queue(t); */
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
    ensures ready: \old(may_run(t)) ==> thread_at[t].state == THREAD_READY && queue_of[t] == run_queue(t);
    ensures parked: !\old(may_run(t)) ==> thread_at[t].state == THREAD_SUSPENDED && queue_of[t] == 0;
    ensures current: cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current); */
void sched_ready(pfn_t t);

/* Takes a READY thread out of its run queue; its state is the caller's to set. */
/*@ requires kernel_wf && is_thread(t) && thread_at[t].state == THREAD_READY && queue_of[t] != 0;
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
    ensures queue_of[t] == 0; */
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

/* Direct switch: cpu's current thread has just blocked, and t, in no queue, may run: it runs at once if it can run here
   and nothing of higher priority is ready; else it becomes ready. */
/*@ requires cpu < CPUS_MAX && is_thread(t) && queue_of[t] == 0 && cpu_at[cpu].current == 0;
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1], ghost_machine; */
void sched_hand_over(cpu_t cpu, pfn_t t);

/* The running thread gives up the CPU to others of its priority. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current != 0;
    assigns thread_at[cpu_at[cpu].current].state, thread_at[cpu_at[cpu].current].suspended,
            thread_at[cpu_at[cpu].current].slice, queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine; */
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
        (has_bit(cpu_at[cpu].ready, q) <==> has_bit(\old(cpu_at[cpu].ready), q)); */
INDEX_GUARD void ready_update(cpu_t cpu, uint32_t priority)
{
    if (endpoint_at[E(cpu_at[CPU(cpu)].run + priority)].first == 0)
        cpu_at[CPU(cpu)].ready &= ~ready_bit(priority);
}

/* Takes the first ready thread of the highest priority, of whom there is one, out of its run queue. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].ready != 0;
    assigns queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[cpu].ready;
    ensures is_thread(\result); */
INDEX_GUARD pfn_t sched_first(cpu_t cpu)
{
    uint32_t priority = arch_highest_bit(cpu_at[CPU(cpu)].ready);
    endpoint_t run = cpu_at[CPU(cpu)].run + priority;
    pfn_t t = endpoint_at[E(run)].first;
    queue_pop(run, t);
    ready_update(cpu, priority);
    return t;
}

/* The CPU has nothing to do. */
/*@ requires cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    assigns ghost_machine;
    ensures \result == 0; */
pfn_t sched_idle(cpu_t cpu);

/* sched_pick, where the first thread t may not run: it is set aside, and the next that may becomes current. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine; */
pfn_t sched_pick_on(cpu_t cpu, pfn_t t);

/* The first ready thread of the highest priority that may run becomes current. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine;
    ensures \result == cpu_at[cpu].current; */
INDEX_GUARD pfn_t sched_pick(cpu_t cpu)
{
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
    assigns \nothing; */
INDEX_GUARD bool sched_keeps(cpu_t cpu, pfn_t t)
{
    uint64_t ready = cpu_at[CPU(cpu)].ready;
    return ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority;
}

/* The thread that runs when this kernel entry ends: the current one unless a higher priority is ready; 0: none. */
/*@ requires kernel_wf && cpu < CPUS_MAX;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine;
    ensures \result == cpu_at[cpu].current;
    ensures \result != 0 ==> is_thread(\result) && thread_at[\result].state == THREAD_RUNNING; */
pfn_t sched_next(cpu_t cpu);

/* A timer tick is due: account for it, end the slice when it is used up. */
/*@ requires cpu < CPUS_MAX && kernel_wf;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine; */
void sched_tick(cpu_t cpu, uint64_t now);

/* Asks the machine for the next timer entry this CPU needs: the earliest deadline, or the tick of a running thread. */
/*@ requires cpu < CPUS_MAX;
    assigns ghost_machine; */
void sched_timer_arm(cpu_t cpu);

#endif
