/* SPDX-License-Identifier: MIT */
/* The scheduler; see sched.h. */
#include "core/sched.h"
#include "core/deadline.h"

struct cpu cpu_at[CPUS_MAX];

/*@ requires priority < PRIORITIES;
    assigns \nothing;
    ensures \result == (1 << priority); */
static uint64_t ready_bit(uint32_t priority)
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
    cpu_at[cpu].ready |= ready_bit(priority);
}

/* The priority's run queue became empty, if it did: forget its bit. */
/*@ requires cpu < CPUS_MAX && priority < PRIORITIES && is_queue(cpu_at[cpu].run + priority);
    requires cpu_at[cpu].run < FRAMES_MAX * SLOTS;
    assigns cpu_at[cpu].ready;
    ensures clear: endpoint_at[cpu_at[cpu].run + priority].first == 0 ==> !has_bit(cpu_at[cpu].ready, priority);
    ensures set: endpoint_at[cpu_at[cpu].run + priority].first != 0 ==> cpu_at[cpu].ready == \old(cpu_at[cpu].ready);
    ensures others: \forall integer q; 0 <= q < PRIORITIES && q != priority ==>
        (has_bit(cpu_at[cpu].ready, q) <==> has_bit(\old(cpu_at[cpu].ready), q)); */
static void ready_update(cpu_t cpu, uint32_t priority)
{
    if (endpoint_at[E(cpu_at[cpu].run + priority)].first == 0)
        cpu_at[cpu].ready &= ~ready_bit(priority);
}

/* 1 if a thread may run: not to stop, in a process that has not ended. */
/*@ requires is_thread(t) && is_process(frame_owner[t]);
    assigns \nothing;
    ensures \result == 0 || \result == 1;
    ensures \result == 1 <==> may_run(t); */
static bool thread_may_run(pfn_t t)
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

/* Thread t does not run any more. */
/*@ requires nowhere(t) && thread_at[t].cpu < CPUS_MAX;
    assigns cpu_at[thread_at[t].cpu].current;
    ensures off: cpu_at[thread_at[t].cpu].current ==
        (\old(cpu_at[thread_at[t].cpu].current) == t ? 0 : \old(cpu_at[thread_at[t].cpu].current));
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(t)) ==> places_but(t); */
static inline void cpu_leave(pfn_t t)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    if (cpu_at[cpu].current == t)
        cpu_at[cpu].current = 0;
}

void sched_park(pfn_t t)
{
    cpu_leave(t);
    thread_mark(t, THREAD_SUSPENDED, 1);
}

/* Thread t, which waits for nothing and may run, becomes ready. */
/*@ requires may: may_run(t);
    requires nowhere: nowhere(t) && cpu_at[thread_at[t].cpu].current != t;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            queue_key[t], queue_clock, endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last, cpu_at[thread_at[t].cpu].ready;
    KERNEL_WF(0)
    ensures ready: thread_at[t].state == THREAD_READY && queue_of[t] == run_queue(t); */
static void sched_enqueue(pfn_t t)
{
    cpu_t cpu = thread_at[T(t)].cpu;
    uint32_t priority = thread_at[T(t)].priority;
    //@ assert started: cpu_started(cpu) && run_ok(cpu) && priority < PRIORITIES;
    //@ assert frame: (cpu_at[cpu].run + priority) / SLOTS == cpu_at[cpu].run / SLOTS;
    thread_mark(t, THREAD_READY, 0);
    queue_push(cpu_at[cpu].run + priority, t);
    //@ assert on: is_frame(t) && queue_of[t] != 0 && queue_of[t] == cpu_at[cpu].run + priority;
    //@ assert first: endpoint_at[queue_of[t]].first != 0;
    //@ assert some: endpoint_at[cpu_at[cpu].run + priority].first != 0;
    //@ assert others: ready_but(cpu, priority);
    //@ assert places: places_but(0);
    ready_set(cpu, priority);
}

void sched_ready(pfn_t t)
{
    if (thread_may_run(t))
        sched_enqueue(t);
    else
        sched_park(t);
}

void sched_unready(pfn_t t)
{
    queue_remove(t);
    ready_update(thread_at[T(t)].cpu, thread_at[T(t)].priority);
}

void sched_hand_over(cpu_t cpu, pfn_t t)
{
    uint64_t ready = cpu_at[cpu].ready;
    if (thread_at[T(t)].cpu == cpu && thread_may_run(t) &&
        (ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority))
        cpu_run(cpu, t);
    else
        sched_ready(t);
}

void sched_rotate(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    uint64_t ready = cpu_at[cpu].ready;
    thread_at[T(t)].slice = SLICE_TICKS;
    if (ready == 0 || arch_highest_bit(ready) < thread_at[T(t)].priority)
        return; /* there is nobody to give it to */
    cpu_at[cpu].current = 0;
    sched_ready(t);
}

/* The first ready thread of the highest priority that may run becomes current. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current == 0;
    assigns thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1], queue_next[0 .. FRAMES_MAX - 1],
            queue_prev[0 .. FRAMES_MAX - 1], endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1],
            ghost_machine; */
static void sched_pick(cpu_t cpu)
{
    uint32_t n;
    /*@ loop invariant 0 <= n <= PICK_PIECE;
        loop assigns n, thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
        loop variant PICK_PIECE - n; */
    for (n = 0; n < PICK_PIECE && cpu_at[cpu].ready != 0; n++) {
        uint32_t priority = arch_highest_bit(cpu_at[cpu].ready);
        endpoint_t run = cpu_at[cpu].run + priority;
        pfn_t t = endpoint_at[E(run)].first;
        queue_pop(run, t);
        ready_update(cpu, priority);
        if (thread_may_run(t)) {
            cpu_run(cpu, t);
            return;
        }
        sched_park(t);
    }
    if (cpu_at[cpu].ready != 0)
        arch_timer_set(0); /* come back at once for the rest */
}

void sched_timer_arm(cpu_t cpu)
{
    uint64_t time = UINT64_MAX;
    if (cpu_at[cpu].current != 0)
        time = cpu_at[cpu].tick_at;
    /* With more to set aside (sched_pick) or to close (process_close_next), at once. */
    if (cpu_at[cpu].current == 0 && (cpu_at[cpu].ready != 0 || dead_first != 0))
        time = 0;
    pfn_t first = deadline_first();
    if (first != 0 && thread_at[T(first)].deadline < time)
        time = thread_at[T(first)].deadline;
    arch_timer_set(time);
}

pfn_t sched_next(cpu_t cpu)
{
    pfn_t t = cpu_at[cpu].current;
    uint64_t ready = cpu_at[cpu].ready;
    if (t != 0) {
        if (ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority)
            return t;
        cpu_at[cpu].current = 0;
        sched_ready(t);
    }
    sched_pick(cpu);
    return cpu_at[cpu].current;
}

void sched_tick(cpu_t cpu, uint64_t now)
{
    pfn_t t = cpu_at[cpu].current;
    cpu_at[cpu].tick_at = now + TICK_NS;
    if (t == 0)
        return;
    thread_at[T(t)].ticks++;
    if (thread_at[T(t)].slice > 1)
        thread_at[T(t)].slice--;
    else
        sched_rotate(cpu);
}
