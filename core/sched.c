/* SPDX-License-Identifier: MIT */
/* The scheduler; see sched.h. */
#include "core/sched.h"
#include "core/deadline.h"

struct cpu cpu_at[CPUS_MAX];

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
    if (cpu_at[CPU(cpu)].current == t)
        cpu_at[CPU(cpu)].current = 0;
}

RARE void sched_park(pfn_t t)
{
    cpu_leave(t);
    thread_mark(t, THREAD_SUSPENDED, 1);
}

void sched_ready(pfn_t t)
{
    if (thread_may_run(t))
        sched_enqueue(t);
    else
        sched_park(t);
}

/* READY thread t leaves its run queue, whose ready bit may be wrong then. */
/*@ requires on: is_thread(t) && cpu_started(thread_at[t].cpu) && thread_at[t].priority < PRIORITIES &&
        queue_of[t] == run_queue(t);
    requires queues: queues_wf && runs_wf && runs_apart;
    assigns queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last;
    ensures queues_wf: queues_wf;
    ensures out: queue_of[t] == 0;
    ensures others: queue_others{Pre,Post}(t);
    ensures ready_but: \old(ready_wf) ==> ready_but(thread_at[t].cpu, thread_at[t].priority);
    ensures endpoints_wf: \old(endpoints_wf) ==> endpoints_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(t); */
static inline void run_leave(pfn_t t)
{
    //@ assert frame: run_ok(thread_at[t].cpu) && run_queue(t) / SLOTS == cpu_at[thread_at[t].cpu].run / SLOTS;
    queue_remove(t);
}

RARE void sched_unready(pfn_t t)
{
    //@ assert on: thread_place_ok(t) && queue_of[t] == run_queue(t) && run_ok(thread_at[t].cpu);
    //@ assert frame: run_queue(t) / SLOTS == cpu_at[thread_at[t].cpu].run / SLOTS;
    //@ assert first: queue_of[t] != 0 && endpoint_at[queue_of[t]].first != 0;
    //@ assert bit: has_bit(cpu_at[thread_at[t].cpu].ready, thread_at[t].priority);
    run_leave(t);
    ready_update(thread_at[T(t)].cpu, thread_at[T(t)].priority);
}

/* Whether t may run on cpu at once, if nobody else runs there. */
/*@ requires cpu < CPUS_MAX && is_thread(t) && is_process(frame_owner[t]);
    assigns \nothing;
    ensures bool: \result == 0 || \result == 1;
    ensures goes: \result == 1 <==> goes_on(cpu, t); */
INDEX_GUARD bool sched_goes_on(cpu_t cpu, pfn_t t)
{
    if (thread_at[T(t)].cpu != cpu || !thread_may_run(t))
        return false;
    return sched_keeps(cpu, t);
}

void sched_hand_over(cpu_t cpu, pfn_t t)
{
    if (sched_goes_on(cpu, t))
        cpu_run(cpu, t);
    else
        sched_ready(t);
}

/* The CPU runs nothing: who ran there is nowhere now. */
/*@ requires cpu < CPUS_MAX;
    assigns cpu_at[cpu].current;
    ensures current: cpu_at[cpu].current == 0;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(\old(cpu_at[cpu].current)); */
INDEX_GUARD void cpu_vacate(cpu_t cpu) { cpu_at[CPU(cpu)].current = 0; }

/* The running thread t becomes ready, or is parked if it is not to run on: sched_next is to say who runs. */
/*@ requires runs: is_thread(t) && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    KERNEL_NEED(0)
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            queue_key[t], queue_clock, endpoint_at[run_queue(t)].first, endpoint_at[run_queue(t)].last,
            cpu_at[cpu].current, cpu_at[cpu].ready;
    KERNEL_WF(0)
    ensures idle: cpu_at[cpu].current == 0 && thread_at[t].cpu == cpu;
    ensures ready: \old(may_run(t)) ==> is_ready(t) && thread_at[t].suspended == 0;
    ensures parked: !\old(may_run(t)) ==> is_parked(t) && cpu_at[cpu].ready == \old(cpu_at[cpu].ready); */
static RARE void sched_unseat(cpu_t cpu, pfn_t t)
{
    //@ assert running: thread_at[t].state == THREAD_RUNNING && thread_place_ok(t) && nowhere(t);
    cpu_vacate(cpu);
    sched_ready(t);
}

/* t may run for a whole slice again. */
/*@ requires is_thread(t);
    assigns thread_at[t].slice;
    ensures slice: thread_at[t].slice == SLICE_TICKS;
    THREAD_KEPT(0) */
INDEX_GUARD void slice_begin(pfn_t t) { thread_at[T(t)].slice = SLICE_TICKS; }

/* Thread x leaves the run queue in which it has waited longest, and t joins it: somebody waits there before and after. */
/*@ requires ends: 0 < run < FRAMES_MAX * SLOTS && frame_kind[run / SLOTS] == FRAME_RUNQUEUE && x != 0 &&
        x == endpoint_at[run].first;
    requires joins: is_thread(t) && queue_of[t] == 0 && t != x && queues_wf;
    assigns queue_of[x], queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1], queue_key[t],
            queue_clock, endpoint_at[run].first, endpoint_at[run].last;
    ensures queues_wf: queues_wf;
    ensures out: queue_of[x] == 0;
    ensures on: queue_of[t] == run && waits_last(t);
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures endpoints_wf: \old(endpoints_wf) ==> endpoints_wf;
    ensures places: \forall integer u; is_thread(u) && u != t && u != x && \old(thread_place_ok(u)) ==>
        thread_place_ok(u); */
INDEX_GUARD void queue_turn(endpoint_t run, pfn_t x, pfn_t t)
{
    queue_pop(run, x);
    queue_push(run, t);
    //@ assert on: is_frame(t) && queue_of[t] != 0 && queue_of[t] == run;
    //@ assert some: endpoint_at[run].first != 0;
}

/* cpu runs x, which is nowhere, in the place of t, which is in its run queue already. */
/*@ requires turn: is_thread(t) && is_thread(x) && t != x && cpu < CPUS_MAX && cpu_at[cpu].current == t;
    requires ready: queue_of[t] == run_queue(t) && thread_at[t].cpu == cpu && thread_at[t].state == THREAD_RUNNING;
    requires nowhere: nowhere(x) && thread_at[x].cpu == cpu && thread_at[x].state == THREAD_READY;
    assigns thread_at[t].state, thread_at[x].state, cpu_at[cpu].current;
    ensures done: thread_at[t].state == THREAD_READY && thread_at[x].state == THREAD_RUNNING && cpu_at[cpu].current == x;
    ensures deadlines_wf: \old(deadlines_wf) ==> deadlines_wf;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures waits_but: \old(waits_but(0)) ==> waits_but(0);
    ensures places_wf: (\forall integer u; is_thread(u) && u != t && u != x ==> \old(thread_place_ok(u))) ==>
        places_but(0); */
INDEX_GUARD void cpu_turn(cpu_t cpu, pfn_t t, pfn_t x)
{
    thread_at[T(t)].state = THREAD_READY;
    thread_at[T(x)].state = THREAD_RUNNING;
    cpu_at[CPU(cpu)].current = x;
}

void sched_rotate(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    uint64_t ready = cpu_at[CPU(cpu)].ready;
    //@ assert running: is_thread(t) && thread_at[t].state == THREAD_RUNNING && nowhere(t) && thread_at[t].cpu == cpu;
    slice_begin(t);
    uint32_t priority = thread_at[T(t)].priority;
    if (ready == 0 || arch_highest_bit(ready) < priority)
        return; /* there is nobody to give it to */
    endpoint_t run = cpu_at[CPU(cpu)].run + priority;
    //@ assert run: run_ok(cpu) && run / SLOTS == cpu_at[cpu].run / SLOTS && run == run_queue(t);
    pfn_t next = endpoint_at[E(run)].first;
    //@ assert bit: has_bit(ready, priority) ==> next != 0 && is_thread(next);
    if (arch_highest_bit(ready) != priority || !thread_may_run(next)) {
        sched_unseat(cpu, t);
        return;
    }
    next = run_first(cpu, priority);
    //@ assert next: queue_of[next] == run && thread_place_ok(next) && next != t;
    //@ assert waits: thread_at[next].call_id == 0 && thread_at[next].heap_index == 0;
    //@ assert nowhere: nowhere(t) && queue_of[t] == 0;
    queue_turn(run, next, t);
    cpu_turn(cpu, t, next);
}

RARE void sched_timer_arm(cpu_t cpu)
{
    uint64_t time = UINT64_MAX;
    if (cpu_at[CPU(cpu)].current != 0)
        time = cpu_at[CPU(cpu)].tick_at;
    /* With more to set aside (sched_pick) or to close (process_close_next), at once. */
    if (cpu_at[CPU(cpu)].current == 0 && (cpu_at[CPU(cpu)].ready != 0 || dead_first != 0))
        time = 0;
    pfn_t first = deadline_first();
    if (first != 0 && thread_at[T(first)].deadline < time)
        time = thread_at[T(first)].deadline;
    //@ assert time: time == timer_time(cpu);
    arch_timer_set(time);
}

RARE pfn_t sched_idle(cpu_t cpu)
{
    sched_timer_arm(cpu);
    return 0;
}

/* Thread t, just taken out of its run queue, may not run: it is parked, and noted. */
/*@ requires nowhere: nowhere(t) && cpu_at[thread_at[t].cpu].current != t && aside_count <= PICK_PIECE;
    KERNEL_NEED(t)
    assigns thread_at[t].state, thread_at[t].suspended, cpu_at[thread_at[t].cpu].current, aside[aside_count], aside_count;
    KERNEL_WF(0)
    ensures parked: is_parked(t);
    ensures current: cpu_at[thread_at[t].cpu].current == \old(cpu_at[thread_at[t].cpu].current);
    ensures noted: aside_count == \old(aside_count) + 1 && aside[aside_count - 1] == t;
    ensures among: is_aside(t);
    ensures still: \forall integer u; \old(is_aside(u)) ==> is_aside(u); */
static inline void sched_set_aside(pfn_t t)
{
    sched_park(t);
    //@ ghost aside[aside_count] = t;
    //@ ghost aside_count++;
}

RARE pfn_t sched_pick_on(cpu_t cpu, pfn_t t)
{
    uint32_t n;
    sched_set_aside(t);
    /*@ loop invariant range: 0 <= n <= PICK_PIECE && aside_count == n + 1;
        loop invariant idle: cpu_started(cpu) && cpu_at[cpu].current == 0;
        loop invariant parked: aside_parked{Pre,Here}(cpu);
        loop invariant ordered: aside_ordered;
        loop invariant precede: aside_precede(cpu);
        loop invariant only: aside_only{Pre,Here}(0);
        KERNEL_LOOP(0)
        loop assigns n, t, PICK_STATE(cpu);
        loop variant PICK_PIECE - n; */
    for (n = 0; n < PICK_PIECE && cpu_at[CPU(cpu)].ready != 0; n++) {
        t = sched_first(cpu);
        if (thread_may_run(t)) {
            cpu_run(cpu, t);
            return t;
        }
        sched_set_aside(t);
    }
    //@ assert none: picked_none(cpu);
    return sched_idle(cpu); /* with more to set aside it comes back at once */
}

pfn_t sched_next(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    if (t != 0) {
        if (sched_keeps(cpu, t))
            return t;
        sched_unseat(cpu, t);
    }
    return sched_pick(cpu);
}

/* The time of the CPU's next tick. */
/*@ requires cpu < CPUS_MAX;
    assigns cpu_at[cpu].tick_at;
    ensures next: cpu_at[cpu].tick_at == time;
    ensures cpus_wf: \old(cpus_wf) ==> cpus_wf;
    ensures runs_wf: \old(runs_wf) ==> runs_wf;
    ensures runs_apart: \old(runs_apart) ==> runs_apart;
    ensures ready_wf: \old(ready_wf) ==> ready_wf;
    ensures threads_wf: \old(threads_wf) ==> threads_wf;
    ensures places_but: \old(places_but(0)) ==> places_but(0); */
static inline void tick_set(cpu_t cpu, uint64_t time) { cpu_at[CPU(cpu)].tick_at = time; }

/* t ran at one more tick. */
/*@ requires is_thread(t) && thread_at[t].ticks < UINT64_MAX;
    assigns thread_at[t].ticks;
    ensures ticks: thread_at[t].ticks == \old(thread_at[t].ticks) + 1;
    THREAD_KEPT(0) */
static inline void tick_count(pfn_t t) { thread_at[T(t)].ticks++; }

/* Its slice is one tick shorter. */
/*@ requires is_thread(t) && thread_at[t].slice > 0;
    assigns thread_at[t].slice;
    ensures slice: thread_at[t].slice == \old(thread_at[t].slice) - 1;
    THREAD_KEPT(0) */
static inline void slice_less(pfn_t t) { thread_at[T(t)].slice--; }

RARE void sched_tick(cpu_t cpu, uint64_t now)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    tick_set(cpu, now + TICK_NS);
    if (t == 0)
        return;
    tick_count(t);
    if (thread_at[T(t)].slice > 1)
        slice_less(t);
    else
        sched_rotate(cpu);
}
