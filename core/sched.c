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

RARE void sched_unready(pfn_t t)
{
    queue_remove(t);
    ready_update(thread_at[T(t)].cpu, thread_at[T(t)].priority);
}

void sched_hand_over(cpu_t cpu, pfn_t t)
{
    uint64_t ready = cpu_at[CPU(cpu)].ready;
    if (thread_at[T(t)].cpu == cpu && thread_may_run(t) &&
        (ready == 0 || arch_highest_bit(ready) <= thread_at[T(t)].priority))
        cpu_run(cpu, t);
    else
        sched_ready(t);
}

/* The running thread t becomes ready: sched_next is to say who runs. */
/*@ requires kernel_wf && cpu < CPUS_MAX && cpu_at[cpu].current == t && is_thread(t);
    assigns thread_at[t].state, thread_at[t].suspended, queue_of[t], queue_next[0 .. FRAMES_MAX - 1], queue_prev[t],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
    ensures cpu_at[cpu].current == 0; */
static RARE void sched_unseat(cpu_t cpu, pfn_t t)
{
    cpu_at[CPU(cpu)].current = 0;
    sched_ready(t);
}

void sched_rotate(cpu_t cpu)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    uint64_t ready = cpu_at[CPU(cpu)].ready;
    thread_at[T(t)].slice = SLICE_TICKS;
    uint32_t priority = thread_at[T(t)].priority;
    if (ready == 0 || arch_highest_bit(ready) < priority)
        return; /* there is nobody to give it to */
    endpoint_t run = cpu_at[CPU(cpu)].run + priority;
    pfn_t next = endpoint_at[E(run)].first;
    if (arch_highest_bit(ready) != priority || !thread_may_run(next)) {
        sched_unseat(cpu, t);
        return;
    }
    queue_pop(run, next);
    queue_push(run, t);
    thread_at[T(t)].state = THREAD_READY;
    cpu_run(cpu, next);
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
    arch_timer_set(time);
}

RARE pfn_t sched_idle(cpu_t cpu)
{
    sched_timer_arm(cpu);
    return 0;
}

RARE pfn_t sched_pick_on(cpu_t cpu, pfn_t t)
{
    uint32_t n;
    sched_park(t);
    /*@ loop invariant 0 <= n <= PICK_PIECE;
        loop assigns n, t, thread_at[0 .. FRAMES_MAX - 1], queue_of[0 .. FRAMES_MAX - 1],
            queue_next[0 .. FRAMES_MAX - 1], queue_prev[0 .. FRAMES_MAX - 1],
            endpoint_at[0 .. FRAMES_MAX * SLOTS - 1], cpu_at[0 .. CPUS_MAX - 1];
        loop variant PICK_PIECE - n; */
    for (n = 0; n < PICK_PIECE && cpu_at[CPU(cpu)].ready != 0; n++) {
        t = sched_first(cpu);
        if (thread_may_run(t)) {
            cpu_run(cpu, t);
            return t;
        }
        sched_park(t);
    }
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

RARE void sched_tick(cpu_t cpu, uint64_t now)
{
    pfn_t t = cpu_at[CPU(cpu)].current;
    cpu_at[CPU(cpu)].tick_at = now + TICK_NS;
    if (t == 0)
        return;
    thread_at[T(t)].ticks++;
    if (thread_at[T(t)].slice > 1)
        thread_at[T(t)].slice--;
    else
        sched_rotate(cpu);
}
